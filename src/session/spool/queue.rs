//! The queue between those who write output and the thread of the spool.

use crate::domain::{SnippetId, Stream};

/// Bytes from which it is worth waking the thread.
pub const WAKE_SIZE: usize = 64 << 10;

#[derive(Debug, Default)]
pub struct SpoolQueue {
    pub text: String,
    pub runs: Vec<TextRun>,
    /// Bytes that found no room.
    pub lost: Vec<(SnippetId, u64)>,
    /// Whether a writer has waited for room in vain.
    pub stalled: bool,
    /// Whether a reader waits for the queue to be written.
    pub has_reader: bool,
    pub closed: bool,
    /// How often the queue was taken, and how often what was taken has been written.
    pub taken: u64,
    pub written: u64,
}

/// A run of the queue's text.
#[derive(Clone, Copy, Debug)]
pub struct TextRun {
    pub snippet: SnippetId,
    pub stream: Stream,
    pub length: usize,
}

impl SpoolQueue {
    pub fn size(&self) -> usize {
        self.text.len() + self.runs.len() * size_of::<TextRun>()
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.lost.is_empty()
    }

    /// Returns whether the thread should take the queue now.
    pub fn is_due(&self) -> bool {
        self.size() >= WAKE_SIZE || self.has_reader || self.closed
    }

    /// Moves the text into `batch`, which must be empty.
    pub fn take_into(&mut self, batch: &mut Self) {
        std::mem::swap(&mut self.text, &mut batch.text);
        std::mem::swap(&mut self.runs, &mut batch.runs);
        std::mem::swap(&mut self.lost, &mut batch.lost);
        self.stalled = false;
        self.has_reader = false;
        self.taken += 1;
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
        self.lost.clear();
    }
}
