//! What the dashboard remembers of the mouse between two of its events.

use ratatui::layout::Position;

use crate::domain::Timestamp;

/// Two clicks on one place within this time are a double one; in milliseconds.
const DOUBLE: Timestamp = 400;

#[derive(Debug)]
pub struct Mouse {
    /// The terminal tells us of the mouse; else the mouse is the terminal's own, to select text with.
    pub captured: bool,
    /// Whether the terminal has the focus, as far as it says.
    pub focused: bool,
    pub focused_at: Timestamp,
    pub held: Option<Held>,
    clicked: Option<(Position, Timestamp)>,
}

impl Default for Mouse {
    fn default() -> Self {
        Self { captured: true, focused: true, focused_at: 0, held: None, clicked: None }
    }
}

/// Where the button went down that is not up yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    Divider,
    Input,
}

impl Mouse {
    pub fn on_focus(&mut self, focused: bool, now: Timestamp) {
        self.focused = focused;
        self.focused_at = now;
        self.held = None;
    }

    pub fn is_double(&mut self, at: Position, now: Timestamp) -> bool {
        let before = self.clicked.replace((at, now));
        let double = before.is_some_and(|(place, time)| place == at && now.saturating_sub(time) <= DOUBLE);
        if double {
            self.clicked = None;
        }
        double
    }
}
