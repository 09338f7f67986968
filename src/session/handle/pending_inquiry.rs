//! A question to the person, as its asker holds it.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::command::Command;
use super::error::Closed;

/// A question that waits for the person. Dropping it withdraws the question.
#[derive(Debug)]
pub struct PendingInquiry {
    number: u32,
    answer: oneshot::Receiver<Option<Arc<str>>>,
    commands: mpsc::UnboundedSender<Command>,
}

impl PendingInquiry {
    pub(super) fn new(
        number: u32,
        answer: oneshot::Receiver<Option<Arc<str>>>,
        commands: mpsc::UnboundedSender<Command>,
    ) -> Self {
        Self { number, answer, commands }
    }

    /// Returns what the person says; `None` if they decline.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn answer(&mut self) -> Result<Option<Arc<str>>, Closed> {
        (&mut self.answer).await.map_err(|_| Closed)
    }
}

impl Drop for PendingInquiry {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Withdraw { inquiry: self.number });
    }
}
