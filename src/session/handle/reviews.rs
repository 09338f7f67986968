//! What the handle of a session offers for the gate: its modes, and the person's decisions about snippets that wait.

use super::SessionHandle;
use super::command::Command;
use super::error::{CommandError, DecisionRefused};
use crate::domain::{GateChange, SnippetId, Verdict};

impl SessionHandle {
    /// Carries out the person's decision about a snippet.
    ///
    /// # Errors
    /// If the session has ended, or the snippet does not wait for a decision; then nothing is decided.
    pub async fn decide(&self, snippet: SnippetId, verdict: Verdict) -> Result<(), CommandError<DecisionRefused>> {
        self.request(|reply| Command::Decide { snippet, verdict, reply }).await?.map_err(CommandError::Refused)
    }

    pub fn change_gate(&self, change: GateChange) {
        let _ = self.commands.send(Command::ChangeGate { change });
    }
}
