//! What happened since a client's last result: what others ran, notes, resets, restarts; and what became of its own code
//! that it did not wait for.

use std::collections::HashSet;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use super::truncate::short;
use crate::domain::terminal_text::plain;
use crate::domain::{Author, Note, Outcome, PERSON, Restart, Snippet, SnippetId, VariableChanges, units};
use crate::mcp::results::status::RunStatus;
use crate::mcp::results::status::stopped_by;
use crate::session::{Activity, ActivityLog};

/// Happenings told, the last ones.
const MOST: usize = 10;
/// Characters of the code of one.
const CODE: usize = 160;
/// Characters of a note.
const NOTE: usize = 1_000;
/// Names told of one kind of change.
const NAMES: usize = 8;

/// How far a client knows the session.
#[derive(Debug)]
pub struct ReadCursor(Mutex<State>);

#[derive(Debug)]
struct State {
    position: u64,
    /// It has had no result yet.
    is_fresh: bool,
    /// It has come back from a process that is gone, and does not know how its own code ended there.
    is_back: bool,
    /// It worked in a process that has ended since, perhaps of another session.
    has_moved: bool,
    /// Snippets of its own whose end it has not been told.
    open: HashSet<SnippetId>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ActivityDigest {
    /// Oldest first.
    pub events: Vec<SinceEvent>,
    /// How many came before these; `session_history` tells them.
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
    /// All of it in one sentence.
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum SinceKind {
    Snippet,
    Note,
    Reset,
    Restart,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl ReadCursor {
    /// Of one who knows nothing from `position` on, and (`is_fresh`) nothing of what was before either.
    pub fn new(position: u64, is_fresh: bool) -> Self {
        Self(Mutex::new(State { position, is_fresh, is_back: !is_fresh, has_moved: false, open: HashSet::new() }))
    }

    /// What the reader defined before is gone; a restart says so itself.
    pub fn moved(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).has_moved = true;
    }

    /// What to tell `reader` with the result of `told`; it counts as told from then on.
    pub fn since(&self, news: &ActivityLog, reader: &Author, told: &Snippet) -> Option<ActivityDigest> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.author == *reader {
            if told.status.is_final() {
                state.open.remove(&told.id)
            } else {
                state.open.insert(told.id)
            };
        }
        let was_fresh = std::mem::take(&mut state.is_fresh);
        let was_back = std::mem::take(&mut state.is_back);
        let (happenings, mut more, position) = news.since(state.position);
        state.position = position;
        let mut events: Vec<SinceEvent> = Vec::new();
        for happening in happenings {
            let own = match &happening {
                Activity::Ended { snippet, author, .. } => {
                    let is_known = author == reader && !state.open.remove(snippet) && !was_back;
                    is_known || *snippet == told.id
                }
                Activity::Reset { by, .. } => by == reader,
                Activity::Restarted(_) => false,
                Activity::Noted(note) => {
                    note.by == *reader || note.answers.as_ref().is_some_and(|inquiry| inquiry.by == *reader)
                }
            };
            if !own {
                events.push(event(&happening, reader));
            }
        }
        let restarted = events.iter().any(|event| event.kind == SinceKind::Restart);
        let extra = events.len().saturating_sub(MOST);
        more += extra as u64;
        events.drain(..extra);
        if was_fresh && told.author == *reader {
            // A snippet has as many before it as its number says.
            more = u64::from(told.id.0 - 1)
                .saturating_sub(events.iter().filter(|e| e.kind == SinceKind::Snippet).count() as u64);
        }
        if std::mem::take(&mut state.has_moved) && !restarted {
            let text =
                "the session that you worked in has ended, and this is a new one: all names defined before are gone";
            let (by, by_kind, snippet, status, text) = (None, None, None, None, text.to_owned());
            events.insert(0, SinceEvent { kind: SinceKind::Restart, by, by_kind, snippet, status, text });
        }
        (more > 0 || !events.is_empty()).then_some(ActivityDigest { events, more })
    }
}

impl ActivityDigest {
    pub fn text(&self) -> String {
        let mut text = "Since your last call:".to_owned();
        if self.more > 0 {
            let what = if self.events.is_empty() { "came before your first call" } else { "more before these" };
            let _ = write!(text, "\n- {} {what}: session_history tells them", self.more);
        }
        for event in &self.events {
            let _ = write!(text, "\n- {}", event.text.replace('\n', "\n  "));
        }
        text
    }
}

/// As a reader knows somebody. Clients stand in quotes, which no name holds.
pub fn who(author: &Author, reader: &Author) -> String {
    if author == reader { "you".to_owned() } else { author.label_for_models().into_owned() }
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

/// The name for a field of its own, and the kind.
pub fn by(author: &Author, reader: &Author) -> (Option<String>, Option<ByKind>) {
    let (name, kind) = match author {
        _ if author == reader => ("you", ByKind::You),
        Author::You => (PERSON, ByKind::Person),
        Author::Client { name, .. } => (&**name, ByKind::Client),
    };
    (Some(name.to_owned()), Some(kind))
}

fn event(happening: &Activity, reader: &Author) -> SinceEvent {
    let (kind, author, snippet, status, text) = match happening {
        Activity::Ended { snippet, author, code, title, outcome } => {
            let by = who(author, reader);
            let what = title.as_deref().map_or_else(|| first_lines(code), |title| short(title, CODE));
            let text = format!("snippet {snippet} by {by}: {}: {what}", ending(outcome));
            (SinceKind::Snippet, Some(author), Some(snippet.0), Some(outcome.status.into()), text)
        }
        Activity::Reset { by, .. } => {
            let text = format!("{} reset the environment: all names defined before are gone", who(by, reader));
            (SinceKind::Reset, Some(by), None, None, text)
        }
        Activity::Restarted(restart) => {
            (SinceKind::Restart, restart.by.as_ref(), None, None, restarted(restart, reader))
        }
        Activity::Noted(note) => {
            let text = noted(note, reader);
            (SinceKind::Note, Some(&note.by), note.about.map(|about| about.0), None, text)
        }
    };
    let (by, by_kind) = author.map_or((None, None), |author| by(author, reader));
    SinceEvent { kind, by, by_kind, snippet, status, text }
}

/// Such as `ok in 1.2 s, changed df`.
pub fn ending(outcome: &Outcome) -> String {
    let mut text = outcome.status.word().to_owned();
    if let Some(error) = &outcome.error {
        let message = plain(&error.message);
        let _ = write!(text, ", {}", short(&error.type_name, 100));
        if let Some(line) = message.lines().next().filter(|line| !line.is_empty()) {
            let _ = write!(text, " ({})", short(line, CODE));
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
        let shown: Vec<String> = names.iter().take(NAMES).map(|name| short(name, 60)).collect();
        let more = names.len().saturating_sub(NAMES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = write!(text, "; {what} {}{more}", shown.join(", "));
    }
    text
}

/// The first line that says something, and how many more there are.
pub fn first_lines(code: &str) -> String {
    let mut lines = code.lines().filter(|line| !line.trim().is_empty());
    let first = short(lines.next().unwrap_or_default().trim_end(), CODE);
    match lines.count() {
        0 => first,
        more => format!("{first} (+{})", units::count(more, "line")),
    }
}

pub fn restarted(restart: &Restart, reader: &Author) -> String {
    let processes = plain(&restart.fate_of_processes()).into_owned();
    if let Some(by) = &restart.by {
        return format!("{} restarted Python: all names defined before are gone{processes}", who(by, reader));
    }
    let how = short(plain(&restart.how).trim_end_matches('.'), NOTE);
    format!("{how}. A new Python has taken over: all names defined before are gone{processes}")
}

pub fn noted(note: &Note, reader: &Author) -> String {
    let by = who(&note.by, reader);
    let text: String = plain(&note.text).chars().take(NOTE).collect();
    match (&note.answers, note.about) {
        (Some(inquiry), _) => {
            format!("{by} answered {} ({}): {text}", who(&inquiry.by, reader), short(&inquiry.text, CODE))
        }
        (None, Some(snippet)) => format!("note from {by} on snippet {snippet}: {text}"),
        (None, None) => format!("note from {by}: {text}"),
    }
}
