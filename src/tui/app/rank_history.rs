//! The loop's part in searching earlier inputs.

use super::Dashboard;
use super::task_result::TaskResult;
use crate::session::in_background;
use crate::tui::composer::history::HistorySearch;

impl Dashboard {
    /// Reads and ranks earlier inputs on other threads, because both may be slow.
    pub(in crate::tui::app) fn rank_history(&mut self) {
        if self.view.composer.history.take_load() {
            let (history, results) = (self.history.clone(), self.task_results.clone());
            drop(in_background(move || results.send(TaskResult::Past(history.past()))));
        }
        if let Some(ranking) = self.view.layers.history_search_mut().and_then(HistorySearch::take_ranking) {
            let results = self.task_results.clone();
            drop(in_background(move || {
                results.send(TaskResult::Ranked { number: ranking.number, found: ranking.rank() })
            }));
        }
    }
}
