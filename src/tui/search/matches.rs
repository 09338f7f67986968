//! Searching the transcript: which cards have a text, how often, and where in their rows. In slices, so that no key waits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::ops::Range;
use std::rc::Rc;
use std::time::Instant;

use super::filter::mentions;
use super::incremental::Scan;
use super::query::Query;
use crate::domain::Entry;
use crate::tui::images::Figures;
use crate::tui::input::keymap::Keymap;
use crate::tui::text;
use crate::tui::transcript::card::{Card, CardLayout, Row};

/// Cells of a row that belong to a place; one that goes on in the next row has two of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub row: usize,
    pub cells: Range<u16>,
    /// Which of the card's places it is, counted from 0.
    pub number: usize,
}

/// A place in the transcript where the text stands: the card, and which of its places.
pub type Place = (usize, usize);

/// What is searched.
#[derive(Clone, Copy)]
pub struct SearchScope<'a> {
    pub entries: &'a [Entry],
    /// Only these, if not all are shown.
    pub shown: Option<&'a BTreeSet<usize>>,
    pub keys: &'a Keymap,
    pub figures: &'a Figures,
    pub shape: CardLayout,
}

#[derive(Debug)]
pub struct Search {
    pub needle: Query,
    scan: Scan,
    /// How many places each card has that has any.
    found: BTreeMap<usize, usize>,
    /// Of some output, memory keeps only the ends.
    pub is_partial: bool,
    /// The place that is shown.
    pub at: Option<Place>,
    /// The first place shown is at or above this card, if there is one there.
    pub from: usize,
    /// Further on, forward or back, as soon as it is known where that is.
    step: Option<bool>,
    /// The card that was unfolded to show a place.
    pub opened: Option<usize>,
    marks: HashMap<usize, (Rc<Card>, Rc<Vec<Mark>>)>,
}

impl Search {
    pub fn new(text: &str, from: usize, entries: &[Entry]) -> Self {
        Self {
            needle: Query::new(text),
            scan: Scan::new(entries.len()),
            found: BTreeMap::new(),
            is_partial: false,
            at: None,
            from,
            step: None,
            opened: None,
            marks: HashMap::new(),
        }
    }

    /// Searches what is new and a slice of the rest, until `deadline`. Answers whether there is more to do.
    pub fn look(&mut self, among: &SearchScope<'_>, deadline: Instant) -> bool {
        let SearchScope { entries, shown, keys, figures, shape } = *among;
        self.scan.begin();
        while let Some(index) = self.scan.next(entries) {
            let is_shown = shown.is_none_or(|shown| shown.contains(&index));
            let output = if let Entry::Snippet(snippet) = &entries[index] { Some(&snippet.output) } else { None };
            self.is_partial |= is_shown && output.is_some_and(|output| output.omitted() > 0);
            let count = if is_shown && mentions(&entries[index], &self.needle) {
                let card = Card::new(&entries[index], keys, CardLayout { open: true, ..shape }, figures);
                places(&card.rows, shape.width, &self.needle).last().map_or(0, |mark| mark.number + 1)
            } else {
                0
            };
            if count > 0 {
                self.found.insert(index, count);
            } else {
                self.found.remove(&index);
            }
            if Instant::now() >= deadline {
                return true;
            }
        }
        false
    }

    pub fn is_done(&self) -> bool {
        self.scan.is_done()
    }

    /// All places that have been found.
    pub fn total(&self) -> usize {
        self.found.values().sum()
    }

    pub fn count(&self, card: usize) -> usize {
        self.found.get(&card).copied().unwrap_or_default()
    }

    /// Such as `3 of 17`.
    pub fn position_label(&self) -> String {
        let total = self.total();
        match self.at {
            _ if !self.is_done() => format!("{total} so far"),
            None if total == 0 => "not found".to_owned(),
            None => format!("{total} found"),
            Some((card, number)) => {
                let before: usize = self.found.range(..card).map(|(_, count)| count).sum();
                format!("{} of {total}", before + number + 1)
            }
        }
    }

    /// Wants the place after the one that is shown, or the one before.
    pub fn go_on(&mut self, forward: bool) {
        self.step = Some(forward);
    }

    /// The place to be shown next, once that is known: the first one, or the one that was asked for.
    pub fn take_step(&mut self) -> Option<Place> {
        let last = |(card, count): (&usize, &usize)| (*card, count - 1);
        let first = |(card, _): (&usize, &usize)| (*card, 0);
        let Some((card, number)) = self.at else {
            let above = self.found.range(..=self.from).next_back().map(last);
            // Cards are looked at from the last one back.
            let below = || self.found.range(self.from..).next().map(first).filter(|_| self.is_done());
            self.at = above.or_else(below);
            self.step = self.step.filter(|_| self.at.is_none());
            return self.at;
        };
        let next = match self.step? {
            true if number + 1 < self.count(card) => Some((card, number + 1)),
            false if number > 0 => Some((card, (number - 1).min(self.count(card).saturating_sub(1)))),
            true => self.found.range((Excluded(card), Unbounded)).next().map(first),
            false => self.found.range(..card).next_back().map(last),
        };
        // At an end it goes on at the other.
        let around = || match self.step {
            _ if !self.is_done() => None,
            Some(true) => self.found.iter().next().map(first),
            _ => self.found.iter().next_back().map(last),
        };
        let next = next.or_else(around)?;
        (self.step, self.at) = (None, Some(next));
        self.at
    }

    /// Where the places of a card are in its rows. Remembered for the cards in sight.
    pub fn marks(&mut self, index: usize, card: &Rc<Card>, width: u16) -> Rc<Vec<Mark>> {
        if let Some((known, marks)) = self.marks.get(&index)
            && Rc::ptr_eq(known, card)
        {
            return marks.clone();
        }
        let marks = Rc::new(places(&card.rows, width, &self.needle));
        self.marks.insert(index, (card.clone(), marks.clone()));
        marks
    }

    pub fn forget_marks(&mut self, in_sight: impl Fn(usize) -> bool) {
        self.marks.retain(|card, _| in_sight(*card));
    }
}

/// Where a text stands in rows of at most `width` cells. A row that is full may go on in the next.
fn places(rows: &[Row], width: u16, needle: &Query) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    let mut number = 0;
    let line = |row: &Row| match row {
        Row::Code(line) | Row::Text(line) => Some(line.to_string()),
        Row::Head | Row::Picture(..) | Row::Space => None,
    };
    let mut row = 0;
    while row < rows.len() {
        let first = row;
        // The text of a line, and where each of its rows ends in it.
        let (mut whole, mut ends) = (String::new(), Vec::new());
        while let Some(part) = rows.get(row).and_then(line) {
            let is_full = text::width(&part) + 1 >= usize::from(width);
            whole.push_str(&part);
            ends.push(whole.len());
            row += 1;
            if !is_full {
                break;
            }
        }
        row = row.max(first + 1);
        for found in needle.all(&whole) {
            let mut start = 0;
            for (offset, end) in ends.iter().enumerate() {
                let part = found.start.max(start)..found.end.min(*end);
                if part.start < part.end {
                    let cells = |to: usize| text::width(&whole[start..to]) as u16;
                    let cells = cells(part.start)..cells(part.end);
                    marks.push(Mark { row: first + offset, cells, number });
                }
                start = *end;
            }
            number += 1;
        }
    }
    marks
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ratatui::text::Line;

    use super::*;
    use crate::domain::Author;
    use crate::tui::fixtures::{Story, ok};
    use crate::tui::transcript::card::FigureOptions;

    #[test]
    fn places_are_found_across_rows_of_one_line() {
        let text = |text: &str| Row::Text(Line::from(text.to_owned()));
        let rows = [Row::Head, text("say hel"), text("lo"), text("漢hello"), Row::Space, text("hel"), text("lo")];
        let needle = Query::new("hello");
        let marks: Vec<_> = places(&rows, 7, &needle).into_iter().map(|m| (m.row, m.cells, m.number)).collect();
        assert_eq!(marks, [(1, 4..7, 0), (2, 0..2, 0), (3, 2..7, 1)]);
    }

    #[test]
    fn the_nearest_above_comes_first_and_the_ends_meet() {
        let mut story = Story::default();
        for n in 0..20 {
            story.ran(&Author::You, &format!("x{n} = {n}"), if n % 5 == 0 { "needle needle\n" } else { "" }, ok(1));
        }
        let entries = story.transcript.entries();
        let (keys, figures) = (Keymap::default(), Figures::default());
        let shape = CardLayout { width: 60, compact: false, open: false, figures: FigureOptions::default(), column: 0 };
        let all = SearchScope { entries, shown: None, keys: &keys, figures: &figures, shape };
        let mut find = Search::new("needle", 12, entries);
        assert!(find.look(&all, Instant::now()), "a slice at a time");
        assert_eq!((find.take_step(), &*find.position_label()), (None, "0 so far"));
        assert!(!find.look(&all, Instant::now() + Duration::from_secs(60)));
        assert_eq!((find.take_step(), &*find.position_label()), (Some((10, 1)), "6 of 8"));
        let mut walk = |forward| {
            find.go_on(forward);
            find.take_step()
        };
        assert_eq!([walk(true), walk(true), walk(true)], [Some((15, 0)), Some((15, 1)), Some((0, 0))]);
        assert_eq!([walk(false), walk(false), walk(false)], [Some((15, 1)), Some((15, 0)), Some((10, 1))]);
        let shown = BTreeSet::from([5, 6]);
        let mut find = Search::new("needle", 1, entries);
        find.look(&SearchScope { shown: Some(&shown), ..all }, Instant::now() + Duration::from_secs(60));
        assert_eq!(
            (find.take_step(), &*find.position_label()),
            (Some((5, 0)), "1 of 2"),
            "what lies below, if nothing is above"
        );
        let mut find = Search::new("absent", 1, entries);
        find.look(&all, Instant::now() + Duration::from_secs(60));
        assert_eq!((find.take_step(), &*find.position_label()), (None, "not found"));
    }
}
