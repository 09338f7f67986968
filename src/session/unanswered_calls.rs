//! Calls that a session process left without an answer, and what the next process knows of them.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::SessionId;
use super::call_numbers::CallSet;
use crate::domain::{CallId, CallState, Restart, SnippetId};

/// A call that this process or another left without an answer.
#[derive(Clone, Debug)]
pub struct UnansweredCall {
    /// `None` if the call has no id of a bridge.
    pub call: Option<CallId>,
    pub sent_to: SentTo,
    /// Whether the call submits code: the journal holds such calls.
    pub submits: bool,
}

/// The recipient of a call. A fact is missing where it is unknown, or where several recipients differ in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentTo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// PID of the session process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
}

/// What the session knows of an unanswered call.
#[derive(Clone, Debug)]
pub struct CallReport {
    pub state: CallState,
    /// The snippet that the call submitted.
    pub snippet: Option<SnippetId>,
    /// Whether the call was sent to this process and to no other.
    pub is_own: bool,
    /// Why this process took the session over from another, if it did.
    pub restart: Option<Arc<Restart>>,
}

/// Received calls that submit no code: answers, interrupts, resets, questions.
///
/// All are remembered, since a forgotten call could be carried out twice. Calls are noted without the actor, so that no
/// call loses its place to a later one.
#[derive(Debug, Default)]
pub struct ReceivedCalls(Mutex<CallSet>);

impl ReceivedCalls {
    /// Notes a call. Returns `false` if it was noted before.
    pub fn insert(&self, call: CallId) -> bool {
        self.0.lock().insert(call)
    }

    pub fn contains(&self, call: CallId) -> bool {
        self.0.lock().contains(call)
    }
}
