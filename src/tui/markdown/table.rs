//! Tables of Markdown, in columns that fit the width.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::inline::{Pieces, pieces};
use crate::tui::{text, theme};

/// Cells between two columns.
const GAP: usize = 2;
const MAX_COLUMNS: usize = 40;
const MAX_ROWS: usize = 2_000;

/// Returns whether `line` is the delimiter row below the heads of a table, such as `|---|:-:|`.
pub fn is_delimiter(line: &str, heads: &str) -> bool {
    let is_rule = |cell: &&str| {
        let dashes = cell.trim().trim_start_matches(':').trim_end_matches(':');
        !dashes.is_empty() && dashes.bytes().all(|byte| byte == b'-')
    };
    heads.contains('|') && line.contains('|') && line.len() < 4_000 && cells(line).iter().all(is_rule)
}

fn cells(line: &str) -> Vec<&str> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    line.strip_suffix('|').unwrap_or(line).split('|').take(MAX_COLUMNS).collect()
}

pub fn rows(heads: &str, lines: &[&str], width: usize) -> Vec<Line<'static>> {
    let count = cells(heads).len();
    let read = |line: &str, style: Style| -> Vec<Pieces> {
        let mut found: Vec<Pieces> = cells(line).iter().map(|cell| pieces(cell.trim(), style)).collect();
        found.resize(count, Vec::new());
        found
    };
    let heads = read(heads, theme::BOLD);
    let rows: Vec<Vec<Pieces>> = lines.iter().take(MAX_ROWS).map(|line| read(line, theme::PLAIN)).collect();
    let all = || std::iter::once(&heads).chain(&rows);
    let widest = |column: usize| all().map(|row| width_of(&row[column])).max().unwrap_or(0).max(1);
    let widths = fitting((0..count).map(widest).collect(), width);
    let is_number = |column: usize| {
        rows.iter().all(|row| {
            let cell = row[column].iter().map(|(text, _)| text.as_str()).collect::<String>();
            cell.is_empty() || cell.trim_end_matches('%').replace(',', "").parse::<f64>().is_ok()
        })
    };
    let right: Vec<bool> = (0..count).map(is_number).collect();
    let line = |row: &Vec<Pieces>| {
        let mut spans = Vec::new();
        for (column, cell) in row.iter().enumerate().take(widths.len()) {
            let shown = cut(cell, widths[column]);
            let gap = " ".repeat(widths[column] - width_of(&shown));
            let (before, after) = if right[column] { (gap, String::new()) } else { (String::new(), gap) };
            spans.push(Span::raw(before));
            spans.extend(shown.into_iter().map(|(text, style)| Span::styled(text, style)));
            let last = column + 1 == widths.len();
            spans.push(Span::raw(if last { String::new() } else { after + &" ".repeat(GAP) }));
        }
        spans.retain(|span| !span.content.is_empty());
        Line::from(spans)
    };
    let rule = widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>().join(&" ".repeat(GAP));
    let rule = Line::styled(rule, theme::DIM);
    std::iter::once(line(&heads)).chain([rule]).chain(rows.iter().map(line)).collect()
}

/// Narrows the widest columns until all fit; drops columns on the right that do not.
fn fitting(mut widths: Vec<usize>, width: usize) -> Vec<usize> {
    let total = |widths: &[usize]| widths.iter().sum::<usize>() + widths.len().saturating_sub(1) * GAP;
    while total(&widths) > width {
        match widths.iter_mut().max() {
            Some(widest) if *widest > 4 => *widest -= 1,
            _ => drop(widths.pop()),
        }
    }
    widths
}

fn width_of(cell: &Pieces) -> usize {
    cell.iter().map(|(text, _)| text::width(text)).sum()
}

fn cut(cell: &Pieces, width: usize) -> Pieces {
    let mut left = width;
    let mut shown = Vec::new();
    for (text, style) in cell {
        let part = text::cut(text, left).into_owned();
        left -= text::width(&part).min(left);
        shown.push((part, *style));
    }
    shown
}
