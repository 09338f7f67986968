//! The box in which the person chooses snippets to run again.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

use super::frame::frame;
use super::replay::label;
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::Layout;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::view::View;
use crate::tui::{text, theme};

const MAX_WIDTH: u16 = 56;

/// The box: its place, the text below the choices, and the choices in sight.
struct ReplayBox {
    area: Rect,
    about: Vec<String>,
    first: usize,
    shown: usize,
}

fn layout_of(view: &View, layout: &Layout, row: usize, choices: usize) -> ReplayBox {
    let screen = Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.y };
    let width = MAX_WIDTH.min(screen.width);
    let about = format!(
        "Each runs as you, with a new number, stopping at the first new failure. {} stops it.",
        view.keys.key_hint(Action::Interrupt)
    );
    let about = text::fill(&about, usize::from(width) - 6);
    // The smallest screen has room for the frame, the text and five choices.
    let room = usize::from(screen.height).saturating_sub(about.len() + 3);
    let row = row.min(choices.saturating_sub(1));
    let first = (row + 1).saturating_sub(room);
    let shown = choices.min(room);
    let height = (shown + about.len() + 3) as u16;
    let area = Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 2, width, height };
    ReplayBox { area, about, first, shown }
}

/// The choice at a position of the screen.
pub fn row_at(view: &View, layout: &Layout, row: usize, at: Position) -> Option<usize> {
    let ReplayBox { area, first, shown, .. } = layout_of(view, layout, row, view.replay_choices().len());
    let line = usize::from(at.y).checked_sub(usize::from(area.y) + 1).filter(|line| *line < shown)?;
    area.contains(at).then_some(first + line)
}

pub fn draw(view: &View, layout: &Layout, row: usize, buffer: &mut Buffer) {
    let choices = view.replay_choices();
    let row = row.min(choices.len().saturating_sub(1));
    let ReplayBox { area, about, first, shown } = layout_of(view, layout, row, choices.len());
    Clear.render(area, buffer);
    frame(area, " run again ", buffer);
    let inside = Rect { x: area.x + 2, width: area.width - 4, ..area };
    for ((index, (which, count)), y) in choices.iter().enumerate().skip(first).take(shown).zip(area.y + 1..) {
        let chosen = index == row;
        let end = put_right(buffer, inside, inside.right(), y, &count.to_string(), theme::DIM);
        let left = Rect { width: end.saturating_sub(inside.x + 1), ..inside };
        put(buffer, inside, inside.x, y, if chosen { "›" } else { " " }, theme::FOCUS);
        let style = if chosen { theme::SELECTED } else { theme::PLAIN };
        let name = label(which);
        put(buffer, left, inside.x + 2, y, &text::cut(&name, usize::from(left.width) - 2), style);
    }
    for (line, y) in about.iter().zip(area.y + 2 + shown as u16..) {
        put(buffer, inside, inside.x + 2, y, line, theme::DIM);
    }
    let hints: [(&[_], &str); 2] = [(&[Action::Choose], "starts"), (&[Action::Back], "closes")];
    let hint = format!(" {} ", view.keys.hints(Context::Menu, &hints, ", "));
    put_right(buffer, area, area.right() - 2, area.bottom() - 1, &hint, theme::DIM);
}
