//! Methods of the session handle beside running code: notes, questions to the person, and reading the transcript.

use std::sync::Arc;

use tokio::sync::{broadcast, oneshot, watch};

use super::SessionHandle;
use super::command::Command;
use super::error::{Closed, CommandError, InquiryRefused};
use super::pending_inquiry::PendingInquiry;
use crate::domain::{Author, Event, Note, Transcript};

impl SessionHandle {
    /// Returns what `read` makes of the transcript as it is now. `read` runs within the actor, so it must be quick.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Transcript) -> T + Send + 'static,
    ) -> Result<T, Closed> {
        self.request(|reply| {
            let read = move |transcript: &Transcript| {
                let _ = reply.send(read(transcript));
            };
            Command::Read { read: Box::new(read) }
        })
        .await
    }

    /// Adds a note to the transcript, for everybody in the session.
    pub fn note(&self, note: Note) {
        let _ = self.commands.send(Command::Note { note });
    }

    /// Says that a dashboard is open, so that clients can ask the person.
    pub fn dashboard_opened(&self) {
        self.has_dashboard.send_replace(true);
    }

    /// Says that the dashboard is closed. What waits for the person goes on waiting.
    pub fn dashboard_closed(&self) {
        self.has_dashboard.send_replace(false);
    }

    #[must_use]
    pub fn has_dashboard(&self) -> bool {
        *self.has_dashboard.borrow()
    }

    /// Returns a receiver that tells whether there is a dashboard, and of each change.
    #[must_use]
    pub fn dashboards(&self) -> watch::Receiver<bool> {
        self.has_dashboard.subscribe()
    }

    /// Returns all events from now on.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn events(&self) -> Result<broadcast::Receiver<Arc<Event>>, Closed> {
        self.request(|reply| Command::Events { reply }).await
    }

    /// Puts a question to the person, behind the questions that wait already.
    ///
    /// # Errors
    /// If the session has ended, or the question is refused.
    pub async fn inquire(
        &self,
        by: Author,
        text: Arc<str>,
        choices: Vec<Arc<str>>,
    ) -> Result<PendingInquiry, CommandError<InquiryRefused>> {
        let (reply, answer) = oneshot::channel();
        let number = self.request(|accepted| Command::Inquire { by, text, choices, accepted, reply }).await?;
        let number = number.map_err(CommandError::Refused)?;
        Ok(PendingInquiry::new(number, answer, self.commands.clone()))
    }

    /// Answers the question of that number for the person; `None` if they decline. A late answer has no effect.
    pub fn reply(&self, inquiry: u32, text: Option<Arc<str>>) {
        let _ = self.commands.send(Command::Reply { inquiry, text });
    }
}
