//! Methods of the session handle for calls: each call is carried out once, and its state can be asked for.

use super::SessionHandle;
use super::command::Command;
use super::error::Closed;
use crate::domain::CallId;
use crate::session::unanswered_calls::{CallReport, UnansweredCall};

impl SessionHandle {
    /// Notes that `call`, which submits no code, is about to be carried out. Returns `false` if the call was received
    /// before; then it must have no effect.
    #[must_use]
    pub fn mark_received(&self, call: CallId) -> bool {
        self.received.insert(call)
    }

    /// Returns what is known of a call that was left without an answer.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn recall(&self, call: UnansweredCall) -> Result<CallReport, Closed> {
        self.request(|reply| Command::Recall { call, reply }).await
    }
}
