//! The progress of a replay, which runs again what ran before.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Author, SnippetId, units};

/// A replay and its progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Who started the replay; the author of the snippets that it runs.
    pub by: Author,
    /// The number of snippets that have run again.
    pub done: usize,
    pub total: usize,
    pub phase: Phase,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It waits in the queue.
    Waiting,
    /// The first snippet runs again as the second.
    Running(SnippetId, SnippetId),
    Done,
    /// It stopped at this snippet, for this reason.
    Stopped(SnippetId, Arc<str>),
    /// It was cancelled before it began.
    TakenBack,
}

impl Replay {
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Done | Phase::Stopped(..) | Phase::TakenBack)
    }
}

/// Writes the progress as one line.
impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { done, total, .. } = self;
        match &self.phase {
            Phase::Waiting => write!(f, "{total} to replay"),
            Phase::Running(..) => write!(f, "replaying {} of {total}", done + 1),
            Phase::Done => write!(f, "replayed {}", units::count(*total, "snippet")),
            Phase::TakenBack => write!(f, "the replay was cancelled before it started"),
            Phase::Stopped(at, why) => {
                write!(f, "the replay stopped at {at}: {why}")?;
                match total - done {
                    0 | 1 => Ok(()),
                    left => write!(f, "; {} not run", left - 1),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_one_line() {
        let replay = |done, phase| Replay { by: Author::You, done, total: 12, phase }.to_string();
        assert_eq!(replay(4, Phase::Running(SnippetId(5), SnippetId(20))), "replaying 5 of 12");
        assert_eq!(replay(12, Phase::Done), "replayed 12 snippets");
        let stopped = Phase::Stopped(SnippetId(20), "ZeroDivisionError".into());
        assert_eq!(replay(4, stopped), "the replay stopped at 20: ZeroDivisionError; 7 not run");
    }
}
