//! The window on the transcript. Its place is a card and a row, never a row of the whole, and only the cards in the
//! window are measured, so that a frame costs the same with ten cards and with a hundred thousand.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use super::card::{Card, CardLayout};
use super::card_cache::CardCache;
use crate::domain::Transcript;
use crate::tui::images::Figures;

/// A row of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowIndex {
    pub card: usize,
    pub row: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The window stays at the end.
    Follow,
    /// This row is the first of the window.
    At(RowIndex),
}

/// The person's place in the transcript, and how its cards are shown.
#[derive(Debug)]
pub struct Viewport {
    pub anchor: Anchor,
    /// The number of entries when the end was last in sight.
    pub seen: usize,
    /// The selected card.
    pub selected: Option<usize>,
    /// Cards whose folding differs from `unfold_all`.
    pub unfolded: HashSet<usize>,
    /// The number of columns of a card's data frame that are scrolled away on the left.
    pub columns: HashMap<usize, usize>,
    pub unfold_all: bool,
    pub cards: CardCache,
}

impl Viewport {
    /// A window at the end of a transcript with that many entries.
    pub fn new(entries: usize) -> Self {
        Self {
            anchor: Anchor::Follow,
            seen: entries,
            selected: None,
            unfolded: HashSet::new(),
            columns: HashMap::new(),
            unfold_all: false,
            cards: CardCache::default(),
        }
    }
}

/// The cards and their layout, for walks over the rows.
pub struct RowWalk<'a> {
    pub transcript: &'a Transcript,
    pub cards: &'a mut CardCache,
    pub figures: &'a Figures,
    pub shape: &'a dyn Fn(usize) -> CardLayout,
    /// The cards that the filter shows; `None` for all.
    pub shown: Option<&'a BTreeSet<usize>>,
}

impl RowWalk<'_> {
    pub fn card(&mut self, index: usize) -> Option<Rc<Card>> {
        self.cards.get(self.transcript.entries(), index, (self.shape)(index), self.figures)
    }

    fn height(&mut self, index: usize) -> usize {
        self.card(index).map_or(0, |card| card.rows.len())
    }

    fn count(&self) -> usize {
        self.transcript.entries().len()
    }

    fn before(&self, card: usize) -> Option<usize> {
        match self.shown {
            None => card.checked_sub(1),
            Some(shown) => shown.range(..card).next_back().copied(),
        }
    }

    /// The next shown card, or the end.
    fn after(&self, card: usize) -> usize {
        self.from(card + 1)
    }

    /// The first shown card from this one on, or the end.
    fn from(&self, card: usize) -> usize {
        match self.shown {
            None => card.min(self.count()),
            Some(shown) => shown.range(card..).next().copied().unwrap_or(self.count()),
        }
    }

    /// The row `n` rows further up, or the very first row.
    pub fn up(&mut self, from: RowIndex, n: usize) -> RowIndex {
        let mut place = from;
        let mut left = n;
        while left > place.row {
            let Some(before) = self.before(place.card) else {
                return RowIndex { card: self.from(0), row: 0 };
            };
            left -= place.row + 1;
            place.card = before;
            place.row = self.height(place.card).saturating_sub(1);
        }
        place.row -= left;
        place
    }

    /// The row `n` rows further down, or the place after the last row.
    pub fn down(&mut self, from: RowIndex, n: usize) -> RowIndex {
        let mut place = from;
        let mut left = n;
        while place.card < self.count() {
            let height = self.height(place.card);
            if place.row + left < height {
                place.row += left;
                return place;
            }
            left -= height.saturating_sub(place.row);
            place = RowIndex { card: self.after(place.card), row: 0 };
        }
        place
    }

    /// The first row of a window that ends with the last row of all.
    pub fn bottom(&mut self, height: usize) -> RowIndex {
        let end = RowIndex { card: self.count(), row: 0 };
        self.up(end, height)
    }

    /// The rows of the window. An anchor near the end becomes [`Anchor::Follow`].
    pub fn window(&mut self, anchor: &mut Anchor, height: usize) -> Vec<RowIndex> {
        let bottom = self.bottom(height);
        let first = match *anchor {
            Anchor::At(place) if self.from(place.card) != place.card => {
                RowIndex { card: self.from(place.card), row: 0 }
            }
            Anchor::At(place) => {
                let last_row = self.height(place.card).saturating_sub(1);
                RowIndex { row: place.row.min(last_row), ..place }
            }
            Anchor::Follow => bottom,
        };
        let first = if first >= bottom {
            *anchor = Anchor::Follow;
            bottom
        } else {
            *anchor = Anchor::At(first);
            first
        };
        let mut rows = Vec::with_capacity(height);
        let mut place = first;
        while rows.len() < height && place.card < self.count() {
            let of_card = self.height(place.card);
            rows.extend((place.row..of_card).take(height - rows.len()).map(|row| RowIndex { row, ..place }));
            place = RowIndex { card: self.after(place.card), row: 0 };
        }
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            self.cards.trim(first.card..=last.card);
        }
        rows
    }
}
