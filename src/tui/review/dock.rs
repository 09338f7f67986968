//! `Dock`: the snippet that waits for the person in front, and what keeps keys that were meant for something else from
//! deciding about it.
//!
//! The dock gets keys only after the key that turns to it. Even then, a key decides nothing in the first moment after the
//! snippet came into sight, after the dock got the keys, and after a key that meant nothing here.

use std::rc::Rc;

use ratatui::text::Line;

use crate::domain::lexer::{Footprint, footprint};
use crate::domain::terminal_text::visible;
use crate::domain::{Snippet, SnippetId, Timestamp, Transcript};
use crate::tui::composer::editor::Editor;
use crate::tui::text;
use crate::tui::transcript::lines::highlight;

/// Milliseconds in which a snippet that has just come into sight is not decided about.
const FIRST_MOMENT: Timestamp = 1_000;
/// The same after the dock got the keys, and after a key that meant nothing.
const SHORT_MOMENT: Timestamp = 300;

#[derive(Debug, Default)]
pub struct Dock {
    front: Option<Front>,
    /// Until then no key decides.
    armed_at: Timestamp,
    /// Rows of code above the shown ones.
    pub scroll: usize,
    /// What the person writes about the snippet in front.
    pub writing: Option<Writing>,
}

/// The snippet in front, as it is shown.
#[derive(Debug)]
struct Front {
    id: SnippetId,
    footprint: Rc<Footprint>,
    /// The rows of its code at a width.
    rows: Option<(u16, Rc<Vec<Line<'static>>>)>,
}

/// What is written in the place of the input.
#[derive(Debug)]
pub struct Writing {
    pub snippet: SnippetId,
    pub purpose: Purpose,
    pub editor: Editor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The code that runs in the place of the sent one.
    Edit,
    /// Why the snippet is rejected.
    Reason,
}

impl Dock {
    /// The number of the snippet in front.
    pub fn front(&self) -> Option<SnippetId> {
        self.front.as_ref().map(|front| front.id)
    }

    pub fn footprint(&self) -> Option<&Rc<Footprint>> {
        self.front.as_ref().map(|front| &front.footprint)
    }

    /// Takes the snippets that wait now. `has_keys` says whether the person is at the dock.
    pub fn follow(&mut self, transcript: &Transcript, has_keys: bool, now: Timestamp) {
        if self.writing.is_some() {
            return;
        }
        let is_held = |snippet: &Snippet| snippet.review.as_ref().is_some_and(|review| review.is_held);
        let is_front = |snippet: &&Snippet| Some(snippet.id) == self.front();
        let front = transcript.pending().find(|snippet| is_front(snippet) && (has_keys || !is_held(snippet)));
        let next = front
            .or_else(|| transcript.pending().find(|snippet| !is_held(snippet)))
            .or_else(|| transcript.pending().next());
        self.show(next, now);
    }

    /// Turns to the snippet after the one in front.
    pub fn turn(&mut self, transcript: &Transcript, now: Timestamp) {
        let waiting: Vec<&Snippet> = transcript.pending().collect();
        let place = waiting.iter().position(|snippet| Some(snippet.id) == self.front());
        let next = place.map_or(0, |place| place + 1) % waiting.len().max(1);
        self.show(waiting.get(next).copied(), now);
    }

    fn show(&mut self, next: Option<&Snippet>, now: Timestamp) {
        if next.map(|snippet| snippet.id) == self.front() {
            return;
        }
        self.front =
            next.map(|snippet| Front { id: snippet.id, footprint: Rc::new(footprint(&snippet.code)), rows: None });
        self.scroll = 0;
        self.hold_back(now);
    }

    /// Notes that what is in sight has just changed.
    pub fn hold_back(&mut self, now: Timestamp) {
        self.armed_at = self.armed_at.max(now + FIRST_MOMENT);
    }

    /// Notes that the dock gets the keys, or that a key meant nothing.
    pub fn rest(&mut self, now: Timestamp) {
        self.armed_at = self.armed_at.max(now + SHORT_MOMENT);
    }

    /// Whether a key decides now.
    pub fn may_decide(&self, now: Timestamp) -> bool {
        now >= self.armed_at
    }

    /// When keys begin to decide, if that is still to come.
    pub fn opens_at(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.armed_at).filter(|at| now < *at && self.front.is_some())
    }

    /// Lays out the code in front.
    pub fn prepare(&mut self, transcript: &Transcript, width: u16) {
        let Some(front) = &mut self.front else { return };
        if front.rows.as_ref().is_some_and(|(laid_out, _)| *laid_out == width) {
            return;
        }
        let Some(snippet) = transcript.snippet(front.id) else { return };
        let shown = visible(&snippet.code);
        let rows = highlight(&shown)
            .into_iter()
            .flat_map(|pieces| text::wrap(pieces.iter().map(|(text, style)| (text.as_str(), *style)), width.into(), 4));
        front.rows = Some((width, Rc::new(rows.collect())));
    }

    /// The rows of the code, as [`Dock::prepare`] has laid them out.
    pub fn rows(&self) -> Rc<Vec<Line<'static>>> {
        self.front.as_ref().and_then(|front| front.rows.as_ref()).map(|(_, rows)| rows.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixtures::{Story, client, pending};

    #[test]
    fn nothing_is_decided_in_the_first_moment() {
        let mut story = Story::default();
        pending(&mut story, &client(1, "claude"), "a()", false);
        let mut dock = Dock::default();
        dock.follow(&story.transcript, false, 10_000);
        assert!(!dock.may_decide(10_999) && dock.may_decide(11_000));
        dock.rest(11_000);
        assert!(!dock.may_decide(11_299) && dock.may_decide(11_300));
        pending(&mut story, &client(1, "claude"), "b()", false);
        dock.follow(&story.transcript, true, 12_000);
        assert!(dock.may_decide(12_000), "the snippet in front is the same");
        dock.turn(&story.transcript, 12_000);
        assert_eq!(dock.front(), Some(SnippetId(2)));
        assert!(!dock.may_decide(12_900));
    }

    #[test]
    fn what_is_asked_comes_before_what_is_held() {
        let mut story = Story::default();
        pending(&mut story, &client(1, "claude"), "a()", true);
        let mut dock = Dock::default();
        dock.follow(&story.transcript, false, 1);
        assert_eq!(dock.front(), Some(SnippetId(1)));
        pending(&mut story, &client(2, "cursor"), "b()", false);
        dock.follow(&story.transcript, true, 2);
        assert_eq!(dock.front(), Some(SnippetId(1)), "nothing moves below the person's keys");
        dock.follow(&story.transcript, false, 3);
        assert_eq!(dock.front(), Some(SnippetId(2)));
    }
}
