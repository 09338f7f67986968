//! A prompt: running code waits for a line, from the person or from a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// How long code waits for a line before it gets `EOFError`.
pub const INPUT_LIMIT: Duration = Duration::from_secs(300);

/// What running code waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRequest {
    /// Counted from 1 within a session, so that no answer goes to another prompt than the one that was seen.
    pub number: u32,
    /// One line without escape sequences; may be empty.
    pub prompt: Arc<str>,
    /// A password: only the person may answer, and the answer is kept nowhere.
    pub hidden: bool,
    pub at: Timestamp,
    /// When the code stops waiting.
    pub until: Timestamp,
}

#[derive(Clone, PartialEq, Eq)]
pub enum InputAnswer {
    /// Without its newline.
    Line(String),
    /// The end of the input, as Ctrl-D on an empty line.
    Eof,
    /// Nobody answered within [`INPUT_LIMIT`].
    Nobody,
}

/// The line may be a password.
impl fmt::Debug for InputAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Line(_) => "Line(…)",
            Self::Eof => "Eof",
            Self::Nobody => "Nobody",
        })
    }
}
