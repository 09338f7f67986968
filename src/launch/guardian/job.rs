//! Job control: the dashboard and its guardian stop and go on together, as one job of the person's shell.

use std::io;

use nix::sys::signal::{Signal, killpg};

use super::Guardian;
use super::watch::Watch;
use crate::launch::boot::{Mode, ToSession};
use crate::launch::signals;

impl Guardian {
    /// A dashboard that was started in the background waits there, as an editor does.
    pub(super) fn wait_for_the_foreground(&mut self) -> io::Result<()> {
        let Some(terminal) = &mut self.terminal else { return Ok(()) };
        while !terminal.is_ours() {
            if !signals::stop_job(Signal::SIGTTIN) {
                return Err(io::Error::other(
                    "the dashboard was started in the background and nothing can bring it to the foreground; \
                     start it in the foreground, or use `fourhands serve`",
                ));
            }
            terminal.look_again();
        }
        Ok(())
    }
}

impl Watch<'_> {
    pub(super) fn suspend(&mut self) {
        if self.ending.is_some() {
            return;
        }
        if let Some(editor) = self.outside {
            let _ = killpg(editor, Signal::SIGSTOP);
            return;
        }
        self.suspending = true;
        if self.guardian.mode == Mode::Dashboard {
            self.tell(&ToSession::Suspend, Signal::SIGSTOP);
        } else {
            let _ = killpg(self.child, Signal::SIGSTOP);
        }
    }

    /// The child stopped: by itself on the person's Ctrl-Z, because we asked, or by somebody else's signal.
    pub(super) fn on_stopped(&mut self, signal: i32) {
        self.stopped = true;
        let suspending = std::mem::take(&mut self.suspending);
        if self.ending.is_some() {
            return;
        }
        if self.guardian.mode != Mode::Dashboard {
            if suspending {
                signals::stop_self();
                self.resume();
            }
            return;
        }
        let screen_up = self.link.screen_is_up();
        if screen_up && ![libc::SIGTTIN, libc::SIGTTOU].contains(&signal) {
            // Stopped with its screen up, so not by the dashboard: let it first give the terminal back in good order.
            self.suspending = suspending;
            self.tell(&ToSession::Suspend, Signal::SIGSTOP);
            self.carry_on();
            return;
        }
        if let Some(terminal) = &mut self.guardian.terminal {
            terminal.take_back_from(self.child);
            terminal.restore(screen_up);
        }
        if suspending {
            // Somebody signalled this very process; the rest of its group has nothing to do with it.
            signals::stop_self();
        } else {
            signals::stop_job(Signal::SIGTSTP);
        }
        self.resume();
    }

    /// This process was continued: so must the child be, once it may have the terminal.
    pub(super) fn resume(&mut self) {
        if self.outside.is_some() {
            return;
        }
        if let Some(terminal) = &mut self.guardian.terminal
            && !terminal.is_of(self.child)
        {
            while !terminal.is_ours() {
                if signals::end_is_pending() || self.ending.is_some() || !signals::stop_job(Signal::SIGTTIN) {
                    return;
                }
            }
            terminal.look_again();
            if !self.guardian.detached {
                terminal.lend_to(self.child);
            }
        }
        self.carry_on();
    }

    pub(super) fn carry_on(&mut self) {
        self.stopped = false;
        if let Some(terminal) = &mut self.guardian.terminal {
            terminal.lend();
        }
        let _ = killpg(self.child, Signal::SIGCONT);
    }
}
