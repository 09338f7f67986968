//! What running code wrote and displayed, passed on.

use std::sync::Arc;

use tokio::time::Instant;

use super::Actor;
use crate::domain::{Display, Event, SnippetId};
use crate::session::Shown;
use crate::session::clock::now;

impl Actor {
    pub(super) fn flush_output(&mut self) {
        self.output_due = None;
        let taken = self.engine.take_output();
        if taken.is_empty() {
            return;
        }
        self.last_flush = Some(Instant::now());
        for (snippet, shown) in taken {
            match shown {
                Shown::Text(chunk) => self.emit(Event::Output { snippet, chunk, at: now() }),
                Shown::Display { display, replaces } => self.display(snippet, display, replaces),
                Shown::Cleared => {
                    if let Some(snippet) = snippet {
                        self.emit(Event::DisplaysCleared { snippet });
                    }
                }
            }
        }
    }

    /// A display stands among the output of its snippet. Nobody's, it is the last one's: a card of output has no place.
    fn display(&mut self, snippet: Option<SnippetId>, mut display: Display, replaces: bool) {
        let owner = snippet.and_then(|id| self.transcript.snippet(id)).or_else(|| self.transcript.last_finished());
        let Some(owner) = owner else { return };
        display.after = owner.output.position();
        self.emit(Event::Displayed { snippet: owner.id, display: Arc::new(display), replaces, at: now() });
    }
}
