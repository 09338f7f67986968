//! Code that was run before, in any session, which the dashboard offers to run again.

use std::sync::Arc;

use crate::domain::{Display, Snippet, SnippetId, Timestamp};

/// Code that was submitted before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    pub code: Arc<str>,
    pub author: Arc<str>,
    /// Whether the person submitted the code.
    pub mine: bool,
    /// Name of the session.
    pub session: Arc<str>,
    /// When the code was submitted last.
    pub at: Timestamp,
    /// Whether the last run ended without an error.
    pub ok: bool,
}

/// Reads code that was run before. Reading may take a while, so it belongs on a thread that may wait.
pub trait HistorySource: Send + Sync {
    /// Returns the code of all sessions but this one, the newest first. Code that the person and a client ran is there
    /// once for each.
    ///
    /// # Errors
    /// A sentence for the person, if the history cannot be read.
    fn past(&self) -> Result<Vec<Past>, String>;
}

/// Reads what memory holds only in part. Reading may take a while.
pub trait RecordedSnippets: Send + Sync + std::fmt::Debug {
    /// Returns a snippet of this session with everything that was recorded, except the bytes of its displays.
    fn snippet(&self, id: SnippetId) -> Option<Snippet>;

    /// Returns a display of a snippet by its number.
    fn display(&self, snippet: SnippetId, number: usize) -> Option<Display>;
}
