//! Events in words. What is ours begins at the left end of a line; all that others wrote is indented, so that it cannot
//! pass for ours.

use std::collections::{HashMap, HashSet};

use super::output::Paper;
use crate::domain::terminal_text::{plain, visible};
use crate::domain::{
    Entry, Event, Inquiry, Outcome, OutputChunk, SessionInfo, Snippet, SnippetId, Status, Transcript, VariableChanges,
    units,
};
use crate::process::log;

const INDENT: &str = "  ";
/// Lines of code of others that are told; all of it is in the journal.
const CODE_LINES: usize = 60;
/// Names of variables that changed.
const NAMES: usize = 12;
/// A line that goes on for longer is told in pieces; bytes.
const LONGEST: usize = 64 << 10;

pub fn greeting(info: &SessionInfo, transcript: &Transcript) -> Vec<String> {
    let mut lines = if let Some(Entry::Restart { restart, .. }) = transcript.entries().last() {
        vec![log::on_one_line(&log::restarted(restart))]
    } else {
        let (name, version, cwd) = (&info.name, &info.python_version, info.cwd.display());
        vec![
            log::on_one_line(&format!("fourhands: session {name} with Python {version} in {cwd}")),
            "AI clients connect by the command: fourhands bridge. :help tells more, Ctrl-D ends.".to_owned(),
        ]
    };
    lines.extend(transcript.notice().map(|text| log::on_one_line(&format!("note: {text}"))));
    lines
}

pub fn variables(transcript: &Transcript) -> Vec<String> {
    let table = transcript.variables();
    if table.rows.is_empty() {
        return vec!["no variables".to_owned()];
    }
    let line = |variable: &crate::domain::Variable| {
        let (name, kind) = (&variable.name, &variable.type_name);
        let parts = [&variable.shape, &variable.preview].into_iter().filter(|part| !part.is_empty());
        let rest: String = parts.flat_map(|part| [", ", part]).collect();
        let by = variable.set_by.map(|id| format!(", set by {id}")).unwrap_or_default();
        log::on_one_line(&format!("{name}: {kind}{rest}{by}"))
    };
    table.rows.iter().map(line).collect()
}

pub fn clients(transcript: &Transcript) -> Vec<String> {
    if transcript.clients().is_empty() {
        return vec!["no clients; their MCP command is: fourhands bridge".to_owned()];
    }
    let line = |client: &crate::domain::Client| {
        log::on_one_line(&format!("{}, {}", client.name, units::count(client.runs as usize, "run")))
    };
    transcript.clients().iter().map(line).collect()
}

/// Remembers what is half told.
#[derive(Debug, Default)]
pub struct Teller {
    /// Output without a line end yet; `None` is what came while nothing ran.
    unfinished: HashMap<Option<SnippetId>, String>,
    /// Their start is worth a word.
    waiting: HashSet<SnippetId>,
}

impl Teller {
    /// `transcript` is as it was before the event.
    pub fn tell(&mut self, event: &Event, transcript: &Transcript, paper: &mut Paper) {
        match event {
            Event::Submitted { snippet, author, code, .. } => {
                let waits = transcript.running().is_some() || !transcript.queue().is_empty();
                if !author.is_you() {
                    let queued = if waits { ", queued" } else { "" };
                    paper.line(&log::on_one_line(&format!("{} {snippet}{queued}:", author.name())));
                    code_lines(code, paper);
                } else if waits {
                    paper.line(&format!("{snippet} queued"));
                }
                if waits {
                    self.waiting.insert(*snippet);
                }
            }
            Event::Titled { snippet, title } => paper.line(&log::on_one_line(&format!("{snippet} is about: {title}"))),
            Event::Started { snippet, .. } => {
                if self.waiting.remove(snippet) {
                    paper.line(&format!("{snippet} running"));
                }
            }
            Event::Output { snippet, chunk, .. } => self.output(*snippet, chunk, paper),
            Event::Displayed { snippet, display, .. } => {
                self.flush(Some(*snippet), paper);
                let number = transcript.snippet(*snippet).map_or(1, Snippet::next_display);
                paper.line(&log::on_one_line(&format!("{snippet} shows {}", display.label(number))));
                if let Some(text) = display.text() {
                    indented(&plain(&text), paper);
                }
            }
            Event::InputRequested { snippet, request } => {
                let mine = transcript.snippet(*snippet).is_some_and(|snippet| snippet.author.is_you());
                if mine {
                    // The prompt is the end of the output.
                    let prompt = self.unfinished.remove(&Some(*snippet)).unwrap_or_default();
                    let prompt = if prompt.is_empty() { request.prompt.to_string() } else { prompt };
                    paper.ask(&format!("{INDENT}{}", plain(&prompt)));
                    return;
                }
                self.unfinished.remove(&Some(*snippet));
                let hidden = if request.hidden { "a password" } else { "a line" };
                let prompt = if request.prompt.trim().is_empty() { hidden } else { request.prompt.trim() };
                paper.line(&log::on_one_line(&format!("{snippet} asks: {prompt}")));
                paper.line(":answer answers it");
            }
            Event::InputAnswered { snippet, by, .. } if by.is_you() => {
                self.unfinished.remove(&Some(*snippet));
            }
            Event::Inquired(inquiry) => inquired(inquiry, paper),
            Event::Finished { snippet, outcome, .. } => {
                self.waiting.remove(snippet);
                self.flush(Some(*snippet), paper);
                let mine = transcript.snippet(*snippet).is_some_and(|snippet| snippet.author.is_you());
                finished(*snippet, outcome, mine, paper);
            }
            event => {
                if let Some(text) = log::line(event, transcript) {
                    paper.line(&log::on_one_line(&text));
                }
            }
        }
    }

    fn output(&mut self, snippet: Option<SnippetId>, chunk: &OutputChunk, paper: &mut Paper) {
        for segment in &chunk.head {
            self.text(snippet, &segment.text, paper);
        }
        if chunk.skipped > 0 {
            self.flush(snippet, paper);
            paper.line(&format!("({} left out)", units::bytes(chunk.skipped)));
        }
        for segment in &chunk.tail {
            self.text(snippet, &segment.text, paper);
        }
    }

    fn text(&mut self, snippet: Option<SnippetId>, text: &str, paper: &mut Paper) {
        let unfinished = self.unfinished.entry(snippet).or_default();
        unfinished.push_str(text);
        let end = unfinished.rfind('\n').map_or(0, |end| end + 1);
        let end = if unfinished.len() - end > LONGEST { unfinished.len() } else { end };
        if end > 0 {
            let whole: String = unfinished.drain(..end).collect();
            indented(&plain(&whole), paper);
        }
    }

    fn flush(&mut self, snippet: Option<SnippetId>, paper: &mut Paper) {
        if let Some(rest) = self.unfinished.remove(&snippet).filter(|rest| !rest.is_empty()) {
            indented(&plain(&rest), paper);
        }
    }
}

fn indented(text: &str, paper: &mut Paper) {
    for line in text.lines() {
        paper.line(&format!("{INDENT}{line}"));
    }
}

/// Not by `plain`, by which code could hide what really runs.
fn code_lines(code: &str, paper: &mut Paper) {
    let shown = visible(code);
    for line in shown.lines().take(CODE_LINES) {
        paper.line(&format!("{INDENT}{line}"));
    }
    let more = shown.lines().count().saturating_sub(CODE_LINES);
    if more > 0 {
        paper.line(&format!("({} more of code)", units::count(more, "line")));
    }
}

fn inquired(inquiry: &Inquiry, paper: &mut Paper) {
    paper.line(&log::on_one_line(&format!("{} asks you:", inquiry.by.name())));
    indented(&visible(&inquiry.text), paper);
    for (index, choice) in inquiry.choices.iter().enumerate() {
        paper.line(&format!("{INDENT}{} {}", index + 1, log::on_one_line(choice)));
    }
    paper.line(":answer answers it, :decline does not");
}

fn finished(snippet: SnippetId, outcome: &Outcome, mine: bool, paper: &mut Paper) {
    if let Some(result) = &outcome.result {
        indented(&plain(result), paper);
    }
    if let Some(error) = &outcome.error {
        indented(&plain(&error.traceback), paper);
    }
    let elapsed = units::duration(outcome.elapsed);
    let how = match (outcome.status, &outcome.stopped_by) {
        (Status::Cancelled, Some(by)) => format!("cancelled by {by}"),
        (Status::Cancelled, None) => "cancelled".to_owned(),
        (status, Some(by)) => format!("{} by {by}, {elapsed}", status.word()),
        (Status::Error, None) => format!("failed, {elapsed}"),
        (status, None) => format!("{}, {elapsed}", status.word()),
    };
    let changes = if mine { String::new() } else { changes(&outcome.changes) };
    paper.line(&log::on_one_line(&format!("{snippet} {how}{changes}")));
}

fn changes(changes: &VariableChanges) -> String {
    let told = [("new", &changes.added), ("changed", &changes.changed), ("removed", &changes.removed)];
    let told = told.into_iter().filter(|(_, names)| !names.is_empty()).map(|(word, names)| {
        let more = if names.len() > NAMES { ", …" } else { "" };
        format!("; {word}: {}{more}", names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", "))
    });
    told.collect()
}
