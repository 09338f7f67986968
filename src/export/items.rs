//! What is exported, in order: the snippets that are wanted with what they wrote and showed, and what happened between.

use std::borrow::Cow;
use std::time::Duration;

use super::archive::Archive;
use super::{ExportOptions, Failed, Format};
use crate::domain::lexer::uses;
use crate::domain::terminal_text::visible;
use crate::domain::{Entry, Snippet, Status, Transcript, units};

/// An entry, as much of it as the transcript has, with its place.
#[derive(Clone, Copy)]
pub enum Item<'a> {
    Snippet(usize, &'a Snippet, Treatment),
    /// Anything but a snippet.
    Between(usize, &'a Entry),
}

/// All that is kept of a snippet.
pub fn whole<'a>(archive: &'a dyn Archive, place: usize, known: &'a Snippet) -> Cow<'a, Snippet> {
    match archive.entry(place) {
        Some(Cow::Owned(Entry::Snippet(snippet))) => Cow::Owned(snippet),
        Some(Cow::Borrowed(Entry::Snippet(snippet))) => Cow::Borrowed(snippet),
        _ => Cow::Borrowed(known),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// As it was run.
    Live,
    /// As a comment.
    Comment,
}

/// The entries that are wanted. What happened between snippets belongs to the whole session only.
pub fn choose<'a>(transcript: &'a Transcript, wanted: &ExportOptions, format: Format) -> Vec<Item<'a>> {
    // What runs as it is would do everything twice.
    let is_program = matches!(format, Format::Py | Format::Ipynb);
    let is_there_already = |snippet: &Snippet| {
        let of = snippet.replay_of.and_then(|of| transcript.snippet(of));
        of.is_some_and(|of| of.status == Status::Ok && wanted.takes(of))
    };
    let item = |(place, entry): (usize, &'a Entry)| match entry {
        Entry::Snippet(snippet) if !wanted.takes(snippet) || is_program && is_there_already(snippet) => None,
        Entry::Snippet(snippet) => match treatment(snippet, wanted.failed, format) {
            Failed::Omit => None,
            Failed::Comment => Some(Item::Snippet(place, snippet, Treatment::Comment)),
            Failed::Keep => Some(Item::Snippet(place, snippet, Treatment::Live)),
        },
        entry => (!wanted.is_choosy()).then_some(Item::Between(place, entry)),
    };
    transcript.entries().iter().enumerate().filter_map(item).collect()
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
