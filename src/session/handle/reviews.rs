//! Methods of the session handle for the gate: its modes, and the person's decisions about snippets that wait.

use std::sync::Arc;

use super::SessionHandle;
use super::command::Command;
use super::error::{CommandError, DecisionRefused, NotQueued, RiskRefused};
use crate::domain::{Author, Gate, GateChange, RiskVerdict, SnippetId, Verdict};

impl SessionHandle {
    /// Carries out the person's decision about a snippet.
    ///
    /// # Errors
    /// If the session has ended, or the snippet does not wait for a decision; then nothing is decided.
    pub async fn decide(&self, snippet: SnippetId, verdict: Verdict) -> Result<(), CommandError<DecisionRefused>> {
        self.request(|reply| Command::Decide { snippet, verdict, reply }).await?.map_err(CommandError::Refused)
    }

    /// Answers a risk of running code for the person.
    ///
    /// # Errors
    /// If the session has ended, or the code waits no longer.
    pub async fn decide_risk(&self, number: u32, verdict: RiskVerdict) -> Result<(), CommandError<RiskRefused>> {
        self.request(|reply| Command::DecideRisk { number, verdict, reply }).await?.map_err(CommandError::Refused)
    }

    /// Lets a snippet run before all others that wait.
    ///
    /// # Errors
    /// If the session has ended, or the snippet is not in the queue.
    pub async fn move_to_front(&self, snippet: SnippetId) -> Result<(), CommandError<NotQueued>> {
        self.request(|reply| Command::MoveToFront { snippet, reply }).await?.map_err(CommandError::Refused)
    }

    /// The gate as it is now.
    #[must_use]
    pub fn gate(&self) -> Arc<Gate> {
        self.gate.borrow().clone()
    }

    /// Resolves once the person has disconnected `client`.
    pub async fn sent_away(&self, client: &Author) {
        let mut gate = self.gate.clone();
        if gate.wait_for(|gate| gate.is_away(client)).await.is_err() {
            // The session has ended, which is told otherwise.
            std::future::pending::<()>().await;
        }
    }

    /// Binds names again to their objects from before `snippet`, once nothing runs. Those that are not kept any more
    /// stay as they are.
    pub fn put_back(&self, snippet: SnippetId, names: Vec<Arc<str>>) {
        let _ = self.commands.send(Command::PutBack { snippet, names });
    }

    pub fn change_gate(&self, change: GateChange) {
        let _ = self.commands.send(Command::ChangeGate { change });
    }
}
