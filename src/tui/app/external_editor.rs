//! The loop's part in editing the draft in the person's own editor.

use std::io;

use super::{Dashboard, draft_file};

impl Dashboard {
    /// Opens the draft in the person's editor, which gets the terminal.
    pub(in crate::tui::app) fn edit_outside(&mut self) {
        match draft_file::write(&self.view.composer.editor.code()) {
            Ok(file) => {
                self.view.composer.external_edit = Some(file.clone());
                self.save_snapshot();
                // Keys from now on are for the editor, so the dashboard does not poll them.
                self.screen.leave();
                self.owner.edit(&file);
            }
            Err(why) => self.view.notice = Some(format!("the input cannot be edited outside: {why}")),
        }
    }

    /// Takes the terminal back after the editor has ended.
    pub(in crate::tui::app) fn edited(&mut self, refusal: Option<String>) -> io::Result<()> {
        if self.view.composer.external_edit.is_none() {
            return Ok(());
        }
        draft_file::read_back(&mut self.view, refusal);
        self.screen.enter()?;
        self.measure();
        self.redraw.due = true;
        self.send_questions();
        Ok(())
    }
}
