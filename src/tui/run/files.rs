//! The loop's part in copying and saving: files are written on other threads.

use std::io;

use super::{Dashboard, Said};
use crate::domain::units;
use crate::session::in_background;
use crate::tui::export;

impl Dashboard {
    /// On a thread of its own: figures may be many.
    pub(super) fn export(&self, file: String, replaces: bool) {
        let said = self.notices.clone();
        let (info, home, transcript) = (self.view.info.clone(), self.view.home.clone(), self.view.transcript.clone());
        drop(in_background(move || {
            let written = export::write(&file, replaces, &info, home.as_deref(), &transcript);
            let _ = said.send(Said::Exported(written));
        }));
    }

    /// On a thread of its own: an output may be hundreds of megabytes.
    pub(super) fn save(&self, card: usize, file: String, replaces: bool) {
        let Some(entry) = self.view.transcript.entries().get(card).cloned() else { return };
        let (said, spool) = (self.notices.clone(), self.view.spool.clone());
        let (info, home) = (self.view.info.clone(), self.view.home.clone());
        drop(in_background(move || {
            let home = home.as_deref();
            let written = export::write_output(&file, replaces, &info, home, &entry, spool.as_deref());
            let _ = said.send(Said::Exported(written));
        }));
    }

    pub(super) fn copy(&mut self, text: &str, what: &str) -> io::Result<()> {
        self.screen.copy(text)?;
        let size = units::count(text.chars().count(), "character");
        // The terminal does not tell whether it took it.
        self.view.notice = Some(format!("copied the {what}, {size}"));
        Ok(())
    }
}
