//! The report of one value, as structured content and as text.

use schemars::JsonSchema;
use serde::Serialize;

use super::truncate::{MAX_TEXT, one_line, truncate_middle};
use crate::domain::terminal_text::plain;
use crate::domain::{Aspect, InspectError, Inspection, SnippetId, TablePage, units};

/// Characters of a name, a type or the like.
const MAX_NAME: usize = 200;
/// Characters of one cell.
const MAX_CELL: usize = 200;
/// Characters of documentation within an overview.
const MAX_DOC: usize = 2_000;
const MAX_SIGNATURE: usize = 2_000;
const MAX_NOTE: usize = 500;
const MAX_ERROR: usize = 2_000;
/// Columns of a table are padded to this width at most.
const MAX_COLUMN_WIDTH: usize = 60;

#[derive(Debug, Serialize, JsonSchema)]
pub struct InspectReport {
    pub name: String,
    pub what: String,
    pub page: u32,
    /// With its module.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Base classes of its class.
    pub bases: Vec<String>,
    /// Length or shape; may be empty.
    pub shape: String,
    pub dtype: String,
    pub length: Option<u64>,
    /// Size in bytes, if cheap to determine.
    pub size_bytes: Option<u64>,
    pub signature: Option<String>,
    /// `file:line` of its definition.
    pub defined_at: Option<String>,
    pub doc: Option<String>,
    /// repr, documentation or source.
    pub text: Option<String>,
    /// Length of the whole text in characters, if known.
    pub text_length: Option<u64>,
    pub tables: Vec<TableReport>,
    /// Notes on these numbers, such as what was sampled or left out.
    pub notes: Vec<String>,
    /// Whether there is a next page.
    pub has_more: bool,
    /// The other views of this value, for the argument `what`.
    pub other: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct TableReport {
    pub title: String,
    pub headers: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Number of rows before these.
    pub offset: u64,
    /// Total number of rows, if known.
    pub total: Option<u64>,
}

impl TableReport {
    fn new(table: TablePage, room: &mut usize) -> Self {
        let cell = |text: &String| one_line(&plain(text), MAX_CELL);
        let mut rows = Vec::new();
        for row in &table.rows {
            let row: Vec<String> = row.iter().map(cell).collect();
            let length: usize = row.iter().map(|cell| cell.len() + 8).sum();
            if length > *room {
                break;
            }
            *room -= length;
            rows.push(row);
        }
        let headers = table.headers.iter().map(cell).collect();
        Self { title: table.title, headers, rows, offset: table.offset, total: table.total }
    }

    /// The rows in lines, with aligned columns.
    fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().chain([&self.headers]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0).min(MAX_COLUMN_WIDTH)
        };
        let widths: Vec<usize> = (0..self.headers.len()).map(width).collect();
        if self.rows.is_empty() {
            return "(none)".to_owned();
        }
        let mut text = String::new();
        for row in [&self.headers].into_iter().chain(&self.rows) {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            text += cells.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        text
    }

    fn heading(&self) -> String {
        let last = self.offset + self.rows.len() as u64;
        match self.total {
            Some(total) if self.offset > 0 || last < total => {
                format!("{} {} to {last} of {total}:", self.title, self.offset + u64::from(last > self.offset))
            }
            _ => format!("{}:", self.title),
        }
    }
}

impl InspectReport {
    pub fn new(inspection: Inspection) -> Self {
        // Text and structured content stay within the limit of one result.
        let mut room = MAX_TEXT * 3 / 5;
        let has_more = inspection.text.as_ref().is_some_and(|text| text.has_more)
            || inspection.tables.iter().any(|table| table.has_more && table.title == inspection.aspect.word())
            || inspection.aspect == Aspect::Overview && inspection.tables.first().is_some_and(|table| table.has_more);
        let name = |text: &str| one_line(&plain(text), MAX_NAME);
        let text_length = inspection.text.as_ref().and_then(|text| text.total);
        let text = inspection.text.map(|page| truncate_middle(&plain(&page.text), MAX_TEXT / 2, 0).0);
        room -= text.as_ref().map_or(0, |text| text.len().min(room / 2));
        Self {
            name: name(&inspection.path),
            what: inspection.aspect.word().to_owned(),
            page: inspection.page + 1,
            type_name: name(&inspection.type_name),
            bases: inspection.bases.iter().map(|base| name(base)).collect(),
            shape: name(&inspection.shape),
            dtype: name(&inspection.dtype),
            length: inspection.length,
            size_bytes: inspection.size,
            signature: inspection.signature.map(|signature| one_line(&plain(&signature), MAX_SIGNATURE)),
            defined_at: inspection.place.map(|place| name(&place)),
            doc: inspection.doc.map(|doc| truncate_middle(&plain(&doc), MAX_DOC, 0).0),
            text,
            text_length,
            tables: inspection.tables.into_iter().map(|table| TableReport::new(table, &mut room)).collect(),
            notes: inspection.notes.iter().map(|note| one_line(&plain(note), MAX_NOTE)).collect(),
            has_more,
            other: inspection
                .aspects
                .iter()
                .filter(|aspect| **aspect != inspection.aspect)
                .map(|a| a.word().to_owned())
                .collect(),
        }
    }

    pub fn text(&self) -> String {
        let mut first = format!("{}: {}", self.name, self.type_name);
        for part in [&self.shape, &self.dtype] {
            // The signature of a function says more.
            if self.signature.is_none() && !part.is_empty() {
                first += &format!(", {part}");
            }
        }
        if let Some(size) = self.size_bytes {
            first += &format!(", {}", units::bytes(size));
        }
        if !self.bases.is_empty() {
            first += &format!(" (inherits {})", self.bases.join(", "));
        }
        let mut lines = vec![first];
        lines.extend(self.signature.clone());
        lines.extend(self.defined_at.as_ref().map(|place| format!("defined at {place}")));
        lines.extend(self.doc.as_ref().map(|doc| format!("\n{doc}")));
        lines.extend(self.text.as_ref().map(|text| format!("\n{text}")));
        lines.extend(self.tables.iter().map(|table| format!("\n{}\n{}", table.heading(), table.text().trim_end())));
        if !self.notes.is_empty() {
            lines.push(String::new());
            lines.extend(self.notes.iter().map(|note| format!("Note: {note}")));
        }
        let more = if self.has_more { format!("next: page {}; ", self.page + 1) } else { String::new() };
        lines.push(format!("\n[{more}other views: {}]", self.other.join(", ")));
        lines.join("\n")
    }
}

/// What to know about a background task that keeps Python to itself, and what it prevents.
pub fn background_notice(snippet: SnippetId, so: &str) -> String {
    format!(
        "A background task of snippet {snippet} does not yield and keeps Python busy, so {so}. interrupt_snippet with \
         snippet={snippet} stops that task."
    )
}

/// Why there is no report, and what to do.
pub fn error(name: &str, aspect: Aspect, error: InspectError) -> String {
    let name = one_line(name, MAX_NAME);
    match error {
        InspectError::Refused(sentence) => format!("Error: {}", truncate_middle(&plain(&sentence), MAX_ERROR, 0).0),
        InspectError::Stopped { seconds, has_ended: true } => {
            let hint =
                if aspect == Aspect::Repr { "; its attributes can be inspected without running its code" } else { "" };
            format!("Error: inspecting {name} took longer than {seconds} s and was stopped{hint}.")
        }
        InspectError::Stopped { seconds, has_ended: false } => format!(
            "Error: inspecting {name} took longer than {seconds} s and cannot be interrupted yet, most likely because \
             it is inside a C call. Snippets wait until that call returns."
        ),
        InspectError::Busy { running, known } => {
            let busy = running.map_or_else(|| "is busy".to_owned(), |id| format!("runs snippet {id}"));
            let known = match known {
                Some(variable) => format!(
                    " Before that snippet, {} was {} {} = {}",
                    one_line(&variable.name, MAX_NAME),
                    one_line(&variable.type_name, MAX_NAME),
                    one_line(&variable.shape, MAX_NAME),
                    one_line(&variable.preview, MAX_CELL)
                ),
                None => String::new(),
            };
            format!(
                "Error: Python {busy}, and values can be inspected only between snippets. Try again after \
                 wait_for_snippet.{known}"
            )
        }
        InspectError::Background(snippet) => {
            format!("Error: {}", background_notice(snippet, "values cannot be inspected"))
        }
        InspectError::Failed(what) => {
            format!("Error: inspecting {name} failed: {}", truncate_middle(&plain(&what), MAX_ERROR, 0).0)
        }
    }
}
