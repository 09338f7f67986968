//! The state of filter and search, and the line that the person types them into.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::tui::composer::editor::Editor;
use crate::tui::search::filter::Filter;
use crate::tui::search::matches::{Mark, Search};
use crate::tui::transcript::viewport::Anchor;

#[derive(Debug, Default)]
pub struct Lookup {
    pub filter: Option<Filter>,
    pub find: Option<Search>,
    /// Whether the filter or the search is not finished.
    pub is_busy: bool,
    /// The matches in the cards in sight.
    pub marks: BTreeMap<usize, Rc<Vec<Mark>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptKind {
    Search,
    Filter,
    /// A snippet's number.
    GoTo,
}

/// The line at the bottom while the person types in it.
#[derive(Debug)]
pub struct SearchPrompt {
    pub kind: PromptKind,
    pub editor: Editor,
    /// The fault in the typed text.
    pub fault: Option<String>,
    /// The window and the selection to which Esc returns.
    pub before: (Anchor, Option<usize>),
}

impl Lookup {
    /// The cards that the filter shows; `None` without a filter.
    pub fn shown(&self) -> Option<&BTreeSet<usize>> {
        self.filter.as_ref().map(|filter| &filter.shown)
    }

    pub fn before(&self, card: usize) -> Option<usize> {
        match self.shown() {
            None => card.checked_sub(1),
            Some(shown) => shown.range(..card).next_back().copied(),
        }
    }

    /// The next shown card, of `count` cards.
    pub fn after(&self, card: usize, count: usize) -> Option<usize> {
        match self.shown() {
            None => Some(card + 1).filter(|card| *card < count),
            Some(shown) => shown.range(card + 1..).next().copied(),
        }
    }

    /// The number of shown cards from `from` on, of `count` cards.
    pub fn count_from(&self, from: usize, count: usize) -> usize {
        self.shown().map_or(count.saturating_sub(from), |shown| shown.range(from..).count())
    }
}
