//! The shell's job control: the dashboard stops and comes back.

use std::io;

use super::{Dashboard, Flow};
use crate::tui::Suspended;

impl Dashboard {
    /// Whether the dashboard has the terminal, which the person's editor or the shell may have.
    pub(in crate::tui::app) fn has_terminal(&self) -> bool {
        !self.is_away && self.view.composer.external_edit.is_none()
    }

    pub(in crate::tui::app) fn suspend(&mut self) -> io::Result<Flow> {
        if !self.has_terminal() {
            return Ok(Flow::GoOn);
        }
        self.screen.leave();
        self.view.figures.forget_full();
        self.is_away = true;
        match self.owner.suspend()? {
            Suspended::Continued => self.come_back()?,
            Suspended::Orphaned => return Ok(Flow::End),
            Suspended::Later => {}
        }
        Ok(Flow::GoOn)
    }

    /// Takes the terminal again, after the job has continued.
    pub(in crate::tui::app) fn come_back(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_away) {
            self.screen.enter()?;
            self.measure();
            self.redraw.due = true;
        }
        Ok(())
    }
}
