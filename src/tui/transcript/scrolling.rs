//! Moving the window, selecting cards, folding them, and scrolling their tables.

use crate::domain::Entry;
use crate::tui::draw::layout::{Layout, SizeClass};
use crate::tui::transcript::card::CardLayout;
use crate::tui::transcript::viewport::{Anchor, RowIndex, RowWalk};
use crate::tui::view::View;

impl View {
    pub(in crate::tui) fn walk<T>(&mut self, layout: &Layout, walk: impl FnOnce(&mut RowWalk<'_>, usize) -> T) -> T {
        let height = self.height_of_window(layout);
        let (unfolded, all, folded) = (&self.viewport.unfolded, self.viewport.unfold_all, self.folded(layout));
        let columns = &self.viewport.columns;
        let column = |index: usize| columns.get(&index).copied().unwrap_or(0);
        let gate = self.transcript.gate();
        let entries = self.transcript.entries();
        // Code that asks for something stays in sight.
        let is_private = |index: usize| match entries.get(index) {
            Some(Entry::Snippet(snippet)) => gate.private.snippets.contains(&snippet.id),
            _ => false,
        };
        let is_muted = |index: usize| match entries.get(index) {
            Some(Entry::Snippet(snippet)) => {
                gate.is_muted(&snippet.author) && !snippet.is_pending() && snippet.input.is_none()
            }
            _ => false,
        };
        let is_open = |index: usize| unfolded.contains(&index) != all;
        let shape = |index: usize| CardLayout {
            open: is_open(index),
            column: column(index),
            muted: is_muted(index),
            private: is_private(index),
            ..folded
        };
        let (shown, figures) = (self.lookup.shown(), &self.figures);
        let mut walker =
            RowWalk { transcript: &self.transcript, cards: &mut self.viewport.cards, figures, shape: &shape, shown };
        walk(&mut walker, height)
    }

    /// The layout of folded cards.
    pub(in crate::tui) fn folded(&self, layout: &Layout) -> CardLayout {
        let compact = layout.class == SizeClass::Compact;
        CardLayout {
            width: layout.card_text(),
            compact,
            open: false,
            figures: self.figured(layout),
            column: 0,
            prose: false,
            muted: false,
            private: false,
        }
    }

    pub(in crate::tui) fn height_of_window(&self, layout: &Layout) -> usize {
        usize::from(if self.drawer(layout).is_some() {
            layout.drawer.y - layout.transcript.y
        } else {
            layout.transcript.height
        })
    }

    /// Rows of the transcript that are in sight.
    pub fn page(&self) -> usize {
        self.frame
            .as_ref()
            .and_then(|frame| frame.layout.as_ref())
            .map_or(1, |layout| self.height_of_window(layout).max(1))
    }

    /// Moves the window by `rows`, up if negative.
    pub fn scroll(&mut self, rows: isize) {
        let Some(layout) = self.frame.as_ref().and_then(|frame| frame.layout) else { return };
        let anchor = self.viewport.anchor;
        self.viewport.anchor = self.walk(&layout, |walk, height| {
            let first = match anchor {
                Anchor::At(place) => place,
                Anchor::Follow => walk.bottom(height),
            };
            Anchor::At(if rows < 0 {
                walk.up(first, rows.unsigned_abs())
            } else {
                walk.down(first, rows.unsigned_abs())
            })
        });
    }

    /// Scrolls to the header of a card.
    pub fn jump(&mut self, card: usize) {
        self.viewport.anchor = Anchor::At(RowIndex { card, row: 0 });
    }

    /// Selects the card above or below. Below the last card, the selection ends and the window follows the end.
    pub fn select(&mut self, up: bool) {
        let count = self.transcript.entries().len();
        let last_in_sight = self.frame.as_ref().and_then(|frame| frame.window.last()).map(|place| place.card);
        let next = match (self.viewport.selected, up) {
            (None, true) => last_in_sight,
            (None, false) => None,
            (Some(card), true) => self.lookup.before(card).or(Some(card)),
            (Some(card), false) => self.lookup.after(card, count),
        };
        self.viewport.selected = next;
        match next {
            Some(card) => self.show(card),
            None => self.viewport.anchor = Anchor::Follow,
        }
    }

    /// Brings a card into sight, at least its header.
    pub(in crate::tui) fn show(&mut self, card: usize) {
        let Some(layout) = self.frame.as_ref().and_then(|frame| frame.layout) else { return };
        let anchor = self.viewport.anchor;
        self.viewport.anchor = self.walk(&layout, |walk, height| {
            let head = RowIndex { card, row: 0 };
            let first = match anchor {
                Anchor::At(place) => place,
                Anchor::Follow => walk.bottom(height),
            };
            let last = walk.up(RowIndex { card: card + 1, row: 0 }, height);
            if head < first || last > head {
                Anchor::At(head)
            } else if last > first {
                Anchor::At(last)
            } else {
                Anchor::At(first)
            }
        });
    }

    /// Folds or unfolds the selected card, or the last one in sight that can be folded.
    pub fn fold(&mut self) {
        let in_sight = || {
            let cards = &self.frame.as_ref()?.cards;
            cards.iter().rfind(|(_, card)| card.foldable).map(|(index, _)| *index)
        };
        let Some(card) = self.viewport.selected.or_else(in_sight) else { return };
        if !self.viewport.unfolded.remove(&card) {
            self.viewport.unfolded.insert(card);
        }
        if self.viewport.selected.is_some() || self.viewport.anchor != Anchor::Follow {
            self.show(card);
        }
    }

    /// Folds or unfolds all cards.
    pub fn fold_all(&mut self) {
        self.viewport.unfold_all = !self.viewport.unfold_all;
        self.viewport.unfolded.clear();
        if let Some(card) = self.viewport.selected {
            self.show(card);
        }
    }
}

impl View {
    /// Scrolls the data frames of a card by a column. Without frames, unwraps long lines, then scrolls them.
    pub fn scroll_columns(&mut self, card: usize, right: bool) {
        let outcome = match self.transcript.entries().get(card) {
            Some(Entry::Snippet(snippet)) => snippet.outcome.as_deref(),
            _ => None,
        };
        let frames = outcome.into_iter().flat_map(|outcome| {
            outcome.frame.as_deref().into_iter().chain(outcome.frames.iter().map(|shown| &shown.frame))
        });
        let last = frames.map(|frame| frame.names.len().saturating_sub(1)).max();
        // The frame on the screen may be older than the keys before this one.
        let shown = self.last_layout().and_then(|layout| self.walk(&layout, |walk, _| walk.card(card)));
        let goes_on = shown.is_some_and(|shown| shown.is_wide);
        let first = self.viewport.columns.entry(card).or_default();
        *first = match (right, last) {
            (false, _) => first.saturating_sub(1),
            (true, Some(last)) => (*first + 1).min(last),
            (true, None) => *first + usize::from(goes_on),
        };
    }
}
