//! The state of the inspector: the request to the session, and its answer.

use crate::domain::{Aspect, InspectError, InspectRequest, Inspection, SnippetId, Timestamp};

pub type InspectResult = Result<Box<Inspection>, InspectError>;

#[derive(Debug)]
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
    /// Columns of the tables that are scrolled away on the left.
    pub column: usize,
}

impl Inspector {
    /// The aspects of the value, as far as known.
    pub fn aspects(&self) -> &[Aspect] {
        self.last.as_ref().map_or(&[], |last| &last.aspects)
    }

    /// The number of the last page, if the total and the size of a page are known.
    pub fn last_page(&self) -> Option<u32> {
        let Some(Ok(answer)) = &self.answer else { return None };
        let table = answer.tables.iter().find(|table| table.title == answer.aspect.word());
        let (offset, count, total) = if let Some(table) = table {
            (table.offset, table.rows.len() as u64, table.total?)
        } else {
            let text = answer.text.as_ref()?;
            (text.offset, text.text.chars().count() as u64, text.total?)
        };
        // Only the last page may be short.
        let page = if self.request.page > 0 { offset / u64::from(self.request.page) } else { count };
        u32::try_from(total.checked_sub(1)?.checked_div(page)?).ok()
    }

    /// The number of columns that can be scrolled in the widest table.
    pub fn columns(&self) -> usize {
        let tables = self.last.iter().flat_map(|last| &last.tables);
        tables.map(|table| table.headers.len().saturating_sub(1)).max().unwrap_or(0)
    }

    pub fn has_more(&self) -> bool {
        let Some(Ok(answer)) = &self.answer else { return false };
        answer.text.as_ref().is_some_and(|text| text.has_more)
            || answer.tables.iter().any(|table| table.has_more && table.title == answer.aspect.word())
    }
}
