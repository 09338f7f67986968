//! Errors: why a call of a tool has no result, and the errors of the protocol that several methods share.

use rmcp::ErrorData;

use crate::domain::{CallState, SnippetId};
use crate::session::Closed;

pub const SESSION_ENDED: &str = "The Python session has ended.";

/// Why a call has no result. `Display` is the text for the model.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The call cannot be carried out, for the reason in the text.
    #[error("{0}")]
    Refused(String),
    #[error("Error: there is no snippet {0} in this session.")]
    NoSuchSnippet(SnippetId),
    #[error("The call was cancelled.")]
    Cancelled,
    /// The client has closed its side; the text says what that means for the call.
    #[error("The connection was closed.{0}")]
    Disconnected(String),
    /// The session ended before it answered.
    #[error("{}", SESSION_ENDED)]
    SessionEnded(CallState),
}

impl From<String> for CallError {
    fn from(text: String) -> Self {
        Self::Refused(text)
    }
}

impl CallError {
    /// The session has ended, and has not received the command of this call.
    pub fn not_received(_: Closed) -> Self {
        Self::SessionEnded(CallState::NotReceived)
    }

    /// The session has ended, and may have received the command of this call.
    pub fn maybe_received(_: Closed) -> Self {
        Self::SessionEnded(CallState::Unknown)
    }
}

/// Why a snippet of another author is not shown.
pub fn private_snippet(snippet: SnippetId) -> String {
    format!("Error: the person has marked snippet {snippet} private, so it is not shown. Ask them if you need it.")
}

/// Why a variable is not shown.
pub fn private_variable(path: &str) -> String {
    format!("Error: the person has marked {path:?} private, so its value is not shown. Ask them if you need it.")
}

pub fn inspection_with_code(path: &str) -> String {
    format!(
        "Error: {path:?} was not inspected. This view may run code of the value (its repr, a property or an item), and \
         the person's gate keeps code of yours back. The other views of a variable run none. Or send the code with \
         run_python_code, and the person decides."
    )
}

pub fn refused<T>(text: impl Into<String>) -> Result<T, CallError> {
    Err(CallError::Refused(text.into()))
}

/// The session has ended: the error of methods other than `tools/call`.
pub fn session_ended(_: Closed) -> ErrorData {
    ErrorData::internal_error(SESSION_ENDED, None)
}

pub fn panicked() -> ErrorData {
    ErrorData::internal_error("Internal error (a bug in fourhands). The session continues: try again.", None)
}

pub fn invalid_cursor() -> ErrorData {
    ErrorData::invalid_params(
        "Invalid cursor: pass the nextCursor of the previous page, or none for the first page",
        None,
    )
}
