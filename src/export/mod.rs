//! A transcript as a file: a script, a notebook, a document, or data. Who ran what is kept in each.
//!
//! [`render`] is pure: from the transcript, a few words about the session, and what is wanted ([`Wanted`]) to text. The
//! CLI gives it what the journal kept, the dashboard what is on its screen; both write it by [`save`].

mod colours;
mod file;
mod html;
mod items;
mod json;
mod markdown;
mod notebook;
mod script;
mod wanted;

use std::fmt;
use std::path::{Path, PathBuf};

pub use file::{Exists, save};
pub use json::escaped;
pub use wanted::{Failed, Numbers, Wanted};

use crate::domain::{SnippetId, Timestamp, Transcript};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A Python script.
    Py,
    /// A Jupyter notebook.
    Ipynb,
    Md,
    Html,
    Json,
}

impl Format {
    pub const ALL: [Self; 5] = [Self::Py, Self::Ipynb, Self::Md, Self::Html, Self::Json];

    /// As it is asked for, and the ending of its files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Py => "py",
            Self::Ipynb => "ipynb",
            Self::Md => "md",
            Self::Html => "html",
            Self::Json => "json",
        }
    }

    /// By the ending of a file's name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "markdown" => Some(Self::Md),
            "htm" => Some(Self::Html),
            ending => Self::ALL.into_iter().find(|format| format.name() == ending),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is told about the session itself.
pub struct Session<'a> {
    pub name: &'a str,
    /// By which the journal knows it.
    pub id: Option<&'a str>,
    pub cwd: &'a Path,
    pub python: &'a Path,
    pub python_version: &'a str,
    pub started: Timestamp,
    /// A time as people read it, such as `2026-11-22 14:03`.
    pub clock: fn(Timestamp) -> String,
    /// Where the whole output of a snippet lies, if that is known.
    pub whole: &'a dyn Fn(SnippetId) -> Option<PathBuf>,
}

/// What was made of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    pub text: String,
    /// Figures that do not stand in the text: their file names, and their bytes. Only Markdown has such.
    pub figures: Vec<(String, Vec<u8>)>,
    /// How many snippets are in it.
    pub snippets: usize,
}

#[must_use]
pub fn render(format: Format, session: &Session<'_>, transcript: &Transcript, wanted: &Wanted) -> Export {
    let items = items::choose(transcript, wanted, format);
    let snippets = items.iter().filter(|item| matches!(item, items::Item::Snippet(..))).count();
    let mut figures = Vec::new();
    let text = match format {
        Format::Py => script::script(session, &items),
        Format::Ipynb => notebook::notebook(session, &items),
        Format::Md => {
            let (text, beside) = markdown::markdown(session, &items, wanted.figures.as_deref());
            figures = beside;
            text
        }
        Format::Html => html::html(session, &items),
        Format::Json => json::json(session, &items),
    };
    Export { text, figures, snippets }
}

/// A time as people read it, by the clock of this machine.
#[must_use]
pub fn local_time(at: Timestamp) -> String {
    at_zone(at).map_or_else(|| "?".to_owned(), |time| time.format("%Y-%m-%d %H:%M").to_string())
}

/// Such as `2026-11-22`, by the clock of this machine.
#[must_use]
pub fn local_date(at: Timestamp) -> String {
    at_zone(at).map_or_else(|| "unknown".to_owned(), |time| time.format("%Y-%m-%d").to_string())
}

fn at_zone(at: Timestamp) -> Option<chrono::DateTime<chrono::Local>> {
    Some(chrono::DateTime::from_timestamp_millis(i64::try_from(at).ok()?)?.with_timezone(&chrono::Local))
}

/// Such as `2026-11-22T14:03:09.120Z`, for programs.
fn iso(at: Timestamp) -> String {
    i64::try_from(at)
        .ok()
        .and_then(chrono::DateTime::from_timestamp_millis)
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
