//! The end of the dashboard, with or without that of the session.

use super::{Dashboard, Flow};
use crate::tui::Leaving;

impl Dashboard {
    /// Closes the dashboard, and ends the session in good order if nobody else can use it.
    pub(in crate::tui::app) fn terminal_is_gone(&mut self) {
        self.keys = None;
        if self.view.leaving == Leaving::Ends {
            self.session.quit();
        } else {
            self.is_over = true;
        }
    }

    pub(in crate::tui::app) fn quit(&mut self) -> Flow {
        if self.view.goes_on() {
            return Flow::End;
        }
        self.session.quit();
        Flow::GoOn
    }
}
