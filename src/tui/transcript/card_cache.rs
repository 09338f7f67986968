//! The cards that were laid out lately, so that a frame lays out only what has changed.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;

use super::card::{Card, CardLayout};
use crate::domain::{Entries, Entry, Status};
use crate::tui::images::Figures;
use crate::tui::input::keymap::Keymap;

/// The cache of recently shown cards.
#[derive(Debug, Default)]
pub struct CardCache {
    cache: HashMap<usize, (CardKey, Rc<Card>)>,
    /// Some cards show keys.
    keys: Rc<Keymap>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct CardKey {
    shape: CardLayout,
    status: Option<Status>,
    /// Bytes written and bytes in memory of the output, which grows, and is cut when it is old.
    output: (u64, usize),
    /// The number of displays, and a value that changes with them.
    displays: (usize, usize),
    /// The same for what the person is asked and has decided.
    decisions: (usize, usize),
}

/// The most cards in the cache before all outside of the window are removed.
const CACHE_CAPACITY: usize = 256;

impl CardCache {
    pub fn new(keys: Rc<Keymap>) -> Self {
        Self { cache: HashMap::new(), keys }
    }

    pub fn get(&mut self, entries: &Entries, index: usize, shape: CardLayout, figures: &Figures) -> Option<Rc<Card>> {
        let entry = entries.get(index)?;
        let (status, output) = match entry {
            Entry::Snippet(snippet) => (Some(snippet.status), Some(&snippet.output)),
            Entry::Background { output, .. } => (None, Some(output)),
            Entry::Reset { .. } | Entry::Restart { .. } | Entry::Note { .. } => (None, None),
        };
        let output = output.map_or((0, 0), |output| (output.total(), output.memory()));
        let displays = match entry {
            Entry::Snippet(snippet) => {
                let which = |sum: usize, display| sum.rotate_left(1).wrapping_add(Arc::as_ptr(display) as usize);
                (snippet.next_display(), snippet.displays.iter().fold(0, which))
            }
            _ => (0, 0),
        };
        let decisions = match entry {
            Entry::Snippet(snippet) => {
                let review = snippet.review.as_ref().map_or(0, |review| Arc::as_ptr(review) as usize);
                let open = snippet.open_risks().iter().map(|risk| risk.number as usize);
                (snippet.answered_risks().len(), open.fold(review, |sum, number| sum.rotate_left(1) ^ number))
            }
            _ => (0, 0),
        };
        let key = CardKey { shape, status, output, displays, decisions };
        if let Some((known, card)) = self.cache.get(&index)
            && *known == key
        {
            return Some(card.clone());
        }
        let card = Rc::new(Card::new(entry, &self.keys, shape, figures));
        self.cache.insert(index, (key, card.clone()));
        Some(card)
    }

    /// Removes all but the cards in the window, if there are too many.
    pub fn trim(&mut self, window: RangeInclusive<usize>) {
        if self.cache.len() > CACHE_CAPACITY {
            self.cache.retain(|index, _| window.contains(index));
        }
    }
}
