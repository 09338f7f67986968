//! The queue of captured output that the session has not taken yet.

use std::collections::VecDeque;

use crate::domain::{Display, Output, SnippetId, Stream};
use crate::session::EngineOutput;

/// Bytes of displays that may be pending.
const MAX_DISPLAY_BYTES: usize = 32 << 20;
/// With more pending pieces than this, text is appended to the last piece of the same owner, wherever that is: the
/// order of two owners' output has no meaning.
const MAX_ORDERED_PIECES: usize = 32;

enum PendingOutput {
    Text(Output),
    Display { display: Display, replaces: bool },
    Cleared,
}

/// Pieces of output, each with its owner. The methods that add a piece return whether the output must be announced,
/// because none was pending before.
#[derive(Default)]
pub struct PendingQueue {
    pieces: VecDeque<(Option<SnippetId>, PendingOutput)>,
    /// Bytes of the displays in `pieces`.
    display_bytes: usize,
    announced: bool,
}

impl PendingOutput {
    /// Returns the bytes of a display; 0 for other output.
    fn display_bytes(&self) -> usize {
        if let Self::Display { display, .. } = self { display.bytes_kept() } else { 0 }
    }
}

impl PendingQueue {
    pub fn push_text(&mut self, owner: Option<SnippetId>, stream: Stream, text: &str) -> bool {
        if let Some(output) = self.open_text(owner) {
            output.push_text(stream, text);
        } else {
            let mut output = Output::default();
            output.push_text(stream, text);
            self.pieces.push_back((owner, PendingOutput::Text(output)));
        }
        self.mark_announced()
    }

    pub fn push_display(&mut self, owner: Option<SnippetId>, display: Display, replaces: bool) -> bool {
        self.display_bytes += display.bytes_kept();
        self.pieces.push_back((owner, PendingOutput::Display { display, replaces }));
        // If displays come faster than the session takes them, the oldest lose their data.
        for (_, piece) in &mut self.pieces {
            if self.display_bytes <= MAX_DISPLAY_BYTES {
                break;
            }
            if let PendingOutput::Display { display, .. } = piece {
                self.display_bytes -= display.bytes_kept();
                *display = display.dropped();
            }
        }
        self.mark_announced()
    }

    /// Removes the pending displays of `owner`, and queues the removal of those that were taken before.
    pub fn clear_displays(&mut self, owner: Option<SnippetId>) -> bool {
        let before = self.pieces.len();
        self.pieces.retain(|(snippet, piece)| *snippet != owner || matches!(piece, PendingOutput::Text(_)));
        if self.pieces.len() < before {
            self.display_bytes = self.pieces.iter().map(|(_, piece)| piece.display_bytes()).sum();
        }
        self.pieces.push_back((owner, PendingOutput::Cleared));
        self.mark_announced()
    }

    /// Takes all pieces, in order.
    pub fn take(&mut self) -> Vec<(Option<SnippetId>, EngineOutput)> {
        self.announced = false;
        self.display_bytes = 0;
        let shown = |piece| match piece {
            PendingOutput::Text(output) => EngineOutput::Text(output.into_chunk()),
            PendingOutput::Display { display, replaces } => EngineOutput::Display { display, replaces },
            PendingOutput::Cleared => EngineOutput::Cleared,
        };
        self.pieces.drain(..).map(|(owner, piece)| (owner, shown(piece))).collect()
    }

    /// Returns the pending text that new text of `owner` is appended to.
    fn open_text(&mut self, owner: Option<SnippetId>) -> Option<&mut Output> {
        let candidates = if self.pieces.len() < MAX_ORDERED_PIECES { 1 } else { self.pieces.len() };
        let mut candidates = self.pieces.iter_mut().rev().take(candidates);
        match candidates.find(|(snippet, _)| *snippet == owner) {
            Some((_, PendingOutput::Text(output))) => Some(output),
            // Text after a display is a piece of its own.
            _ => None,
        }
    }

    /// Marks the queue as announced. Returns whether it was not.
    pub fn mark_announced(&mut self) -> bool {
        !std::mem::replace(&mut self.announced, true)
    }
}
