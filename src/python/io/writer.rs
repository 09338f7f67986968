//! The origin of output from Python code.

use crate::domain::SnippetId;

/// What Python calls a thread's `ident`.
pub type ThreadId = u64;

/// The origin of output from Python code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputWriter {
    pub thread: ThreadId,
    /// The snippet that started the running code, if the context tells.
    pub snippet: Option<SnippetId>,
}
