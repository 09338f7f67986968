//! Calls that were left without an answer, at the handle of a session.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::SessionId;
use super::handle::{Closed, Command, SessionHandle};
use crate::domain::{CallId, CallState, Restart, SnippetId};

/// A call that was left without an answer, by this process or by another.
#[derive(Clone, Debug)]
pub struct Left {
    /// `None` if nobody has named it.
    pub call: Option<CallId>,
    pub sent_to: SentTo,
    /// It submits code: the journal keeps such calls.
    pub submits: bool,
}

/// Whom a call was sent to, as far as that is known and was not to several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentTo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The session process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
}

/// What is known of such a call.
#[derive(Clone, Debug)]
pub struct Recalled {
    pub state: CallState,
    /// What it submitted.
    pub snippet: Option<SnippetId>,
    /// This very process left it, and no other.
    pub is_own: bool,
    /// Why this process took the session over from another, if it did.
    pub restart: Option<Arc<Restart>>,
}

/// Calls that were received and submit nothing: answers, interrupts, resets, questions. They are few, and all are kept, at
/// 32 bytes each: one that was forgotten could be done twice. Noted without the actor, so that no call loses its place to
/// one that came later.
#[derive(Debug, Default)]
pub struct Received(Mutex<HashSet<CallId>>);

impl Received {
    /// Notes a call; `false` if it was noted before.
    pub fn take(&self, call: CallId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(call)
    }

    pub fn has(&self, call: CallId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&call)
    }
}

impl SessionHandle {
    /// Notes that `call`, which submits nothing, is about to do what it is for. `false`: it was received before, and must
    /// do nothing.
    #[must_use]
    pub fn take(&self, call: CallId) -> bool {
        self.received.take(call)
    }

    /// What became of a call that was left without an answer.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn recall(&self, left: Left) -> Result<Recalled, Closed> {
        self.ask(|answer| Command::Recall { left, answer }).await
    }
}
