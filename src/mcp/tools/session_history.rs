//! The tool that tells what was run in the session, by whom, and what came of it.

use std::fmt::Write;

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::calls::{ToolCall, ToolOutcome};
use super::schema;
use super::schema::{maybe_integer, maybe_number};
use crate::domain::terminal_text::plain;
use crate::domain::{Author, Entry, Snippet, SnippetId, Status, Timestamp, Transcript, quoted, units};
use crate::mcp::results::activity_since;
use crate::mcp::results::activity_since::ByKind;
use crate::mcp::results::status::RunStatus;
use crate::mcp::results::truncate::{TEXT, cut, short};
use crate::mcp::server::failure::{ended, refused};
use crate::session::clock::now;
use crate::session::names::unmarked;

/// Entries told unless asked for otherwise, and at most.
const LIMIT: u32 = 20;
const MOST: u32 = 100;
/// Characters of the code of one snippet, and of its value.
const CODE: usize = 2_000;
const RESULT: usize = 300;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HistoryArguments {
    /// Only what came after the snippet of this number, oldest first; 0 begins at the beginning. Without it, the newest.
    #[serde(default, deserialize_with = "maybe_number")]
    #[schemars(extend("minimum" = 0))]
    pub since: Option<u32>,
    /// Only what this one did: "person", "me", or the name of a client.
    pub author: Option<String>,
    /// How many entries at most: 20 by default, no more than 100.
    #[serde(default, deserialize_with = "maybe_integer")]
    #[schemars(extend("minimum" = 1, "maximum" = 100))]
    pub limit: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct History {
    /// Oldest first.
    pub entries: Vec<HistoryEntry>,
    /// Entries before these that match, where since was not given.
    pub earlier: usize,
    /// Set if there are more after these: since for the next call.
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
    /// The snippet that this one runs again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
    /// Seconds since it began or happened.
    pub seconds_ago: u64,
    /// What came of it, in a sentence.
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// repr of the last expression, cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
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

/// Whose doings are wanted.
#[derive(Clone, Debug)]
enum By {
    Anybody,
    One(Author),
    /// In small letters.
    Named(String),
}

impl By {
    fn of(author: Option<&str>, reader: &Author) -> Self {
        match author.map(|author| author.trim().to_lowercase()).as_deref() {
            None | Some("") => Self::Anybody,
            Some("person" | "the person" | "human" | "user") => Self::One(Author::You),
            Some("me" | "you" | "myself") => Self::One(reader.clone()),
            Some(name) => Self::Named(name.to_owned()),
        }
    }

    fn is(&self, author: Option<&Author>) -> bool {
        match (self, author) {
            (Self::Anybody, _) => true,
            (Self::One(one), Some(author)) => one == author,
            (Self::Named(wanted), Some(author @ Author::Client { name, .. })) => {
                [name, unmarked(name), &*author.label_for_models()].iter().any(|name| name.to_lowercase() == *wanted)
            }
            (_, None) | (Self::Named(_), Some(Author::You)) => false,
        }
    }
}

impl ToolCall<'_> {
    pub async fn history(&self, arguments: Option<JsonObject>) -> ToolOutcome {
        let HistoryArguments { since, author, limit } = schema::arguments(schema::HISTORY, arguments)?;
        let limit = limit.unwrap_or(LIMIT);
        if !(1..=MOST).contains(&limit) {
            return refused(format!("Error: limit must be from 1 to {MOST}, not {limit}."));
        }
        let (by, reader) = (By::of(author.as_deref(), &self.author), self.author.clone());
        let history = self.session.read(move |transcript| of(transcript, since, &by, limit as usize, &reader, now()));
        let history = history.await.map_err(ended)?;
        Ok(self.answer(history.text(), &history))
    }
}

/// The last entries, in words.
pub fn text(transcript: &Transcript, reader: &Author, limit: usize, now: Timestamp) -> String {
    of(transcript, None, &By::Anybody, limit, reader, now).text()
}

/// All after the snippet `since`, or the last entries, page by page; in words.
pub fn page(transcript: &Transcript, since: Option<u32>, reader: &Author, now: Timestamp) -> (String, Option<u32>) {
    let history = of(transcript, since, &By::Anybody, MOST as usize, reader, now);
    (history.text(), history.next_since)
}

/// What `by` did after the snippet `since`, or at last.
fn of(transcript: &Transcript, since: Option<u32>, by: &By, limit: usize, reader: &Author, now: Timestamp) -> History {
    let entries = transcript.entries();
    // The entries after a snippet: also notes and resets that came before the next one.
    let from = match since {
        None | Some(0) => 0,
        Some(since) => {
            let last = (1..=since).rev().find_map(|id| transcript.position(SnippetId(id)));
            last.map_or(0, |place| place + 1)
        }
    };
    let wanted = |entry: &&Entry| match entry {
        Entry::Snippet(snippet) => by.is(Some(&snippet.author)),
        Entry::Reset { by: author, .. } => by.is(Some(author)),
        Entry::Restart { restart, .. } => by.is(restart.by.as_ref()),
        Entry::Note { note, .. } => by.is(Some(&note.by)),
        Entry::Background { .. } => false,
    };
    let is_snippet = |entry: &Entry| matches!(entry, Entry::Snippet(_));
    let mut found: Vec<&Entry> = Vec::new();
    let (mut earlier, mut is_more) = (0, false);
    if since.is_some() {
        for entry in entries[from..].iter().filter(wanted) {
            // A page goes on from its last snippet.
            is_more = found.len() >= limit && found.iter().any(|entry| is_snippet(entry));
            if is_more {
                break;
            }
            found.push(entry);
        }
        while is_more && found.last().is_some_and(|entry| !is_snippet(entry)) {
            found.pop();
        }
    } else {
        let mut matching = entries.iter().rev().filter(wanted);
        found.extend(matching.by_ref().take(limit));
        found.reverse();
        earlier = matching.count();
    }
    // Room is shared by all of them, and code is told twice at the most.
    let code = (TEXT / 2 / limit.max(found.len()).max(1)).clamp(100, CODE);
    let last = found
        .iter()
        .rev()
        .find_map(|entry| if let Entry::Snippet(snippet) = entry { Some(snippet.id.0) } else { None });
    let told = found.into_iter().filter_map(|entry| entry_of(entry, code, reader, now)).collect();
    let next_since = last.filter(|_| is_more);
    History { entries: told, earlier, next_since }
}

fn entry_of(entry: &Entry, code: usize, reader: &Author, now: Timestamp) -> Option<HistoryEntry> {
    let mut told = HistoryEntry {
        kind: EntryKind::Note,
        by: None,
        by_kind: None,
        snippet: None,
        replay_of: None,
        status: None,
        seconds_ago: 0,
        text: String::new(),
        title: None,
        code: None,
        result: None,
        output_bytes: None,
    };
    let author;
    let at = match entry {
        Entry::Snippet(snippet) => {
            told.kind = EntryKind::Snippet;
            author = Some(&snippet.author);
            told.snippet = Some(snippet.id.0);
            told.replay_of = snippet.replay_of.map(|of| of.0);
            told.status = Some(status(snippet));
            told.text = snippet
                .outcome
                .as_ref()
                .map_or_else(|| snippet.status.word().to_owned(), |o| activity_since::ending(o));
            told.title = snippet.title.as_deref().map(|title| short(title, 200));
            told.code = Some(cut(&snippet.code, code, 0).0);
            let result = snippet.outcome.as_ref().and_then(|outcome| outcome.result.as_deref());
            told.result = result.map(|result| cut(&plain(result), RESULT, 0).0);
            told.output_bytes = Some(snippet.output.total()).filter(|total| *total > 0);
            snippet.started_at.unwrap_or(snippet.submitted_at)
        }
        Entry::Reset { by, at, .. } => {
            told.kind = EntryKind::Reset;
            author = Some(by);
            "the environment was reset: all names were cleared".clone_into(&mut told.text);
            *at
        }
        Entry::Restart { restart, at } => {
            told.kind = EntryKind::Restart;
            author = restart.by.as_ref();
            told.text = activity_since::restarted(restart, reader);
            *at
        }
        Entry::Note { note, at } => {
            author = Some(&note.by);
            told.text = activity_since::noted(note, reader);
            *at
        }
        Entry::Background { .. } => return None,
    };
    (told.by, told.by_kind) = author.map_or((None, None), |author| activity_since::by(author, reader));
    told.seconds_ago = now.saturating_sub(at) / 1000;
    Some(told)
}

pub fn status(snippet: &Snippet) -> RunStatus {
    if snippet.status == Status::Running && snippet.input.is_some() {
        RunStatus::WaitingForInput
    } else {
        snippet.status.into()
    }
}

impl History {
    fn text(&self) -> String {
        let mut text = String::new();
        if self.earlier > 0 {
            let _ = write!(text, "({} entries before these; since=0 begins at the beginning)\n\n", self.earlier);
        }
        if self.entries.is_empty() {
            text.push_str("Nothing was run, as far as was asked.");
        }
        for entry in &self.entries {
            entry.write(&mut text);
        }
        if let Some(since) = self.next_since {
            let _ = write!(text, "(goes on with since={since})");
        }
        text.trim_end().to_owned()
    }
}

impl HistoryEntry {
    fn write(&self, text: &mut String) {
        let age = units::age(std::time::Duration::from_secs(self.seconds_ago));
        let (Some(snippet), EntryKind::Snippet) = (self.snippet, self.kind) else {
            let _ = write!(text, "[{}, {age} ago]\n\n", self.text);
            return;
        };
        let by = self.by.as_deref().unwrap_or_default();
        let by = if self.by_kind == Some(ByKind::Client) { quoted(by) } else { by.to_owned() };
        let again = self.replay_of.map(|of| format!(", {of} again")).unwrap_or_default();
        let _ = writeln!(text, "[snippet {snippet} by {by}{again}, {age} ago: {}]", self.text);
        if let Some(title) = &self.title {
            let _ = writeln!(text, "# {title}");
        }
        let _ = writeln!(text, "{}", self.code.as_deref().unwrap_or_default().trim_end());
        if let Some(result) = &self.result {
            let _ = writeln!(text, "Result: {result}");
        }
        if let Some(bytes) = self.output_bytes {
            let _ = writeln!(text, "({} of output: read_output with snippet={snippet})", units::bytes(bytes));
        }
        text.push('\n');
    }
}
