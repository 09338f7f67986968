//! Commands to the actor, with their parameters and replies.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, oneshot};

use super::error::{
    AnswerRefused, DecisionRefused, InquiryRefused, NotQueued, ReplayRefused, RiskRefused, SubmitError,
};
use crate::domain::ReplaySelection;
use crate::domain::{
    Author, BusyTask, CallId, Client, ClientId, Event, GateChange, InputAnswer, InputRequest, Insight, InsightRequest,
    InspectError, InspectRequest, Inspection, Note, ResetReport, RiskVerdict, SafePoint, Snippet, SnippetId,
    TerminalSize, Transcript, Variable, VariableQuery, VariableTable, Verdict,
};
use crate::session::unanswered_calls::{CallReport, UnansweredCall};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunOptions {
    /// Interrupt the code when it has run for this long. Time in the queue does not count.
    pub timeout: Option<Duration>,
    /// What the code is about.
    pub title: Option<Arc<str>>,
    /// The call that submits the code. Each call submits at most one snippet.
    pub call: Option<CallId>,
}

/// A snippet that was accepted.
#[derive(Debug)]
pub struct Ticket {
    pub id: SnippetId,
    /// Resolves to the snippet once it has ended, with its output and outcome, or when it asks for input.
    pub done: oneshot::Receiver<Arc<Snippet>>,
}

/// The transcript so far and every event after it. A receiver that lags (`RecvError::Lagged`) should subscribe again.
#[derive(Debug)]
pub struct Subscription {
    pub transcript: Transcript,
    pub events: broadcast::Receiver<Arc<Event>>,
}

/// The clients, the running snippet and the queue in its order, without any code or output.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub running: Option<(SnippetId, Author)>,
    /// The background task that keeps Python to itself.
    pub busy: Option<BusyTask>,
    pub queue: Vec<(SnippetId, Author)>,
    /// Those of the queue that wait for the person's decision.
    pub pending: Vec<SnippetId>,
    pub clients: Vec<Client>,
    /// How many snippets were submitted so far.
    pub snippets: u32,
}

/// Code by snippet.
pub type SnippetCodes = HashMap<SnippetId, Arc<str>>;

/// Returns whether the transcript speaks against a command.
pub type ObjectionCheck = Box<dyn FnOnce(&Transcript) -> bool + Send>;

/// Reads the transcript within the actor.
pub type TranscriptReader = Box<dyn FnOnce(&Transcript) + Send>;

pub enum Command {
    Submit {
        author: Author,
        code: Arc<str>,
        options: RunOptions,
        reply: oneshot::Sender<Result<Ticket, SubmitError>>,
    },
    Wait {
        snippet: SnippetId,
        also_input: bool,
        reply: oneshot::Sender<Arc<Snippet>>,
    },
    AwaitOwnPrompt {
        author: Author,
        snippet: SnippetId,
        reply: oneshot::Sender<(SnippetId, Arc<InputRequest>)>,
    },
    AnswerInput {
        snippet: SnippetId,
        number: Option<u32>,
        text: InputAnswer,
        by: Author,
        reply: oneshot::Sender<Result<(), AnswerRefused>>,
    },
    Snippet {
        snippet: SnippetId,
        reply: oneshot::Sender<Option<Snippet>>,
    },
    Overview {
        reply: oneshot::Sender<Overview>,
    },
    Interrupt {
        snippet: Option<SnippetId>,
        by: String,
        reply: oneshot::Sender<Option<SnippetId>>,
    },
    /// Put a snippet before all others that wait.
    MoveToFront {
        snippet: SnippetId,
        reply: oneshot::Sender<Result<(), NotQueued>>,
    },
    Replay {
        by: Author,
        which: ReplaySelection,
        /// Code that is too long for the transcript to hold whole.
        codes: SnippetCodes,
        reply: oneshot::Sender<Result<usize, ReplayRefused>>,
    },
    Reset {
        by: Author,
        reply: oneshot::Sender<Arc<ResetReport>>,
    },
    Variables {
        query: VariableQuery,
        reply: oneshot::Sender<Arc<VariableTable>>,
    },
    Insight {
        question: InsightRequest,
        reply: oneshot::Sender<Insight>,
    },
    /// Looks a name up in the last table of variables.
    LastKnown {
        name: String,
        reply: oneshot::Sender<Option<Box<Variable>>>,
    },
    Inspect {
        request: InspectRequest,
        /// Resolves when the inspection leaves the queue.
        begun: oneshot::Sender<()>,
        reply: oneshot::Sender<Result<Box<Inspection>, InspectError>>,
    },
    Subscribe {
        reply: oneshot::Sender<Subscription>,
    },
    Events {
        reply: oneshot::Sender<broadcast::Receiver<Arc<Event>>>,
    },
    Join {
        name: Arc<str>,
        pid: Option<u32>,
        reply: oneshot::Sender<Author>,
    },
    Rename {
        client: ClientId,
        name: Arc<str>,
        reply: oneshot::Sender<Author>,
    },
    Leave {
        client: ClientId,
    },
    Restart {
        by: Author,
        reply: oneshot::Sender<()>,
    },
    /// Carries the command out unless there is an objection. Nothing happens between the check and the command.
    Unless {
        objection: ObjectionCheck,
        command: Box<Command>,
    },
    Read {
        read: TranscriptReader,
    },
    Note {
        note: Note,
    },
    Inquire {
        by: Author,
        text: Arc<str>,
        choices: Vec<Arc<str>>,
        /// Gets the number of the question.
        accepted: oneshot::Sender<Result<u32, InquiryRefused>>,
        /// Gets what the person says; `None` if they decline.
        reply: oneshot::Sender<Option<Arc<str>>>,
    },
    /// The person's answer to a question.
    Reply {
        inquiry: u32,
        text: Option<Arc<str>>,
    },
    Withdraw {
        inquiry: u32,
    },
    Recall {
        call: UnansweredCall,
        reply: oneshot::Sender<CallReport>,
    },
    /// The person's decision about a snippet that waits for it.
    Decide {
        snippet: SnippetId,
        verdict: Verdict,
        reply: oneshot::Sender<Result<(), DecisionRefused>>,
    },
    /// The person's answer to a risk of running code.
    DecideRisk {
        number: u32,
        verdict: RiskVerdict,
        reply: oneshot::Sender<Result<(), RiskRefused>>,
    },
    ChangeGate {
        change: GateChange,
    },
    /// Bind names again to their objects from before `snippet`.
    PutBack {
        snippet: SnippetId,
        names: Vec<Arc<str>>,
    },
    /// The safe points that the guardian has now.
    SafePoints {
        points: Arc<[SafePoint]>,
        reply: oneshot::Sender<()>,
    },
    Notice {
        text: String,
    },
    /// The size of the card in which the person sees output.
    Resize {
        size: TerminalSize,
    },
    Quit,
    Abandon,
}
