//! The search of the transcript: the matches of each card and their rows, found in small steps so that no key waits.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::ops::Range;
use std::rc::Rc;
use std::time::Instant;

use super::filter::mentions;
use super::incremental::Scan;
use super::query::Query;
use crate::domain::units::grouped;
use crate::domain::{Entries, Entry};
use crate::tui::images::Figures;
use crate::tui::input::keymap::Keymap;
use crate::tui::text;
use crate::tui::transcript::card::{Card, CardLayout, Row};

/// Cells of a row that belong to a match. A match that continues in the next row has two marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub row: usize,
    pub cells: Range<u16>,
    /// The index of the match in its card.
    pub number: usize,
}

/// A match in the transcript: the card, and the index of the match in it.
pub type MatchIndex = (usize, usize);

/// The searched cards, and how they are laid out.
#[derive(Clone, Copy)]
pub struct SearchScope<'a> {
    pub entries: &'a Entries,
    /// The cards that the filter shows; `None` for all.
    pub shown: Option<&'a BTreeSet<usize>>,
    pub keys: &'a Keymap,
    pub figures: &'a Figures,
    pub shape: CardLayout,
}

#[derive(Debug)]
pub struct Search {
    pub needle: Query,
    scan: Scan,
    /// The number of matches in each card that has any.
    found: BTreeMap<usize, usize>,
    /// Whether memory has only the ends of some output.
    pub is_partial: bool,
    /// The match that is shown.
    pub at: Option<MatchIndex>,
    /// The card where the search starts. The first match is in it or above it, else below it.
    pub from: usize,
    /// The direction of the next step, until its match is known.
    step: Option<bool>,
    /// The card that was unfolded to show a match.
    pub opened: Option<usize>,
    marks: HashMap<usize, (Rc<Card>, Rc<Vec<Mark>>)>,
}

impl Search {
    pub fn new(text: &str, from: usize, entries: &Entries) -> Self {
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

    /// Searches new cards and some of the others until `deadline`. Returns whether cards are left.
    pub fn advance(&mut self, among: &SearchScope<'_>, deadline: Instant) -> bool {
        let SearchScope { entries, shown, keys, figures, shape } = *among;
        self.scan.begin();
        while let Some(index) = self.scan.next(entries) {
            let is_shown = shown.is_none_or(|shown| shown.contains(&index));
            let output = if let Entry::Snippet(snippet) = &entries[index] { Some(&snippet.output) } else { None };
            self.is_partial |= is_shown && output.is_some_and(|output| output.omitted() > 0);
            let count = if is_shown && mentions(&entries[index], &self.needle) {
                let card = Card::new(&entries[index], keys, CardLayout { open: true, ..shape }, figures);
                places(&card, shape.width, &self.needle).last().map_or(0, |mark| mark.number + 1)
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

    /// The number of all matches found so far.
    pub fn total(&self) -> usize {
        self.found.values().sum()
    }

    pub fn count(&self, card: usize) -> usize {
        self.found.get(&card).copied().unwrap_or_default()
    }

    /// The position of the shown match, such as `3 of 17`.
    pub fn position_label(&self) -> String {
        let total = self.total();
        match self.at {
            _ if !self.is_done() => format!("{} so far", grouped(total as u64)),
            None if total == 0 => "not found".to_owned(),
            None => format!("{} found", grouped(total as u64)),
            Some((card, number)) => {
                let before: usize = self.found.range(..card).map(|(_, count)| count).sum();
                format!("{} of {}", grouped((before + number + 1) as u64), grouped(total as u64))
            }
        }
    }

    /// Requests the match after or before the shown one.
    pub fn go_on(&mut self, forward: bool) {
        self.step = Some(forward);
    }

    /// Returns the match to show, once it is known: the first match, or the requested next one.
    pub fn take_step(&mut self) -> Option<MatchIndex> {
        let last = |(card, count): (&usize, &usize)| (*card, count - 1);
        let first = |(card, _): (&usize, &usize)| (*card, 0);
        let Some((card, number)) = self.at else {
            let above = self.found.range(..=self.from).next_back().map(last);
            // The scan goes from the last card back.
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
        // After the last match comes the first.
        let around = || match self.step {
            _ if !self.is_done() => None,
            Some(true) => self.found.iter().next().map(first),
            _ => self.found.iter().next_back().map(last),
        };
        let next = next.or_else(around)?;
        (self.step, self.at) = (None, Some(next));
        self.at
    }

    /// The marks of a card's matches, cached for the cards in sight.
    pub fn marks(&mut self, index: usize, card: &Rc<Card>, width: u16) -> Rc<Vec<Mark>> {
        if let Some((known, marks)) = self.marks.get(&index)
            && Rc::ptr_eq(known, card)
        {
            return marks.clone();
        }
        let marks = Rc::new(places(card, width, &self.needle));
        self.marks.insert(index, (card.clone(), marks.clone()));
        marks
    }

    pub fn forget_marks(&mut self, in_sight: impl Fn(usize) -> bool) {
        self.marks.retain(|card, _| in_sight(*card));
    }
}

/// Finds the matches in a card of `width` cells. A full row may continue in the next one.
fn places(card: &Card, width: u16, needle: &Query) -> Vec<Mark> {
    let rows = &card.rows;
    let mut marks: Vec<Mark> = Vec::new();
    let mut number = 0;
    let line = |row: &Row| match row {
        Row::Code(line, _) => Some((line.to_string(), width - card.gutter.min(width))),
        Row::Text(line) => Some((line.to_string(), width)),
        Row::Head | Row::Picture(..) | Row::Space => None,
    };
    let mut row = 0;
    while row < rows.len() {
        let first = row;
        // The text of a line, and the end of each of its rows in that text.
        let (mut whole, mut ends) = (String::new(), Vec::new());
        while let Some((part, room)) = rows.get(row).and_then(line) {
            let is_full = text::width(&part) + 1 >= usize::from(room);
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
        let rows = vec![Row::Head, text("say hel"), text("lo"), text("漢hello"), Row::Space, text("hel"), text("lo")];
        let card = Card { rows, ..Card::default() };
        let needle = Query::new("hello");
        let marks: Vec<_> = places(&card, 7, &needle).into_iter().map(|m| (m.row, m.cells, m.number)).collect();
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
        let shape = CardLayout {
            width: 60,
            compact: false,
            open: false,
            figures: FigureOptions::default(),
            column: 0,
            prose: false,
            muted: false,
            private: false,
        };
        let all = SearchScope { entries, shown: None, keys: &keys, figures: &figures, shape };
        let mut find = Search::new("needle", 12, entries);
        assert!(find.advance(&all, Instant::now()), "a slice at a time");
        assert_eq!((find.take_step(), &*find.position_label()), (None, "0 so far"));
        assert!(!find.advance(&all, Instant::now() + Duration::from_secs(60)));
        assert_eq!((find.take_step(), &*find.position_label()), (Some((10, 1)), "6 of 8"));
        let mut walk = |forward| {
            find.go_on(forward);
            find.take_step()
        };
        assert_eq!([walk(true), walk(true), walk(true)], [Some((15, 0)), Some((15, 1)), Some((0, 0))]);
        assert_eq!([walk(false), walk(false), walk(false)], [Some((15, 1)), Some((15, 0)), Some((10, 1))]);
        let shown = BTreeSet::from([5, 6]);
        let mut find = Search::new("needle", 1, entries);
        find.advance(&SearchScope { shown: Some(&shown), ..all }, Instant::now() + Duration::from_secs(60));
        assert_eq!(
            (find.take_step(), &*find.position_label()),
            (Some((5, 0)), "1 of 2"),
            "what lies below, if nothing is above"
        );
        let mut find = Search::new("absent", 1, entries);
        find.advance(&all, Instant::now() + Duration::from_secs(60));
        assert_eq!((find.take_step(), &*find.position_label()), (None, "not found"));
    }
}
