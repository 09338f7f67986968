//! Output and displays of running code, passed on as events.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::state::Actor;
use crate::domain::{Display, Event, SnippetId};
use crate::session::clock::now;
use crate::session::engine::EngineOutput;

/// The first output is passed on at once, and later output once in this time.
const OUTPUT_INTERVAL: Duration = Duration::from_millis(33);

impl Actor {
    pub(super) fn on_output_ready(&mut self) {
        let now = Instant::now();
        let due = self.output.last_flush.map_or(now, |last| last + OUTPUT_INTERVAL);
        if due <= now {
            self.flush_output();
        } else {
            self.output.due = Some(due);
        }
    }

    pub(super) fn flush_output(&mut self) {
        self.output.due = None;
        let taken = self.engine.take_output();
        if taken.is_empty() {
            return;
        }
        self.output.last_flush = Some(Instant::now());
        for (snippet, shown) in taken {
            match shown {
                EngineOutput::Text(chunk) => self.emit(Event::Output { snippet, chunk, at: now() }),
                EngineOutput::Display { display, replaces } => self.display(snippet, display, replaces),
                EngineOutput::Effects(effects) => {
                    if let Some(snippet) = snippet {
                        self.emit(Event::Effects { snippet, effects });
                    }
                }
                EngineOutput::Cleared => {
                    if let Some(snippet) = snippet {
                        self.emit(Event::DisplaysCleared { snippet });
                    }
                }
            }
        }
    }

    /// Places a display in the output of its snippet. A display without a snippet goes to the last snippet that ended,
    /// since output between snippets has no place for displays.
    fn display(&mut self, snippet: Option<SnippetId>, mut display: Display, replaces: bool) {
        // An update goes to where the display is, also from a later snippet.
        let updated = display.id.as_deref().filter(|_| replaces).and_then(|id| self.transcript.with_display(id));
        let owner = updated.or_else(|| snippet.and_then(|id| self.transcript.snippet(id)));
        let owner = owner.or_else(|| self.transcript.last_finished());
        let Some(owner) = owner else { return };
        display.after = owner.output.position();
        self.emit(Event::Displayed { snippet: owner.id, display: Arc::new(display), replaces, at: now() });
    }
}
