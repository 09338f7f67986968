//! Output that code diverts from its card, as `%%capture` does.

use crate::domain::terminal_text::CLEAR;
use crate::domain::{Display, Stream};

/// Bytes of each stream that are diverted; more is left out.
const MAX_DIVERTED: usize = 64 << 20;

/// The diverted output.
#[derive(Default)]
pub struct Diversion {
    /// Which streams are diverted, stdout first.
    pub(super) streams: [bool; 2],
    pub(super) takes_displays: bool,
    pub texts: [String; 2],
    pub displays: Vec<Display>,
}

impl Diversion {
    pub fn new(stdout: bool, stderr: bool, displays: bool) -> Self {
        Self { streams: [stdout, stderr], takes_displays: displays, ..Self::default() }
    }

    pub fn push_text(&mut self, stream: Stream, text: &str) {
        let kept = &mut self.texts[stream as usize];
        if text == CLEAR {
            kept.clear();
            self.displays.clear();
        } else if kept.len() + text.len() <= MAX_DIVERTED {
            kept.push_str(text);
        }
    }

    pub fn push_display(&mut self, display: Display, replaces: bool) {
        let same = |shown: &&mut Display| replaces && shown.id.is_some() && shown.id == display.id;
        match self.displays.iter_mut().find(same) {
            Some(shown) => *shown = display,
            None => self.displays.push(display),
        }
    }
}
