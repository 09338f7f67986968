//! Exports of a transcript: a script, a notebook, a document, or data. All formats keep the authors. Nothing here knows
//! where the entries are stored.
//!
//! [`write`] reads the entries one by one from the [`Archive`] and writes each at once, so a session of gigabytes takes
//! only the memory of its largest entry. [`save`] writes the file.

mod archive;
mod colours;
mod file;
mod format;
mod html;
mod html_escape;
mod items;
mod json;
mod json_writer;
mod markdown;
mod notebook;
pub(in crate::export) mod options;
mod parts;
mod script;
mod session_header;
mod times;

use std::io::{self, Write};

pub use self::options::{ExportOptions, FailedCode, SnippetNumbers};
pub use crate::export::json_writer::escaped;
pub use archive::{Archive, OutputFile, Pages};
pub use file::{Exists, FigureFolder, save};
pub use format::Format;
pub use session_header::SessionHeader;
pub use times::{local_date, local_time};

/// Writes an export, with one entry in memory at a time. `beside` saves figures in files; only Markdown does that, if
/// the options have a folder. Returns the number of snippets written.
///
/// # Errors
/// If the export cannot be written.
pub fn write(
    format: Format,
    session: &SessionHeader<'_>,
    archive: &dyn Archive,
    options: &ExportOptions,
    beside: &mut dyn FnMut(&str, &[u8]) -> io::Result<()>,
    out: &mut dyn Write,
) -> io::Result<usize> {
    let items = items::select(archive.transcript(), options, format);
    match format {
        Format::Py => script::script(session, archive, &items, out)?,
        Format::Ipynb => notebook::notebook(session, archive, &items, out)?,
        Format::Md => {
            let figures = options.figures.as_deref().map(|folder| (folder, beside as markdown::SaveFigure<'_>));
            markdown::markdown(session, archive, &items, figures, out)?;
        }
        Format::Html => html::html(session, archive, &items, out)?,
        Format::Json => json::json(session, archive, &items, out)?,
    }
    Ok(items.iter().filter(|item| matches!(item, items::ExportItem::Snippet(..))).count())
}

#[cfg(test)]
mod tests;
