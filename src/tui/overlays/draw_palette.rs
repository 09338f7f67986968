//! The palette's box: the query, and the matching actions with their keys.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use super::frame::frame;
use super::palette::{Palette, PaletteMatch};
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::Layout;
use crate::tui::view::View;
use crate::tui::{text, theme};

const MAX_WIDTH: u16 = 68;
const MAX_ROWS: u16 = 14;
/// The border, the query, and the empty row below the query.
const FIXED_ROWS: u16 = 4;

/// The box, and the number of actions in it. The height does not depend on the number of matches, so the box stays in
/// place.
fn area(layout: &Layout) -> (Rect, u16) {
    let screen = Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.y };
    let width = MAX_WIDTH.min(screen.width);
    let rows = MAX_ROWS.min(screen.height.saturating_sub(FIXED_ROWS));
    let height = rows + FIXED_ROWS;
    (Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 4, width, height }, rows)
}

/// The first match in sight.
fn first(row: usize, rows: u16) -> usize {
    (row + 1).saturating_sub(rows.into())
}

/// The match at a position of the screen.
pub fn row_at(view: &View, layout: &Layout, at: Position) -> Option<usize> {
    let palette = view.layers.palette()?;
    let (area, rows) = area(layout);
    let list = Rect { x: area.x + 1, y: area.y + 3, width: area.width - 2, height: rows };
    let count = view.palette_matches(&palette.editor.code()).len();
    let row = first(palette.row.min(count.checked_sub(1)?), rows) + usize::from(at.y.checked_sub(list.y)?);
    (list.contains(at) && row < count).then_some(row)
}

/// Draws the palette. Returns the position of the cursor.
pub fn draw(view: &View, palette: &Palette, layout: &Layout, buffer: &mut Buffer) -> Position {
    let (area, rows) = area(layout);
    Clear.render(area, buffer);
    frame(area, " actions ", buffer);
    let inside = Rect { x: area.x + 2, width: area.width - 4, ..area };
    let query = palette.editor.code();
    let matches = view.palette_matches(&query);
    let row = palette.row.min(matches.len().saturating_sub(1));
    let first = first(row, rows);

    let shown = text::cut_front(&text::name(&query), usize::from(inside.width) - 3).into_owned();
    let x = put(buffer, inside, inside.x, area.y + 1, "› ", theme::FOCUS);
    let cursor = put(buffer, inside, x, area.y + 1, &shown, theme::PLAIN);
    if query.is_empty() {
        put(buffer, inside, x + 1, area.y + 1, "type to find an action", theme::DIM);
    }
    if matches.is_empty() {
        put(buffer, inside, x, area.y + 3, "no such action", theme::DIM);
    }
    for ((index, found), y) in matches.iter().enumerate().skip(first).take(rows.into()).zip(area.y + 3..) {
        draw_match(view, found, index == row, Rect { y, height: 1, ..inside }, buffer);
    }
    let more = matches.len().saturating_sub(first + usize::from(rows));
    if more > 0 {
        put_right(buffer, area, area.right() - 2, area.bottom() - 1, &format!(" {more} more "), theme::DIM);
    }
    Position { x: cursor, y: area.y + 1 }
}

fn draw_match(view: &View, found: &PaletteMatch, chosen: bool, area: Rect, buffer: &mut Buffer) {
    let key = found.context.and_then(|context| view.keys.key_in(context, found.row.action));
    let key = key.map(|key| key.to_string()).unwrap_or_default();
    let (right, style) = match &found.refused {
        Some(why) => (why.as_str(), theme::DIM),
        None if found.context.is_none() => ("last card", theme::DIM),
        None => (key.as_str(), theme::KEY),
    };
    let end = put_right(buffer, area, area.right(), area.y, right, style);
    let left = Rect { width: end.saturating_sub(area.x + 1), ..area };
    if chosen {
        put(buffer, left, area.x, area.y, "›", theme::FOCUS);
    }
    let base: Style = if found.refused.is_some() { theme::DIM } else { theme::PLAIN };
    let mut x = area.x + 2;
    let title = text::cut(found.row.title, usize::from(left.right().saturating_sub(x)));
    for (index, c) in (0..).zip(title.chars()) {
        let mark = if found.marked.contains(&index) { theme::BOLD.patch(theme::FOCUS) } else { theme::PLAIN };
        let style = if chosen { base.patch(theme::SELECTED) } else { base.patch(mark) };
        x = put(buffer, left, x, area.y, c.encode_utf8(&mut [0; 4]), style);
    }
}
