//! Draws the box with the clients, and the calls of one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Clear, Widget};

use super::calls::{CallRow, totals};
use super::clients_box::ClientsBox;
use crate::domain::Timestamp;
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::Layout;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::overlays::frame::frame;
use crate::tui::variables::draw_sidebar::activity;
use crate::tui::view::View;
use crate::tui::{text, theme};

const LIST_WIDTH: u16 = 72;
const CALLS_WIDTH: u16 = 110;
/// Cells that are left for the name of a client that does something.
const MIN_NAME_WIDTH: usize = 12;
/// The narrowest box that has room for the snippet and the size of each call in a column.
const MIN_WIDTH_FOR_ALL: u16 = 70;

pub fn draw(view: &View, layout: &Layout, clients: &ClientsBox, now: Timestamp, buffer: &mut Buffer) {
    match &clients.open {
        Some(name) => calls(view, layout, name, clients.scroll, now, buffer),
        None => list(view, layout, clients.row(&view.client_names()), now, buffer),
    }
}

/// A box in the middle with room for so many rows, and the place inside.
fn open_box(layout: &Layout, width: u16, rows: usize, title: &str, buffer: &mut Buffer) -> (Rect, Rect) {
    let screen = Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.y };
    let width = width.min(screen.width);
    let height = u16::try_from(rows + 2).unwrap_or(u16::MAX).clamp(3, screen.height.max(3));
    let area = Rect { x: (screen.width - width) / 2, y: (screen.height - height) / 2, width, height };
    Clear.render(area, buffer);
    frame(area, &text::cut(title, usize::from(width).saturating_sub(4)), buffer);
    (area, Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 })
}

/// The keys at the foot of a box, as many as there is room for, once they do anything.
fn foot(view: &View, area: Rect, hints: &[(&[Action], &str)], now: Timestamp, buffer: &mut Buffer) {
    if !view.dock.may_decide(now) {
        put_right(buffer, area, area.right() - 2, area.bottom() - 1, " a moment … ", theme::DIM);
        return;
    }
    let room = usize::from(area.width).saturating_sub(4);
    let fitting = |shown: &usize| text::width(&view.keys.hints(Context::Clients, &hints[..*shown], ", ")) + 2 <= room;
    let shown = (1..=hints.len()).rev().find(fitting).unwrap_or(1);
    let hint = format!(" {} ", view.keys.hints(Context::Clients, &hints[..shown], ", "));
    put_right(buffer, area, area.right() - 2, area.bottom() - 1, &hint, theme::DIM);
}

/// What the person has decided about a client, such as `hold · muted`.
fn decisions(view: &View, name: &str) -> Vec<(&'static str, Style)> {
    let gate = view.transcript.gate();
    let mut decisions = Vec::new();
    if gate.away.contains(name) {
        decisions.push(("disconnected by you", theme::NOTICE));
    }
    decisions.extend(gate.clients.get(name).map(|mode| (mode.name(), theme::FOCUS)));
    if gate.muted.contains(name) {
        decisions.push(("muted", theme::DIM));
    }
    decisions
}

fn list(view: &View, layout: &Layout, row: Option<usize>, now: Timestamp, buffer: &mut Buffer) {
    let names = view.client_names();
    let (area, inside) = open_box(layout, LIST_WIDTH, names.len().max(1), " clients ", buffer);
    let room = usize::from(inside.height);
    let first = row.map_or(0, |row| (row + 1).saturating_sub(room));
    for ((index, name), y) in names.iter().enumerate().skip(first).take(room).zip(inside.y..) {
        put(buffer, inside, inside.x, y, if Some(index) == row { "›" } else { " " }, theme::FOCUS);
        let mut right = inside.right();
        for (decision, style) in decisions(view, name) {
            right = put_right(buffer, inside, right, y, decision, style).saturating_sub(2);
        }
        let connected = view.transcript.clients().iter().find(|client| client.name == *name);
        let (doing, style) = match connected {
            Some(_) if view.transcript.gate().away.contains(name) => (String::new(), theme::DIM),
            Some(client) => activity(view, client, now, 24),
            None => ("not here".to_owned(), theme::DIM),
        };
        // The name matters more than that a client is not here, or what it does.
        let name_width =
            text::width(&text::name(name)).min(if connected.is_some() { MIN_NAME_WIDTH } else { usize::MAX });
        let room = usize::from(right.saturating_sub(inside.x + 2));
        if !doing.is_empty() && name_width + 2 + text::width(&doing) <= room {
            right = put_right(buffer, inside, right, y, &doing, style).saturating_sub(2);
        }
        let room = usize::from(right.saturating_sub(inside.x + 2));
        let style = if Some(index) == row { theme::SELECTED } else { view.client_style(name) };
        put(buffer, inside, inside.x + 2, y, &text::cut(&text::name(name), room), style);
    }
    let hints: [(&[_], &str); 6] = [
        (&[Action::Choose], "calls"),
        (&[Action::HoldClient], "hold"),
        (&[Action::MuteClient], "mute"),
        (&[Action::DisconnectClient], "disconnect"),
        (&[Action::LetClientIn], "let in"),
        (&[Action::Gate], "gate"),
    ];
    foot(view, area, &hints, now, buffer);
}

fn calls(view: &View, layout: &Layout, name: &str, scroll: usize, now: Timestamp, buffer: &mut Buffer) {
    let calls = view.records.client_calls.as_ref().map(|calls| calls.of(name)).unwrap_or_default();
    let decided: String = decisions(view, name).iter().flat_map(|(decision, _)| [" · ", *decision]).collect();
    let title = format!(" {}{decided} ", text::name(name));
    let (area, inside) = open_box(layout, CALLS_WIDTH, calls.len().max(1) + 2, &title, buffer);
    let total = text::cut(&totals(&calls), inside.width.into()).into_owned();
    put(buffer, inside, inside.x, inside.y, &total, theme::DIM);
    let room = usize::from(inside.height).saturating_sub(2);
    let first = scroll.min(calls.len().saturating_sub(room));
    let has_room = inside.width >= MIN_WIDTH_FOR_ALL;
    let tool_width = if has_room { 24 } else { 16 };
    for (call, y) in calls.iter().skip(first).take(room).zip(inside.y + 2..) {
        let row = CallRow::of(call, now);
        let mut x = inside.x;
        put_right(buffer, inside, x + 6, y, &row.age, theme::DIM);
        x += 8;
        put(buffer, inside, x, y, &text::cut(&row.tool, tool_width), theme::PLAIN);
        x += tool_width as u16 + 1;
        put_right(buffer, inside, x + 5, y, &row.snippet, theme::DIM);
        x += 7;
        if has_room {
            put_right(buffer, inside, x + 8, y, &row.took, theme::DIM);
            put_right(buffer, inside, x + 18, y, &row.bytes, theme::DIM);
            x += 20;
        }
        let style = if row.has_failed { theme::ERROR } else { theme::NOTICE };
        put(buffer, inside, x, y, &text::cut(&row.remark, usize::from(inside.right().saturating_sub(x))), style);
    }
    if calls.is_empty() {
        put(buffer, inside, inside.x, inside.y + 2, "nothing since Python started", theme::DIM);
    }
    let hints: [(&[_], &str); 5] = [
        (&[Action::Back], "back"),
        (&[Action::HoldClient], "hold"),
        (&[Action::MuteClient], "mute"),
        (&[Action::DisconnectClient], "disconnect"),
        (&[Action::LetClientIn], "let in"),
    ];
    foot(view, area, &hints, now, buffer);
}
