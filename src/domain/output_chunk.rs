//! Pieces of output as they arrive, each with its stream.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// A piece of one stream, as it was written (escape sequences included).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub stream: Stream,
    pub text: String,
}

/// What arrived since the last chunk. A flood leaves a gap: `skipped` bytes between `head` and `tail`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputChunk {
    pub head: Vec<Segment>,
    pub skipped: u64,
    pub tail: Vec<Segment>,
}

impl OutputChunk {
    #[must_use]
    pub fn of(stream: Stream, text: impl Into<String>) -> Self {
        Self { head: vec![Segment { stream, text: text.into() }], ..Self::default() }
    }

    /// Returns the bytes that were written, those of the gap included.
    #[must_use]
    pub fn size(&self) -> u64 {
        let kept: usize = self.head.iter().chain(&self.tail).map(|segment| segment.text.len()).sum();
        kept as u64 + self.skipped
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.head.is_empty() && self.skipped == 0 && self.tail.is_empty()
    }
}
