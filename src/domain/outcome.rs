//! The status of a snippet, and how it ended.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::char_boundary::{ceil_char_boundary, floor_char_boundary};
use super::{DisplayedFrame, FramePreview, VariableChanges};

/// Bytes that a cut outcome keeps of the beginning and of the end of each text.
const CUT_ENDS: usize = 1 << 10;
/// Names of changed variables that a cut outcome keeps.
const CUT_NAMES: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits in the queue.
    Queued,
    Running,
    /// Ended without an error, or by `SystemExit` with code 0.
    Ok,
    /// Ended by an exception, or by `SystemExit` with another code.
    Error,
    /// Ended by an interrupt while it ran.
    Interrupted,
    /// Removed from the queue before it ran.
    Cancelled,
}

impl Status {
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// Returns whether the transition is legal: queued to running or cancelled, running to an end, an end to nothing.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Running | Self::Cancelled),
            Self::Running => matches!(next, Self::Ok | Self::Error | Self::Interrupted),
            _ => false,
        }
    }

    /// Returns the name in results and on plain screens.
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
    /// The class, such as `ValueError`, with its module unless that is `builtins`.
    #[serde(rename = "type")]
    pub type_name: String,
    pub message: String,
    /// The traceback as Python prints it, without the engine's frames and the final newline.
    pub traceback: String,
}

impl ErrorReport {
    /// The `type_name` of the death of the whole process.
    pub const PYTHON_DIED: &str = "PythonDied";

    /// Returns whether the whole process died.
    #[must_use]
    pub fn is_python_death(&self) -> bool {
        self.type_name == Self::PYTHON_DIED
    }
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
    /// The cells of the value, if it is a data frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Arc<FramePreview>>,
    /// The data frames that it displayed, in order. Their text is part of the output, and the journal records only
    /// that.
    #[serde(skip)]
    pub frames: Vec<Arc<DisplayedFrame>>,
    pub error: Option<ErrorReport>,
    /// Who or what stopped it, such as "you" or "the time limit of 5 s".
    pub stopped_by: Option<String>,
    pub elapsed: Duration,
    pub changes: VariableChanges,
}

impl Outcome {
    /// The `stopped_by` of a snippet whose end could not be recorded.
    pub const UNRECORDED: &str = "an end that could not be recorded";

    /// Returns the heap memory that it takes, roughly and in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let error = self.error.as_ref().map_or(0, |error| error.message.len() + error.traceback.len());
        let frames = self.frames.iter().map(|frame| frame.frame.size()).sum::<usize>();
        let changes = [&self.changes.added, &self.changes.changed, &self.changes.removed, &self.changes.rebound];
        let changes = changes.into_iter().flatten().map(|name| name.len() + 32).sum::<usize>();
        let changes = changes + self.changes.clashes.iter().map(|clash| clash.name.len() + 64).sum::<usize>();
        self.result.as_ref().map_or(0, String::len)
            + error
            + self.frame.as_ref().map_or(0, |frame| frame.size())
            + frames
            + changes
    }

    /// Returns a copy of a large outcome that keeps only the ends of its texts; `None` if the outcome is small.
    #[must_use]
    pub fn cut(&self) -> Option<Self> {
        if self.size() <= 4 * CUT_ENDS {
            return None;
        }
        let mut cut = Self { frame: None, frames: Vec::new(), ..self.clone() };
        if let Some(error) = &mut cut.error {
            keep_ends(&mut error.message);
            keep_ends(&mut error.traceback);
        }
        cut.result.iter_mut().for_each(keep_ends);
        let changes = &mut cut.changes;
        for names in [&mut changes.added, &mut changes.changed, &mut changes.removed, &mut changes.rebound] {
            names.truncate(CUT_NAMES);
            names.shrink_to_fit();
        }
        changes.clashes.truncate(CUT_NAMES);
        changes.clashes.shrink_to_fit();
        Some(cut)
    }
}

fn keep_ends(text: &mut String) {
    if text.len() <= 2 * CUT_ENDS + 100 {
        return;
    }
    let (head, tail) = (floor_char_boundary(text, CUT_ENDS), ceil_char_boundary(text, text.len() - CUT_ENDS));
    *text = format!("{}\n[... {} bytes left out ...]\n{}", &text[..head], tail - head, &text[tail..]);
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn final_states_never_change() {
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
