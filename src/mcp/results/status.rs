//! How a run stands, in the words of results.

use crate::domain::{Outcome, PERSON, Status};
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum RunStatus {
    Queued,
    Running,
    /// It runs, and waits for a line; see `input_prompt`.
    WaitingForInput,
    Ok,
    Error,
    Interrupted,
    Cancelled,
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

/// Who or what stopped it: "you" is the person, and the reader is not. Clients stand in quotes.
pub fn stopped_by(outcome: &Outcome) -> Option<Cow<'_, str>> {
    let by = outcome.stopped_by.as_deref()?;
    Some(match by.strip_suffix("you") {
        Some(before) if before.is_empty() || before.ends_with(" by ") => Cow::Owned(format!("{before}{PERSON}")),
        _ => Cow::Borrowed(by),
    })
}
