//! The summary of the session, for a chat that is fresh or was compacted.

use std::fmt::Write;
use std::time::Duration;

use super::activity_since::{first_lines, outcome_text};
use super::truncate::{one_line, truncate_middle};
use crate::domain::terminal_text::plain;
use crate::domain::{
    Author, Entry, GateMode, PRIVATE, Private, SessionInfo, Snippet, Timestamp, Transcript, Variable, VariableKind,
    VariableTable, units,
};
use crate::session::clock::now;
use crate::session::{Closed, SessionHandle};

/// Characters of a name; of its type, shape or value.
const MAX_NAME: usize = 100;
const MAX_DETAIL: usize = 60;
/// Smaller sizes of values, in bytes, are left out.
const MIN_SIZE: u64 = 10_000;
/// Characters of a title or a question; of a note; of the reason for a restart.
const MAX_TITLE: usize = 160;
const MAX_NOTE: usize = 300;
const MAX_REASON: usize = 200;
/// Snippets that wait for the person.
const MAX_WAITING: usize = 10;

/// The size of a summary.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    pub variables: usize,
    pub runs: usize,
    /// Characters in all.
    pub characters: usize,
}

/// A page.
pub const FULL: Length = Length { variables: 60, runs: 12, characters: 8_000 };
/// A part of the instructions, which clients cut at about 2 000 characters.
pub const SHORT: Length = Length { variables: 8, runs: 3, characters: 700 };

/// The summary for `reader`. `None`: the client has not identified itself.
pub async fn of(session: &SessionHandle, reader: Option<Author>, length: Length) -> Result<String, Closed> {
    let (info, attended, now) = (session.info().clone(), session.has_dashboard(), now());
    let summary =
        session.read(move |transcript| summary(transcript, &info, attended, reader.as_ref(), length, now)).await;
    Ok(truncate_middle(&summary?, length.characters, 0).0)
}

fn summary(
    transcript: &Transcript,
    info: &SessionInfo,
    attended: bool,
    reader: Option<&Author>,
    length: Length,
    now: Timestamp,
) -> String {
    let name = |author: &Author| match reader {
        Some(reader) => author.label_for(reader).into_owned(),
        None => author.label_for_models().into_owned(),
    };
    let age = |at: Timestamp| units::age(Duration::from_millis(now.saturating_sub(at)));
    let mut text = format!(
        "Session {:?}, running for {}: Python {} ({}), started in {}",
        info.name,
        age(info.started_at),
        info.python_version,
        info.python.display(),
        info.cwd.display()
    );
    if let Some(venv) = &info.venv {
        let _ = write!(text, ", venv {}", venv.display());
    }
    let mut here: Vec<String> = attended.then(|| "the person at the dashboard".to_owned()).into_iter().collect();
    here.extend(transcript.clients().iter().map(|client| {
        let author = Author::Client { id: client.id, name: client.name.clone() };
        let is_reader = if reader == Some(&author) { " (you)" } else { "" };
        format!("{}{is_reader}, {}", author.label_for_models(), units::count(client.runs as usize, "run"))
    }));
    let _ = write!(text, ".\nHere: {}.\n", if here.is_empty() { "nobody".to_owned() } else { here.join("; ") });
    match transcript.running() {
        None => match transcript.busy() {
            None => text.push_str("Nothing is running.\n"),
            Some(busy) => drop(writeln!(text, "A background task of snippet {} keeps Python busy.", busy.snippet)),
        },
        Some(snippet) => {
            let asks = if snippet.input.is_some() { " and waits for input" } else { "" };
            let (by, code) = (name(&snippet.author), title_or_code(snippet, reader, &transcript.gate().private));
            let _ = writeln!(
                text,
                "Snippet {} by {by} is running{asks}: {code}; {} queued.",
                snippet.id,
                transcript.queue().len()
            );
        }
    }
    let gate = transcript.gate();
    let mode = reader.map_or(gate.mode, |reader| gate.mode_of(reader));
    gate_lines(&mut text, transcript, mode, &name, length.runs > SHORT.runs);
    let table = transcript.variables();
    variables(&mut text, transcript.gate().private.masked(table).as_ref().unwrap_or(table), length.variables);
    last_entries(&mut text, transcript, reader, &name, length.runs);
    text.truncate(text.trim_end().len());
    text
}

/// The gate (a short summary has it only where code does not simply run), what is locked, and what waits for the
/// person.
fn gate_lines(
    text: &mut String,
    transcript: &Transcript,
    mode: GateMode,
    name: &impl Fn(&Author) -> String,
    in_full: bool,
) {
    let gate = transcript.gate();
    if in_full || !gate.is_open() {
        let _ = writeln!(text, "Gate: {}. {}.", one_line(&gate.label(), MAX_NOTE), mode.meaning_for_models());
    }
    if gate.takeover.is_some() {
        text.push_str("The person has taken over: no code of clients begins until they give the session back.\n");
    }
    if !gate.locked.is_empty() {
        let names: Vec<&str> = gate.locked.iter().map(|name| &**name).collect();
        let _ = writeln!(text, "Locked by the person: {}.", one_line(&names.join(", "), MAX_NOTE));
    }
    let pending = transcript.pending().map(|snippet| {
        let is_held = snippet.review.as_ref().is_some_and(|review| review.is_held);
        format!("snippet {} by {}{}", snippet.id, name(&snippet.author), if is_held { " (held)" } else { "" })
    });
    let risks =
        transcript.risks().map(|(id, risk)| format!("running snippet {id}, before it may {}", plain(&risk.phrase())));
    let waiting: Vec<String> = risks.chain(pending).take(MAX_WAITING).collect();
    if !waiting.is_empty() {
        let _ = writeln!(text, "Waiting for the person's decision: {}.", one_line(&waiting.join("; "), MAX_NOTE));
    }
}

fn variables(text: &mut String, table: &VariableTable, max: usize) {
    // Data has a line for each name, because a chat must know it. For the rest a list of names is enough.
    let (data, code): (Vec<&Variable>, Vec<&Variable>) =
        table.rows.iter().partition(|variable| variable.kind == VariableKind::Data);
    if table.total == 0 {
        text.push_str("No names are defined.\n");
        return;
    }
    let _ = writeln!(text, "{} defined:", units::count(table.total, "name"));
    for variable in data.iter().take(max) {
        let _ = writeln!(text, "- {}", variable_line(variable));
    }
    let names: Vec<&str> = code.iter().take(max * 2).map(|variable| variable.name.as_str()).collect();
    if !names.is_empty() {
        let _ = writeln!(text, "- functions, classes, modules: {}", names.join(", "));
    }
    let shown = data.len().min(max) + names.len();
    if shown < table.total {
        let _ = writeln!(text, "- and {} more: list_defined_variables", table.total - shown);
    }
}

/// Such as `df: DataFrame 48210×9, 3.4 MB`.
fn variable_line(variable: &Variable) -> String {
    let mut line = format!("{}: {}", one_line(&variable.name, MAX_NAME), one_line(&variable.type_name, MAX_DETAIL));
    if !variable.shape.is_empty() {
        let _ = write!(line, " {}", one_line(&variable.shape, MAX_DETAIL));
    }
    if let Some(size) = variable.size.filter(|size| *size > MIN_SIZE) {
        let _ = write!(line, ", {}", units::bytes(size));
    }
    if !variable.preview.is_empty() && variable.preview != variable.shape {
        let _ = write!(line, " = {}", one_line(&variable.preview, MAX_DETAIL));
    }
    line
}

fn last_entries(
    text: &mut String,
    transcript: &Transcript,
    reader: Option<&Author>,
    name: &impl Fn(&Author) -> String,
    max: usize,
) {
    let (mut lines, gate) = (Vec::new(), transcript.gate());
    for entry in transcript.entries().iter().rev() {
        let line = match entry {
            Entry::Snippet(snippet) if gate.private.hides(snippet.id, &snippet.author, reader) => {
                format!("- snippet {} by {}: {}: {PRIVATE}", snippet.id, name(&snippet.author), snippet.status.word())
            }
            Entry::Snippet(snippet) => {
                let end =
                    snippet.outcome.as_ref().map_or_else(|| snippet.status.word().to_owned(), |o| outcome_text(o));
                let effects = match snippet.effects.entries.len() {
                    0 => String::new(),
                    count => format!(" ({})", units::count(count, "effect")),
                };
                let taken = if snippet.taken_back { ", taken back" } else { "" };
                let (author, what) = (name(&snippet.author), title_or_code(snippet, reader, &gate.private));
                format!("- snippet {} by {author}: {end}{taken}: {what}{effects}", snippet.id)
            }
            Entry::Reset { by, .. } => format!("- {} reset the environment: earlier names are gone", name(by)),
            Entry::Restart { restart, .. } => {
                let rest = match restart.safe_point {
                    Some(_) => "a copy of it has taken over",
                    None => "and was restarted: earlier names are gone",
                };
                restart.by.as_ref().map_or_else(
                    || format!("- Python died ({}) {rest}", one_line(&restart.how, MAX_REASON)),
                    |by| match restart.rewound() {
                        Some(rewound) => format!("- {} {rewound}", name(by)),
                        None => format!("- {} restarted Python: earlier names are gone", name(by)),
                    },
                )
            }
            Entry::Note { note, .. } if !reader.map_or(note.to.is_none(), |reader| note.is_for(reader)) => continue,
            Entry::Note { note, .. } => match &note.answers {
                Some(inquiry) => {
                    let (by, to) = (name(&note.by), name(&inquiry.by));
                    let question = one_line(&inquiry.text, MAX_TITLE);
                    match note.declined() {
                        Some(_) => format!("- {by} declined to answer {to} ({question})"),
                        None => format!("- {by} answered {to} ({question}): {}", one_line(&note.text, MAX_NOTE)),
                    }
                }
                None => format!("- note from {}: {}", name(&note.by), one_line(&note.text, MAX_NOTE)),
            },
            Entry::Background { .. } => continue,
        };
        lines.push(line);
        if lines.len() == max {
            break;
        }
    }
    if lines.is_empty() {
        text.push_str("Nothing has run yet.\n");
        return;
    }
    text.push_str("Recent activity, newest last:\n");
    for line in lines.iter().rev() {
        let _ = writeln!(text, "{line}");
    }
}

/// The title of a snippet, or the beginning of its code, unless that is kept from `reader`.
pub fn title_or_code(snippet: &Snippet, reader: Option<&Author>, private: &Private) -> String {
    if private.hides(snippet.id, &snippet.author, reader) {
        return PRIVATE.to_owned();
    }
    snippet.title.as_deref().map_or_else(|| first_lines(&snippet.code), |title| one_line(title, MAX_TITLE))
}
