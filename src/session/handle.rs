//! The handle of a session: commands in, events out. Cheap to clone; usable from any thread.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};

use crate::domain::{
    About, Author, ClientId, Completions, Event, InputAnswer, Insight, Question, ResetReport, SessionInfo, Signature,
    Snippet, SnippetId, Transcript, VariableTable,
};

/// The session has ended; nothing more can be asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub struct Closed;

/// Why an answer did not reach the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerRefused {
    /// The snippet does not wait for input, or not for this any more.
    NotAsking,
    /// A password, which only the person may type.
    Hidden,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunOptions {
    /// Interrupt the code when it has run for this long. Time in the queue does not count.
    pub timeout: Option<Duration>,
}

/// A snippet that was accepted.
#[derive(Debug)]
pub struct Ticket {
    pub id: SnippetId,
    /// Resolves to the snippet with its output and outcome once it has ended, or as it is when it asks for input.
    pub done: oneshot::Receiver<Arc<Snippet>>,
}

/// The state so far and every event after it. A receiver that lags (`RecvError::Lagged`) should subscribe anew.
#[derive(Debug)]
pub struct Subscription {
    pub transcript: Transcript,
    pub events: broadcast::Receiver<Arc<Event>>,
}

/// Who runs and who waits, first come first, without any code or output.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub running: Option<(SnippetId, Author)>,
    pub queue: Vec<(SnippetId, Author)>,
}

#[derive(Debug)]
pub(super) enum Command {
    Submit {
        author: Author,
        code: Arc<str>,
        options: RunOptions,
        ticket: oneshot::Sender<Ticket>,
    },
    Wait {
        snippet: SnippetId,
        also_input: bool,
        done: oneshot::Sender<Arc<Snippet>>,
    },
    Answer {
        snippet: SnippetId,
        number: Option<u32>,
        text: InputAnswer,
        by: Author,
        answer: oneshot::Sender<Result<(), AnswerRefused>>,
    },
    Look {
        snippet: SnippetId,
        answer: oneshot::Sender<Option<Snippet>>,
    },
    Overview {
        answer: oneshot::Sender<Overview>,
    },
    Interrupt {
        snippet: Option<SnippetId>,
        by: String,
        answer: oneshot::Sender<Option<SnippetId>>,
    },
    Reset {
        by: Author,
        answer: oneshot::Sender<Arc<ResetReport>>,
    },
    Variables {
        answer: oneshot::Sender<Arc<VariableTable>>,
    },
    Ask {
        question: Question,
        answer: oneshot::Sender<Insight>,
    },
    Subscribe {
        answer: oneshot::Sender<Subscription>,
    },
    Join {
        name: Arc<str>,
        pid: Option<u32>,
        answer: oneshot::Sender<Author>,
    },
    Rename {
        client: ClientId,
        name: Arc<str>,
        answer: oneshot::Sender<Author>,
    },
    Leave {
        client: ClientId,
    },
    Quit,
}

#[derive(Clone, Debug)]
pub struct SessionHandle {
    pub(super) info: Arc<SessionInfo>,
    pub(super) commands: mpsc::UnboundedSender<Command>,
}

impl SessionHandle {
    #[must_use]
    pub fn info(&self) -> &SessionInfo {
        &self.info
    }

    /// Puts code into the queue.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn submit(&self, author: Author, code: Arc<str>, options: RunOptions) -> Result<Ticket, Closed> {
        self.ask(|ticket| Command::Submit { author, code, options, ticket }).await
    }

    /// Resolves when `snippet` has ended; at once if it has already. An unknown number drops the sender.
    ///
    /// # Errors
    /// [`Closed`] if the session ended first, or there is no such snippet.
    pub async fn wait(&self, snippet: SnippetId) -> Result<Arc<Snippet>, Closed> {
        self.ask(|done| Command::Wait { snippet, also_input: false, done }).await
    }

    /// As [`SessionHandle::wait`], but resolves also when the snippet asks for input, at once if it does already. What
    /// only the person can answer and was asked before is waited out.
    ///
    /// # Errors
    /// [`Closed`] if the session ended first, or there is no such snippet.
    pub async fn wait_or_input(&self, snippet: SnippetId) -> Result<Arc<Snippet>, Closed> {
        self.ask(|done| Command::Wait { snippet, also_input: true, done }).await
    }

    /// Answers the prompt that `snippet` waits at; only the one of that `number`, if it is given.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended; within, why the answer was not taken.
    pub async fn answer_input(
        &self,
        snippet: SnippetId,
        number: Option<u32>,
        text: InputAnswer,
        by: Author,
    ) -> Result<Result<(), AnswerRefused>, Closed> {
        self.ask(|answer| Command::Answer { snippet, number, text, by, answer }).await
    }

    /// The snippet as it is now, output so far included; `None` if there is none of that number.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn look(&self, snippet: SnippetId) -> Result<Option<Snippet>, Closed> {
        self.ask(|answer| Command::Look { snippet, answer }).await
    }

    /// What runs and what waits; far cheaper than [`SessionHandle::subscribe`].
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn overview(&self) -> Result<Overview, Closed> {
        self.ask(|answer| Command::Overview { answer }).await
    }

    /// Interrupts `snippet`, or whatever runs; takes it out of the queue if it has not begun. A second request for the
    /// same snippet is the forceful one. Resolves at once to the snippet that was hit, or `None` if nothing was to be
    /// interrupted. `by` is told in the outcome ("you", a client's name, ...).
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn interrupt(&self, snippet: Option<SnippetId>, by: &str) -> Result<Option<SnippetId>, Closed> {
        let by = by.to_owned();
        self.ask(|answer| Command::Interrupt { snippet, by, answer }).await
    }

    /// Clears the namespace, after the snippets that were submitted before.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn reset(&self, by: Author) -> Result<Arc<ResetReport>, Closed> {
        self.ask(|answer| Command::Reset { by, answer }).await
    }

    /// The variables as they are now; while a snippet runs, as they were before it (see `taken_at`).
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn variables(&self) -> Result<Arc<VariableTable>, Closed> {
        self.ask(|answer| Command::Variables { answer }).await
    }

    /// Asks about code that is being written. `None` if nothing could be found out, or a newer question came before the
    /// answer. An answer may take as long as Python is inside one call of C code: use a time limit.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn insight(&self, question: Question) -> Result<Option<Insight>, Closed> {
        let (answer, receiver) = oneshot::channel();
        self.commands.send(Command::Ask { question, answer }).map_err(|_| Closed)?;
        Ok(receiver.await.ok())
    }

    /// What could stand at `cursor` (in characters) of `code`; see [`SessionHandle::insight`].
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn complete(&self, code: Arc<str>, cursor: usize) -> Result<Completions, Closed> {
        match self.insight(Question { code, cursor, about: About::Completion, may_run: true }).await? {
            Some(Insight::Completions(completions)) => Ok(completions),
            _ => Ok(Completions::default()),
        }
    }

    /// The call around `cursor` (in characters) of `code`; see [`SessionHandle::insight`].
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn signature(&self, code: Arc<str>, cursor: usize) -> Result<Option<Signature>, Closed> {
        match self.insight(Question { code, cursor, about: About::Signature, may_run: true }).await? {
            Some(Insight::Signature(signature)) => Ok(signature),
            _ => Ok(None),
        }
    }

    /// The transcript so far and all events from now on.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn subscribe(&self) -> Result<Subscription, Closed> {
        self.ask(|answer| Command::Subscribe { answer }).await
    }

    /// Registers a client; answers with the author it is from now on. Where another live client has the same name,
    /// a number is added ("cursor 2").
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn join(&self, name: &str, pid: Option<u32>) -> Result<Author, Closed> {
        let name = name.into();
        self.ask(|answer| Command::Join { name, pid, answer }).await
    }

    /// Gives a client the name it told after it had joined; the same rule for doubles as in [`SessionHandle::join`].
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn rename(&self, client: ClientId, name: &str) -> Result<Author, Closed> {
        let name = name.into();
        self.ask(|answer| Command::Rename { client, name, answer }).await
    }

    pub fn leave(&self, client: ClientId) {
        let _ = self.commands.send(Command::Leave { client });
    }

    /// Ends the session: what runs is interrupted, what waits is cancelled, then Python ends.
    pub fn quit(&self) {
        let _ = self.commands.send(Command::Quit);
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Closed> {
        let (sender, receiver) = oneshot::channel();
        self.commands.send(command(sender)).map_err(|_| Closed)?;
        receiver.await.map_err(|_| Closed)
    }
}
