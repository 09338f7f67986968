//! What is exported, in order: the snippets that are wanted with what they wrote and showed, and what happened between.

use std::time::Duration;

use super::{Failed, Format, Wanted};
use crate::domain::lexer::uses;
use crate::domain::output::Segment;
use crate::domain::terminal_text::visible;
use crate::domain::{Display, Entry, Output, Snippet, Status, Transcript, units};

pub enum Item<'a> {
    Snippet(&'a Snippet, Treatment),
    /// Anything but a snippet.
    Between(&'a Entry),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// As it was run.
    Live,
    /// As a comment.
    Comment,
}

/// The entries that are wanted. What happened between snippets belongs to the whole session only.
pub fn choose<'a>(transcript: &'a Transcript, wanted: &Wanted, format: Format) -> Vec<Item<'a>> {
    // What runs as it is would do everything twice.
    let is_program = matches!(format, Format::Py | Format::Ipynb);
    let is_there_already = |snippet: &Snippet| {
        let of = snippet.replay_of.and_then(|of| transcript.snippet(of));
        of.is_some_and(|of| of.status == Status::Ok && wanted.takes(of))
    };
    let item = |entry: &'a Entry| match entry {
        Entry::Snippet(snippet) if !wanted.takes(snippet) || is_program && is_there_already(snippet) => None,
        Entry::Snippet(snippet) => match treatment(snippet, wanted.failed, format) {
            Failed::Omit => None,
            Failed::Comment => Some(Item::Snippet(snippet, Treatment::Comment)),
            Failed::Keep => Some(Item::Snippet(snippet, Treatment::Live)),
        },
        entry => (!wanted.is_choosy()).then_some(Item::Between(entry)),
    };
    transcript.entries().iter().filter_map(item).collect()
}

fn treatment(snippet: &Snippet, failed: Option<Failed>, format: Format) -> Failed {
    if snippet.status == Status::Ok {
        return Failed::Keep;
    }
    failed.unwrap_or(match format {
        Format::Py => Failed::Comment,
        // What was stopped would go on for ever, and what ended Python would end the kernel.
        Format::Ipynb if snippet.status != Status::Error || killed_python(snippet) => Failed::Comment,
        _ => Failed::Keep,
    })
}

fn killed_python(snippet: &Snippet) -> bool {
    let error = snippet.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
    error.is_some_and(|error| error.type_name == "PythonDied")
}

/// A part of what a snippet wrote and showed.
pub enum Part<'a> {
    Text(Vec<Segment>),
    /// That many bytes are not kept here.
    Gap(u64),
    /// That many displays before the next are not kept.
    Dropped(usize),
    /// With its number within the snippet.
    Display(usize, &'a Display),
}

/// What a snippet wrote and showed, in order.
pub fn parts(snippet: &Snippet) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    if snippet.displays_dropped > 0 {
        parts.push(Part::Dropped(snippet.displays_dropped));
    }
    let total = snippet.output.total();
    if snippet.displays.is_empty() {
        push_text(&mut parts, &snippet.output);
        return parts;
    }
    let mut from = 0;
    for (number, display) in snippet.numbered_displays() {
        if display.after > from {
            push_text(&mut parts, &snippet.output.piece(from, display.after));
            from = display.after;
        }
        parts.push(Part::Display(number, display));
    }
    push_text(&mut parts, &snippet.output.piece(from, total));
    parts
}

pub fn push_text(parts: &mut Vec<Part<'_>>, output: &Output) {
    let mut text = |segments: Vec<Segment>| {
        if !segments.is_empty() {
            parts.push(Part::Text(segments));
        }
    };
    text(output.head().cloned().collect());
    if output.omitted() > 0 {
        parts.push(Part::Gap(output.omitted()));
    }
    let tail: Vec<Segment> = output.tail().cloned().collect();
    if !tail.is_empty() {
        parts.push(Part::Text(tail));
    }
}

/// Where among the parts the display stands that is another form of the snippet's value: engines publish it last, without
/// a text, since that is the value's own.
pub fn of_the_value(snippet: &Snippet, parts: &[Part<'_>]) -> Option<usize> {
    snippet.outcome.as_ref()?.result.as_ref()?;
    let place = parts.iter().rposition(|part| matches!(part, Part::Display(..)))?;
    let Part::Display(_, display) = &parts[place] else { return None };
    let is_document = display.forms.first().is_some_and(|form| !form.is_image());
    (is_document && display.form("text/plain").is_none() && display.id.is_none()).then_some(place)
}

/// How a snippet ended, in few words: `ok, 1.2 s`; `error: ValueError, 12 ms`; `interrupted by you, 0:42`.
pub fn ending(snippet: &Snippet) -> String {
    let mut words = snippet.status.word().to_owned();
    let Some(outcome) = &snippet.outcome else { return words };
    if let Some(error) = outcome.error.as_ref().filter(|_| snippet.status == Status::Error) {
        words = format!("{words}: {}", one_line(&error.type_name));
    } else if let Some(by) = &outcome.stopped_by {
        words = format!("{words} by {}", one_line(by));
    }
    if snippet.started_at.is_some() && outcome.elapsed > Duration::ZERO {
        words = format!("{words}, {}", units::duration(outcome.elapsed));
    }
    if let Some(of) = snippet.replay_of {
        words = format!("{words}, replay of {of}");
    }
    words
}

/// How a reset or a restart reads.
pub fn happened(entry: &Entry) -> String {
    match entry {
        Entry::Reset { by, report, .. } => {
            let remains = report.remains.iter().map(|remains| format!("; still there: {remains}"));
            format!(
                "reset by {}: {} cleared{}",
                by.name(),
                units::count(report.cleared, "name"),
                remains.collect::<String>()
            )
        }
        Entry::Restart { restart, .. } => match &restart.by {
            Some(by) => format!(
                "restarted by {}: a new Python took over, all variables were lost{}",
                by.name(),
                restart.fate_of_processes()
            ),
            None if restart.resumed => format!("resumed: {}", restart.how),
            None => format!(
                "{}: a new Python took over, all variables were lost{}",
                restart.how,
                restart.fate_of_processes()
            ),
        },
        Entry::Note { note, .. } => {
            let about = note.about.map(|snippet| format!(" about {snippet}")).unwrap_or_default();
            let asked = note.answers.as_ref().map(|asked| format!(" to \"{}\"", asked.text)).unwrap_or_default();
            format!("note by {}{about}{asked}: {}", note.by.name(), note.text)
        }
        Entry::Background { .. } => "written while nothing ran".to_owned(),
        Entry::Snippet(snippet) => snippet.id.to_string(),
    }
}

pub fn at(entry: &Entry) -> u64 {
    match entry {
        Entry::Snippet(snippet) => time(snippet),
        Entry::Background { at, .. } | Entry::Reset { at, .. } | Entry::Restart { at, .. } | Entry::Note { at, .. } => {
            *at
        }
    }
}

/// When a snippet began, or came.
pub fn time(snippet: &Snippet) -> u64 {
    snippet.started_at.unwrap_or(snippet.submitted_at)
}

/// Names and messages may hold anything; here they take one line.
pub fn one_line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// The code as the session took it.
pub fn code(snippet: &Snippet) -> String {
    snippet.code.strip_prefix('\u{feff}').unwrap_or(&snippet.code).replace("\r\n", "\n").replace('\r', "\n")
}

/// Whether the code may end by `exit()`, which is an end as good as any in a session, and nowhere else.
pub fn may_exit(code: &str) -> bool {
    ["exit", "quit", "SystemExit"].iter().any(|name| uses(code, name) || code.contains(&format!(".{name}(")))
}

/// `# ` before each line, with all made visible that a comment may not hold.
pub fn commented(code: &str) -> String {
    let line = |line: &str| if line.trim().is_empty() { "#\n".to_owned() } else { format!("# {}\n", visible(line)) };
    code.trim_end().lines().map(line).collect()
}
