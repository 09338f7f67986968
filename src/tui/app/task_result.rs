//! Results of tasks that run beside the loop.

use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::Insight;
use crate::session::Past;
use crate::tui::images::Made;
use crate::tui::overlays::export::Refused;
use crate::tui::variables::inspector::InspectResult;

/// The result of a request to the session, or of a task on another thread.
pub(in crate::tui::app) enum TaskResult {
    /// A text for the person.
    Notice(String),
    /// Where the session was exported to, or the reason why it was not.
    Exported(Result<String, Refused>),
    /// The checkpoint in which all variables have been saved.
    Saved(&'static str),
    /// All variables have been saved for the end of the session.
    SavedLast,
    /// A picture, or the reason why there is none.
    Figure(Made),
    /// A display was saved. With `copies`, nobody chose its path, and the path goes to the clipboard.
    DisplaySaved {
        written: Result<PathBuf, Refused>,
        copies: bool,
    },
    /// The answer to the inspection `number`.
    Inspected {
        number: u32,
        result: InspectResult,
    },
    /// The answer to the question `id`; `None` if it did not come in time.
    Insight {
        id: u64,
        insight: Option<Insight>,
    },
    /// Inputs of other sessions.
    Past(Result<Vec<Past>, String>),
    Ranked {
        number: u64,
        found: Arc<[usize]>,
    },
}
