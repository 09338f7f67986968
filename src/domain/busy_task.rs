//! A background task that keeps Python to itself.

use serde::{Deserialize, Serialize};

use super::{SnippetId, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyTask {
    /// The snippet that has made the task.
    pub snippet: SnippetId,
    pub since: Timestamp,
}
