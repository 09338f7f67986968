//! The frame of all boxes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType, Widget};

use crate::tui::draw::canvas::put;
use crate::tui::theme;

/// Draws a rule from top to bottom of a box, at the column `x`.
pub fn column(area: Rect, x: u16, buffer: &mut Buffer) {
    for y in area.top()..area.bottom() {
        let symbol = match y {
            y if y == area.top() => "┬",
            y if y + 1 == area.bottom() => "┴",
            _ => "│",
        };
        buffer[(x, y)].set_symbol(symbol).set_style(theme::FOCUS);
    }
}

/// Draws a rule from left to right of a box, at the row `y`.
pub fn row(area: Rect, y: u16, buffer: &mut Buffer) {
    for x in area.left()..area.right() {
        let symbol = match x {
            x if x == area.left() => "├",
            x if x + 1 == area.right() => "┤",
            _ => "─",
        };
        buffer[(x, y)].set_symbol(symbol).set_style(theme::FOCUS);
    }
}

/// Draws a box with rounded corners.
pub fn frame(area: Rect, title: &str, buffer: &mut Buffer) {
    Block::bordered().border_type(BorderType::Rounded).border_style(theme::FOCUS).render(area, buffer);
    // Ratatui's own titles begin at the corner.
    put(buffer, area, area.x + 2, area.y, title, theme::BOLD);
}
