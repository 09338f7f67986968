//! Asking the session process to end, and killing it when it does not.

use std::time::Instant;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::alarm;

use super::watch::Watch;
use super::{ONE_BREATH, PATIENCE};
use crate::launch::boot::ToSession;
use crate::launch::ending::Killed;

impl Watch<'_> {
    pub(super) fn terminate(&mut self, signal: Signal) {
        match self.ending {
            None => {
                self.ending = Some(Instant::now());
                alarm::set(PATIENCE);
                // One that is on its way out for a restart does not listen any more, and shall not be hit in its exit.
                if self.link.restart_by().is_none() {
                    self.tell(&ToSession::Terminate, Signal::SIGTERM);
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
