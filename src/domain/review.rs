//! A review: the person decides whether a client's snippet runs.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The review of one snippet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Since when the snippet waits.
    pub at: Timestamp,
    /// Whether the snippet is only held: the person is not asked about it.
    pub is_held: bool,
    /// `None` while the snippet waits, and for ever if it was cancelled meanwhile.
    pub decision: Option<Decision>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whether the snippet runs; otherwise it is rejected.
    pub runs: bool,
    /// What the person said about it.
    pub reason: Option<Arc<str>>,
    /// The code that the client had sent, if the person has edited it.
    pub sent: Option<Arc<str>>,
    /// Whether a setting decided, because no dashboard was open.
    #[serde(default)]
    pub was_unattended: bool,
    pub at: Timestamp,
}

/// What the person decides about a snippet that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It runs, with this code in the place of its own if there is any.
    Run(Option<Arc<str>>),
    /// It runs, and so does all code of its client from now on.
    AlwaysRunClient,
    /// It runs, and so does the same code from now on.
    AlwaysRunCode,
    Reject(Option<Arc<str>>),
}

impl Review {
    #[must_use]
    pub fn waited(&self) -> Option<Duration> {
        let decision = self.decision.as_ref()?;
        Some(Duration::from_millis(decision.at.saturating_sub(self.at)))
    }

    /// The decision, if it rejects the snippet.
    #[must_use]
    pub fn rejection(&self) -> Option<&Decision> {
        self.decision.as_ref().filter(|decision| !decision.runs)
    }

    /// The code before the person's edit.
    #[must_use]
    pub fn sent(&self) -> Option<&Arc<str>> {
        self.decision.as_ref()?.sent.as_ref()
    }
}
