//! The input below its rule: the bar, the text area, and Python's colours laid over it.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use super::put;
use crate::domain::Author;
use crate::domain::lexer::tokens;
use crate::tui::layout::Layout;
use crate::tui::theme;
use crate::tui::view::View;

/// Returns where the terminal's cursor belongs.
pub fn draw(view: &View, layout: &Layout, buffer: &mut Buffer) -> Position {
    let area = layout.editor_text();
    let editor = &view.editor.area;
    let rows = view.editor.rows(area.width).clamp(1, area.height.into()) as u16;
    for y in area.y..area.y + rows {
        put(buffer, layout.editor, area.x - 2, y, "▎", theme::author(&Author::You));
    }
    editor.render(area, buffer);
    colour(view, area, buffer);
    let cursor = editor.screen_cursor();
    let (top, left) = editor.scroll_offset();
    let x = area.x + (cursor.col as u16).saturating_sub(left);
    let y = area.y + (cursor.row as u16).saturating_sub(top);
    Position { x: x.min(layout.editor.right() - 1), y: y.min(area.bottom() - 1) }
}

/// Only foreground and modifiers are written, so that a selection stays visible.
fn colour(view: &View, area: Rect, buffer: &mut Buffer) {
    let editor = &view.editor.area;
    let code = view.editor.code();
    let tokens = tokens(&code);
    let mut starts = Vec::with_capacity(editor.lines().len());
    let mut at = 0;
    for line in editor.lines() {
        starts.push(at);
        at += line.len() + 1;
    }
    let top = usize::from(editor.scroll_offset().0);
    let rows = view.editor.rows(area.width);
    // Where the characters of one line begin; rows of the same line follow one another.
    let mut offsets: (usize, Vec<usize>) = (usize::MAX, Vec::new());
    for row in 0..usize::from(area.height).min(rows.saturating_sub(top)) {
        let mut known = (usize::MAX, Style::new());
        for column in 0..usize::from(area.width) {
            let place = editor.screen_to_data(top + row, column);
            let Some(line) = editor.lines().get(place.0) else { return };
            if offsets.0 != place.0 {
                offsets = (place.0, line.char_indices().map(|(offset, _)| offset).collect());
            }
            let Some(offset) = offsets.1.get(place.1) else { break };
            let byte = starts[place.0] + offset;
            if byte != known.0 {
                let token = tokens.partition_point(|token| token.range.end <= byte);
                let style = tokens.get(token).filter(|token| token.range.start <= byte);
                known = (byte, style.map_or(Style::new(), |token| theme::code(token.class)));
            }
            let cell = &mut buffer[(area.x + column as u16, area.y + row as u16)];
            if !cell.modifier.contains(Modifier::REVERSED) {
                cell.set_style(known.1);
            }
        }
    }
}
