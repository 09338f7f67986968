//! The mouse state that the dashboard keeps between events.

use ratatui::layout::Position;

use crate::domain::Timestamp;

/// The longest time between the two clicks of a double click, in milliseconds.
const DOUBLE_CLICK_TIMEOUT: Timestamp = 400;

#[derive(Debug)]
pub struct Mouse {
    /// The terminal reports the mouse. Otherwise the terminal itself uses the mouse to select text.
    pub captured: bool,
    /// Whether the terminal has the focus, as far as it reports.
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

/// The place of a pressed button.
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
        let double =
            before.is_some_and(|(place, time)| place == at && now.saturating_sub(time) <= DOUBLE_CLICK_TIMEOUT);
        if double {
            self.clicked = None;
        }
        double
    }
}
