//! Results of tasks that the loop does not wait for.

use std::path::PathBuf;
use std::sync::Arc;

use super::Dashboard;
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

impl Dashboard {
    pub(in crate::tui::app) fn on_task_result(&mut self, result: TaskResult) {
        match result {
            TaskResult::Notice(notice) => self.view.notice = Some(notice),
            TaskResult::Exported(written) => self.view.on_exported(written),
            TaskResult::Figure(made) => self.view.figures.on_made(made),
            TaskResult::DisplaySaved { written, copies } => {
                if let (Ok(path), true) = (&written, copies) {
                    let _ = self.screen.copy(&path.to_string_lossy());
                }
                self.view.on_display_saved(written.as_deref().map_err(Clone::clone), copies);
            }
            TaskResult::Saved(checkpoint) => {
                self.view.pending.restore = Some(checkpoint.to_owned());
                self.keep();
                self.view.pending.ending = true;
                self.restart();
            }
            TaskResult::Insight { id, insight } => {
                self.view.on_insight(id, insight);
                self.send_questions();
            }
            TaskResult::Past(past) => {
                self.view.on_past(past);
                self.look_back();
            }
            TaskResult::Ranked { number, found } => {
                if let Some(search) = self.view.layers.history_search_mut() {
                    search.on_ranked(number, found);
                }
                self.look_back();
            }
        }
        self.dirty = true;
    }
}
