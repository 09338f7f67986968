//! The status of a snippet, in the terms of results.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{Author, Outcome, PERSON, SENT_AWAY_CAUSE, Snippet, Status, TAKEOVER_CAUSE};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum RunStatus {
    Queued,
    /// Waiting for the person, who decides whether it runs, or whether it may do what it is about to do.
    WaitingForPerson,
    Running,
    /// Running, and waiting for a line of input; see `input_prompt`.
    WaitingForInput,
    Ok,
    Error,
    Interrupted,
    Cancelled,
    /// The person decided that it does not run; see `review`.
    Rejected,
}

impl From<Status> for RunStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Running => Self::Running,
            Status::Ok => Self::Ok,
            Status::Error => Self::Error,
            Status::Interrupted => Self::Interrupted,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

impl RunStatus {
    pub fn of(snippet: &Snippet) -> Self {
        match snippet {
            _ if snippet.input.is_some() => Self::WaitingForInput,
            _ if snippet.is_pending() || !snippet.open_risks().is_empty() => Self::WaitingForPerson,
            _ if snippet.is_rejected() => Self::Rejected,
            _ => snippet.status.into(),
        }
    }
}

/// Who or what stopped a snippet, for models: the session keeps the person as "you", which is the reader here. Clients
/// stand in quotes.
pub fn stopped_by(outcome: &Outcome) -> Option<Cow<'_, str>> {
    let by = outcome.stopped_by.as_deref()?;
    if by == TAKEOVER_CAUSE || by == SENT_AWAY_CAUSE {
        let why = if by == TAKEOVER_CAUSE { "who took over" } else { "who disconnected its client" };
        return Some(Cow::Owned(format!("{PERSON}, {why}")));
    }
    Some(match by.strip_suffix(&*Author::You.as_cause()) {
        Some(before) if before.is_empty() || before.ends_with(" by ") => Cow::Owned(format!("{before}{PERSON}")),
        _ => Cow::Borrowed(by),
    })
}
