//! The box with the modes of the gate.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::gate_menu::GateRow;
use crate::domain::GateChange;
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::Layout;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::overlays::frame::frame;
use crate::tui::view::View;
use crate::tui::{text, theme};

const MAX_WIDTH: u16 = 62;
const ABOUT: &str = "Code that may run has all your rights: the gate asks, it does not restrict.";

/// Cells beside a label: the frame, the margins, and the marks.
const BESIDE_LABEL: usize = 8;
/// Lines of one row: what follows of code that is always allowed is cut.
const MAX_LINES: usize = 3;

struct MenuLine {
    row: usize,
    is_first: bool,
    text: String,
}

/// The rows of the menu, broken at words: a decision is read whole before it is made.
fn lines(rows: &[GateRow], width: usize) -> Vec<MenuLine> {
    let of_row = |(row, gate_row): (usize, &GateRow)| {
        let mut lines = text::fill(&gate_row.label, width);
        let is_cut = lines.len() > MAX_LINES;
        lines.truncate(MAX_LINES);
        if let Some(last) = lines.last_mut().filter(|_| is_cut) {
            *last = text::cut(&format!("{last} …"), width).into_owned();
        }
        lines.into_iter().enumerate().map(move |(line, text)| MenuLine { row, is_first: line == 0, text })
    };
    rows.iter().enumerate().flat_map(of_row).collect()
}

fn mark(row: &GateRow) -> &'static str {
    match row.change {
        GateChange::All(_) | GateChange::Client(..) if row.is_current => "● ",
        GateChange::All(_) | GateChange::Client(..) => "○ ",
        _ => "✕ ",
    }
}

pub fn draw(view: &View, layout: &Layout, selected: &GateChange, buffer: &mut Buffer) {
    let rows = view.gate_rows();
    let screen = Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.y };
    let width = MAX_WIDTH.min(screen.width);
    let lines = lines(&rows, usize::from(width).saturating_sub(BESIDE_LABEL));
    let selected = rows.iter().position(|row| row.change == *selected);
    let is_selected = |line: &MenuLine| Some(line.row) == selected;
    let about = text::fill(ABOUT, usize::from(width) - 6);
    let room = usize::from(screen.height).saturating_sub(about.len() + 3).max(1);
    let first = lines.iter().rposition(is_selected).map_or(0, |line| line + 1).saturating_sub(room);
    // The first row that is shown has its beginning; so has the selected one.
    let whole = lines.iter().skip(first).position(|line| line.is_first).map_or(first, |rest| first + rest);
    let first = lines.iter().position(is_selected).map_or(whole, |start| whole.min(start));
    let shown = lines.len().min(room);
    let height = ((shown + about.len() + 3) as u16).min(screen.height);
    let area = Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 2, width, height };
    Clear.render(area, buffer);
    frame(area, " gate: when the code of clients runs ", buffer);
    let inside = Rect { x: area.x + 2, width: area.width - 4, ..area };
    for (line, y) in lines.iter().skip(first).take(shown).zip(area.y + 1..) {
        let style = if is_selected(line) { theme::SELECTED } else { theme::PLAIN };
        if line.is_first {
            put(buffer, inside, inside.x, y, if is_selected(line) { "›" } else { " " }, theme::FOCUS);
            put(buffer, inside, inside.x + 2, y, mark(&rows[line.row]), theme::PLAIN);
        }
        put(buffer, inside, inside.x + 4, y, &line.text, style);
    }
    let last = lines.get(first + shown).map_or(rows.len(), |line| line.row + usize::from(!line.is_first));
    let below = rows.len().saturating_sub(last);
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
