//! The person's editor in the place of the dashboard, while the session process goes on.

use std::io;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::watch::Watch;
use crate::launch::boot::ToSession;
use crate::launch::child::{self, Change};
use crate::launch::{outside, signals};

impl Watch<'_> {
    /// Starts the editor, if the dashboard has given the terminal back for it.
    pub(super) fn edit(&mut self) {
        let Some(file) = self.link.take_edit() else { return };
        if self.outside.is_some() || self.ending.is_some() {
            return;
        }
        let Some(terminal) = &mut self.guardian.terminal else { return };
        terminal.take_back_from(self.child);
        terminal.restore(false);
        match outside::start(&file) {
            Ok(editor) => {
                terminal.lend();
                self.outside = Some(editor);
            }
            Err(error) => self.edited(Some(format!("no editor can be started: {error}"))),
        }
    }

    /// Takes in what happened to the editor.
    pub(super) fn look_outside(&mut self) -> io::Result<()> {
        while let Some(editor) = self.outside {
            match child::look_at(editor)? {
                Change::Nothing => break,
                Change::Stopped(_) => self.outside_stopped(editor),
                Change::Ended(status) => {
                    self.outside = None;
                    if let Some(terminal) = &mut self.guardian.terminal {
                        terminal.take_back_from(editor);
                        terminal.restore(false);
                    }
                    self.edited(outside::refusal(status));
                }
            }
        }
        Ok(())
    }

    fn edited(&mut self, refusal: Option<String>) {
        if let Some(terminal) = &mut self.guardian.terminal {
            if self.guardian.detached {
                terminal.lend();
            } else {
                terminal.lend_to(self.child);
            }
        }
        if self.ended.is_none() && self.ending.is_none() {
            self.tell(&ToSession::Edited(refusal), Signal::SIGTERM);
        }
    }

    /// The person stopped it: the whole job goes to the background, and comes back with the editor in front.
    fn outside_stopped(&mut self, editor: Pid) {
        if self.ending.is_some() {
            let _ = killpg(editor, Signal::SIGCONT);
            return;
        }
        if let Some(terminal) = &mut self.guardian.terminal {
            terminal.take_back_from(editor);
            terminal.restore(false);
            signals::stop_job(Signal::SIGTSTP);
            while !terminal.is_ours() && !signals::end_is_pending() && signals::stop_job(Signal::SIGTTIN) {}
            terminal.look_again();
            terminal.lend_to(editor);
        }
        let _ = killpg(editor, Signal::SIGCONT);
    }
}
