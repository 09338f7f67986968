//! The loop's part in copying and saving. Files are written on other threads.

use std::io;
use std::time::Duration;

use super::Dashboard;
use super::task_result::TaskResult;
use crate::domain::units;
use crate::session::in_background;
use crate::tui::overlays::export;
use crate::tui::overlays::export::OnScreen;

/// How long a write to disk waits for recent output.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(2);

impl Dashboard {
    /// Exports the session on another thread: the export may read the whole journal.
    pub(in crate::tui::app) fn export(&self, file: String, replaces: bool) {
        let (results, archive) = (self.task_results.clone(), self.archive.clone());
        let (info, home) = (self.view.info.clone(), self.view.home.clone());
        let on_screen = OnScreen { transcript: self.view.transcript.clone(), spool: self.view.records.spool.clone() };
        drop(in_background(move || {
            if let Some(spool) = &on_screen.spool {
                spool.settle(SETTLE_TIMEOUT);
            }
            let recorded = archive();
            let archive = recorded.as_deref().unwrap_or(&on_screen);
            let written = export::write(&file, replaces, &info, home.as_deref(), archive);
            let _ = results.send(TaskResult::Exported(written));
        }));
    }

    /// Saves the output of a card on another thread: an output may have hundreds of megabytes.
    pub(in crate::tui::app) fn save(&self, card: usize, file: String, replaces: bool) {
        let Some(entry) = self.view.transcript.entries().get(card).cloned() else { return };
        let (results, spool) = (self.task_results.clone(), self.view.records.spool.clone());
        let (info, home) = (self.view.info.clone(), self.view.home.clone());
        drop(in_background(move || {
            let home = home.as_deref();
            let written = export::write_output(&file, replaces, &info, home, &entry, spool.as_deref());
            let _ = results.send(TaskResult::Exported(written));
        }));
    }

    pub(in crate::tui::app) fn copy(&mut self, text: &str, what: &str) -> io::Result<()> {
        self.screen.copy(text)?;
        let size = units::count(text.chars().count(), "character");
        // The terminal does not say whether it accepted the text.
        self.view.notice = Some(format!("copied the {what}, {size}"));
        Ok(())
    }
}
