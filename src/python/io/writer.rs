//! The origin of output from Python code.

use crate::domain::SnippetId;

/// What Python calls a thread's `ident`.
pub type ThreadId = u64;

#[derive(Clone, Copy, Debug)]
pub struct OutputWriter {
    pub thread: ThreadId,
    /// The snippet that started the running code, if the context variable names one.
    pub snippet: Option<SnippetId>,
}
