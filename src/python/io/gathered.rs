//! Text that one thread writes in small pieces, gathered until something else happens.
//!
//! Each `print` writes twice. To put each piece in order by itself costs more than the `print`, mostly the system calls
//! that look for earlier output from below Python. A piece that follows the last one faster than any write to a pipe
//! needs none of that: nothing can have come between.

use std::sync::atomic::{AtomicU64, Ordering};

use super::ticks;
use super::writer::OutputWriter;
use crate::domain::Stream;

/// Bytes that are gathered.
const MAX_GATHERED: usize = 16 << 10;

/// The shortest time in which a pipe was asked for its content, in [`ticks`]. A write to a pipe is a system call as well
/// and does more, so it takes longer than that.
static SHORTEST_CHECK: AtomicU64 = AtomicU64::new(0);

/// Takes in how long a pipe was asked for its content. Called again and again, since a processor changes its speed.
pub fn note_check(begin: u64, end: u64) {
    let took = end.wrapping_sub(begin);
    let shortest = SHORTEST_CHECK.load(Ordering::Relaxed);
    if shortest == 0 || took < shortest {
        SHORTEST_CHECK.store(took, Ordering::Relaxed);
    }
}

/// The gathered text and its origin.
#[derive(Default)]
pub struct GatheredText {
    origin: Option<(OutputWriter, Stream)>,
    text: String,
    /// When the last piece had been added.
    at: u64,
}

impl GatheredText {
    /// Adds a piece, if it follows the last one of the same origin with nothing between.
    /// `began` is when Python called for it.
    pub fn add(&mut self, writer: OutputWriter, stream: Stream, piece: &str, began: u64) -> bool {
        if self.origin != Some((writer, stream)) || self.text.len() + piece.len() > MAX_GATHERED {
            return false;
        }
        if began.wrapping_sub(self.at) > SHORTEST_CHECK.load(Ordering::Relaxed) {
            return false;
        }
        self.text.push_str(piece);
        self.at = ticks::now();
        true
    }

    /// Begins with the first piece; all before has been taken. Returns `false` for a piece that is too long.
    pub fn begin(&mut self, writer: OutputWriter, stream: Stream, piece: &str) -> bool {
        if piece.len() > MAX_GATHERED / 4 {
            return false;
        }
        self.origin = Some((writer, stream));
        self.text.push_str(piece);
        self.at = ticks::now();
        true
    }

    /// Takes all text.
    pub fn take(&mut self) -> Option<(OutputWriter, Stream, String)> {
        let (writer, stream) = self.origin.take()?;
        Some((writer, stream, std::mem::take(&mut self.text)))
    }

    /// Takes back a text, for its memory.
    pub fn reuse(&mut self, mut text: String) {
        text.clear();
        self.text = text;
    }
}
