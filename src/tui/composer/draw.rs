//! The drawing of the input: the bar, and the text with Python's colours.

use std::borrow::Cow;
use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use unicode_segmentation::UnicodeSegmentation;

use super::draw_reply;
use super::editor::{Editor, Pos, VisibleRow, wrap};
use crate::domain::lexer::Token;
use crate::domain::{Timestamp, units};
use crate::tui::draw::canvas::put;
use crate::tui::draw::layout::Layout;
use crate::tui::line_numbers;
use crate::tui::review::dock::Purpose;
use crate::tui::text;
use crate::tui::theme;
use crate::tui::view::View;

/// What the text of a row is drawn with.
struct RowStyles<'a> {
    tokens: &'a [Token],
    marked: Option<&'a Range<Pos>>,
    /// Bytes of the code before each bracket to mark.
    brackets: Option<[usize; 2]>,
}

/// Returns where the terminal's cursor belongs.
pub fn draw(view: &View, layout: &Layout, now: Timestamp, buffer: &mut Buffer) -> Position {
    let area = layout.editor_text();
    draw_reply::question(view, layout, buffer);
    let input = view.input(now);
    let is_draft = std::ptr::eq(input, &raw const view.composer.editor);
    let is_code = is_draft || view.review_writing().is_some_and(|writing| writing.purpose == Purpose::Edit);
    let rows = input.visible(area.height.into());
    for (y, row) in (area.y..).zip(&rows) {
        let bar = layout.editor.x + layout.margin;
        put(buffer, layout.editor, bar, y, "▎", theme::YOU);
        if is_draft && layout.gutter > 0 && row.bytes.start == 0 {
            let number = line_numbers::label(row.line + 1, layout.gutter);
            put(buffer, layout.editor, bar + 2, y, &number, theme::DIM);
        }
    }
    let starts: Vec<usize> = rows.iter().map(|row| input.place_of(row)).collect();
    let end = rows.last().zip(starts.last()).map_or(0, |(row, start)| start + row.bytes.len());
    let marked = input.marked();
    let brackets = input.brackets().filter(|_| is_draft);
    input.with_colours(end, |_, tokens| {
        for ((y, row), start) in (area.y..).zip(&rows).zip(&starts) {
            let styles = RowStyles { tokens: if is_code { tokens } else { &[] }, marked: marked.as_ref(), brackets };
            draw_row(input, row, *start, &styles, Rect { y, height: 1, ..area }, buffer);
        }
    });
    let position = cursor(view, layout, now);
    if is_draft && let Some(suggestion) = view.suggestion() {
        draw_suggestion(suggestion, position, layout, buffer);
    }
    position
}

/// Returns where the cursor of the input is on the screen.
pub fn cursor(view: &View, layout: &Layout, now: Timestamp) -> Position {
    let area = layout.editor_text();
    let (row, column) = view.input(now).cursor_in_sight();
    let x = area.x + column.try_into().unwrap_or(area.width);
    let y = area.y + u16::try_from(row).unwrap_or(u16::MAX).min(area.height.saturating_sub(1));
    Position { x: x.min(layout.editor.right() - 1), y: y.min(area.bottom() - 1) }
}

/// `start`: the bytes of the code before the row.
fn draw_row(input: &Editor, row: &VisibleRow, start: usize, styles: &RowStyles<'_>, area: Rect, buffer: &mut Buffer) {
    let tokens = styles.tokens;
    let text = &input.buffer.lines()[row.line][row.bytes.clone()];
    let mut column = 0;
    let is_marked = |byte: usize| {
        let here = Pos::new(row.line, row.bytes.start + byte);
        styles.marked.is_some_and(|range| range.start <= here && here < range.end)
    };
    for (byte, grapheme) in text.grapheme_indices(true) {
        let (shown, cells) = match input.mask {
            Some(mask) => (Cow::Owned(mask.to_string()), 1),
            None => wrap::glyph(grapheme, column),
        };
        let place = start + byte;
        let token = tokens.partition_point(|token| token.range.end <= place);
        let token = tokens.get(token).filter(|token| token.range.start <= place && input.mask.is_none());
        let mut style = token.map_or(theme::PLAIN, |token| theme::code(token.class));
        if styles.brackets.is_some_and(|pair| pair.contains(&place)) {
            style = theme::BRACKET;
        }
        if is_marked(byte) {
            style = theme::SELECTED;
        }
        put(buffer, area, area.x + column as u16, area.y, &shown, style);
        column += cells;
    }
    // A selected line end takes a cell.
    if row.is_last && is_marked(text.len()) {
        put(buffer, area, area.x + column as u16, area.y, " ", theme::SELECTED);
    }
}

/// Draws the first line of the suggestion behind the cursor, and how many lines follow.
fn draw_suggestion(suggestion: &str, cursor: Position, layout: &Layout, buffer: &mut Buffer) {
    let (first, rest) = suggestion.split_once('\n').unwrap_or((suggestion, ""));
    let more = match rest.lines().count() {
        0 => String::new(),
        more => format!(" ⏎ {}", units::count(more, "more line")),
    };
    let area = Rect { width: layout.editor_text().right().saturating_sub(layout.editor.x), ..layout.editor };
    let room = usize::from(area.right().saturating_sub(cursor.x));
    put(buffer, area, cursor.x, cursor.y, &text::cut(&(text::name(first).into_owned() + &more), room), theme::DIM);
}

/// Moves the cursor of the input to a place of the screen, or to the nearest text.
pub fn put_cursor(input: &mut Editor, area: Rect, at: Position, select: bool) {
    let row = at.y.clamp(area.y, area.bottom() - 1) - area.y;
    input.click(row.into(), at.x.saturating_sub(area.x).into(), select);
}
