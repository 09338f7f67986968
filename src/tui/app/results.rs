//! Handling the results of tasks.

use std::io;

use super::task_result::TaskResult;
use super::{Dashboard, Flow};
use crate::session::clock::now;

impl Dashboard {
    pub(in crate::tui::app) fn on_task_result(&mut self, result: TaskResult) -> io::Result<Flow> {
        self.redraw.due = true;
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
                self.save_snapshot();
                self.view.pending.ending = true;
                self.restart();
            }
            TaskResult::SavedLast => {
                self.view.pending.ending = true;
                return Ok(self.quit());
            }
            TaskResult::Insight { id, insight } => {
                self.view.on_insight(id, insight);
                self.send_questions();
            }
            TaskResult::Past(past) => {
                self.view.on_past(past);
                self.rank_history();
            }
            TaskResult::Ranked { number, found } => {
                if let Some(search) = self.view.layers.history_search_mut() {
                    search.on_ranked(number, found);
                }
                self.rank_history();
            }
            TaskResult::Inspected { number, result } => {
                if let Some(effect) = self.view.on_inspected(number, result, now()) {
                    return self.perform(effect);
                }
            }
        }
        Ok(Flow::GoOn)
    }
}
