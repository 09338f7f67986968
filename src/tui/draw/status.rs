//! The status row: on the left running code and open questions, on the right the keys that help now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::{elapsed, put};
use super::hints::{self, Hint};
use super::layout::{Layout, SizeClass};
use crate::domain::{Entry, Status, Timestamp, units};
use crate::tui::composer::editor::ViMode;
use crate::tui::input::keymap::Action;
use crate::tui::transcript::copy;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Milliseconds without effect after which an interrupt is explained.
const INTERRUPT_HINT_DELAY: u64 = 2_000;

/// The status row as it is drawn.
pub struct StatusRow {
    /// Texts at the left, with their first columns.
    left: Vec<(u16, String, Style)>,
    /// A message that is too long to stand beside the hints. It takes the empty row above.
    above: Option<String>,
    pub hints: Vec<(Rect, Hint)>,
}

impl StatusRow {
    pub fn new(view: &View, layout: &Layout, now: Timestamp) -> Self {
        let area = layout.status;
        let margin = u16::from(layout.class != SizeClass::Compact);
        let right = area.right() - margin;
        let hints = hints::of(view, layout, now);
        let has_row_above = layout.editor.bottom() < area.y;
        let widest = if has_row_above { area.width - 2 } else { right.saturating_sub(area.x + margin) };
        let message = message(view, now, widest.into());
        // In the smallest layout, the message needs the whole row.
        let needed =
            if layout.class == SizeClass::Compact && message.is_some() { 0 } else { hints::needed_width(&hints) };
        let end = right.saturating_sub(needed);
        let room = usize::from(end.saturating_sub(area.x + margin));
        let is_long = message.as_ref().is_some_and(|message| text::width(message) > room);
        let (message, above) = if is_long && has_row_above { (None, message) } else { (message, None) };

        let gap = if layout.class == SizeClass::Wide { 3 } else { 2 };
        let mut x = area.x + margin;
        let mut left = Vec::new();
        for (index, (text, style)) in texts(view, layout, message, now).into_iter().enumerate() {
            x += if index > 0 { gap } else { 0 };
            let text = text::cut(&text, usize::from(end.saturating_sub(x))).into_owned();
            let width = text::width(&text) as u16;
            left.push((x, text, style));
            x += width;
        }
        let hints = hints::placed(hints, area, x, right);
        Self { left, above, hints }
    }
}

pub fn draw(view: &View, layout: &Layout, now: Timestamp, buffer: &mut Buffer) {
    let area = layout.status;
    let status = StatusRow::new(view, layout, now);
    for (x, text, style) in status.left {
        put(buffer, area, x, area.y, &text, style);
    }
    if let Some(message) = status.above {
        let row = Rect { y: area.y - 1, width: area.width - 1, ..area };
        let message = text::cut(&message, usize::from(row.width - 1)).into_owned();
        put(buffer, row, row.x + 1, row.y, &message, theme::NOTICE);
    }
    for (place, hint) in status.hints {
        hint.draw(place, buffer);
    }
}

/// The texts at the left: what has the person's attention now, and what waits.
fn texts(view: &View, layout: &Layout, message: Option<String>, now: Timestamp) -> Vec<(String, Style)> {
    let mut left: Vec<(String, Style)> = Vec::new();
    let is_elsewhere = view.viewport.selected.is_some() || view.has_list_focus();
    if let Some(vi) = view.composer.editor.vi.as_ref().filter(|_| !is_elsewhere) {
        let style = if vi.mode() == ViMode::Insert { theme::DIM } else { theme::BOLD };
        left.push((vi.mode().name().to_owned(), style));
    }
    if let Some(message) = message {
        left.push((message, theme::NOTICE));
    } else if let Some(running) = view.transcript.running() {
        let clock = units::clock(elapsed(running.started_at.unwrap_or(now), now));
        let interrupting = view.pending.interrupt.is_some();
        let word = match (layout.class, interrupting) {
            (_, true) => " interrupting",
            (SizeClass::Wide, false) => " running",
            _ => "",
        };
        let glyph = theme::glyph(Status::Running, now);
        left.push((format!("{glyph} {}{word} {clock}", running.id), theme::status(Status::Running)));
        if let Some(replay) = view.transcript.replay().filter(|replay| !replay.is_over()) {
            left.push((replay.to_string(), theme::NOTICE));
        }
    } else if let Some(busy) = view.transcript.busy() {
        let clock = units::clock(elapsed(busy.since, now));
        let what = if layout.class == SizeClass::Wide { "a background task of" } else { "task of" };
        let glyph = theme::glyph(Status::Running, now);
        left.push((format!("{glyph} {what} {} is busy {clock}", busy.snippet), theme::status(Status::Running)));
    } else if view.pending.ending {
        left.push(("ending".to_owned(), theme::NOTICE));
    } else if view.has_list_focus() {
        left.push(("variables".to_owned(), theme::FOCUS));
    } else if let Some(name) =
        view.viewport.selected.and_then(|card| view.transcript.entries().get(card)).map(copy::name)
    {
        left.push((format!("{name} selected"), theme::FOCUS));
    } else if view.transcript.queue().is_empty() {
        left.push(("ready".to_owned(), theme::DIM));
        let clients = view.transcript.clients().len();
        if layout.class != SizeClass::Wide && clients > 0 {
            left.push((units::count(clients, "client"), theme::DIM));
        }
        if view.info.is_demo && layout.class != SizeClass::Compact {
            left.push(("demo, nothing is kept".to_owned(), theme::DIM));
        }
    }
    if view.has_taken_over() {
        let text = if layout.class == SizeClass::Compact { "taken" } else { "you have taken over" };
        left.push((text.to_owned(), theme::NOTICE));
    }
    let pending = view.transcript.pending().count();
    let waiting = view.waiting_count();
    if waiting > 0 {
        let verb = if waiting == 1 { "waits" } else { "wait" };
        left.push((format!("{waiting} {verb} for you"), theme::NOTICE));
    }
    let queued = view.transcript.queue().len() - pending;
    if queued > 0 {
        left.push((format!("{queued} queued"), theme::PLAIN));
    }
    let gate = view.transcript.gate();
    if !gate.is_open() {
        left.push((format!("gate: {}", text::name(&gate.label())), theme::FOCUS));
    }
    left
}

/// The message that comes before all others, in at most `room` cells where it has a shorter form.
fn message(view: &View, now: Timestamp, room: usize) -> Option<String> {
    let running = view.transcript.running().map(|snippet| snippet.id);
    if let Some(texts) = view.confirmation() {
        let fitting = texts.iter().position(|text| text::width(text) <= room);
        return texts.into_iter().nth(fitting.unwrap_or(usize::MAX)).or_else(|| view.confirmation()?.pop());
    }
    if let Some(Entry::Snippet(snippet)) = view.pending.run_again.and_then(|card| view.transcript.entries().get(card)) {
        let keys = view.keys.key_hint(Action::RunAgain);
        return Some(format!("{keys} again: rerun {} as you · any other key: cancel", snippet.id));
    }
    if let Some([whole, short]) = view.rewind_question() {
        return Some(if text::width(&whole) <= room { whole } else { short });
    }
    if let Some(stuck) = view.transcript.running().and_then(|snippet| snippet.stuck.as_ref())
        && !view.pending.ending
    {
        let id = running.map(|id| id.to_string()).unwrap_or_default();
        let clock = units::clock(elapsed(stuck.since, now));
        let place = stuck.innermost_frame().map(|place| format!(": {}", text::name(place))).unwrap_or_default();
        return Some(format!(
            "{id} has been in a C call for {clock}; only a restart ({}) can stop it{place}",
            view.keys.key_hint(Action::Restart)
        ));
    }
    if let (Some(id), Some(busy)) = (running, view.transcript.busy()) {
        return Some(format!(
            "{id} waits for a background task of {}; {} interrupts both",
            busy.snippet,
            view.keys.key_hint(Action::Interrupt)
        ));
    }
    if let (Some(id), Some((_, since))) = (running, view.pending.interrupt)
        && now.saturating_sub(since) >= INTERRUPT_HINT_DELAY
    {
        let keys = view.keys.key_hint(Action::Interrupt);
        return Some(format!("{id} ignores the interrupt and runs on; {keys} again interrupts by force"));
    }
    if view.pending.ending
        && let Some(id) = running
    {
        return Some(format!("ending: {id} is being interrupted"));
    }
    view.notice.as_ref().map(|notice| text::name(notice).into_owned())
}
