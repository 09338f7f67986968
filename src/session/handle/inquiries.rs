//! Words beside the code, at the handle of a session: notes, questions to the person, and looking at the transcript.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{broadcast, mpsc, oneshot};

use super::{Closed, Command, SessionHandle};
use crate::domain::{Author, Event, Note, Transcript};

/// Why a question was not put to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskRefused {
    /// There is no dashboard.
    Nobody,
    /// Enough questions wait already.
    TooMany,
}

/// What somebody wants to see of the transcript.
pub(in crate::session) type Look = Box<dyn FnOnce(&Transcript) + Send>;

impl SessionHandle {
    /// What `look` makes of the transcript as it is now. It holds up the whole session, so it must be quick.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Transcript) -> T + Send + 'static,
    ) -> Result<T, Closed> {
        self.ask(|answer| {
            let look = move |transcript: &Transcript| {
                let _ = answer.send(look(transcript));
            };
            Command::Read { look: Box::new(look) }
        })
        .await
    }

    /// Puts a note into the transcript, for all who work here.
    pub fn note(&self, note: Note) {
        let _ = self.commands.send(Command::Note { note });
    }

    /// A dashboard is there: somebody can be asked.
    pub fn attend(&self) {
        self.attended.store(true, Ordering::Relaxed);
    }

    #[must_use]
    pub fn is_attended(&self) -> bool {
        self.attended.load(Ordering::Relaxed)
    }

    /// All events from now on.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn events(&self) -> Result<broadcast::Receiver<Arc<Event>>, Closed> {
        self.ask(|answer| Command::Events { answer }).await
    }

    /// Puts a question to the person, after those that were asked before.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended; within, why the question was not asked.
    pub async fn inquire(
        &self,
        by: Author,
        text: Arc<str>,
        choices: Vec<Arc<str>>,
    ) -> Result<Result<Asking, AskRefused>, Closed> {
        let (answer, reply) = oneshot::channel();
        let number = self.ask(|accepted| Command::Inquire { by, text, choices, accepted, answer }).await?;
        Ok(number.map(|number| Asking { number, reply, commands: self.commands.clone() }))
    }

    /// The person's answer to the question of that number; `None` if they decline. Too late, it is for nobody.
    pub fn reply(&self, inquiry: u32, text: Option<Arc<str>>) {
        let _ = self.commands.send(Command::Reply { inquiry, text });
    }
}

/// A question that is being put to the person. Dropped, it is taken back.
#[derive(Debug)]
pub struct Asking {
    number: u32,
    reply: oneshot::Receiver<Option<Arc<str>>>,
    commands: mpsc::UnboundedSender<Command>,
}

impl Asking {
    /// What the person says; `None` if they decline.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn answer(&mut self) -> Result<Option<Arc<str>>, Closed> {
        (&mut self.reply).await.map_err(|_| Closed)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Withdraw { inquiry: self.number });
    }
}
