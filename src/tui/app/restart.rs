//! Restarting Python within the session, with or without its variables.

use super::Dashboard;
use super::task_result::TaskResult;
use crate::domain::{Author, Status};
use crate::session::{RunOptions, SubmitError};
use crate::tui::input::keymap::Action;

/// The checkpoint of a restart that keeps the variables.
const RESTART_CHECKPOINT: &str = "restart";

impl Dashboard {
    pub(in crate::tui::app) fn restart(&self) {
        let session = self.session.clone();
        self.ask(async move { session.restart(Author::You).await });
    }

    /// Restarts only if all variables could be saved: the person must learn of a loss beforehand.
    pub(in crate::tui::app) fn save_and_restart(&self) {
        let (session, results) = (self.session.clone(), self.task_results.clone());
        let keys = self.view.keys.key_hint(Action::Restart);
        let code = format!("%checkpoint --whole {RESTART_CHECKPOINT}");
        self.ask(async move {
            let ticket = session.submit(Author::You, code.into(), RunOptions::default()).await?;
            let Ok(snippet) = ticket.done.await else { return Ok(()) };
            let _ = results.send(if snippet.status == Status::Ok {
                TaskResult::Saved(RESTART_CHECKPOINT)
            } else {
                let id = snippet.id;
                TaskResult::Notice(format!(
                    "not restarted: not all could be saved, see {id}; {keys} {keys} restarts without it"
                ))
            });
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
