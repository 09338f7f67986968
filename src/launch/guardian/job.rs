//! Job control: the dashboard and its guardian stop and continue together, as one job of the shell.

use std::io;

use nix::sys::signal::{Signal, killpg};

use super::state::Guardian;
use super::watch::Watch;
use crate::launch::boot::{Mode, ToSession};
use crate::launch::signals;
use crate::launch::terminal::{NO_FOREGROUND, Terminal};

impl Guardian {
    /// Stops until the job is in the foreground, as an editor does.
    pub(super) fn wait_for_the_foreground(&mut self) -> io::Result<()> {
        let comes = self.terminal.as_mut().is_none_or(Terminal::come_to_foreground);
        if comes { Ok(()) } else { Err(io::Error::other(NO_FOREGROUND)) }
    }
}

impl Watch<'_> {
    pub(super) fn suspend(&mut self) {
        if self.end_requested.is_some() {
            return;
        }
        if let Some(editor) = self.editor {
            let _ = killpg(editor, Signal::SIGSTOP);
            return;
        }
        self.suspending = true;
        if self.guardian.mode == Mode::Dashboard {
            self.send(&ToSession::Suspend, Signal::SIGSTOP);
        } else {
            let _ = killpg(self.child, Signal::SIGSTOP);
        }
    }

    /// Takes in a stop of the child: by the person's Ctrl-Z, on our request, or by a signal of another process.
    pub(super) fn on_stopped(&mut self, signal: i32) {
        self.stopped = true;
        let suspending = std::mem::take(&mut self.suspending);
        if self.end_requested.is_some() {
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
            // Not stopped by the dashboard, since the screen is up: let the dashboard release the terminal first.
            self.suspending = suspending;
            self.send(&ToSession::Suspend, Signal::SIGSTOP);
            self.continue_child();
            return;
        }
        if let Some(terminal) = &mut self.guardian.terminal {
            terminal.take_back_from(self.child);
            terminal.restore(screen_up);
        }
        if suspending {
            // The signal was for this process alone, not for its group.
            signals::stop_self();
        } else {
            signals::stop_job(Signal::SIGTSTP);
        }
        self.resume();
    }

    /// Continues the child after this process was continued, once the child may have the terminal.
    pub(super) fn resume(&mut self) {
        if self.editor.is_some() {
            return;
        }
        if let Some(terminal) = &mut self.guardian.terminal
            && !terminal.is_of(self.child)
        {
            while !terminal.is_ours() {
                if signals::is_urgent_signal_pending()
                    || self.end_requested.is_some()
                    || !signals::stop_job(Signal::SIGTTIN)
                {
                    return;
                }
            }
            terminal.read_modes();
            if !self.guardian.detached {
                terminal.lend_to(self.child);
            }
        }
        self.continue_child();
    }

    pub(super) fn continue_child(&mut self) {
        self.stopped = false;
        if let Some(terminal) = &mut self.guardian.terminal {
            terminal.lend();
        }
        let _ = killpg(self.child, Signal::SIGCONT);
    }
}
