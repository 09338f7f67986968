//! Hints: the keys that help now, the most needed first, and their places in the last row of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::canvas::put;
use super::layout::{Layout, SizeClass};
use crate::domain::rewind::way;
use crate::domain::{Entry, Status, Timestamp, replay_selection, units};
use crate::tui::gallery::has_pictures;
use crate::tui::input::keymap::{Action, Chord, Context};
use crate::tui::layers::Layer;
use crate::tui::transcript::copy::{self, Piece};
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Cells between two hints.
const GAP: u16 = 3;

/// A key and its meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub action: Action,
    pub key: String,
    pub what: String,
    /// Whether the hint has its place even beside a long message.
    is_needed: bool,
}

impl Hint {
    /// The first keys of some actions with what they do; a click does the last one. `None` if no action has a key.
    pub fn of(view: &View, context: Context, actions: &[Action], what: &str) -> Option<Self> {
        let key = |action: &Action| view.keys.key_in(context, *action).or_else(|| view.keys.key(*action));
        let keys: Vec<String> = actions.iter().filter_map(key).map(Chord::short).collect();
        let action = *actions.last()?;
        (!keys.is_empty()).then(|| Self { action, key: keys.join(" "), what: what.to_owned(), is_needed: true })
    }

    pub fn draw(&self, place: Rect, buffer: &mut Buffer) {
        let x = put(buffer, place, place.x, place.y, &self.key, theme::KEY);
        put(buffer, place, x + 1, place.y, &self.what, theme::DIM);
    }

    fn width(&self) -> u16 {
        (text::width(&self.key) + 1 + text::width(&self.what)) as u16
    }
}

/// The cells that the needed hints take, with the gap before them.
pub fn needed_width(hints: &[Hint]) -> u16 {
    hints.iter().filter(|hint| hint.is_needed).map(|hint| hint.width() + GAP).sum()
}

/// Places as many hints as fit between two columns, the first at the right end.
pub fn placed(hints: Vec<Hint>, row: Rect, left: u16, right: u16) -> Vec<(Rect, Hint)> {
    let mut end = right;
    let mut placed = Vec::new();
    for hint in hints {
        let width = hint.width();
        let Some(x) = end.checked_sub(width).filter(|x| *x > left + 1) else { break };
        end = x.saturating_sub(GAP);
        placed.push((Rect { x, width, ..row }, hint));
    }
    placed
}

/// Collects hints for the contexts of the moment.
struct Hints<'a> {
    view: &'a View,
    hints: Vec<Hint>,
}

impl Hints<'_> {
    /// An action without a key is only in the palette.
    fn add(&mut self, action: Action, what: &str, is_needed: bool) {
        let keys = &self.view.keys;
        // The keys that hold everywhere are the same in all hints.
        let here = [vec![Context::Session], self.view.contexts()].concat();
        let key = here.iter().find_map(|context| keys.key_in(*context, action)).or_else(|| keys.key(action));
        let Some(key) = key else { return };
        self.hints.push(Hint { action, key: key.short(), what: what.to_owned(), is_needed });
    }

    fn need(&mut self, action: Action, what: &str) {
        self.add(action, what, true);
    }

    fn offer(&mut self, action: Action, what: &str) {
        self.add(action, what, false);
    }
}

/// The hints for the area that has the focus, the most needed first.
pub fn of(view: &View, layout: &Layout, now: Timestamp) -> Vec<Hint> {
    let mut hints = Hints { view, hints: Vec::new() };
    let is_boxed = view.layers.top().is_some_and(Layer::covers_input);
    let has_list = view.has_list_focus();
    let selected = view.viewport.selected.and_then(|card| view.transcript.entries().get(card));
    match () {
        () if is_boxed => hints.need(Action::Back, "close"),
        () if matches!(view.layers.top(), Some(Layer::Review)) => hints.need(Action::Back, "later"),
        () if view.dock.front().is_some() => hints.need(Action::Review, "decide"),
        () if has_list && view.variables.query.is_some() => hints.need(Action::Back, "all"),
        () if has_list => hints.need(Action::ToInput, "input"),
        () if selected.is_some() => hints.need(Action::Back, "input"),
        () => {}
    }
    if view.has_taken_over() {
        let stops = view.transcript.running().is_some_and(|running| !running.author.is_you());
        let (action, what) = if stops { (Action::TakeOver, "stop it") } else { (Action::GiveBack, "give back") };
        hints.need(action, what);
    }
    hints.need(Action::Help, "help");
    hints.add(Action::Palette, "actions", layout.class != SizeClass::Compact);
    match selected {
        _ if is_boxed || view.is_reviewing() => {}
        _ if has_list => of_list(&mut hints, layout),
        Some(entry) => of_card(&mut hints, entry),
        None => of_input(&mut hints, layout, now),
    }
    hints.hints
}

fn of_list(hints: &mut Hints<'_>, layout: &Layout) {
    let view = hints.view;
    let is_filtered = view.variables.query.is_some();
    let selected = view.variables.selected.as_ref();
    let selected = view.transcript.variables().rows.iter().find(|variable| Some(&variable.name) == selected);
    if selected.is_some() {
        hints.offer(Action::Choose, "inspect");
    }
    if view.has_variables() && !is_filtered {
        hints.offer(Action::FilterVariables, "filter");
        hints.offer(Action::SortVariables, "sort");
    }
    if let Some(variable) = selected {
        if view.undoable_setter(&variable.name).is_some() {
            let is_taken = view.transcript.taken().by(&variable.name).is_some();
            hints.add(Action::PutBack, "put back", is_taken);
        }
        hints.offer(Action::Lock, if view.is_locked(&variable.name) { "unlock" } else { "lock" });
    }
    if let Some(id) = selected.and_then(|variable| variable.set_by).filter(|_| !is_filtered) {
        hints.offer(Action::GoToSetter, &format!("set by {id}"));
    }
    if view.drawer(layout).is_none() {
        hints.offer(Action::Variables, "in full");
    }
}

/// Only what the card has.
fn of_card(hints: &mut Hints<'_>, entry: &Entry) {
    let view = hints.view;
    let Some(index) = view.viewport.selected else { return };
    if let Entry::Snippet(snippet) = entry
        && view.transcript.undoable().contains_key(&snippet.id)
    {
        let changes = snippet.outcome.as_ref().map(|outcome| &outcome.changes);
        let takes = changes.is_some_and(|changes| !changes.clashes.is_empty() || !changes.locked.is_empty());
        hints.add(Action::PutBack, "put back", takes);
    }
    if view.lookup.find.is_some() {
        hints.offer(Action::SearchOn, "next");
        hints.offer(Action::SearchBack, "previous");
    }
    let card = view.frame.as_ref().and_then(|frame| frame.cards.get(&index));
    let is_open = view.viewport.unfolded.contains(&index) != view.viewport.unfold_all;
    if has_pictures(&view.transcript, index) {
        hints.offer(Action::Open, "figure");
    } else if view.only_unfolds() {
        hints.offer(Action::Open, if copy::has(entry, Piece::Traceback) { "traceback" } else { "effects" });
    } else if copy::has(entry, Piece::Output) {
        hints.offer(Action::Open, "open");
    }
    if card.is_some_and(|card| card.foldable) {
        hints.offer(Action::Fold, if is_open { "fold" } else { "unfold" });
    }
    if copy::has(entry, Piece::Output) {
        hints.offer(Action::CopyOutput, "copy");
    }
    if card.is_some_and(|card| card.is_wide) {
        hints.offer(Action::ColumnsRight, "sideways");
    }
    match entry {
        Entry::Snippet(snippet) => {
            if snippet.status == Status::Queued {
                hints.offer(Action::Cancel, "cancel");
                if view.transcript.queue().first() != Some(&snippet.id) {
                    hints.offer(Action::MoveToFront, "run next");
                }
            }
            hints.offer(Action::EditAgain, "edit");
            hints.offer(Action::RunAgain, "rerun");
            if way(&view.transcript, snippet.id).is_some() {
                hints.offer(Action::Rewind, "back to before");
            }
            let responses = view.records.client_responses.as_ref();
            if responses.is_some_and(|responses| !responses.of(snippet.id).is_empty()) {
                hints.offer(Action::Received, "received");
            }
        }
        Entry::Restart { restart, .. } if restart.safe_point.is_none() && !view.replay_choices().is_empty() => {
            hints.offer(Action::Replay, "replay");
        }
        _ => {}
    }
}

fn of_input(hints: &mut Hints<'_>, layout: &Layout, now: Timestamp) {
    let view = hints.view;
    let is_wide = layout.class == SizeClass::Wide;
    if let Some(reply) = view.open_reply(now) {
        let is_question = reply.inquiry().is_some();
        let to_input = if view.composer.editor.is_empty() { "later" } else { "to your input" };
        if reply.is_late {
            hints.need(Action::Back, "drop");
            if is_question {
                hints.need(Action::Enter, "leave as a note");
            }
        } else {
            hints.need(Action::Enter, "answer");
            hints.need(Action::Back, to_input);
            hints.add(Action::QuitOrDelete, if is_question { "decline" } else { "end of input" }, is_question);
        }
    }
    if replay_selection::is_due(&view.transcript) {
        hints.offer(Action::Replay, "replay");
    }
    let running = view.transcript.running();
    if running.is_some() || view.transcript.busy().is_some() {
        hints.offer(Action::Interrupt, "interrupt");
    }
    if running.is_some_and(|running| !running.author.is_you()) && !view.has_taken_over() {
        hints.offer(Action::TakeOver, "take over");
    }
    let count = view.transcript.variables().total;
    hints.offer(Action::Variables, if is_wide { "variables".to_owned() } else { units::count(count, "var") }.as_str());
    let is_free = view.open_reply(now).is_none() && !view.composer.is_shielded(now);
    if is_wide && !view.is_busy() && is_free && view.composer.editor.is_empty() {
        hints.offer(Action::QuitOrDelete, if view.goes_on() { "leave" } else { "quit" });
    }
}
