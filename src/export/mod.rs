//! A transcript as a file: a script, a notebook, a document, or data. Who ran what is kept in each.
//!
//! [`write`] goes through the entries one by one: each is read from where all of it is kept ([`Archive`]) and written at
//! once, so a session of gigabytes takes the memory of its largest entry. [`save`] sees to the file.

mod archive;
mod colours;
mod file;
mod html;
mod html_escape;
mod items;
mod json;
mod json_writer;
mod markdown;
mod notebook;
mod parts;
mod script;
mod wanted;

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

pub use crate::export::json_writer::escaped;
pub use archive::{Archive, OutputFile, Pages};
pub use file::{Beside, Exists, save};
pub use wanted::{ExportOptions, Failed, Numbers};

use crate::domain::Timestamp;

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
}

/// Writes what is `wanted` of a session, an entry at a time: never more of it is in memory. `beside` keeps the figures
/// that do not stand in the text; only Markdown has such, and only where a folder is wanted. Answers how many snippets
/// were written.
///
/// # Errors
/// If it cannot be written.
pub fn write(
    format: Format,
    session: &Session<'_>,
    archive: &dyn Archive,
    wanted: &ExportOptions,
    beside: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
    out: &mut dyn Write,
) -> io::Result<usize> {
    let items = items::choose(archive.transcript(), wanted, format);
    match format {
        Format::Py => script::script(session, archive, &items, out)?,
        Format::Ipynb => notebook::notebook(session, archive, &items, out)?,
        Format::Md => {
            let figures = wanted.figures.as_deref().map(|folder| (folder, beside as markdown::Beside<'_>));
            markdown::markdown(session, archive, &items, figures, out)?;
        }
        Format::Html => html::html(session, archive, &items, out)?,
        Format::Json => json::json(session, archive, &items, out)?,
    }
    Ok(items.iter().filter(|item| matches!(item, items::Item::Snippet(..))).count())
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
