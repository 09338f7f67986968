//! The input below its rule: the bar, the text area, and Python's colours laid over it.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Widget;
use tui_textarea::{CursorMove, DataCursor};
use unicode_segmentation::UnicodeSegmentation;

use super::put;
use crate::domain::lexer::tokens;
use crate::domain::{Author, Inquiry, Timestamp};
use crate::tui::editor::{Editor, INDENT};
use crate::tui::layout::Layout;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Returns where the terminal's cursor belongs.
pub fn draw(view: &View, layout: &Layout, now: Timestamp, buffer: &mut Buffer) -> Position {
    let area = layout.editor_text();
    question(view, layout, buffer);
    let input = view.input(now);
    let editor = &input.area;
    let rows = input.rows(area.width).clamp(1, area.height.into()) as u16;
    for y in area.y..area.y + rows {
        put(buffer, layout.editor, area.x - 2, y, "▎", theme::author(&Author::You));
    }
    editor.render(area, buffer);
    if std::ptr::eq(input, &raw const view.editor) {
        colour(input, area, buffer);
    }
    let cursor = editor.screen_cursor();
    // The text area counts the parts of an emoji one by one; on the screen they are one.
    let start = editor.screen_to_data(cursor.row, 0);
    let DataCursor(line, column) = editor.cursor();
    let before = editor.lines()[line].chars().skip(start.1).take(column.saturating_sub(start.1));
    let before: String = match editor.mask_char() {
        Some(mask) => before.map(|_| mask).collect(),
        None => before.collect(),
    };
    let column = cells(&before).last().map_or(0, |(_, cells)| cells.end);
    let x = area.x + column.try_into().unwrap_or(area.width);
    let y = area.y + (cursor.row as u16).saturating_sub(editor.scroll_offset().0);
    Position { x: x.min(layout.editor.right() - 1), y: y.min(area.bottom() - 1) }
}

/// Puts the cursor where the screen shows `at`, or as near to it as there is text.
pub fn put_cursor(input: &mut Editor, area: Rect, at: Position) {
    let editor = &input.area;
    let row = usize::from(at.y.clamp(area.y, area.bottom() - 1) - area.y + editor.scroll_offset().0);
    let DataCursor(line, start) = editor.screen_to_data(row, 0);
    let wanted = usize::from(at.x.saturating_sub(area.x));
    let text: String = editor.lines()[line].chars().skip(start).collect();
    let column = if editor.mask_char().is_some() {
        wanted
    } else {
        let before = cells(&text).take_while(|(_, cells)| cells.end <= wanted).count();
        text.graphemes(true).take(before).map(|grapheme| grapheme.chars().count()).sum()
    };
    // The end of a row that goes on is the beginning of the next.
    let next = editor.screen_to_data(row + 1, 0);
    let most = if next.0 == line && next.1 > start { next.1 - 1 } else { usize::MAX };
    let index = |index: usize| u16::try_from(index).unwrap_or(u16::MAX);
    input.area.move_cursor(CursorMove::Jump(index(line), index((start + column).min(most))));
}

/// What a client asks, and the answers to choose from.
fn question(view: &View, layout: &Layout, buffer: &mut Buffer) {
    let Some(inquiry) = view.question() else { return };
    let area = layout.question;
    let rows = question_rows(inquiry, layout.editor_text().width);
    // The choices matter more than the end of a long question.
    let skip = rows.len().saturating_sub(area.height.into());
    for (y, row) in (area.y..area.bottom()).zip(&rows[skip..]) {
        put(buffer, area, layout.editor_text().x - 2, y, "▎", theme::author(&inquiry.by));
        buffer.set_line(layout.editor_text().x, y, row, layout.editor_text().width);
    }
}

pub fn question_rows(inquiry: &Inquiry, width: u16) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    for line in inquiry.text.lines() {
        rows.extend(text::wrap([(&*text::name(line), theme::PLAIN)], width.into(), 4));
    }
    for (index, choice) in inquiry.choices.iter().enumerate() {
        let number = format!("{} ", index + 1);
        rows.extend(text::wrap([(number.as_str(), theme::KEY), (&*text::name(choice), theme::PLAIN)], width.into(), 4));
    }
    rows
}

/// What stands in which cells of a row: the place of each grapheme in `text`, and its cells.
fn cells(text: &str) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut column = 0;
    text.grapheme_indices(true).map(move |(place, grapheme)| {
        let begin = column;
        column += if grapheme == "\t" { INDENT - column % INDENT } else { text::width(grapheme) };
        (place, begin..column)
    })
}

/// Only foreground and modifiers are written, so that a selection stays visible.
fn colour(input: &Editor, area: Rect, buffer: &mut Buffer) {
    let editor = &input.area;
    let code = input.code();
    let tokens = tokens(&code);
    let mut starts = Vec::with_capacity(editor.lines().len());
    let mut at = 0;
    for line in editor.lines() {
        starts.push(at);
        at += line.len() + 1;
    }
    let top = usize::from(editor.scroll_offset().0);
    let rows = input.rows(area.width);
    for (y, row) in (area.y..area.bottom()).zip(top..rows) {
        let DataCursor(line, column) = editor.screen_to_data(row, 0);
        let text = &editor.lines()[line];
        let Some((offset, _)) = text.char_indices().nth(column) else { continue };
        for (place, cells) in cells(&text[offset..]) {
            if cells.end > usize::from(area.width) {
                break;
            }
            let byte = starts[line] + offset + place;
            let token = tokens.partition_point(|token| token.range.end <= byte);
            let token = tokens.get(token).filter(|token| token.range.start <= byte);
            let style = token.map_or(Style::new(), |token| theme::code(token.class));
            for x in cells {
                let cell = &mut buffer[(area.x + x as u16, y)];
                if !cell.modifier.contains(Modifier::REVERSED) {
                    cell.set_style(style);
                }
            }
        }
    }
}
