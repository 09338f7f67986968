//! The frame of all boxes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, BorderType, Widget};

use crate::tui::draw::canvas::put;
use crate::tui::theme;

/// Draws a box with rounded corners.
pub fn frame(area: Rect, title: &str, buffer: &mut Buffer) {
    Block::bordered().border_type(BorderType::Rounded).border_style(theme::FOCUS).render(area, buffer);
    // Ratatui's own titles begin at the corner.
    put(buffer, area, area.x + 2, area.y, title, theme::BOLD);
}
