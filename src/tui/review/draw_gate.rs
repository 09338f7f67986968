//! The box with the modes of the gate.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use crate::domain::GateChange;
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::Layout;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::overlays::frame::frame;
use crate::tui::view::View;
use crate::tui::{text, theme};

const MAX_WIDTH: u16 = 62;
const ABOUT: &str = "Code that may run has all your rights: the gate asks, it does not restrict.";

pub fn draw(view: &View, layout: &Layout, selected: &GateChange, buffer: &mut Buffer) {
    let rows = view.gate_rows();
    let selected = rows.iter().position(|row| row.change == *selected);
    let screen = Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.y };
    let width = MAX_WIDTH.min(screen.width);
    let about = text::fill(ABOUT, usize::from(width) - 6);
    let room = usize::from(screen.height).saturating_sub(about.len() + 3).max(1);
    let first = selected.map_or(0, |row| row + 1).saturating_sub(room);
    let shown = rows.len().min(room);
    let height = ((shown + about.len() + 3) as u16).min(screen.height);
    let area = Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 2, width, height };
    Clear.render(area, buffer);
    frame(area, " gate: when the code of clients runs ", buffer);
    let inside = Rect { x: area.x + 2, width: area.width - 4, ..area };
    for ((index, gate_row), y) in rows.iter().enumerate().skip(first).take(shown).zip(area.y + 1..) {
        put(buffer, inside, inside.x, y, if Some(index) == selected { "›" } else { " " }, theme::FOCUS);
        let style = if Some(index) == selected { theme::SELECTED } else { theme::PLAIN };
        let mark = match gate_row.change {
            GateChange::All(_) | GateChange::Client(..) if gate_row.is_current => "● ",
            GateChange::All(_) | GateChange::Client(..) => "○ ",
            _ => "✕ ",
        };
        put(buffer, inside, inside.x + 2, y, mark, theme::PLAIN);
        let label = text::cut(&gate_row.label, usize::from(inside.width).saturating_sub(4)).into_owned();
        put(buffer, inside, inside.x + 4, y, &label, style);
    }
    let below = rows.len() - shown - first.min(rows.len() - shown);
    if below > 0 {
        put_right(buffer, area, area.right() - 2, area.y, &format!(" ▾ {below} more "), theme::NOTICE);
    }
    for (line, y) in about.iter().zip(area.y + 2 + shown as u16..area.bottom().saturating_sub(1)) {
        put(buffer, inside, inside.x + 2, y, line, theme::DIM);
    }
    let hints: [(&[_], &str); 2] = [(&[Action::Choose], "sets"), (&[Action::Back], "closes")];
    let hint = format!(" {} ", view.keys.hints(Context::Menu, &hints, ", "));
    put_right(buffer, area, area.right() - 2, area.bottom() - 1, &hint, theme::DIM);
}
