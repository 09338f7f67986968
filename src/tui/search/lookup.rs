//! The filter and the search of the transcript, and the line that the person types them into.

use crate::tui::composer::editor::Editor;
use crate::tui::search::filter::Filter;
use crate::tui::search::matches::{Mark, Search};
use crate::tui::transcript::viewport::Anchor;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

#[derive(Debug, Default)]
pub struct Lookup {
    pub filter: Option<Filter>,
    pub find: Option<Search>,
    /// There is more to look at.
    pub is_busy: bool,
    /// What is searched for, in the cards in sight.
    pub marks: BTreeMap<usize, Rc<Vec<Mark>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKind {
    Search,
    Filter,
    /// A snippet by its number.
    GoTo,
}

/// What is being typed, at the foot of the screen.
#[derive(Debug)]
pub struct SearchPrompt {
    pub kind: PromptKind,
    pub editor: Editor,
    /// What is wrong with it.
    pub fault: Option<String>,
    /// What Esc comes back to.
    pub before: (Anchor, Option<usize>),
}

impl Lookup {
    /// The cards that there are, if not all are shown.
    pub fn shown(&self) -> Option<&BTreeSet<usize>> {
        self.filter.as_ref().map(|filter| &filter.shown)
    }

    pub fn before(&self, card: usize) -> Option<usize> {
        match self.shown() {
            None => card.checked_sub(1),
            Some(shown) => shown.range(..card).next_back().copied(),
        }
    }

    /// The card after this one, of `count`.
    pub fn after(&self, card: usize, count: usize) -> Option<usize> {
        match self.shown() {
            None => Some(card + 1).filter(|card| *card < count),
            Some(shown) => shown.range(card + 1..).next().copied(),
        }
    }

    /// Cards that are shown of those from `from` on, of `count`.
    pub fn count_from(&self, from: usize, count: usize) -> usize {
        self.shown().map_or(count.saturating_sub(from), |shown| shown.range(from..).count())
    }
}
