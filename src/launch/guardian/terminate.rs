//! Asking the session process to end, and killing it when it does not.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::alarm;

use super::watch::Watch;
use super::{ONE_BREATH, PATIENCE};
use crate::launch::boot::ToSession;
use crate::launch::ending::Killed;
use crate::launch::signals;

/// What a Python may take to come to the engine once its end is asked for.
const PATIENCE_AT_START: Duration = Duration::from_secs(2);

impl Watch<'_> {
    pub(super) fn terminate(&mut self, signal: Signal) {
        match self.ending {
            None => {
                self.ending = Some(Instant::now());
                alarm::set(PATIENCE);
                // One that is on its way out for a restart does not listen any more, and must not be hit in its exit.
                if self.link.restart_by().is_none() {
                    self.tell(&ToSession::Terminate, Signal::SIGTERM);
                    // One that has not come to the engine does not listen yet.
                    if self.is_starting() {
                        signals::wake_after(PATIENCE_AT_START);
                    }
                }
                if let Some(editor) = self.outside {
                    let _ = killpg(editor, Signal::SIGTERM);
                    let _ = killpg(editor, Signal::SIGCONT);
                }
                if self.stopped {
                    self.carry_on();
                }
            }
            // A closing terminal sends several SIGHUPs; that is no impatience.
            Some(since) if signal != Signal::SIGHUP && since.elapsed() > ONE_BREATH => self.kill(Killed::AskedTwice),
            Some(_) => {}
        }
    }

    /// The alarm of an end that was asked for.
    pub(super) fn on_late_end(&mut self) {
        let age = self.ending.map_or(Duration::MAX, |since| since.elapsed());
        let left = Duration::from_secs(PATIENCE.into()).saturating_sub(age);
        if self.killed.is_none() && self.is_starting() {
            self.give_up_start();
        } else if self.killed.is_none() && left > ONE_BREATH {
            signals::wake_after(left);
        } else {
            self.kill(Killed::TimeOut);
        }
    }

    pub(super) fn kill(&mut self, why: Killed) {
        self.killed = Some(why);
        if let Some(editor) = self.outside {
            let _ = killpg(editor, Signal::SIGKILL);
        }
        if self.ended.is_none() {
            // What was started from it is seen to once it has ended.
            let _ = kill(self.child, Signal::SIGKILL);
        }
    }
}
