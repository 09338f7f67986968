//! Draws the choice of the client that gets something.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::send_menu::SendMenu;
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::Layout;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::overlays::frame::frame;
use crate::tui::view::View;
use crate::tui::{text, theme};

const MAX_WIDTH: u16 = 48;

pub fn draw(view: &View, layout: &Layout, menu: &SendMenu, buffer: &mut Buffer) {
    let receivers = view.receivers();
    let row = menu.row.min(receivers.len().saturating_sub(1));
    let screen = Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.y };
    let width = MAX_WIDTH.min(screen.width);
    let room = usize::from(screen.height).saturating_sub(2).max(1);
    let shown = receivers.len().clamp(1, room);
    let first = (row + 1).saturating_sub(room);
    let height = (shown as u16 + 2).min(screen.height);
    let area = Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 2, width, height };
    Clear.render(area, buffer);
    let title = format!(" send {} to ", text::name(&menu.sent.what));
    frame(area, &text::cut(&title, usize::from(width).saturating_sub(4)), buffer);
    let inside = Rect { x: area.x + 2, width: area.width - 4, ..area };
    for ((index, name), y) in receivers.iter().enumerate().skip(first).take(shown).zip(area.y + 1..) {
        put(buffer, inside, inside.x, y, if index == row { "›" } else { " " }, theme::FOCUS);
        let style = if index == row { theme::SELECTED } else { view.client_style(name) };
        let room = usize::from(inside.width).saturating_sub(2);
        put(buffer, inside, inside.x + 2, y, &text::cut(&text::name(name), room), style);
    }
    let hints: [(&[_], &str); 2] = [(&[Action::Choose], "sends"), (&[Action::Back], "closes")];
    let hint = format!(" {} ", view.keys.hints(Context::Menu, &hints, ", "));
    put_right(buffer, area, area.right() - 2, area.bottom() - 1, &hint, theme::DIM);
}
