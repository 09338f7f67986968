//! The handle of a session: commands in, events out. Cheap to clone; usable from any thread.

pub mod conditional;
pub mod inquiries;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;

use self::conditional::Objects;
use self::inquiries::{AskRefused, Look};
use super::actor::Codes;
use super::left::Received;
use super::{ActivityLog, ClientResponses, Left, Recalled, Spool};
use crate::domain::ReplaySelection;
use crate::domain::{
    Author, CallId, Client, ClientId, Completions, Event, InputAnswer, Insight, InsightKind, InsightRequest,
    InspectError, InspectRequest, Inspection, Note, ResetReport, SessionInfo, Signature, Snippet, SnippetId,
    Transcript, Variable, VariableQuery, VariableTable, units,
};

/// The session has ended; nothing more can be asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub struct Closed;

/// Why code was not put into the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error(transparent)]
    Full(#[from] QueueFull),
    /// The same call was taken before; it submitted this.
    #[error("this call was received before")]
    Twice(SnippetId),
}

/// Too much waits already. Displays as one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueFull {
    #[error("{snippets} snippets with {} of code from here wait their turn already, which is the most one may have waiting", units::bytes(*.bytes as u64))]
    OfAuthor { snippets: usize, bytes: usize },
    #[error("{snippets} snippets with {} of code wait their turn already, which is the most a session keeps", units::bytes(*.bytes as u64))]
    InAll { snippets: usize, bytes: usize },
}

/// Why nothing is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRefused {
    #[error("the code of snippet {0} is not in memory any more, and it is not recorded")]
    TooLong(SnippetId),
    #[error("a replay is under way already")]
    UnderWay,
    #[error("there is nothing to run again")]
    Nothing,
    #[error(transparent)]
    Closed(#[from] Closed),
}

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
    /// What the code is about.
    pub title: Option<Arc<str>>,
    /// The call that brings it: no two snippets have the same.
    pub call: Option<CallId>,
}

/// A snippet that was accepted.
#[derive(Debug)]
pub struct Ticket {
    pub id: SnippetId,
    /// Resolves to the snippet with its output and outcome once it has ended, or as it is when it asks for input.
    pub done: oneshot::Receiver<Arc<Snippet>>,
}

/// The state so far and every event after it. A receiver that lags (`RecvError::Lagged`) should subscribe again.
#[derive(Debug)]
pub struct Subscription {
    pub transcript: Transcript,
    pub events: broadcast::Receiver<Arc<Event>>,
}

/// Who is there, who runs and who waits, first come first, without any code or output.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub running: Option<(SnippetId, Author)>,
    pub queue: Vec<(SnippetId, Author)>,
    pub clients: Vec<Client>,
    /// How many were submitted so far.
    pub snippets: u32,
}

pub(super) enum Command {
    Submit {
        author: Author,
        code: Arc<str>,
        options: RunOptions,
        ticket: oneshot::Sender<Result<Ticket, SubmitError>>,
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
    Replay {
        by: Author,
        which: ReplaySelection,
        /// Of snippets of which the transcript has only the beginning.
        codes: Codes,
        answer: oneshot::Sender<Result<usize, ReplayRefused>>,
    },
    Reset {
        by: Author,
        answer: oneshot::Sender<Arc<ResetReport>>,
    },
    Variables {
        wanted: VariableQuery,
        answer: oneshot::Sender<Arc<VariableTable>>,
    },
    Ask {
        question: InsightRequest,
        answer: oneshot::Sender<Insight>,
    },
    /// What the last table told of a name.
    Known {
        name: String,
        answer: oneshot::Sender<Option<Box<Variable>>>,
    },
    Inspect {
        asked: InspectRequest,
        /// Told when it is no longer in the queue.
        begun: oneshot::Sender<()>,
        answer: oneshot::Sender<Result<Box<Inspection>, InspectError>>,
    },
    Subscribe {
        answer: oneshot::Sender<Subscription>,
    },
    Events {
        answer: oneshot::Sender<broadcast::Receiver<Arc<Event>>>,
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
    Restart {
        by: Author,
        answer: oneshot::Sender<()>,
    },
    /// The command, unless there is an objection to it.
    Unless {
        objects: Objects,
        command: Box<Command>,
    },
    Read {
        look: Look,
    },
    Note {
        note: Note,
    },
    /// The answer comes with the question's number, and later the person's words; `None` if they declined.
    Inquire {
        by: Author,
        text: Arc<str>,
        choices: Vec<Arc<str>>,
        accepted: oneshot::Sender<Result<u32, AskRefused>>,
        answer: oneshot::Sender<Option<Arc<str>>>,
    },
    Reply {
        inquiry: u32,
        text: Option<Arc<str>>,
    },
    Withdraw {
        inquiry: u32,
    },
    Recall {
        left: Left,
        answer: oneshot::Sender<Recalled>,
    },
    Notice {
        text: String,
    },
    Quit,
    Abandon,
}

#[derive(Clone, Debug)]
pub struct SessionHandle {
    pub(super) info: Arc<SessionInfo>,
    pub(super) spool: Arc<Spool>,
    pub(super) news: Arc<ActivityLog>,
    pub(super) answers: Arc<ClientResponses>,
    pub(super) attended: Arc<AtomicBool>,
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) restarting: Arc<AtomicBool>,
    pub(super) received: Arc<Received>,
    pub(super) born: Instant,
}

impl SessionHandle {
    #[must_use]
    pub fn info(&self) -> &SessionInfo {
        &self.info
    }

    /// How long this process of the session has been there.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.born.elapsed()
    }

    /// As if it had been there for a minute.
    #[cfg(test)]
    pub(crate) fn aged(mut self) -> Self {
        self.born = self.born.checked_sub(Duration::from_secs(60)).unwrap_or(self.born);
        self
    }

    /// Where the output of snippets is kept whole, as far as it is.
    #[must_use]
    pub fn spool(&self) -> &Arc<Spool> {
        &self.spool
    }

    /// What happened lately.
    #[must_use]
    pub fn activity(&self) -> &ActivityLog {
        &self.news
    }

    /// What clients were told of snippets lately.
    #[must_use]
    pub fn answers(&self) -> &Arc<ClientResponses> {
        &self.answers
    }

    /// Puts code into the queue.
    ///
    /// # Errors
    /// If the session has ended, too much waits already, or the same call has submitted something; then nothing is run.
    pub async fn submit(&self, author: Author, code: Arc<str>, options: RunOptions) -> Result<Ticket, SubmitError> {
        self.ask(|ticket| Command::Submit { author, code, options, ticket }).await?
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

    /// The variables as they are now; while a snippet runs, as all of them were before it (see `taken_at`).
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn variables(&self, wanted: VariableQuery) -> Result<Arc<VariableTable>, Closed> {
        self.ask(|answer| Command::Variables { wanted, answer }).await
    }

    /// Asks about code that is being written. `None` if nothing could be found out, or a newer question came before the
    /// answer. An answer may take as long as Python is inside one call of C code: use a time limit.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn insight(&self, question: InsightRequest) -> Result<Option<Insight>, Closed> {
        let (answer, receiver) = oneshot::channel();
        self.commands.send(Command::Ask { question, answer }).map_err(|_| Closed)?;
        Ok(receiver.await.ok())
    }

    /// What could stand at `cursor` (in characters) of `code`; see [`SessionHandle::insight`].
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn complete(&self, code: Arc<str>, cursor: usize) -> Result<Completions, Closed> {
        match self.insight(InsightRequest { code, cursor, about: InsightKind::Completion, may_run: true }).await? {
            Some(Insight::Completions(completions)) => Ok(completions),
            _ => Ok(Completions::default()),
        }
    }

    /// The call around `cursor` (in characters) of `code`; see [`SessionHandle::insight`].
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn signature(&self, code: Arc<str>, cursor: usize) -> Result<Option<Signature>, Closed> {
        match self.insight(InsightRequest { code, cursor, about: InsightKind::Signature, may_run: true }).await? {
            Some(Insight::Signature(signature)) => Ok(signature),
            _ => Ok(None),
        }
    }

    /// Looks into a value, after what was submitted before. If its turn does not come within `patience`, the answer says
    /// so, with what the last look at the variables told of the name.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended; within, why there is nothing to tell.
    pub async fn inspect(
        &self,
        asked: InspectRequest,
        patience: Duration,
    ) -> Result<Result<Box<Inspection>, InspectError>, Closed> {
        let name: String = asked.path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let (begun, has_begun) = oneshot::channel();
        let (answer, told) = oneshot::channel();
        self.commands.send(Command::Inspect { asked, begun, answer }).map_err(|_| Closed)?;
        if tokio::time::timeout(patience, has_begun).await.is_ok() {
            return told.await.map_err(|_| Closed);
        }
        // Nobody waits for it any more, so it is passed over when its turn comes.
        drop(told);
        let running = self.overview().await?.running.map(|(snippet, _)| snippet);
        let known = self.ask(|answer| Command::Known { name, answer }).await?;
        Ok(Err(InspectError::Busy { running, known }))
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

    /// Ends this process of the session so that a new one takes over: what runs is interrupted, what waits is
    /// cancelled, then Python ends. Resolves as soon as that has begun.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn restart(&self, by: Author) -> Result<(), Closed> {
        self.ask(|answer| Command::Restart { by, answer }).await
    }

    /// Whether another process is about to take over: what this one can no longer answer, that one will.
    #[must_use]
    pub fn is_restarting(&self) -> bool {
        self.restarting.load(Ordering::Relaxed)
    }

    /// Tells everybody something about the session itself, such as that it can no longer be recorded.
    pub fn notice(&self, text: String) {
        let _ = self.commands.send(Command::Notice { text });
    }

    /// Ends the session: what runs is interrupted, what waits is cancelled, then Python ends.
    pub fn quit(&self) {
        let _ = self.commands.send(Command::Quit);
    }

    /// Ends the session without waiting for what runs any longer.
    pub fn abandon(&self) {
        let _ = self.commands.send(Command::Abandon);
    }

    pub(super) async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Closed> {
        let (sender, receiver) = oneshot::channel();
        self.commands.send(command(sender)).map_err(|_| Closed)?;
        receiver.await.map_err(|_| Closed)
    }
}
