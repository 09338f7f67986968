//! Prompts: running code waits for a line from the person or a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// How long code waits for a line before it gets `EOFError`.
pub const INPUT_TIMEOUT: Duration = Duration::from_secs(300);

/// A prompt of running code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRequest {
    /// Counted from 1 within a session. An answer names it, so that it cannot go to another prompt.
    pub number: u32,
    /// One line without escape sequences; may be empty.
    pub prompt: Arc<str>,
    /// A password: only the person may answer, and the answer is not stored.
    pub hidden: bool,
    pub at: Timestamp,
    /// When the code stops waiting.
    pub until: Timestamp,
}

#[derive(Clone, PartialEq, Eq)]
pub enum InputAnswer {
    /// A line without its newline.
    Line(String),
    /// The end of the input, like Ctrl-D on an empty line.
    Eof,
    /// Nobody answered within [`INPUT_TIMEOUT`].
    Nobody,
    /// The answer is hidden, and no dashboard is there in which the person could type it.
    NoDashboard,
}

/// Hides the line, which may be a password.
impl fmt::Debug for InputAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line(_) => "Line(…)",
            Self::Eof => "Eof",
            Self::Nobody => "Nobody",
            Self::NoDashboard => "NoDashboard",
        })
    }
}
