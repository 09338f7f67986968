//! A snippet: one piece of code that somebody submitted, and what became of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    Author, CallState, Display, DisplayedFrame, FramePreview, InputRequest, Output, Timestamp, VariableChanges,
};

/// Number of a snippet within its session, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnippetId(pub u32);

impl fmt::Display for SnippetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its turn.
    Queued,
    Running,
    /// Ended by itself without an error, or by `SystemExit` with code 0.
    Ok,
    /// Ended by an exception, or by `SystemExit` with another code.
    Error,
    /// Ended by an interrupt while it ran.
    Interrupted,
    /// Taken out of the queue before it ran.
    Cancelled,
}

impl Status {
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The legal transitions: queued to running or cancelled, running to an end, an end to nothing.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Running | Self::Cancelled),
            Self::Running => matches!(next, Self::Ok | Self::Error | Self::Interrupted),
            _ => false,
        }
    }

    /// The word used in results and on plain screens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The exception that ended a snippet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// Such as `ValueError`, with its module where that is not `builtins`.
    #[serde(rename = "type")]
    pub type_name: String,
    pub message: String,
    /// As Python prints it, our own frames left out, without the final newline.
    pub traceback: String,
}

impl ErrorReport {
    /// The `type_name` of what ended the whole process.
    pub const PYTHON_DIED: &str = "PythonDied";
}

/// How a snippet ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Always final.
    pub status: Status,
    /// 0; the code of a `SystemExit`; 1 after any other exception; 130 after an interrupt.
    pub returncode: i32,
    /// `repr` of the last expression, if it had a value other than `None`.
    pub result: Option<String>,
    /// Its cells, if it is a data frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Arc<FramePreview>>,
    /// The data frames that it displayed before, in order; their text is part of the output, and all that the journal
    /// keeps of them.
    #[serde(skip)]
    pub frames: Vec<Arc<DisplayedFrame>>,
    pub error: Option<ErrorReport>,
    /// Who or what stopped it, such as "you" or "the time limit of 5 s".
    pub stopped_by: Option<String>,
    pub elapsed: Duration,
    pub changes: VariableChanges,
}

/// A snippet was asked to stop, and Python has not come to look at that: it is inside one call of C code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// It has been in the call since then, or for longer.
    pub since: Timestamp,
    /// Where Python stands, innermost frame first; empty if that could not be learnt.
    pub stack: Vec<String>,
}

impl Stuck {
    /// The innermost frame, such as `"<snippet 3>", line 1 in f`.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        let line = self.stack.first()?.trim();
        Some(line.strip_prefix("File ").unwrap_or(line))
    }
}

#[derive(Clone, Debug)]
pub struct Snippet {
    pub id: SnippetId,
    pub author: Author,
    pub code: Arc<str>,
    /// Bytes of the code that are not kept here.
    pub code_omitted: usize,
    /// The snippet whose code it runs again.
    pub replay_of: Option<SnippetId>,
    /// What it is about, in the words of its author.
    pub title: Option<Arc<str>>,
    pub status: Status,
    pub submitted_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub output: Output,
    /// In the order shown; [`Display::after`] gives their place in `output`.
    pub displays: Vec<Arc<Display>>,
    /// How many came before them and were dropped altogether.
    pub displays_dropped: usize,
    /// While it runs and cannot be interrupted.
    pub stuck: Option<Arc<Stuck>>,
    /// What its code waits for, while it does.
    pub input: Option<Arc<InputRequest>>,
    /// Present exactly when `status` is final.
    pub outcome: Option<Arc<Outcome>>,
    /// The outcome has lost parts of its value or its traceback.
    pub outcome_is_cut: bool,
}

impl Snippet {
    /// Whether all of it is here, and not only in the journal.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.code_omitted == 0
            && !self.outcome_is_cut
            && self.output.omitted() == 0
            && self.displays_dropped == 0
            && self.displays.iter().all(|display| display.forms.iter().all(|form| !form.is_dropped()))
    }

    /// The displays that are kept, each with its number; in the order shown, counted from 1.
    pub fn numbered_displays(&self) -> impl DoubleEndedIterator<Item = (usize, &Arc<Display>)> {
        self.displays.iter().enumerate().map(|(index, display)| (self.displays_dropped + index + 1, display))
    }

    /// How far the call came that submitted it.
    #[must_use]
    pub fn call_state(&self) -> CallState {
        match self.status {
            Status::Queued | Status::Cancelled => CallState::Queued,
            Status::Running => CallState::Begun,
            Status::Ok | Status::Error | Status::Interrupted => CallState::Ended,
        }
    }

    /// The number that its next display gets.
    #[must_use]
    pub fn next_display(&self) -> usize {
        self.displays_dropped + self.displays.len() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn an_end_is_final() {
        let ends = [Status::Ok, Status::Error, Status::Interrupted, Status::Cancelled];
        for end in ends {
            assert!(end.is_final());
            for next in ends.into_iter().chain([Status::Queued, Status::Running]) {
                assert!(!end.may_become(next), "{end:?} became {next:?}");
            }
        }
        assert!(Status::Queued.may_become(Status::Cancelled));
        assert!(!Status::Queued.may_become(Status::Ok), "a snippet cannot end without having run");
        assert!(!Status::Running.may_become(Status::Cancelled), "what runs is interrupted, not cancelled");
    }
}
