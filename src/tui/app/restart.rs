//! Restarting Python within the session, with or without its variables.

use super::Dashboard;
use super::task_result::TaskResult;
use crate::domain::{Author, SnippetId, Status};
use crate::session::{RunOptions, SubmitError};
use crate::tui::input::keymap::Action;

/// The checkpoint of a restart that keeps the variables.
const RESTART_CHECKPOINT: &str = "restart";
/// The checkpoint at the end of the session, for whoever resumes it.
const LAST_CHECKPOINT: &str = "last";

impl Dashboard {
    pub(in crate::tui::app) fn restart(&self) {
        let session = self.session.clone();
        self.ask(async move { session.restart(Author::You).await });
    }

    /// Restarts only if all variables could be saved: the person must learn of a loss beforehand.
    pub(in crate::tui::app) fn save_and_restart(&self) {
        let keys = self.view.keys.key_hint(Action::Restart);
        let refusal = move |id| {
            format!("not restarted: some variables could not be saved, see {id}; {keys} {keys} restarts without them")
        };
        self.save_variables(RESTART_CHECKPOINT, TaskResult::Saved(RESTART_CHECKPOINT), refusal);
    }

    /// Quits only if all variables could be saved.
    pub(in crate::tui::app) fn save_and_quit(&self) {
        let keys = self.view.keys.key_hint(Action::QuitOrDelete);
        let refusal = move |id| {
            format!("not quit: some variables could not be saved, see {id}; {keys} {keys} quits without them")
        };
        self.save_variables(LAST_CHECKPOINT, TaskResult::SavedLast, refusal);
    }

    /// Saves all variables, and then reports `saved`, or the reason why that was not possible.
    fn save_variables(&self, checkpoint: &str, saved: TaskResult, refusal: impl Fn(SnippetId) -> String + 'static) {
        let (session, results) = (self.session.clone(), self.task_results.clone());
        let code = format!("%checkpoint --whole {checkpoint}");
        self.ask(async move {
            let ticket = session.submit(Author::You, code.into(), RunOptions::default()).await?;
            let Ok(snippet) = ticket.done.await else { return Ok(()) };
            let is_saved = snippet.status == Status::Ok;
            let _ = results.send(if is_saved { saved } else { TaskResult::Notice(refusal(snippet.id)) });
            Ok::<(), SubmitError>(())
        });
    }

    /// Restores the variables after a restart that was to keep them.
    pub(in crate::tui::app) fn restore(&mut self) {
        let Some(checkpoint) = self.view.pending.restore.take() else { return };
        self.view.notice = None;
        self.save_snapshot();
        let session = self.session.clone();
        let code = format!("%restore {checkpoint}");
        self.ask(async move { session.submit(Author::You, code.into(), RunOptions::default()).await.map(drop) });
    }
}
