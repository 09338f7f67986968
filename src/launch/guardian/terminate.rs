//! The end of a session process at a request: it is asked to end, and killed if it does not.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::alarm;

use super::watch::Watch;
use crate::launch::boot::ToSession;
use crate::launch::exit_report::{Killed, TERMINATION_TIMEOUT};
use crate::launch::signals;

/// How long a Python may take to reach the engine once its end is requested.
const TERMINATION_TIMEOUT_AT_START: Duration = Duration::from_secs(2);

/// Two requests within this time are one: `timeout` and others signal a process once by itself and once by its group.
const REPEAT_GRACE: Duration = Duration::from_millis(250);

impl Watch<'_> {
    pub(super) fn terminate(&mut self, signal: Signal) {
        match self.end_requested {
            None => {
                self.end_requested = Some(Instant::now());
                alarm::set(TERMINATION_TIMEOUT.as_secs() as u32);
                // A process that ends for a restart listens no more, and must not be signalled during its exit.
                if self.link.restart_by().is_none() {
                    self.send(&ToSession::Terminate, Signal::SIGTERM);
                    // Before the engine, nobody listens.
                    if self.is_starting() {
                        signals::wake_after(TERMINATION_TIMEOUT_AT_START);
                    }
                }
                if let Some(editor) = self.editor {
                    let _ = killpg(editor, Signal::SIGTERM);
                    let _ = killpg(editor, Signal::SIGCONT);
                }
                if self.stopped {
                    self.continue_child();
                }
            }
            // A closing terminal sends several SIGHUPs, which are one request.
            Some(since) if signal != Signal::SIGHUP && since.elapsed() > REPEAT_GRACE => {
                self.kill(Killed::RequestedTwice);
            }
            Some(_) => {}
        }
    }

    /// The alarm of a requested end.
    pub(super) fn on_termination_alarm(&mut self) {
        let age = self.end_requested.map_or(Duration::MAX, |since| since.elapsed());
        let left = TERMINATION_TIMEOUT.saturating_sub(age);
        if self.killed.is_none() && self.is_starting() {
            self.give_up_start();
        } else if self.killed.is_none() && left > REPEAT_GRACE {
            signals::wake_after(left);
        } else {
            self.kill(Killed::TimeOut);
        }
    }

    pub(super) fn kill(&mut self, why: Killed) {
        self.killed = Some(why);
        if let Some(editor) = self.editor {
            let _ = killpg(editor, Signal::SIGKILL);
        }
        if self.exit_status.is_none() {
            // The processes that it started are ended after it.
            let _ = kill(self.child, Signal::SIGKILL);
        }
    }
}
