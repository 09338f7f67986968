//! The frame of all boxes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::draw::canvas::put;
use crate::tui::theme;

/// A box with rounded corners.
pub fn frame(area: Rect, title: &str, buffer: &mut Buffer) {
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    for x in area.x..=right {
        for (y, left_corner, right_corner) in [(area.y, "╭", "╮"), (bottom, "╰", "╯")] {
            let symbol = if x == area.x {
                left_corner
            } else if x == right {
                right_corner
            } else {
                "─"
            };
            buffer[(x, y)].set_symbol(symbol).set_style(theme::FOCUS);
        }
    }
    for y in area.y + 1..bottom {
        for x in [area.x, right] {
            buffer[(x, y)].set_symbol("│").set_style(theme::FOCUS);
        }
    }
    put(buffer, area, area.x + 2, area.y, title, theme::BOLD);
}
