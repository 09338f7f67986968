//! The history of the session: its entries with code and outcome, as text and as structured content.

use std::fmt::Write;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::activity_since::{ByKind, by, note_text, outcome_text, restart_text};
use super::effects::effect_phrases;
use super::status::RunStatus;
use super::truncate::{MAX_TEXT, one_line, truncate_middle};
use crate::domain::terminal_text::plain;
use crate::domain::{Author, Entry, PRIVATE, Private, SnippetId, Timestamp, Transcript, quoted, units};
use crate::session::client_names::unmarked;

/// Entries of a page of the resource.
const PAGE_LENGTH: usize = 100;
/// Characters of the code of a snippet at least and at most, of its value, and of its title.
const MIN_CODE: usize = 100;
const MAX_CODE: usize = 2_000;
const MAX_RESULT: usize = 300;
const MAX_TITLE: usize = 200;

#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryReport {
    /// Oldest first.
    pub entries: Vec<HistoryEntry>,
    /// Number of earlier entries that match; 0 if since was given.
    pub earlier: usize,
    /// If there are more entries: the value of since for the next call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_since: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct HistoryEntry {
    pub kind: EntryKind,
    /// "the person", "you" (this client), or another client's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_kind: Option<ByKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<u32>,
    /// The snippet that this one replays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
    /// Seconds since the entry started or happened.
    pub seconds_ago: u64,
    /// The outcome in one sentence.
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// repr of the last expression, truncated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// What the code did beyond Python's variables: files, processes, connections and the like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<String>,
    /// Bytes of output, for `read_output`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum EntryKind {
    Snippet,
    Note,
    Reset,
    Restart,
}

/// The authors whose entries a history has.
#[derive(Clone, Debug)]
pub enum AuthorFilter {
    Anybody,
    One(Author),
    /// A client by its name, in lower case.
    Named(String),
}

impl AuthorFilter {
    pub fn parse(author: Option<&str>, reader: &Author) -> Self {
        match author.map(|author| author.trim().to_lowercase()).as_deref() {
            None | Some("") => Self::Anybody,
            Some("person" | "the person" | "human" | "user") => Self::One(Author::You),
            Some("me" | "you" | "myself") => Self::One(reader.clone()),
            Some(name) => Self::Named(name.to_owned()),
        }
    }

    fn matches(&self, entry: &Entry, reader: &Author) -> bool {
        match entry {
            Entry::Snippet(snippet) => self.matches_author(Some(&snippet.author)),
            Entry::Reset { by, .. } => self.matches_author(Some(by)),
            Entry::Restart { restart, .. } => self.matches_author(restart.by.as_ref()),
            Entry::Note { note, .. } => note.is_for(reader) && self.matches_author(Some(&note.by)),
            Entry::Background { .. } => false,
        }
    }

    fn matches_author(&self, author: Option<&Author>) -> bool {
        match (self, author) {
            (Self::Anybody, _) => true,
            (Self::One(one), Some(author)) => one == author,
            (Self::Named(given), Some(author @ Author::Client { name, .. })) => {
                [name, unmarked(name), &*author.label_for_models()].iter().any(|name| name.to_lowercase() == *given)
            }
            (_, None) | (Self::Named(_), Some(Author::You)) => false,
        }
    }
}

/// The last entries as text.
pub fn text(transcript: &Transcript, reader: &Author, limit: usize, now: Timestamp) -> String {
    of(transcript, None, &AuthorFilter::Anybody, limit, reader, now).text()
}

/// A page of the entries after the snippet `since`, or of the last ones, as text; and `since` for the next page.
pub fn page(transcript: &Transcript, since: Option<u32>, reader: &Author, now: Timestamp) -> (String, Option<u32>) {
    let history = of(transcript, since, &AuthorFilter::Anybody, PAGE_LENGTH, reader, now);
    (history.text(), history.next_since)
}

/// The first entries that match after the snippet `since`, or the last ones.
pub fn of(
    transcript: &Transcript,
    since: Option<u32>,
    filter: &AuthorFilter,
    limit: usize,
    reader: &Author,
    now: Timestamp,
) -> HistoryReport {
    let entries = transcript.entries();
    let mut found: Vec<&Entry> = Vec::new();
    let (mut earlier, mut goes_on) = (0, false);
    if let Some(since) = since {
        for entry in entries
            .range(position_after(transcript, since)..entries.len())
            .filter(|entry| filter.matches(entry, reader))
        {
            // The next page begins after the last snippet of this one.
            goes_on = found.len() >= limit && found.iter().any(|entry| is_snippet(entry));
            if goes_on {
                break;
            }
            found.push(entry);
        }
        while goes_on && found.last().is_some_and(|entry| !is_snippet(entry)) {
            found.pop();
        }
    } else {
        found.extend(entries.iter().rev().filter(|entry| filter.matches(entry, reader)).take(limit));
        found.reverse();
        let by = |author: &Author| filter.matches_author(Some(author));
        earlier = entries.count(by, |entry| filter.matches(entry, reader)) - found.len();
    }
    // The entries share the room. A result has code twice: in the text and in the structured content.
    let max_code = (MAX_TEXT / 2 / limit.max(found.len()).max(1)).clamp(MIN_CODE, MAX_CODE);
    let last = found.iter().rev().find_map(|entry| match entry {
        Entry::Snippet(snippet) => Some(snippet.id.0),
        _ => None,
    });
    let gate = transcript.gate();
    let entries =
        found.into_iter().filter_map(|entry| history_entry(entry, max_code, reader, &gate.private, now)).collect();
    HistoryReport { entries, earlier, next_since: last.filter(|_| goes_on) }
}

fn is_snippet(entry: &Entry) -> bool {
    matches!(entry, Entry::Snippet(_))
}

/// The position of the entries after a snippet. These may be notes and resets that came before the next snippet.
fn position_after(transcript: &Transcript, since: u32) -> usize {
    let last = (1..=since).rev().find_map(|id| transcript.position(SnippetId(id)));
    last.map_or(0, |position| position + 1)
}

fn history_entry(
    entry: &Entry,
    max_code: usize,
    reader: &Author,
    private: &Private,
    now: Timestamp,
) -> Option<HistoryEntry> {
    let is_hidden =
        matches!(entry, Entry::Snippet(snippet) if private.hides(snippet.id, &snippet.author, Some(reader)));
    let (kind, author, at, text) = match entry {
        Entry::Snippet(snippet) => {
            let outcome = snippet.outcome.as_ref();
            let text = match outcome {
                _ if snippet.is_rejected() => "rejected by the person; nothing was run".to_owned(),
                _ if snippet.is_pending() => "waiting for the person, who decides whether it runs".to_owned(),
                _ if is_hidden => format!("{}; {PRIVATE}", snippet.status.word()),
                None => snippet.status.word().to_owned(),
                Some(outcome) if snippet.taken_back => {
                    format!("{}; taken back", outcome_text(outcome))
                }
                Some(outcome) => outcome_text(outcome),
            };
            let at = snippet.started_at.unwrap_or(snippet.submitted_at);
            (EntryKind::Snippet, Some(&snippet.author), at, text)
        }
        Entry::Reset { by, at, .. } => {
            let text = "the environment was reset: all names were cleared".to_owned();
            (EntryKind::Reset, Some(by), *at, text)
        }
        Entry::Restart { restart, at } => (EntryKind::Restart, restart.by.as_ref(), *at, restart_text(restart, reader)),
        Entry::Note { note, at } => (EntryKind::Note, Some(&note.by), *at, note_text(note, reader)),
        Entry::Background { .. } => return None,
    };
    let (by, by_kind) = author.map_or((None, None), |author| by(author, reader));
    let mut described = HistoryEntry {
        kind,
        by,
        by_kind,
        snippet: None,
        replay_of: None,
        status: None,
        seconds_ago: now.saturating_sub(at) / 1000,
        text,
        title: None,
        code: None,
        result: None,
        effects: Vec::new(),
        output_bytes: None,
    };
    if let Entry::Snippet(snippet) = entry {
        let result = snippet.outcome.as_ref().and_then(|outcome| outcome.result.as_deref());
        described.snippet = Some(snippet.id.0);
        described.replay_of = snippet.replay_of.map(|of| of.0);
        described.status = Some(RunStatus::of(snippet));
        if is_hidden {
            return Some(described);
        }
        described.title = snippet.title.as_deref().map(|title| one_line(title, MAX_TITLE));
        described.code = Some(truncate_middle(&snippet.code, max_code, 0).0);
        described.result = result.map(|result| truncate_middle(&plain(result), MAX_RESULT, 0).0);
        described.effects = effect_phrases(&snippet.effects);
        described.output_bytes = Some(snippet.output.total()).filter(|total| *total > 0);
    }
    Some(described)
}

impl HistoryReport {
    pub fn text(&self) -> String {
        let mut text = String::new();
        if self.earlier > 0 {
            let _ = write!(text, "({} earlier entries; since=0 starts at the beginning)\n\n", self.earlier);
        }
        if self.entries.is_empty() {
            text.push_str("No matching entries.");
        }
        for entry in &self.entries {
            entry.write(&mut text);
        }
        if let Some(since) = self.next_since {
            let _ = write!(text, "(continues with since={since})");
        }
        text.trim_end().to_owned()
    }
}

impl HistoryEntry {
    fn write(&self, text: &mut String) {
        let age = units::age(Duration::from_secs(self.seconds_ago));
        let (Some(snippet), EntryKind::Snippet) = (self.snippet, self.kind) else {
            let _ = write!(text, "[{}, {age} ago]\n\n", self.text);
            return;
        };
        let by = self.by.as_deref().unwrap_or_default();
        let by = if self.by_kind == Some(ByKind::Client) { quoted(by) } else { by.to_owned() };
        let again = self.replay_of.map(|of| format!(", replay of {of}")).unwrap_or_default();
        let _ = writeln!(text, "[snippet {snippet} by {by}{again}, {age} ago: {}]", self.text);
        if let Some(title) = &self.title {
            let _ = writeln!(text, "# {title}");
        }
        if let Some(code) = &self.code {
            let _ = writeln!(text, "{}", code.trim_end());
        }
        if let Some(result) = &self.result {
            let _ = writeln!(text, "Result: {result}");
        }
        if !self.effects.is_empty() {
            let _ = writeln!(text, "Effects: {}", self.effects.join("; "));
        }
        if let Some(bytes) = self.output_bytes {
            let _ = writeln!(text, "({} of output: read_output with snippet={snippet})", units::bytes(bytes));
        }
        text.push('\n');
    }
}
