//! The person's editor in the place of the dashboard, while the session process goes on.

use std::io;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::watch::Watch;
use crate::launch::boot::ToSession;
use crate::launch::child::{self, Change};
use crate::launch::editor;

impl Watch<'_> {
    /// Starts the editor if the dashboard has released the terminal for it.
    pub(super) fn edit(&mut self) {
        let Some(file) = self.link.take_edit() else { return };
        if self.editor.is_some() || self.end_requested.is_some() {
            return;
        }
        let Some(terminal) = &mut self.guardian.terminal else { return };
        terminal.take_back_from(self.child);
        terminal.restore(false);
        match editor::start(&file) {
            Ok(editor) => {
                terminal.lend();
                self.editor = Some(editor);
            }
            Err(error) => self.on_edited(Some(format!("the editor cannot be started: {error}"))),
        }
    }

    /// Takes in changes of the editor process.
    pub(super) fn check_editor(&mut self) -> io::Result<()> {
        while let Some(editor) = self.editor {
            match child::poll(editor)? {
                Change::Nothing => break,
                Change::Stopped(_) => self.on_editor_stopped(editor),
                Change::Ended(status) => {
                    self.editor = None;
                    if let Some(terminal) = &mut self.guardian.terminal {
                        terminal.take_back_from(editor);
                        terminal.restore(false);
                    }
                    self.on_edited(editor::refusal(status));
                }
            }
        }
        Ok(())
    }

    fn on_edited(&mut self, refusal: Option<String>) {
        if let Some(terminal) = &mut self.guardian.terminal {
            if self.guardian.detached {
                terminal.lend();
            } else {
                terminal.lend_to(self.child);
            }
        }
        if self.exit_status.is_none() && self.end_requested.is_none() {
            self.send(&ToSession::Edited(refusal), Signal::SIGTERM);
        }
    }

    /// Stops the whole job after the person has stopped the editor. When the job continues, the editor has the
    /// terminal.
    fn on_editor_stopped(&mut self, editor: Pid) {
        if self.end_requested.is_some() {
            let _ = killpg(editor, Signal::SIGCONT);
            return;
        }
        if let Some(terminal) = &mut self.guardian.terminal {
            editor::stop_with_job(editor, terminal);
        }
    }
}
