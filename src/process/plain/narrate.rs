//! Events as lines of text. Text of clients and code is indented, so that it cannot pass for a line of the session
//! itself.

use std::collections::{HashMap, HashSet};

use super::output::Printer;
use crate::domain::terminal_text::{plain, visible};
use crate::domain::welcome::DEMO;
use crate::domain::{
    Entry, Event, InputRequest, Inquiry, Outcome, OutputChunk, SessionInfo, Snippet, SnippetId, Status, Transcript,
    VariableChanges, units,
};
use crate::process::log;

const INDENT: &str = "  ";
/// Lines of a client's code that are shown; the journal has all of it.
const MAX_CODE_LINES: usize = 60;
/// Names of changed variables that are shown.
const MAX_NAMES: usize = 12;
/// Bytes after which an unfinished line is shown.
const MAX_UNFINISHED: usize = 64 << 10;

pub fn greeting(info: &SessionInfo, transcript: &Transcript, goes_on: bool) -> Vec<String> {
    let mut lines = if let Some(Entry::Restart { restart, .. }) = transcript.entries().last() {
        vec![log::on_one_line(&log::restarted(restart))]
    } else {
        let (name, version, cwd) = (&info.name, &info.python_version, info.cwd.display());
        vec![
            log::on_one_line(&format!("fourhands: session {name} with Python {version} in {cwd}")),
            if info.is_demo {
                format!("{}. Type :help for help.", DEMO.join(". "))
            } else {
                let quit = if goes_on { "leave" } else { "quit" };
                format!(
                    "To connect an AI client, run in another terminal: fourhands setup. Type :help for help, Ctrl-D to \
                     {quit}."
                )
            },
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
        return vec!["no clients; to connect one, run in another terminal: fourhands setup".to_owned()];
    }
    let line = |client: &crate::domain::Client| {
        log::on_one_line(&format!("{}, {}", client.name, units::count(client.runs as usize, "run")))
    };
    transcript.clients().iter().map(line).collect()
}

/// The writer of events, with the output that has no line end yet.
#[derive(Debug, Default)]
pub struct Narrator {
    /// Unfinished lines of output, by snippet; `None` for output of no snippet.
    unfinished: HashMap<Option<SnippetId>, String>,
    /// Snippets that were queued, whose start is shown.
    queued: HashSet<SnippetId>,
}

impl Narrator {
    /// Writes an event. `transcript` is its state before the event.
    pub fn narrate(&mut self, event: &Event, transcript: &Transcript, printer: &mut Printer) {
        match event {
            event if is_left_out(event, transcript) => {}
            Event::Submitted { snippet, author, .. } if transcript.gate().is_muted(author) => {
                printer.line(&log::on_one_line(&format!("{} {snippet}, muted", author.name())));
            }
            Event::Finished { snippet, outcome, .. } if is_of_muted(*snippet, transcript) => {
                ended(*snippet, outcome, false, printer);
            }
            Event::Submitted { snippet, author, code, .. } => {
                let waits = transcript.running().is_some() || !transcript.queue().is_empty();
                if !author.is_you() {
                    let queued = if waits { ", queued" } else { "" };
                    printer.line(&log::on_one_line(&format!("{} {snippet}{queued}:", author.name())));
                    code_lines(code, printer);
                } else if waits {
                    printer.line(&format!("{snippet} queued"));
                }
                if waits {
                    self.queued.insert(*snippet);
                }
            }
            Event::Titled { snippet, title } => {
                printer.line(&log::on_one_line(&format!("{snippet} title: {title}")));
            }
            Event::Started { snippet, .. } => {
                if self.queued.remove(snippet) {
                    printer.line(&format!("{snippet} running"));
                }
            }
            Event::Output { snippet, chunk, .. } => self.output(*snippet, chunk, printer),
            Event::Displayed { snippet, display, .. } => {
                self.flush(Some(*snippet), printer);
                let number = transcript.snippet(*snippet).map_or(1, Snippet::next_display);
                printer.line(&log::on_one_line(&format!("{snippet} shows {}", display.label(number))));
                if let Some(text) = display.text() {
                    indented(&plain(&text), printer);
                }
            }
            Event::InputRequested { snippet, request } => self.input_requested(*snippet, request, transcript, printer),
            Event::InputAnswered { snippet, by, .. } if by.is_you() => {
                self.unfinished.remove(&Some(*snippet));
            }
            Event::Review { snippet, review, .. } if review.decision.is_none() && !review.is_held => {
                printer.line(&log::on_one_line(&log::line(event, transcript).unwrap_or_default()));
                show_unseen_code(*snippet, transcript, printer);
                how_to_decide(*snippet, printer);
            }
            Event::RiskAsked { snippet, .. } => {
                printer.line(&log::on_one_line(&log::line(event, transcript).unwrap_or_default()));
                show_unseen_code(*snippet, transcript, printer);
                how_to_decide(*snippet, printer);
            }
            Event::Inquired(inquiry) => inquired(inquiry, printer),
            Event::Finished { snippet, outcome, .. } => {
                self.queued.remove(snippet);
                self.flush(Some(*snippet), printer);
                let mine = transcript.snippet(*snippet).is_some_and(|snippet| snippet.author.is_you());
                finished(*snippet, outcome, mine, printer);
            }
            event => {
                if let Some(text) = log::line(event, transcript) {
                    printer.line(&log::on_one_line(&text));
                }
            }
        }
    }

    fn input_requested(
        &mut self,
        snippet: SnippetId,
        request: &InputRequest,
        transcript: &Transcript,
        printer: &mut Printer,
    ) {
        let mine = transcript.snippet(snippet).is_some_and(|snippet| snippet.author.is_you());
        if mine {
            // Code may have written the prompt as output.
            let prompt = self.unfinished.remove(&Some(snippet)).unwrap_or_default();
            let prompt = if prompt.is_empty() { request.prompt.to_string() } else { prompt };
            printer.ask(&format!("{INDENT}{}", plain(&prompt)));
            return;
        }
        self.unfinished.remove(&Some(snippet));
        let by = transcript.snippet(snippet).map_or("", |snippet| snippet.author.name());
        let wants = if request.hidden { "wants hidden input" } else { "wants input" };
        let prompt = match request.prompt.trim() {
            "" => String::new(),
            prompt => format!(": {prompt}"),
        };
        printer.line(&log::on_one_line(&format!("{by} ({snippet}) {wants}{prompt}")));
        printer.line("reply with :answer TEXT");
    }

    fn output(&mut self, snippet: Option<SnippetId>, chunk: &OutputChunk, printer: &mut Printer) {
        for segment in &chunk.head {
            self.text(snippet, &segment.text, printer);
        }
        if chunk.skipped > 0 {
            self.flush(snippet, printer);
            printer.line(&format!("({} left out)", units::bytes(chunk.skipped)));
        }
        for segment in &chunk.tail {
            self.text(snippet, &segment.text, printer);
        }
    }

    fn text(&mut self, snippet: Option<SnippetId>, text: &str, printer: &mut Printer) {
        let unfinished = self.unfinished.entry(snippet).or_default();
        unfinished.push_str(text);
        let end = unfinished.rfind('\n').map_or(0, |end| end + 1);
        let end = if unfinished.len() - end > MAX_UNFINISHED { unfinished.len() } else { end };
        if end > 0 {
            let whole: String = unfinished.drain(..end).collect();
            indented(&plain(&whole), printer);
        }
    }

    fn flush(&mut self, snippet: Option<SnippetId>, printer: &mut Printer) {
        if let Some(rest) = self.unfinished.remove(&snippet).filter(|rest| !rest.is_empty()) {
            indented(&plain(&rest), printer);
        }
    }
}

/// Writes what waited before the dashboard opened, with all that a decision needs.
pub fn waiting(transcript: &Transcript, printer: &mut Printer) {
    for clause in transcript.waiting() {
        printer.line(&log::on_one_line(&format!("note: {clause}")));
    }
    let at_risk = transcript.running().filter(|snippet| !snippet.open_risks().is_empty());
    for snippet in at_risk.into_iter().chain(transcript.pending()) {
        printer.line(&log::on_one_line(&format!("{} {}:", snippet.author.name(), snippet.id)));
        indented(&visible(&snippet.code), printer);
        how_to_decide(snippet.id, printer);
    }
    for inquiry in transcript.inquiries() {
        inquired(inquiry, printer);
    }
}

/// Nobody decides about code that they have not seen: that of a muted client, or more than is shown of others.
fn show_unseen_code(snippet: SnippetId, transcript: &Transcript, printer: &mut Printer) {
    let Some(found) = transcript.snippet(snippet) else { return };
    let code = visible(&found.code);
    if transcript.gate().is_muted(&found.author) || code.lines().count() > MAX_CODE_LINES {
        indented(&code, printer);
    }
}

fn how_to_decide(snippet: SnippetId, printer: &mut Printer) {
    printer.line(&format!("reply with :run {snippet}, :always {snippet}, or :reject {snippet} WHY"));
}

fn is_of_muted(snippet: SnippetId, transcript: &Transcript) -> bool {
    transcript.snippet(snippet).is_some_and(|found| transcript.gate().is_muted(&found.author))
}

/// Whether the event is what a muted client shows.
fn is_left_out(event: &Event, transcript: &Transcript) -> bool {
    match event {
        Event::Titled { snippet, .. }
        | Event::Started { snippet, .. }
        | Event::Output { snippet: Some(snippet), .. }
        | Event::Displayed { snippet, .. } => is_of_muted(*snippet, transcript),
        _ => false,
    }
}

fn indented(text: &str, printer: &mut Printer) {
    for line in text.lines() {
        printer.line(&format!("{INDENT}{line}"));
    }
}

/// Writes a client's code, by `visible` because with `plain` control characters could hide a part of the code.
fn code_lines(code: &str, printer: &mut Printer) {
    let shown = visible(code);
    for line in shown.lines().take(MAX_CODE_LINES) {
        printer.line(&format!("{INDENT}{line}"));
    }
    let more = shown.lines().count().saturating_sub(MAX_CODE_LINES);
    if more > 0 {
        printer.line(&format!("({} more)", units::count(more, "line")));
    }
}

fn inquired(inquiry: &Inquiry, printer: &mut Printer) {
    printer.line(&log::on_one_line(&format!("{} asks you:", inquiry.by.name())));
    indented(&visible(&inquiry.text), printer);
    for (index, choice) in inquiry.choices.iter().enumerate() {
        printer.line(&format!("{INDENT}{} {}", index + 1, log::on_one_line(choice)));
    }
    printer.line("reply with :answer TEXT, or :decline");
}

fn finished(snippet: SnippetId, outcome: &Outcome, mine: bool, printer: &mut Printer) {
    if let Some(result) = &outcome.result {
        indented(&plain(result), printer);
    }
    if let Some(error) = &outcome.error {
        indented(&plain(&error.traceback), printer);
    }
    ended(snippet, outcome, mine, printer);
}

/// Writes how a snippet ended, in one line.
fn ended(snippet: SnippetId, outcome: &Outcome, mine: bool, printer: &mut Printer) {
    let elapsed = units::duration(outcome.elapsed);
    let how = match (outcome.status, &outcome.stopped_by) {
        (Status::Cancelled, Some(by)) => format!("cancelled by {by}"),
        (Status::Cancelled, None) => "cancelled".to_owned(),
        (status, Some(by)) => format!("{} by {by}, {elapsed}", status.word()),
        (Status::Error, None) => format!("failed, {elapsed}"),
        (status, None) => format!("{}, {elapsed}", status.word()),
    };
    let changes = if mine { String::new() } else { changes(&outcome.changes) };
    let clashes = outcome.changes.clash_phrases().into_iter();
    let clashes: Vec<String> = clashes.map(|(owner, what)| format!("; clash: {what} of {}", owner.name())).collect();
    let clashes = clashes.concat();
    printer.line(&log::on_one_line(&format!("{snippet} {how}{changes}{clashes}")));
}

fn changes(changes: &VariableChanges) -> String {
    let changes = changes.by_fate().into_iter().map(|(word, names)| {
        let more = if names.len() > MAX_NAMES { ", …" } else { "" };
        format!("; {word}: {}{more}", names[..names.len().min(MAX_NAMES)].join(", "))
    });
    changes.collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};

    use super::*;
    use crate::tui::fixtures::{Story, client, pending};

    fn printed(print: impl FnOnce(&mut Printer)) -> String {
        let mut file = tempfile::tempfile().unwrap();
        print(&mut Printer::new(file.try_clone().unwrap()));
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_dashboard_that_comes_later_shows_the_whole_code_that_waits() {
        let mut story = Story::default();
        let code = format!("{}open('last', 'w')", "x = 1\n".repeat(MAX_CODE_LINES + 5));
        let snippet = pending(&mut story, &client(1, "claude"), &code, false);
        let text = printed(|printer| waiting(&story.transcript, printer));
        assert!(text.contains("note: 1 of claude waits for your decision\nclaude 1:\n  x = 1\n"), "{text}");
        assert!(text.contains("\n  open('last', 'w')\nreply with :run 1, :always 1, or :reject 1 WHY\n"), "{text}");
        // Of code that came while the dashboard was open, the beginning is on the screen.
        let unseen = printed(|printer| show_unseen_code(snippet, &story.transcript, printer));
        assert!(unseen.ends_with("\n  open('last', 'w')\n"), "{unseen}");
        let short = pending(&mut story, &client(1, "claude"), "x = 2", false);
        assert_eq!(printed(|printer| show_unseen_code(short, &story.transcript, printer)), "");
    }
}
