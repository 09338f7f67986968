//! The shell's job control: the dashboard stops and comes back.

use std::io;

use nix::sys::signal::{Signal, raise};
use nix::unistd::getppid;

use super::{Dashboard, Flow};

impl Dashboard {
    pub(in crate::tui::app) fn suspend(&mut self) -> io::Result<Flow> {
        self.screen.leave();
        self.view.figures.forget_full();
        let parent = getppid();
        // The signal goes to this thread, so the call returns only after the process has stopped and continued.
        raise(Signal::SIGSTOP)?;
        if getppid() != parent {
            // Nobody is left to hand the terminal to this process; the terminal is the shell's.
            return Ok(Flow::End);
        }
        self.screen.enter()?;
        self.redraw.due = true;
        Ok(Flow::GoOn)
    }
}
