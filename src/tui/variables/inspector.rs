//! The state of the inspector: what the dashboard asked the session, and what came back.

use crate::domain::{Aspect, InspectError, InspectRequest, Inspection, SnippetId, Timestamp};

pub type Told = Result<Box<Inspection>, InspectError>;

#[derive(Debug)]
pub struct Inspector {
    pub asked: InspectRequest,
    /// Tells answers of earlier questions apart.
    pub number: u32,
    /// `None` while it is awaited; what was told before stays in `last`.
    pub told: Option<Told>,
    pub last: Option<Box<Inspection>>,
    /// When that was told.
    pub last_at: Timestamp,
    /// The snippet that had ended last when it was asked.
    pub after: Option<SnippetId>,
    /// Columns of its tables that are out of sight on the left.
    pub column: usize,
}

impl Inspector {
    /// The aspects that the value has, as far as known.
    pub fn aspects(&self) -> &[Aspect] {
        self.last.as_ref().map_or(&[], |last| &last.aspects)
    }

    /// As far as it is known how much there is, and how much of it a page holds.
    pub fn last_page(&self) -> Option<u32> {
        let Some(Ok(told)) = &self.told else { return None };
        let table = told.tables.iter().find(|table| table.title == told.aspect.word());
        let (offset, count, total) = if let Some(table) = table {
            (table.offset, table.rows.len() as u64, table.total?)
        } else {
            let text = told.text.as_ref()?;
            (text.offset, text.text.chars().count() as u64, text.total?)
        };
        // The last page may be short; all others are full.
        let page = if self.asked.page > 0 { offset / u64::from(self.asked.page) } else { count };
        u32::try_from(total.checked_sub(1)?.checked_div(page)?).ok()
    }

    /// The columns of its widest table that can be scrolled.
    pub fn columns(&self) -> usize {
        let tables = self.last.iter().flat_map(|last| &last.tables);
        tables.map(|table| table.headers.len().saturating_sub(1)).max().unwrap_or(0)
    }

    pub fn has_more(&self) -> bool {
        let Some(Ok(told)) = &self.told else { return false };
        told.text.as_ref().is_some_and(|text| text.has_more)
            || told.tables.iter().any(|table| table.has_more && table.title == told.aspect.word())
    }
}
