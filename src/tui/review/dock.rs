//! `Dock`: the snippet in front of those that wait for the person; and the guard against keys that were meant for
//! something else.
//!
//! The dock gets keys only after the key that turns to it. Even then, a key decides nothing in the first moment after
//! the snippet came into sight, after the dock got the keys, and after a key that meant nothing here.

use std::rc::Rc;
use std::sync::Arc;

use ratatui::text::Line;

use crate::domain::lexer::{Footprint, footprint};
use crate::domain::terminal_text::visible;
use crate::domain::{RiskRequest, Snippet, SnippetId, Timestamp, Transcript};
use crate::session::as_python_reads;
use crate::tui::composer::editor::Editor;
use crate::tui::text;
use crate::tui::transcript::lines::highlight;

/// Milliseconds in which a snippet that has just come into sight is not decided about.
const FIRST_MOMENT: Timestamp = 1_000;
/// The same after the dock got the keys, and after a key that meant nothing.
const SHORT_MOMENT: Timestamp = 300;

/// Texts that are kept.
const MAX_KEPT: usize = 20;

#[derive(Debug, Default)]
pub struct Dock {
    front: Option<Front>,
    /// Until then no key decides.
    armed_at: Timestamp,
    /// Rows of code above the shown ones.
    pub scroll: usize,
    /// What the person writes about the snippet in front.
    pub writing: Option<Writing>,
    /// What the person wrote and left undecided, the newest last.
    kept: Vec<Writing>,
}

/// The snippet in front, as it is shown.
#[derive(Debug)]
struct Front {
    id: SnippetId,
    risk: Option<Arc<RiskRequest>>,
    risky_row: Option<usize>,
    footprint: Rc<Footprint>,
    /// The rows of its code at a width.
    rows: Option<(u16, Rc<Vec<Line<'static>>>)>,
}

/// What is written in the place of the input.
#[derive(Debug)]
pub struct Writing {
    pub snippet: SnippetId,
    /// The number of the risk, if the snippet runs already.
    pub risk: Option<u32>,
    pub purpose: Purpose,
    pub editor: Editor,
}

/// A snippet that waits, and the risk with which it waits, if it runs already.
type Waiting = (SnippetId, Option<Arc<RiskRequest>>);

/// What waits for the person: running code first, then code that is asked about, then code that is held.
fn waiting(transcript: &Transcript) -> Vec<Waiting> {
    let is_held = |snippet: &&Snippet| snippet.review.as_ref().is_some_and(|review| review.is_held);
    let risks = transcript.risks().map(|(id, risk)| (id, Some(risk.clone())));
    let asked = transcript.pending().filter(|snippet| !is_held(snippet));
    let held = transcript.pending().filter(is_held);
    risks.chain(asked.chain(held).map(|snippet| (snippet.id, None))).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The code that runs in the place of the sent one.
    Edit,
    /// Why the snippet is rejected, or a risk denied.
    Reason,
    /// Why a kind of risk is denied in the whole snippet.
    ReasonForSnippet,
}

impl Dock {
    /// The number of the snippet in front.
    pub fn front(&self) -> Option<SnippetId> {
        self.front.as_ref().map(|front| front.id)
    }

    /// What the code in front is about to do, if it runs already.
    pub fn risk(&self) -> Option<&Arc<RiskRequest>> {
        self.front.as_ref()?.risk.as_ref()
    }

    /// The first row of the line that is about to do it.
    pub fn risky_row(&self) -> Option<usize> {
        self.front.as_ref()?.risky_row
    }

    pub fn footprint(&self) -> Option<&Rc<Footprint>> {
        self.front.as_ref().map(|front| &front.footprint)
    }

    /// Takes the snippets that wait now. `has_keys` says whether the person is at the dock.
    pub fn follow(&mut self, transcript: &Transcript, has_keys: bool, now: Timestamp) {
        if self.writing.is_some() {
            return;
        }
        let waiting = waiting(transcript);
        let front = waiting.iter().find(|waiting| has_keys && self.is_front(waiting));
        let next = front.or(waiting.first()).cloned();
        self.show(transcript, next, now);
    }

    /// The place of what is in front among all that waits, from 1; `None` if it no longer waits.
    pub fn place(&self, transcript: &Transcript) -> Option<usize> {
        Some(waiting(transcript).iter().position(|waiting| self.is_front(waiting))? + 1)
    }

    /// Turns to what waits after the one in front.
    pub fn turn(&mut self, transcript: &Transcript, now: Timestamp) {
        let waiting = waiting(transcript);
        let place = waiting.iter().position(|waiting| self.is_front(waiting));
        let next = place.map_or(0, |place| place + 1) % waiting.len().max(1);
        self.show(transcript, waiting.get(next).cloned(), now);
    }

    /// Begins to write about what is in front, or goes on with what was left.
    pub fn begin_writing(&mut self, transcript: &Transcript, purpose: Purpose) {
        let Some(snippet) = self.front().and_then(|front| transcript.snippet(front)) else { return };
        let (id, risk) = (snippet.id, self.risk().map(|risk| risk.number));
        let is_same = |kept: &Writing| (kept.snippet, kept.risk, kept.purpose) == (id, risk, purpose);
        let kept = self.kept.iter().position(is_same).map(|place| self.kept.remove(place));
        self.writing = kept.or_else(|| {
            let editor = if purpose == Purpose::Edit { Editor::with_text(&snippet.code) } else { Editor::default() };
            Some(Writing { snippet: id, risk, purpose, editor })
        });
    }

    /// Leaves what is written for later.
    pub fn leave_writing(&mut self) {
        self.kept.extend(self.writing.take());
        let surplus = self.kept.len().saturating_sub(MAX_KEPT);
        self.kept.drain(..surplus);
    }

    fn is_front(&self, (id, risk): &Waiting) -> bool {
        let number = |risk: &Option<Arc<RiskRequest>>| risk.as_ref().map(|risk| risk.number);
        self.front.as_ref().is_some_and(|front| front.id == *id && number(&front.risk) == number(risk))
    }

    fn show(&mut self, transcript: &Transcript, next: Option<Waiting>, now: Timestamp) {
        if next.as_ref().map_or(self.front.is_none(), |next| self.is_front(next)) {
            return;
        }
        self.front = next.map(|(id, risk)| {
            let code = transcript.snippet(id).map(|snippet| snippet.code.clone()).unwrap_or_default();
            Front { id, risk, risky_row: None, footprint: Rc::new(footprint(&code, as_python_reads)), rows: None }
        });
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
        Some(self.armed_at).filter(|at| now < *at)
    }

    /// Lays out the code in front.
    pub fn prepare(&mut self, transcript: &Transcript, width: u16) {
        let Some(front) = &mut self.front else { return };
        if front.rows.as_ref().is_some_and(|(laid_out, _)| *laid_out == width) {
            return;
        }
        let Some(snippet) = transcript.snippet(front.id) else { return };
        let shown = visible(&snippet.code);
        let line = front.risk.as_ref().and_then(|risk| risk.line).and_then(|line| usize::try_from(line).ok());
        let mut rows = Vec::new();
        front.risky_row = None;
        for (number, pieces) in (1..).zip(highlight(&shown)) {
            if Some(number) == line {
                front.risky_row = Some(rows.len());
                // With the line before it.
                self.scroll = rows.len().saturating_sub(1);
            }
            let pieces = pieces.iter().map(|(text, style)| (text.as_str(), *style));
            rows.extend(text::wrap(pieces, width.into(), 4));
        }
        front.rows = Some((width, Rc::new(rows)));
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
        assert_eq!((dock.front(), dock.place(&story.transcript)), (Some(SnippetId(2)), Some(2)));
        assert!(!dock.may_decide(12_900));
        pending(&mut story, &client(1, "claude"), "c()", false);
        dock.follow(&story.transcript, true, 12_900);
        assert_eq!(
            (dock.front(), dock.place(&story.transcript)),
            (Some(SnippetId(2)), Some(2)),
            "the place of what is shown"
        );
        dock.turn(&story.transcript, 13_000);
        dock.turn(&story.transcript, 13_000);
        assert_eq!((dock.front(), dock.place(&story.transcript)), (Some(SnippetId(1)), Some(1)));
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
