//! Results of tasks that the loop does not wait for.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::Insight;
use crate::session::Past;
use crate::tui::images::Made;
use crate::tui::overlays::export::Refused;

/// What a request to the session, or a task on another thread, came to.
pub(in crate::tui::app) enum TaskResult {
    /// The person should know.
    Notice(String),
    /// Where the session was written to, or why not.
    Exported(Result<String, Refused>),
    /// All variables have been saved in this checkpoint.
    Saved(&'static str),
    /// A picture is ready, or will never be.
    Figure(Made),
    /// A display was saved, so that its path could be copied if nobody chose it.
    DisplaySaved {
        written: Result<PathBuf, Refused>,
        copies: bool,
    },
    /// To the question of that number; `None` if not in time.
    Insight {
        id: u64,
        insight: Option<Insight>,
    },
    /// What was run before in other sessions.
    Past(Result<Vec<Past>, String>),
    Ranked {
        number: u64,
        found: Arc<[usize]>,
    },
}
