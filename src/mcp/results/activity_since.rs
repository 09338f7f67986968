//! The activity since the last result of a client: snippets of others, notes, resets, restarts; and the ends of its own
//! snippets that it did not wait for.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;

use super::clashes::taken_from;
use super::effects::effect_phrases;
use super::status::{RunStatus, stopped_by};
use super::truncate::{one_line, truncate_middle};
use crate::domain::terminal_text::plain;
use crate::domain::{
    Author, Decision, Gate, GateMode, Note, Outcome, PERSON, PRIVATE, Private, Restart, Snippet, SnippetId,
    VariableChanges, units,
};
use crate::session::{Activity, ActivityLog, ReadPlace};

/// A digest has the last events, at most so many.
const MAX_EVENTS: usize = 10;
/// Characters of the code of a snippet, of a question, and of the message of an error.
const MAX_CODE: usize = 160;
/// Characters of a note, and of the reason for a restart.
const MAX_NOTE: usize = 4_500;
const MAX_REASON: usize = 1_000;
/// Names of one kind of change, and characters of a name.
const MAX_NAMES: usize = 8;
const MAX_NAME: usize = 60;
/// Characters of the type of an error.
const MAX_ERROR_TYPE: usize = 100;

/// How far a client has read the activity of the session.
#[derive(Debug)]
pub struct ReadCursor(Mutex<CursorState>);

#[derive(Debug)]
struct CursorState {
    place: ReadPlace,
    /// The client has had no result yet.
    is_fresh: bool,
    /// The client has returned from a process that is gone, and does not know how its own snippets ended there.
    returned: bool,
    /// The client worked in a process that has ended since, perhaps one of another session.
    changed_process: bool,
    /// Snippets that the person has rejected, and of which a result without a digest has told.
    told_rejected: HashSet<SnippetId>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ActivityDigest {
    /// Oldest first.
    pub events: Vec<SinceEvent>,
    /// Number of earlier events that are not listed; see `session_history`.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct SinceEvent {
    pub kind: SinceKind,
    /// "the person", "you" (this client), or another client's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_kind: Option<ByKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<u32>,
    /// How the snippet ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
    /// The event in one sentence.
    pub text: String,
    /// The event is about names or for the eyes of the reader.
    #[serde(skip)]
    is_about_reader: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SinceKind {
    Snippet,
    Note,
    Reset,
    Restart,
    // The person has changed whether the code of this client runs at once.
    Gate,
    // Output of a snippet after its end, by its threads and tasks.
    Output,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl ReadCursor {
    /// The cursor of a client that knows nothing from `position` on. If `is_fresh`, it knows nothing of the time before
    /// either.
    pub fn new(position: u64, is_fresh: bool) -> Self {
        let returned = !is_fresh;
        let place = ReadPlace { position, ..ReadPlace::default() };
        let told_rejected = HashSet::new();
        Self(Mutex::new(CursorState { place, is_fresh, returned, changed_process: false, told_rejected }))
    }

    /// Returns how far the client has read.
    pub fn place(&self) -> ReadPlace {
        self.0.lock().place.clone()
    }

    /// Goes on from where the client was when it left.
    pub fn go_on_from(&self, place: ReadPlace) {
        let mut state = self.0.lock();
        (state.place, state.is_fresh, state.returned) = (place, false, false);
    }

    /// Notes that the client does not know how its snippet ends: the call that waited for the snippet was given up.
    pub fn keep_open(&self, snippet: SnippetId) {
        let mut state = self.0.lock();
        state.is_fresh = false;
        state.place.open.insert(snippet);
    }

    /// Notes that the process in which the client has worked is gone, with all names. A restart has a text of its own.
    pub fn set_changed_process(&self) {
        self.0.lock().changed_process = true;
    }

    /// What a result without a digest tells of snippets of `reader` that the person has rejected since its call ended.
    pub fn untold_rejections(&self, log: &ActivityLog, reader: &Author, private: &Private) -> Option<String> {
        let mut state = self.0.lock();
        if state.place.open.is_empty() {
            return None;
        }
        let rejected = log.since(state.place.position).0.into_iter().filter(|activity| match activity {
            Activity::Ended { snippet, author, review: Some(review), .. } => {
                let is_untold = author == reader && state.place.open.contains(snippet) && review.rejection().is_some();
                is_untold && state.told_rejected.insert(*snippet)
            }
            _ => false,
        });
        let events: Vec<SinceEvent> = rejected.map(|activity| event(&activity, reader, private)).collect();
        (!events.is_empty()).then(|| ActivityDigest { events, more: 0 }.text())
    }

    /// The digest for `reader` that goes with the result of `shown`. It counts as read from then on.
    pub fn since(
        &self,
        log: &ActivityLog,
        reader: &Author,
        private: &Private,
        shown: &Snippet,
    ) -> Option<ActivityDigest> {
        let mut state = self.0.lock();
        if shown.author == *reader {
            if shown.status.is_final() {
                state.place.open.remove(&shown.id)
            } else {
                state.place.open.insert(shown.id)
            };
        }
        let was_fresh = std::mem::take(&mut state.is_fresh);
        let had_returned = std::mem::take(&mut state.returned);
        let (activities, mut more, position) = log.since(state.place.position);
        state.place.position = position;
        state.told_rejected.clear();
        let mut events: Vec<SinceEvent> = Vec::new();
        let restarted = activities.iter().any(|activity| matches!(activity, Activity::Restarted(_)));
        for activity in activities {
            let is_known = match &activity {
                Activity::Ended { snippet, author, .. } => {
                    let was_waited_for = author == reader && !state.place.open.remove(snippet) && !had_returned;
                    was_waited_for || *snippet == shown.id
                }
                Activity::Reset { by, .. } => by == reader,
                // The result says how Python died of its own snippet.
                Activity::Restarted(restart) => restart.is_death() && restart.ran == Some(shown.id),
                Activity::GateChanged { before, after } => {
                    before.mode_of(reader) == after.mode_of(reader)
                        && before.takeover.is_some() == after.takeover.is_some()
                        && before.locked == after.locked
                }
                Activity::LateOutput { snippet, .. } => *snippet == shown.id || private.snippets.contains(snippet),
                Activity::Noted(note) => {
                    !note.is_for(reader)
                        || note.by == *reader
                        || note.answers.as_ref().is_some_and(|inquiry| inquiry.by == *reader)
                }
            };
            if !is_known {
                events.push(event(&activity, reader, private));
            }
        }
        let mut extra = events.len().saturating_sub(MAX_EVENTS);
        more += extra as u64;
        // What became of the reader's own names is left out last.
        for is_kept in [|event: &SinceEvent| event.is_about_reader, |_: &SinceEvent| false] {
            events.retain(|event| {
                let is_left_out = extra > 0 && !is_kept(event);
                extra -= usize::from(is_left_out);
                !is_left_out
            });
        }
        if was_fresh && shown.author == *reader {
            // The number of a snippet says how many came before.
            more = u64::from(shown.id.0 - 1)
                .saturating_sub(events.iter().filter(|e| e.kind == SinceKind::Snippet).count() as u64);
        }
        if std::mem::take(&mut state.changed_process) && !restarted {
            let text = "the session that you worked in has ended, and this is a new one: all earlier names are gone";
            let (by, by_kind, snippet, status, text) = (None, None, None, None, text.to_owned());
            let kind = SinceKind::Restart;
            events.insert(0, SinceEvent { kind, by, by_kind, snippet, status, text, is_about_reader: false });
        }
        (more > 0 || !events.is_empty()).then_some(ActivityDigest { events, more })
    }
}

impl ActivityDigest {
    pub fn text(&self) -> String {
        let mut text = "Since your last call:".to_owned();
        if self.more > 0 {
            let (what, when) =
                if self.events.is_empty() { ("event", " before your first call") } else { ("earlier event", "") };
            let count = units::count(self.more as usize, what);
            let _ = write!(text, "\n- {count}{when}: see session_history");
        }
        for event in &self.events {
            let _ = write!(text, "\n- {}", event.text.replace('\n', "\n  "));
        }
        text
    }
}

/// What kind of author it is, for its name alone does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ByKind {
    Person,
    /// The client that reads this.
    You,
    Client,
}

/// The name and the kind of an author, for fields of a structured result.
pub fn by(author: &Author, reader: &Author) -> (Option<String>, Option<ByKind>) {
    let (name, kind) = match author {
        _ if author == reader => ("you", ByKind::You),
        Author::You => (PERSON, ByKind::Person),
        Author::Client { name, .. } => (&**name, ByKind::Client),
    };
    (Some(name.to_owned()), Some(kind))
}

fn event(activity: &Activity, reader: &Author, private: &Private) -> SinceEvent {
    let (kind, author, snippet, status, text) = match activity {
        Activity::Ended { snippet, author, outcome, .. } if private.hides(*snippet, author, Some(reader)) => {
            let taken = taken_from(reader, &outcome.changes);
            let taken = if taken.is_empty() { taken } else { format!("; of your names: {taken}") };
            let by = author.label_for(reader);
            let text = format!("snippet {snippet} by {by}: {}: {PRIVATE}{taken}", outcome.status.word());
            (SinceKind::Snippet, Some(author), Some(snippet.0), Some(outcome.status.into()), text)
        }
        Activity::Ended { snippet, author, code, title, outcome, effects, review } => {
            let by = author.label_for(reader);
            let what = title.as_deref().map_or_else(|| first_lines(code), |title| one_line(title, MAX_CODE));
            let effects: String = effect_phrases(effects).iter().flat_map(|phrase| ["; ", phrase]).collect();
            let taken = taken_from(reader, &outcome.changes);
            let taken = if taken.is_empty() { taken } else { format!("; of your names: {taken}") };
            let rejection = review.as_ref().and_then(|review| review.rejection());
            let status = rejection.map_or_else(|| outcome.status.into(), |_| RunStatus::Rejected);
            let how = rejection.map_or_else(|| outcome_text(outcome), rejection_text);
            let text = format!("snippet {snippet} by {by}: {how}: {what}{effects}{taken}");
            (SinceKind::Snippet, Some(author), Some(snippet.0), Some(status), text)
        }
        Activity::Reset { by, .. } => {
            let text = format!("{} reset the environment: all earlier names are gone", by.label_for(reader));
            (SinceKind::Reset, Some(by), None, None, text)
        }
        Activity::Restarted(restart) => {
            (SinceKind::Restart, restart.by.as_ref(), None, None, restart_text(restart, reader))
        }
        Activity::GateChanged { before, after } => {
            let text = match (&before.takeover, &after.takeover) {
                _ if before.locked != after.locked => &lock_text(before, after),
                (None, Some(_)) => "the person has taken over: your code waits until they give the session back",
                (Some(_), None) => "the person has given the session back: your code runs on",
                _ => gate_text(after.mode_of(reader)),
            };
            (SinceKind::Gate, Some(&Author::You), None, None, text.to_owned())
        }
        Activity::LateOutput { snippet, bytes, displays } => {
            let text = late_text(*snippet, *bytes, *displays);
            (SinceKind::Output, None, Some(snippet.0), None, text)
        }
        Activity::Noted(note) => {
            let text = note_text(note, reader);
            (SinceKind::Note, Some(&note.by), note.about.map(|about| about.0), None, text)
        }
    };
    let (by, by_kind) = author.map_or((None, None), |author| by(author, reader));
    SinceEvent { kind, by, by_kind, snippet, status, text, is_about_reader: is_about(activity, reader) }
}

/// Whether the activity is about names of the reader, or is a note to nobody else.
fn is_about(activity: &Activity, reader: &Author) -> bool {
    match activity {
        Activity::Ended { outcome, .. } => !taken_from(reader, &outcome.changes).is_empty(),
        Activity::Noted(note) => note.to.is_some(),
        _ => false,
    }
}

fn lock_text(before: &Gate, after: &Gate) -> String {
    let list = |names: &BTreeSet<Arc<str>>, others: &BTreeSet<Arc<str>>| {
        let names: Vec<String> = names.difference(others).map(|name| one_line(name, MAX_NAME)).collect();
        names.join(", ")
    };
    match (list(&after.locked, &before.locked), list(&before.locked, &after.locked)) {
        (locked, _) if !locked.is_empty() => {
            format!("the person has locked {locked}: code that rebinds or deletes it waits until they allow it")
        }
        (_, unlocked) => format!("the person no longer locks {unlocked}"),
    }
}

fn gate_text(mode: GateMode) -> &'static str {
    match mode {
        GateMode::Watch => "the person lets your code run at once from now on",
        GateMode::AskAtRisk => {
            "the person is asked from now on before your code deletes files, starts processes and the like: it waits there"
        }
        GateMode::Ask => {
            "the person decides from now on whether your code runs: each snippet waits until they allow it"
        }
        GateMode::Hold => "the person holds your code back from now on: it waits until they let it run",
    }
}

fn late_text(snippet: SnippetId, bytes: u64, displays: u32) -> String {
    let wrote = (bytes > 0).then(|| format!("wrote {}", units::bytes(bytes)));
    let shows = (displays > 0).then(|| format!("displayed {}", units::count(displays as usize, "thing")));
    let what: Vec<String> = wrote.into_iter().chain(shows).collect();
    format!("snippet {snippet} {} after its end: read_output with snippet={snippet}", what.join(" and "))
}

/// Such as `rejected by the person (too slow); nothing was run`.
fn rejection_text(rejection: &Decision) -> String {
    let by = if rejection.was_unattended { "the gate" } else { PERSON };
    let reason = rejection.reason.as_deref().map(|reason| format!(" ({})", one_line(&plain(reason), MAX_REASON)));
    format!("rejected by {by}{}; nothing was run", reason.unwrap_or_default())
}

/// Such as `ok in 1.2 s, changed df`.
pub fn outcome_text(outcome: &Outcome) -> String {
    let mut text = outcome.status.word().to_owned();
    if let Some(error) = &outcome.error {
        let message = plain(&error.message);
        let _ = write!(text, ", {}", one_line(&error.type_name, MAX_ERROR_TYPE));
        if let Some(line) = message.lines().next().filter(|line| !line.is_empty()) {
            let _ = write!(text, " ({})", one_line(line, MAX_CODE));
        }
    } else if let Some(by) = stopped_by(outcome) {
        let _ = write!(text, " by {by}");
    }
    let _ = write!(text, " in {}", units::duration(outcome.elapsed));
    text + &changed(&outcome.changes)
}

fn changed(changes: &VariableChanges) -> String {
    let mut text = String::new();
    for (what, names) in [("new", &changes.added), ("changed", &changes.changed), ("removed", &changes.removed)] {
        if names.is_empty() {
            continue;
        }
        let shown: Vec<String> = names.iter().take(MAX_NAMES).map(|name| one_line(name, MAX_NAME)).collect();
        let more = names.len().saturating_sub(MAX_NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = write!(text, "; {what} {}{more}", shown.join(", "));
    }
    text
}

/// The first line that is not blank, and the number of other such lines.
pub fn first_lines(code: &str) -> String {
    let mut lines = code.lines().filter(|line| !line.trim().is_empty());
    let first = one_line(lines.next().unwrap_or_default().trim_end(), MAX_CODE);
    match lines.count() {
        0 => first,
        more => format!("{first} (+{})", units::count(more, "line")),
    }
}

pub fn restart_text(restart: &Restart, reader: &Author) -> String {
    let processes = plain(&restart.aftermath()).into_owned();
    if let Some(by) = &restart.by {
        if let Some(rewound) = restart.rewound() {
            return format!("{} {rewound}{processes}", by.label_for(reader));
        }
        return format!("{} restarted Python: all earlier names are gone{processes}", by.label_for(reader));
    }
    let how = one_line(plain(&restart.how).trim_end_matches('.'), MAX_REASON);
    if restart.safe_point.is_some() {
        return format!("{how}. A copy of it has taken over{processes}");
    }
    format!("{how}. A new Python has taken over: all earlier names are gone{processes}")
}

pub fn note_text(note: &Note, reader: &Author) -> String {
    let by = note.by.label_for(reader);
    let text = truncate_middle(&plain(&note.text), MAX_NOTE, 0).0;
    match (&note.answers, note.about) {
        (Some(inquiry), _) if note.declined().is_some() => {
            let question = one_line(&inquiry.text, MAX_CODE);
            format!("{by} declined to answer {} ({question})", inquiry.by.label_for(reader))
        }
        (Some(inquiry), _) => {
            format!("{by} answered {} ({}): {text}", inquiry.by.label_for(reader), one_line(&inquiry.text, MAX_CODE))
        }
        (None, Some(snippet)) => format!("note from {by} on snippet {snippet}: {text}"),
        (None, None) if note.to.is_some() => format!("note from {by} to you alone: {text}"),
        (None, None) => format!("note from {by}: {text}"),
    }
}
