//! The status row: on the left running code and open questions, on the right the keys that help now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::{elapsed, put};
use super::layout::{Class, Layout};
use crate::domain::{Entry, Status, Timestamp, replay_selection, units};
use crate::tui::composer::editor::ViMode;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::transcript::copy;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Milliseconds without effect after which an interrupt is explained.
const INTERRUPT_HINT_DELAY: u64 = 2_000;

pub fn draw(view: &View, layout: &Layout, now: Timestamp, buffer: &mut Buffer) {
    let area = layout.status;
    let margin = u16::from(layout.class != Class::Compact);
    let right = area.right() - margin;
    let mut left: Vec<(String, Style)> = Vec::new();
    if let Some(vi) = view.composer.editor.vi.as_ref().filter(|_| view.viewport.selected.is_none()) {
        let style = if vi.mode() == ViMode::Insert { theme::DIM } else { theme::BOLD };
        left.push((vi.mode().name().to_owned(), style));
    }
    let urgent = message(view, now);
    let gap = if layout.class == Class::Wide { 3 } else { 2 };
    if let Some(message) = urgent {
        left.push((message, theme::NOTICE));
    } else if let Some(running) = view.transcript.running() {
        let clock = units::clock(elapsed(running.started_at.unwrap_or(now), now));
        let interrupting = view.pending.interrupt.is_some();
        let word = match (layout.class, interrupting) {
            (_, true) => " interrupting",
            (Class::Wide, false) => " running",
            _ => "",
        };
        let glyph = theme::glyph(Status::Running, now);
        left.push((format!("{glyph} {}{word} {clock}", running.id), theme::status(Status::Running)));
        if let Some(replay) = view.transcript.replay().filter(|replay| !replay.is_over()) {
            left.push((replay.to_string(), theme::NOTICE));
        }
    } else if view.pending.ending {
        left.push(("ending".to_owned(), theme::NOTICE));
    } else if let Some(name) =
        view.viewport.selected.and_then(|card| view.transcript.entries().get(card)).map(copy::name)
    {
        left.push((format!("{name} selected"), theme::FOCUS));
    } else if view.transcript.queue().is_empty() {
        left.push(("ready".to_owned(), theme::DIM));
        let clients = view.transcript.clients().len();
        if layout.class != Class::Wide && clients > 0 {
            left.push((units::count(clients, "client"), theme::DIM));
        }
    }
    if !view.transcript.queue().is_empty() {
        left.push((format!("{} queued", view.transcript.queue().len()), theme::PLAIN));
    }
    let mut x = area.x + margin;
    let end = Rect { width: right.saturating_sub(area.x), ..area };
    for (index, (text, style)) in left.iter().enumerate() {
        x += if index > 0 { gap } else { 0 };
        x = put(buffer, end, x, area.y, &text::cut(text, usize::from(end.right().saturating_sub(x))), *style);
    }
    hints(view, layout, now, x, right, buffer);
}

/// The message that comes before all others.
fn message(view: &View, now: Timestamp) -> Option<String> {
    let running = view.transcript.running().map(|snippet| snippet.id);
    if view.pending.quit && view.is_busy() {
        let what = match running {
            Some(id) => format!("{id} is running"),
            None => "snippets are waiting".to_owned(),
        };
        return Some(format!(
            "{what}: {} again to stop it and quit, {} to stay",
            view.keys.key_hint(Action::QuitOrDelete),
            view.keys.key_hint(Action::Back)
        ));
    }
    if let Some(Entry::Snippet(snippet)) = view.pending.run_again.and_then(|card| view.transcript.entries().get(card)) {
        let keys = view.keys.key_hint(Action::RunAgain);
        return Some(format!("{keys} again runs {} once more, as yours; any other key leaves it", snippet.id));
    }
    if view.pending.restart {
        let stops = running.map(|id| format!("stops {id} and ")).unwrap_or_default();
        let keys = view.keys.key_hint(Action::Restart);
        let save = view.keys.key(Action::RestartSaving).filter(|_| view.has_variables());
        let save = save.map(|key| format!("; {key} saves them first")).unwrap_or_default();
        let back = view.keys.key_hint(Action::Back);
        return Some(format!("{keys} again {stops}restarts Python, losing all variables{save}. {back} stays"));
    }
    if let Some(stuck) = view.transcript.running().and_then(|snippet| snippet.stuck.as_ref())
        && !view.pending.ending
    {
        let id = running.map(|id| id.to_string()).unwrap_or_default();
        let clock = units::clock(elapsed(stuck.since, now));
        let place = stuck.innermost_frame().map(|place| format!(": {}", text::name(place))).unwrap_or_default();
        return Some(format!(
            "{id} is inside a C call for {clock}, only a restart ({}) ends it{place}",
            view.keys.key_hint(Action::Restart)
        ));
    }
    if let (Some(id), Some((_, since))) = (running, view.pending.interrupt)
        && now.saturating_sub(since) >= INTERRUPT_HINT_DELAY
    {
        let keys = view.keys.key_hint(Action::Interrupt);
        return Some(format!("{id} goes on, ignoring interrupts; {keys} again insists"));
    }
    if view.pending.ending
        && let Some(id) = running
    {
        return Some(format!("ending: {id} is being interrupted"));
    }
    view.notice.as_ref().map(|notice| text::name(notice).into_owned())
}

/// Draws as many hints as fit, from the right.
fn hints(view: &View, layout: &Layout, now: Timestamp, left: u16, right: u16, buffer: &mut Buffer) {
    let variables = units::count(view.transcript.variables().total, "var");
    let mut hints = Vec::new();
    let over = view.layers.iter().any(Layer::is_panel);
    // An action without a key is only in the palette.
    let tell = |action, what: &str| {
        let key = view.keys.key(action)?.to_string();
        Some([(key, theme::KEY), (" ".to_owned(), theme::PLAIN), (what.to_owned(), theme::DIM)])
    };
    if view.viewport.selected.is_some() && !over {
        return card_hints(view, layout, left, right, buffer);
    }
    if over {
        hints.push(tell(Action::Back, "close"));
    }
    if layout.class == Class::Wide || !over {
        hints.push(tell(Action::Help, "help"));
        if layout.class == Class::Wide {
            hints.push(tell(Action::Palette, "actions"));
        }
    }
    if layout.class == Class::Wide {
        hints.push(tell(Action::Variables, "variables"));
    } else {
        let mut hint = tell(Action::Variables, &variables);
        hint.as_mut().into_iter().for_each(|hint| hint.reverse());
        hints.push(hint);
    }
    if let Some(reply) = view.open_reply(now) {
        let asks_client = reply.inquiry().is_some();
        hints.push(tell(Action::QuitOrDelete, if asks_client { "decline" } else { "end of input" }));
        if asks_client && !over {
            hints.push(tell(Action::Back, "later"));
        }
        hints.push(tell(Action::Enter, "answer"));
    }
    if replay_selection::is_due(&view.transcript) {
        hints.push(tell(Action::Replay, "replay"));
    }
    if view.transcript.running().is_some() {
        hints.push(tell(Action::Interrupt, "interrupt"));
    } else if layout.class == Class::Wide && view.open_reply(now).is_none() && view.composer.editor.is_empty() {
        hints.push(tell(Action::QuitOrDelete, "quit"));
    }
    put_hints(hints.into_iter().flatten(), layout, left, right, buffer);
}

type Hint = [(String, Style); 3];

/// Draws the letters that act on the selected card.
fn card_hints(view: &View, layout: &Layout, left: u16, right: u16, buffer: &mut Buffer) {
    let mut hints = vec![
        (Action::Back, "input"),
        (Action::Help, "help"),
        (Action::Received, "received"),
        (Action::RunAgain, "run"),
        (Action::EditAgain, "edit"),
        (Action::CopyOutput, "copy"),
        (Action::Output, "output"),
        (Action::Fold, "fold"),
    ];
    if view.lookup.find.is_some() {
        hints.splice(1..1, [(Action::SearchBack, "before"), (Action::SearchOn, "next")]);
    }
    let hints = hints.into_iter().filter_map(|(action, what)| {
        let key = view.keys.key_in(Context::Card, action).or_else(|| view.keys.key(action))?.to_string();
        Some([(key, theme::KEY), (" ".to_owned(), theme::PLAIN), (what.to_owned(), theme::DIM)])
    });
    put_hints(hints, layout, left, right, buffer);
}

/// Writes as many hints as fit, from the right.
fn put_hints(hints: impl Iterator<Item = Hint>, layout: &Layout, left: u16, right: u16, buffer: &mut Buffer) {
    let area = layout.status;
    let mut end = right;
    for hint in hints {
        let width: usize = hint.iter().map(|(text, _)| text::width(text)).sum();
        let Some(mut x) = end.checked_sub(width as u16).filter(|x| *x > left + 2) else { return };
        end = x.saturating_sub(3);
        for (text, style) in hint {
            x = put(buffer, area, x, area.y, &text, style);
        }
    }
}
