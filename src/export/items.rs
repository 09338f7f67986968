//! The items of an export in order: the selected snippets, and the entries between them.

use std::borrow::Cow;
use std::time::Duration;

use super::archive::Archive;
use super::format::Format;
use super::options::{ExportOptions, FailedCode};
use crate::domain::lexer::reads_variable;
use crate::domain::terminal_text::visible;
use crate::domain::{Entry, ErrorReport, Snippet, Status, Transcript, rewind_request, units};

/// An item with its index in the transcript, and the entry as the transcript has it.
#[derive(Clone, Copy)]
pub enum ExportItem<'a> {
    Snippet(usize, &'a Snippet, CodeRendering),
    /// An entry other than a snippet.
    Between(usize, &'a Entry),
}

/// Returns the complete snippet.
pub fn complete_snippet<'a>(archive: &'a dyn Archive, index: usize, known: &'a Snippet) -> Cow<'a, Snippet> {
    match archive.entry(index) {
        Some(Cow::Owned(Entry::Snippet(snippet))) => Cow::Owned(snippet),
        Some(Cow::Borrowed(Entry::Snippet(snippet))) => Cow::Borrowed(snippet),
        _ => Cow::Borrowed(known),
    }
}

/// Returns the effects of a snippet on one line, such as `Effects: wrote a.csv; started git`; `None` if there are none.
pub fn describe_effects(snippet: &Snippet) -> Option<String> {
    let phrases = snippet.effects.phrases();
    (!phrases.is_empty()).then(|| one_line(&format!("Effects: {}", phrases.join("; "))))
}

/// How the code of a snippet appears in the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRendering {
    /// As it was run.
    Code,
    Comment,
}

/// Selects the entries. Those between snippets are only in exports of a whole session.
pub fn select<'a>(transcript: &'a Transcript, options: &ExportOptions, format: Format) -> Vec<ExportItem<'a>> {
    // In a script or notebook, a replay would repeat code that is already there.
    let is_program = matches!(format, Format::Py | Format::Ipynb);
    let original_is_exported = |snippet: &Snippet| {
        let original = snippet.replay_of.and_then(|original| transcript.snippet(original));
        original
            .is_some_and(|original| original.status == Status::Ok && !original.taken_back && options.takes(original))
    };
    let item = |(index, entry): (usize, &'a Entry)| match entry {
        Entry::Snippet(snippet) if !options.takes(snippet) || is_program && original_is_exported(snippet) => None,
        Entry::Snippet(snippet) => {
            let rendering = rendering(snippet, options.failed, format)?;
            Some(ExportItem::Snippet(index, snippet, rendering))
        }
        entry => (!options.selects_part()).then_some(ExportItem::Between(index, entry)),
    };
    transcript.entries().iter().enumerate().filter_map(item).collect()
}

/// Returns `None` if the snippet is left out.
fn rendering(snippet: &Snippet, failed: Option<FailedCode>, format: Format) -> Option<CodeRendering> {
    let is_program = matches!(format, Format::Py | Format::Ipynb);
    if is_program && (snippet.taken_back || rewind_request(&snippet.code).is_some()) {
        return (failed != Some(FailedCode::Omit)).then_some(CodeRendering::Comment);
    }
    if snippet.status == Status::Ok {
        return Some(CodeRendering::Code);
    }
    let by_format = || match format {
        Format::Py => FailedCode::Comment,
        // Interrupted code could run for ever, and code that killed Python would kill the kernel.
        Format::Ipynb if snippet.status != Status::Error || killed_python(snippet) => FailedCode::Comment,
        _ => FailedCode::Keep,
    };
    match failed.unwrap_or_else(by_format) {
        FailedCode::Omit => None,
        FailedCode::Comment => Some(CodeRendering::Comment),
        FailedCode::Keep => Some(CodeRendering::Code),
    }
}

fn killed_python(snippet: &Snippet) -> bool {
    let error = snippet.outcome.as_ref().and_then(|outcome| outcome.error.as_ref());
    error.is_some_and(ErrorReport::is_python_death)
}

/// Describes how a snippet ended: `ok, 1.2 s`; `error: ValueError, 12 ms`; `interrupted by you, 0:42`.
pub fn describe_ending(snippet: &Snippet) -> String {
    let mut text = snippet.status_word().to_owned();
    let Some(outcome) = &snippet.outcome else { return text };
    if let Some(error) = outcome.error.as_ref().filter(|_| snippet.status == Status::Error) {
        text = format!("{text}: {}", one_line(&error.type_name));
    } else if let Some(by) = &outcome.stopped_by {
        text = format!("{text} by {}", one_line(by));
    }
    if let Some(reason) = snippet.review.as_ref().and_then(|review| review.rejection()?.reason.as_deref()) {
        text = format!("{text} ({})", one_line(reason));
    }
    if snippet.started_at.is_some() && outcome.elapsed > Duration::ZERO {
        text = format!("{text}, {}", units::duration(outcome.elapsed));
    }
    if let Some(of) = snippet.replay_of {
        text = format!("{text}, replay of {of}");
    }
    if snippet.taken_back {
        text.push_str(", taken back");
    }
    text
}

/// Describes an entry between snippets.
pub fn describe_entry(entry: &Entry) -> String {
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
            Some(by) if restart.before.is_some() => {
                format!("{} {}{}", by.name(), restart.rewound().unwrap_or_default(), restart.aftermath())
            }
            Some(by) => format!(
                "restarted by {}: a new Python took over, all variables were lost{}",
                by.name(),
                restart.aftermath()
            ),
            None if restart.resumed => format!("resumed: {}", restart.how),
            None if restart.safe_point.is_some() => {
                format!("{} A copy of Python took over{}", restart.how, restart.aftermath())
            }
            None => format!("{}: a new Python took over, all variables were lost{}", restart.how, restart.aftermath()),
        },
        Entry::Note { note, .. } => {
            let about = note.about.map(|snippet| format!(" about {snippet}"));
            let about = about.or(note.to.as_ref().map(|to| format!(" to {to}"))).unwrap_or_default();
            let question =
                note.answers.as_ref().map(|question| format!(" to \"{}\"", question.text)).unwrap_or_default();
            let text = if note.declined().is_some() { "(declined to answer)" } else { &*note.text };
            format!("note by {}{about}{question}: {text}", note.by.name())
        }
        Entry::Background { .. } => "written while nothing ran".to_owned(),
        Entry::Snippet(snippet) => snippet.id.to_string(),
    }
}

pub fn entry_time(entry: &Entry) -> u64 {
    match entry {
        Entry::Snippet(snippet) => snippet_time(snippet),
        Entry::Background { at, .. } | Entry::Reset { at, .. } | Entry::Restart { at, .. } | Entry::Note { at, .. } => {
            *at
        }
    }
}

/// Returns when a snippet began or was submitted.
pub fn snippet_time(snippet: &Snippet) -> u64 {
    snippet.started_at.unwrap_or(snippet.submitted_at)
}

/// Makes names and messages visible text on one line.
pub fn one_line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// Returns the code without a byte order mark and with `\n` as line end, as the session ran it.
pub fn normalized_code(snippet: &Snippet) -> String {
    snippet.code.strip_prefix('\u{feff}').unwrap_or(&snippet.code).replace("\r\n", "\n").replace('\r', "\n")
}

/// Returns whether the code may call `exit()`. In a session that is a normal end.
pub fn may_exit(code: &str) -> bool {
    ["exit", "quit", "SystemExit"].iter().any(|name| reads_variable(code, name) || code.contains(&format!(".{name}(")))
}

/// Puts `# ` before each line, and makes characters visible that a comment must not contain.
pub fn commented(code: &str) -> String {
    let line = |line: &str| if line.trim().is_empty() { "#\n".to_owned() } else { format!("# {}\n", visible(line)) };
    code.trim_end().lines().map(line).collect()
}
