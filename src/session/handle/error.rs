//! Errors: the reasons why the session does not carry out a command.

use crate::domain::{SnippetId, units};

/// The session has ended and takes no commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub struct Closed;

/// Why a command that the session can refuse had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError<E> {
    #[error(transparent)]
    Closed(Closed),
    #[error("{0}")]
    Refused(E),
}

impl<E> From<Closed> for CommandError<E> {
    fn from(closed: Closed) -> Self {
        Self::Closed(closed)
    }
}

/// Why code was not put into the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error(transparent)]
    Closed(#[from] Closed),
    #[error(transparent)]
    Full(#[from] QueueFull),
    /// The call was received before, and submitted this snippet.
    #[error("this call was received before")]
    Duplicate(SnippetId),
}

/// The queue has reached a limit. Displays as one sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueFull {
    #[error("{snippets} of your snippets with {} of code are already queued, the maximum for one \
        author", units::bytes(*.bytes as u64))]
    OfAuthor { snippets: usize, bytes: usize },
    #[error("{snippets} snippets with {} of code are already queued, the maximum for one \
        session", units::bytes(*.bytes as u64))]
    InAll { snippets: usize, bytes: usize },
}

/// Why no replay was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRefused {
    #[error("the code of snippet {0} is no longer in memory and was not recorded")]
    TooLong(SnippetId),
    #[error("a replay is already running")]
    UnderWay,
    #[error("there is nothing to replay")]
    Nothing,
    #[error(transparent)]
    Closed(#[from] Closed),
}

/// Why an answer did not reach the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerRefused {
    /// The snippet does not wait for input, or no longer at this prompt.
    NotAsking,
    /// The prompt asks for a password, which only the person may type.
    Hidden,
    /// The person decides what this client runs, and a line may be code.
    Gated,
}

/// The code does not wait at this risk, or no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the code no longer waits for you")]
pub struct RiskRefused;

/// Why the person's decision about a snippet had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecisionRefused {
    #[error("there is no snippet {0}")]
    Unknown(SnippetId),
    #[error("snippet {0} did not wait for you")]
    NeverWaited(SnippetId),
    #[error("snippet {0} no longer waits for you")]
    Over(SnippetId),
}

/// Why a snippet was not moved to the front of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotQueued {
    #[error("there is no snippet {0}")]
    Unknown(SnippetId),
    #[error("snippet {0} is not in the queue")]
    Begun(SnippetId),
}

/// Why a question was not put to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InquiryRefused {
    NoDashboard,
    /// As many questions wait as may wait.
    TooMany,
}
