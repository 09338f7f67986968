//! The handle of a session: commands go in, events come out. Cheap to clone, and usable from any thread.

mod calls;
pub(in crate::session) mod command;
mod conditional;
mod error;
mod inquiries;
mod pending_inquiry;
mod recorded;
mod reviews;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use self::command::Command;
pub use self::command::{Overview, RunOptions, Subscription, Ticket};
pub use self::error::{
    AnswerRefused, Closed, CommandError, DecisionRefused, InquiryRefused, NotQueued, QueueFull, ReplayRefused,
    RiskRefused, SubmitError,
};
pub use self::pending_inquiry::PendingInquiry;
use super::activity::ActivityLog;
use super::client_calls::ClientCalls;
use super::client_responses::ClientResponses;
use super::spool::Spool;
use super::unanswered_calls::ReceivedCalls;
use crate::domain::{
    Author, ClientId, Completions, Gate, InputAnswer, InputRequest, Insight, InsightKind, InsightRequest, InspectError,
    InspectRequest, Inspection, ResetReport, SafePoint, SessionInfo, Signature, Snippet, SnippetId, TerminalSize,
    VariableQuery, VariableTable,
};

#[derive(Clone, Debug)]
pub struct SessionHandle {
    pub(super) info: Arc<SessionInfo>,
    pub(super) spool: Arc<Spool>,
    pub(super) activity: Arc<ActivityLog>,
    pub(super) client_responses: Arc<ClientResponses>,
    pub(super) client_calls: Arc<ClientCalls>,
    pub(super) has_dashboard: Arc<watch::Sender<bool>>,
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) restarting: Arc<AtomicBool>,
    pub(super) received: Arc<ReceivedCalls>,
    pub(super) started: Instant,
    pub(super) gate: watch::Receiver<Arc<Gate>>,
}

impl SessionHandle {
    #[must_use]
    pub fn info(&self) -> &SessionInfo {
        &self.info
    }

    /// How long this session process has been running.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// As if the session process had been running for a minute.
    #[cfg(test)]
    pub(crate) fn aged(mut self) -> Self {
        self.started = self.started.checked_sub(Duration::from_secs(60)).unwrap_or(self.started);
        self
    }

    /// The whole outputs of snippets.
    #[must_use]
    pub fn spool(&self) -> &Arc<Spool> {
        &self.spool
    }

    /// The recent activity.
    #[must_use]
    pub fn activity(&self) -> &ActivityLog {
        &self.activity
    }

    /// The recent responses to clients about snippets.
    #[must_use]
    pub fn client_responses(&self) -> &Arc<ClientResponses> {
        &self.client_responses
    }

    /// The recent calls of clients.
    #[must_use]
    pub fn client_calls(&self) -> &Arc<ClientCalls> {
        &self.client_calls
    }

    /// Puts code into the queue.
    ///
    /// # Errors
    /// If the session has ended, the queue is full, or the call was received before; then nothing is run.
    pub async fn submit(&self, author: Author, code: Arc<str>, options: RunOptions) -> Result<Ticket, SubmitError> {
        self.request(|reply| Command::Submit { author, code, options, reply }).await?
    }

    /// Resolves when `snippet` has ended; at once if it has already.
    ///
    /// # Errors
    /// [`Closed`] if the session ended first, or there is no such snippet.
    pub async fn wait(&self, snippet: SnippetId) -> Result<Arc<Snippet>, Closed> {
        self.request(|reply| Command::Wait { snippet, also_input: false, reply }).await
    }

    /// As [`SessionHandle::wait`], but resolves also when the snippet asks for input, at once if it does already. A
    /// hidden prompt that is open already does not count, because only the person can answer it.
    ///
    /// # Errors
    /// [`Closed`] if the session ended first, or there is no such snippet.
    pub async fn wait_or_input(&self, snippet: SnippetId) -> Result<Arc<Snippet>, Closed> {
        self.request(|reply| Command::Wait { snippet, also_input: true, reply }).await
    }

    /// Waits until another snippet of `author` than `snippet`, which is queued behind it, waits for input.
    ///
    /// # Errors
    /// [`Closed`] if the session ended first.
    pub async fn own_prompt(
        &self,
        author: Author,
        snippet: SnippetId,
    ) -> Result<(SnippetId, Arc<InputRequest>), Closed> {
        self.request(|reply| Command::AwaitOwnPrompt { author, snippet, reply }).await
    }

    /// Answers the prompt that `snippet` waits at; with a `number`, only that prompt.
    ///
    /// # Errors
    /// If the session has ended, or the answer is refused.
    pub async fn answer_input(
        &self,
        snippet: SnippetId,
        number: Option<u32>,
        text: InputAnswer,
        by: Author,
    ) -> Result<(), CommandError<AnswerRefused>> {
        self.request(|reply| Command::AnswerInput { snippet, number, text, by, reply })
            .await?
            .map_err(CommandError::Refused)
    }

    /// Returns the running snippet, the queue and the clients; far cheaper than [`SessionHandle::subscribe`].
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn overview(&self) -> Result<Overview, Closed> {
        self.request(|reply| Command::Overview { reply }).await
    }

    /// Interrupts `snippet`, or whatever runs. A snippet that has not begun leaves the queue. A second interrupt of the
    /// same snippet uses force. Resolves at once to the interrupted snippet, or `None` if there was none. `by` ("you",
    /// a client's name, ...) becomes part of the outcome.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn interrupt(&self, snippet: Option<SnippetId>, by: &str) -> Result<Option<SnippetId>, Closed> {
        let by = by.to_owned();
        self.request(|reply| Command::Interrupt { snippet, by, reply }).await
    }

    /// Clears the namespace, after the snippets that were submitted before.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn reset(&self, by: Author) -> Result<Arc<ResetReport>, Closed> {
        self.request(|reply| Command::Reset { by, reply }).await
    }

    /// Returns the variables as they are now, or, while a snippet runs, as they were before it (see `taken_at`).
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn variables(&self, query: VariableQuery) -> Result<Arc<VariableTable>, Closed> {
        self.request(|reply| Command::Variables { query, reply }).await
    }

    /// Asks about code that is being written. Returns `None` if there is no answer, or a newer question came first. The
    /// answer may take as long as Python is inside one call of C code, so use a time limit.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn insight(&self, question: InsightRequest) -> Result<Option<Insight>, Closed> {
        let (reply, receiver) = oneshot::channel();
        self.commands.send(Command::Insight { question, reply }).map_err(|_| Closed)?;
        Ok(receiver.await.ok())
    }

    /// Returns completions at `cursor` (in characters) of `code`; see [`SessionHandle::insight`].
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn complete(&self, code: Arc<str>, cursor: usize) -> Result<Completions, Closed> {
        match self.insight(InsightRequest { code, cursor, about: InsightKind::Completion, may_run: true }).await? {
            Some(Insight::Completions(completions)) => Ok(completions),
            _ => Ok(Completions::default()),
        }
    }

    /// Returns the signature of the call around `cursor` (in characters) of `code`; see [`SessionHandle::insight`].
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn signature(&self, code: Arc<str>, cursor: usize) -> Result<Option<Signature>, Closed> {
        match self.insight(InsightRequest { code, cursor, about: InsightKind::Signature, may_run: true }).await? {
            Some(Insight::Signature(signature)) => Ok(signature),
            _ => Ok(None),
        }
    }

    /// Inspects a value, after everything that was submitted before.
    ///
    /// # Errors
    /// If the session has ended, or there is nothing to show. If the inspection does not begin within `timeout`, the
    /// error has what the last table of variables says of the name.
    pub async fn inspect(
        &self,
        request: InspectRequest,
        timeout: Duration,
    ) -> Result<Box<Inspection>, CommandError<InspectError>> {
        let name: String = request.path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let (begun, has_begun) = oneshot::channel();
        let (reply, inspection) = oneshot::channel();
        self.commands.send(Command::Inspect { request, begun, reply }).map_err(|_| Closed)?;
        if tokio::time::timeout(timeout, has_begun).await.is_ok() {
            return inspection.await.map_err(|_| Closed)?.map_err(CommandError::Refused);
        }
        // Without a receiver, the actor skips the inspection when its turn comes.
        drop(inspection);
        let overview = self.overview().await?;
        if let Some(busy) = overview.busy {
            return Err(CommandError::Refused(InspectError::Background(busy.snippet)));
        }
        let running = overview.running.map(|(snippet, _)| snippet);
        let known = self.request(|reply| Command::LastKnown { name, reply }).await?;
        Err(CommandError::Refused(InspectError::Busy { running, known }))
    }

    /// Returns the transcript so far and all events from now on.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn subscribe(&self) -> Result<Subscription, Closed> {
        self.request(|reply| Command::Subscribe { reply }).await
    }

    /// Registers a client and returns it as an author. If another connected client has the same name, the name gets a
    /// number ("cursor 2").
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn join(&self, name: &str, pid: Option<u32>) -> Result<Author, Closed> {
        let name = name.into();
        self.request(|reply| Command::Join { name, pid, reply }).await
    }

    /// Renames a client that said its name after it had joined; names that are taken get a number as in
    /// [`SessionHandle::join`].
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn rename(&self, client: ClientId, name: &str) -> Result<Author, Closed> {
        let name = name.into();
        self.request(|reply| Command::Rename { client, name, reply }).await
    }

    pub fn leave(&self, client: ClientId) {
        let _ = self.commands.send(Command::Leave { client });
    }

    /// Ends this session process so that a new one takes over: the running snippet is interrupted, the queue is
    /// cancelled, then Python ends. Resolves as soon as that has begun.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn restart(&self, by: Author) -> Result<(), Closed> {
        self.request(|reply| Command::Restart { by, reply }).await
    }

    /// Returns whether another process is about to take over; that process answers calls that this one leaves.
    #[must_use]
    pub fn is_restarting(&self) -> bool {
        self.restarting.load(Ordering::Relaxed)
    }

    /// Tells which safe points Python can go back to, the newest last. Afterwards no other is chosen.
    ///
    /// # Errors
    /// [`Closed`] if the session has ended.
    pub async fn set_safe_points(&self, points: Arc<[SafePoint]>) -> Result<(), Closed> {
        self.request(|reply| Command::SafePoints { points, reply }).await
    }

    /// Shows everybody a notice about the session itself, such as that it can no longer be recorded.
    pub fn notice(&self, text: String) {
        let _ = self.commands.send(Command::Notice { text });
    }

    /// Tells running code the size of the card in which the person sees its output.
    pub fn resize(&self, size: TerminalSize) {
        let _ = self.commands.send(Command::Resize { size });
    }

    /// Ends the session: the running snippet is interrupted, the queue is cancelled, then Python ends.
    pub fn quit(&self) {
        let _ = self.commands.send(Command::Quit);
    }

    /// Ends the session without waiting for the running snippet.
    pub fn abandon(&self) {
        let _ = self.commands.send(Command::Abandon);
    }

    pub(super) async fn request<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Closed> {
        let (sender, receiver) = oneshot::channel();
        self.commands.send(command(sender)).map_err(|_| Closed)?;
        receiver.await.map_err(|_| Closed)
    }
}
