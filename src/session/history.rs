//! What was run before, in whatever session: what the dashboard offers again.

use std::sync::Arc;

use crate::domain::{Display, Snippet, SnippetId, Timestamp};

/// Code that was submitted at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    pub code: Arc<str>,
    pub author: Arc<str>,
    /// The person submitted it.
    pub mine: bool,
    /// Name of its session.
    pub session: Arc<str>,
    /// When it was submitted last.
    pub at: Timestamp,
    /// Whether it ended without an error then.
    pub ok: bool,
}

/// Reads what was run before. It may take a while, so it is for a thread that may wait.
pub trait History: Send + Sync {
    /// Of all sessions but this one, the newest first. What the person and a client ran alike is there for both.
    ///
    /// # Errors
    /// A sentence for the person, if it cannot be read.
    fn past(&self) -> Result<Vec<Past>, String>;
}

/// Reads what memory keeps only the ends of. It may take a while.
pub trait Older: Send + Sync + std::fmt::Debug {
    /// A snippet of this session with all that was recorded of it, but for the bytes of its displays.
    fn snippet(&self, id: SnippetId) -> Option<Snippet>;

    /// Something that a snippet displayed, by its number.
    fn display(&self, snippet: SnippetId, number: usize) -> Option<Display>;
}
