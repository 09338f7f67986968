//! The state of the inspector: the request to the session, its answer, the place in it, and the way to it.

use super::grid::{Grid, GridPrompt};
use crate::domain::{Aspect, InspectError, InspectRequest, Inspection, SnippetId, TablePage, Timestamp};

pub type InspectResult = Result<Box<Inspection>, InspectError>;

#[derive(Debug, Default)]
pub struct Inspector {
    pub request: InspectRequest,
    /// Distinguishes the answer from answers to earlier requests.
    pub number: u32,
    /// `None` until the answer arrives; the answer before is in `last`.
    pub answer: Option<InspectResult>,
    pub last: Option<Box<Inspection>>,
    /// When `last` arrived.
    pub last_at: Timestamp,
    /// The last finished snippet at the time of the request.
    pub after: Option<SnippetId>,
    pub grid: Grid,
    /// A row number or a filter that the person types.
    pub prompt: Option<GridPrompt>,
    /// The values on the way to this one.
    pub trail: Vec<Visit>,
    /// The card whose value this is; its text is shown if the value is gone.
    pub card: Option<usize>,
    /// Whether the person has asked to walk into the first row before the first answer.
    pub walks_in: bool,
    /// Rows of the table in sight at the last frame.
    pub height: u64,
}

/// A value on the way, with the place in it.
#[derive(Debug)]
pub struct Visit {
    pub path: String,
    pub aspect: Aspect,
    pub page: u32,
    pub grid: Grid,
}

/// Returns whether the aspect is one table that scrolls continuously.
pub const fn is_scrolling(aspect: Aspect) -> bool {
    matches!(aspect, Aspect::Rows | Aspect::Items | Aspect::Columns | Aspect::Attributes)
}

/// The aspect that shows all rows of a table by this title.
pub fn aspect_of(title: &str) -> Option<Aspect> {
    Aspect::ALL.into_iter().find(|aspect| is_scrolling(*aspect) && aspect.word() == title)
}

/// Returns the path of a part: `step` is what follows the path, or stands around it.
pub fn path_to(path: &str, step: &str) -> String {
    match step.split_once("{}") {
        Some((before, after)) if before.starts_with("list(") => format!("{before}{path}{after}"),
        _ => format!("{path}{step}"),
    }
}

impl Inspector {
    /// The aspects of the value, as far as known.
    pub fn aspects(&self) -> &[Aspect] {
        self.last.as_ref().map_or(&[], |last| &last.aspects)
    }

    /// The last answer about the requested aspect.
    pub fn shown(&self) -> Option<&Inspection> {
        self.last.as_deref().filter(|last| last.aspect == self.request.aspect && last.page == self.request.page)
    }

    /// The table that scrolls, if the aspect is one.
    pub fn table(&self) -> Option<&TablePage> {
        self.shown().filter(|_| is_scrolling(self.request.aspect))?.tables.first()
    }

    /// The tables with the steps into the parts of the value.
    fn stepping(&self) -> impl Iterator<Item = (&TablePage, usize)> {
        let tables = self.shown().map_or(&[][..], |shown| &shown.tables);
        tables.iter().flat_map(|table| (0..table.rows.len()).map(move |row| (table, row)))
    }

    /// The number of rows under which the cursor can be: of the scrolling table, or of all tables of an overview.
    pub fn total(&self) -> Option<u64> {
        if is_scrolling(self.request.aspect) {
            let table = self.table()?;
            return table.total.or(Some(table.offset + table.rows.len() as u64 + u64::from(table.has_more)));
        }
        let steps = self.stepping().any(|(table, row)| table.steps.get(row).is_some_and(|step| !step.is_empty()));
        Some(if steps { self.stepping().count() as u64 } else { 0 })
    }

    /// The row under the cursor: its table, and its place there.
    pub fn row(&self) -> Option<(&TablePage, usize)> {
        if is_scrolling(self.request.aspect) {
            let table = self.table()?;
            let row = usize::try_from(self.grid.row.checked_sub(table.offset)?).ok()?;
            return (row < table.rows.len()).then_some((table, row));
        }
        self.stepping().nth(usize::try_from(self.grid.row).ok()?)
    }

    /// The path of the part under the cursor.
    pub fn path_of_row(&self) -> Option<String> {
        let (table, row) = self.row()?;
        let step = table.steps.get(row).filter(|step| !step.is_empty())?;
        Some(path_to(&self.request.path, step))
    }

    /// The number of the last page of a text, if the total and the size of a page are known.
    pub fn last_page(&self) -> Option<u32> {
        let Some(Ok(answer)) = &self.answer else { return None };
        let text = answer.text.as_ref()?;
        let count = text.text.chars().count() as u64;
        // Only the last page may be short.
        let page = if self.request.page > 0 { text.offset / u64::from(self.request.page) } else { count };
        u32::try_from(text.total?.checked_sub(1)?.checked_div(page)?).ok()
    }

    /// The number of columns that can be scrolled in the widest table.
    pub fn columns(&self) -> usize {
        let tables = self.last.iter().flat_map(|last| &last.tables);
        let count =
            |table: &TablePage| table.columns.map_or(table.headers.len().saturating_sub(1), |columns| columns as usize);
        tables.map(count).max().unwrap_or(0)
    }

    /// Returns whether a text goes on.
    pub fn has_more(&self) -> bool {
        let Some(Ok(answer)) = &self.answer else { return false };
        answer.text.as_ref().is_some_and(|text| text.has_more)
    }

    pub fn is_sorted_or_filtered(&self) -> bool {
        self.grid.order.is_some() || !self.grid.filter.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_make_paths() {
        assert_eq!(path_to("cfg", "['a']"), "cfg['a']");
        assert_eq!(path_to("cfg['a']", ".name"), "cfg['a'].name");
        assert_eq!(path_to("s", "list({})[3]"), "list(s)[3]");
        assert_eq!(path_to("d", "list({}.values())[0]"), "list(d.values())[0]");
        assert_eq!(path_to("d", "['{}']"), "d['{}']");
        assert_eq!((aspect_of("rows"), aspect_of("stats"), aspect_of("axes")), (Some(Aspect::Rows), None, None));
    }
}
