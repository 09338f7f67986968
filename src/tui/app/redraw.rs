//! The time of the next frame.

use std::time::Duration;

use tokio::time::Instant;

/// The least time between two frames.
const FRAME_INTERVAL: Duration = Duration::from_micros(16_667);
/// The least time before a frame that shows the effect of a key.
const KEY_FRAME_INTERVAL: Duration = Duration::from_millis(4);

/// When the next frame is drawn.
pub struct Redraw {
    /// Whether a frame is needed.
    pub due: bool,
    /// Whether the next frame shows the effect of a key.
    pub urgent: bool,
    pub last_frame: Option<Instant>,
}

impl Redraw {
    /// Returns the earliest time of the next frame.
    pub fn at(&self) -> Instant {
        let pace = if self.urgent { KEY_FRAME_INTERVAL } else { FRAME_INTERVAL };
        self.last_frame.map_or_else(Instant::now, |last| last + pace)
    }

    pub fn begin(&mut self) {
        *self = Redraw { due: false, urgent: false, last_frame: Some(Instant::now()) };
    }
}
