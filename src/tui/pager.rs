//! The pager: the whole output of a card over the whole screen. It reads the output in units of a fixed size and keeps
//! only a few of them, so that 256 MB cost no more than a page.

pub(in crate::tui) mod client_responses;
pub(in crate::tui) mod draw;
mod keys;
mod search;
mod sideways;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;
use ratatui::text::Line;

use self::client_responses::Received;
use super::composer::editor::Editor;
use super::search::query::Query;
use super::transcript::{copy, value_text};
use super::{text, theme};
use crate::domain::Segment;
use crate::domain::terminal_text::{StyledText, TextStyle, plain, style_after, styled, visible};
use crate::domain::{Entry, Output, Snippet, SnippetId, Stream, Transcript};
use crate::session::spool::Whole;
use crate::session::{ClientResponse, Spool};

/// Bytes per unit.
const UNIT_BYTES: u64 = 64 << 10;
/// The most units kept as rows.
const MAX_CACHED_UNITS: usize = 16;
/// The least width for output and received text side by side, and the columns between them.
const MIN_SPLIT_WIDTH: u16 = 100;
pub const SPLIT_GAP: u16 = 3;
/// How long a frame waits for recent output to reach the disk.
const SETTLE_TIMEOUT: Duration = Duration::from_millis(5);

/// A row, as an index within the unit where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct UnitRow {
    unit: u64,
    row: usize,
}

/// How far a search through the whole output has come.
#[derive(Clone, Copy, Debug)]
struct PagerSearch {
    next: UnitRow,
    forward: bool,
    /// Whether the search wraps from the end to the beginning.
    wraps: bool,
}

#[derive(Debug)]
pub struct Pager {
    /// The index of the entry in the transcript.
    pub card: usize,
    /// The texts that clients received about the snippet, and the one that is shown.
    pub received: Received,
    /// Whether received text is shown beside the output where there is room.
    is_split: bool,
    /// The other of the two panes, which the keys do not move.
    other: Option<Box<Pager>>,
    whole: Option<Whole>,
    /// The state that `whole` was made from: bytes written, bytes on disk, bytes of the value or error, and the width.
    revision: (u64, u64, usize, usize),
    /// Why the output is missing or incomplete.
    pub fault: Option<String>,
    /// The first row in sight; `None` follows the end.
    top: Option<UnitRow>,
    /// Whether lines that are longer than the screen take several rows. Otherwise they are cut, and scrolled sideways.
    pub wraps: bool,
    /// The cells of each row that are scrolled away on the left.
    pub left: usize,
    /// The rows of units at the width `width`.
    rows: HashMap<u64, Vec<Line<'static>>>,
    width: usize,
    height: usize,
    /// The pane, including its title and its last line.
    pub area: Rect,
    /// The lines in sight.
    pub window: Vec<Line<'static>>,
    pub follows: bool,
    /// The query while the person types it after `/`.
    pub asking: Option<Editor>,
    /// The query of the search.
    pub needle: Query,
    search: Option<PagerSearch>,
    found: Option<UnitRow>,
    pub notice: Option<String>,
}

impl Pager {
    pub fn new(card: usize) -> Self {
        Self {
            card,
            received: Received::default(),
            is_split: false,
            other: None,
            whole: None,
            revision: (0, 0, 0, 0),
            fault: None,
            top: None,
            wraps: true,
            left: 0,
            rows: HashMap::new(),
            width: 0,
            height: 0,
            area: Rect::ZERO,
            window: Vec::new(),
            follows: true,
            asking: None,
            needle: Query::default(),
            search: None,
            found: None,
            notice: None,
        }
    }

    /// Opens the output, with the received texts as further views.
    pub fn of_output(card: usize, answers: Vec<Arc<ClientResponse>>) -> Self {
        Self { received: Received::new(answers, false), ..Self::new(card) }
    }

    /// Opens the text that a client received last, beside the output.
    pub fn received(card: usize, answers: Vec<Arc<ClientResponse>>) -> Self {
        Self { is_split: true, ..Self::beginning(card, Received::new(answers, true)) }
    }

    fn beginning(card: usize, received: Received) -> Self {
        Self { received, top: Some(UnitRow { unit: 0, row: 0 }), ..Self::new(card) }
    }

    /// Turns to the next or previous view: the output itself, or a text that a client received.
    pub fn turn(&mut self, by: isize) {
        let mut received = self.received.clone();
        if !received.turn(by) {
            self.notice = Some("no client received anything about it".to_owned());
            return;
        }
        let is_output = received.page().is_none();
        let (needle, wraps) = (std::mem::take(&mut self.needle), self.wraps);
        match self.other.take() {
            // The other pane already shows this view, so the keys move there.
            Some(mut other) if other.is_output() == is_output => {
                if other.received.shown != received.shown {
                    *other = Self::beginning(self.card, received);
                }
                std::mem::swap(self, &mut *other);
                self.other = Some(other);
            }
            other if self.is_output() == is_output => *self = Self { other, ..Self::beginning(self.card, received) },
            _ => {
                let fresh = Self::beginning(self.card, received);
                let before = std::mem::replace(self, Self { top: fresh.top.filter(|_| !is_output), ..fresh });
                self.other = Some(Box::new(before));
            }
        }
        (self.needle, self.wraps) = (needle, wraps);
        self.is_split = true;
    }

    pub fn is_output(&self) -> bool {
        self.received.page().is_none()
    }

    /// The other pane, where there is room for both.
    pub fn beside(&self) -> Option<&Self> {
        self.other.as_deref().filter(|other| !other.area.is_empty())
    }

    /// Moves the pane at column `x`.
    pub fn move_at(&mut self, x: u16, rows: isize) {
        match &mut self.other {
            Some(other) if (other.area.left()..other.area.right()).contains(&x) => other.move_by(rows),
            _ => self.move_by(rows),
        }
    }

    /// The output of an entry in memory.
    pub fn output(transcript: &Transcript, card: usize) -> Option<&Output> {
        match transcript.entries().get(card)? {
            Entry::Snippet(snippet) => Some(&snippet.output),
            Entry::Background { output, .. } => Some(output),
            Entry::Reset { .. } | Entry::Restart { .. } | Entry::Note { .. } => None,
        }
    }

    /// Rows per page.
    pub fn page(&self) -> isize {
        self.height.saturating_sub(2).max(1) as isize
    }

    pub fn length(&self) -> u64 {
        self.whole.as_ref().map_or(0, Whole::length)
    }

    /// The percentage of the output before the first row in sight.
    pub fn percent(&self) -> u64 {
        let Some(place) = self.top else { return 100 };
        let start = place.unit * UNIT_BYTES;
        let rows = self.rows.get(&place.unit).map_or(0, Vec::len) as u64;
        let inside = self.length().saturating_sub(start).min(UNIT_BYTES) * place.row as u64;
        let before = start + inside.checked_div(rows).unwrap_or(0);
        (before * 100).checked_div(self.length()).unwrap_or(0).min(100)
    }

    /// Reads new output, and determines the rows in sight.
    pub fn prepare(&mut self, area: Rect, transcript: &Transcript, spool: Option<&Spool>) {
        if !self.is_split || area.width < MIN_SPLIT_WIDTH || self.received.is_empty() {
            if let Some(other) = &mut self.other {
                other.area = Rect::ZERO;
            }
            return self.fit(area, transcript, spool);
        }
        let left = Rect { width: (area.width - SPLIT_GAP) / 2, ..area };
        let right = Rect { x: left.right() + SPLIT_GAP, width: area.width - left.width - SPLIT_GAP, ..area };
        let (mine, others) = if self.is_output() { (left, right) } else { (right, left) };
        let mut other = match self.other.take() {
            Some(other) => other,
            None => Box::new(Self::beginning(self.card, self.received.other())),
        };
        other.fit(others, transcript, spool);
        self.other = Some(other);
        self.fit(mine, transcript, spool);
    }

    fn fit(&mut self, area: Rect, transcript: &Transcript, spool: Option<&Spool>) {
        self.area = area;
        let (width, height) = (usize::from(area.width), usize::from(area.height).saturating_sub(2));
        if width != self.width && self.wraps {
            self.rows.clear();
            self.top = self.top.map(|place| UnitRow { row: 0, ..place });
            self.found = None;
        }
        (self.width, self.height) = (width, height);
        self.refresh(transcript, spool);
        let bottom = self.up(self.end(), self.height);
        let first = self.top.filter(|top| *top < bottom).unwrap_or(bottom);
        self.follows = first == bottom;
        self.top = (!self.follows).then_some(first);
        self.window = self.lines_from(first);
    }

    fn refresh(&mut self, transcript: &Transcript, spool: Option<&Spool>) {
        if let Some(text) = self.received.page().map(|page| page.text()) {
            if self.whole.is_none() {
                let mut output = Output::default();
                output.push_text(Stream::Stdout, &visible(&text));
                self.whole = Some(Whole::of(&output));
            }
            return;
        }
        let Some(output) = Self::output(transcript, self.card) else { return };
        let snippet = match &transcript.entries()[self.card] {
            Entry::Snippet(snippet) => Some(snippet.id),
            _ => None,
        };
        let recorded_length = |spool: &Spool, snippet: SnippetId| {
            if self.revision.0 != output.total() {
                spool.settle(SETTLE_TIMEOUT);
            }
            spool.length(snippet)
        };
        let length = spool.zip(snippet).map_or(0, |(spool, snippet)| recorded_length(spool, snippet));
        let rest = copy::rest(&transcript.entries()[self.card]);
        // The lines of a value depend on the width.
        let revision = (output.total(), length, rest.len(), if rest.is_empty() { 0 } else { self.width });
        if revision == self.revision && self.whole.is_some() {
            return;
        }
        let recorded = copy::recorded(&transcript.entries()[self.card], spool).filter(|r| r.output.omitted() == 0);
        let rest = match recorded.clone().map(Entry::Snippet).as_ref().unwrap_or(&transcript.entries()[self.card]) {
            Entry::Snippet(snippet) => value_and_error(snippet, self.width),
            _ => rest,
        };
        let output = recorded.as_ref().map_or(output, |recorded| &recorded.output);
        // Only the last unit can have grown.
        let last = self.units().saturating_sub(1);
        self.rows.retain(|unit, _| *unit < last);
        self.revision = revision;
        if !rest.is_empty() && output.omitted() == 0 {
            let mut all = output.clone();
            if !output.is_empty() && !output.unfinished_line().is_empty() {
                all.push_text(Stream::Stdout, "\n");
            }
            all.push_text(Stream::Stdout, &rest);
            self.rows.clear();
            (self.whole, self.fault) = (Some(Whole::of(&all)), None);
            return;
        }
        let (mut whole, mut fault) = (None, None);
        if let Some((spool, snippet)) = spool.zip(snippet) {
            match spool.whole_of(snippet, output) {
                Ok(found) => {
                    fault = found.as_ref().and_then(Whole::missing).map(|missing| missing.why.to_string());
                    whole = found.filter(|whole| whole.length() > 0);
                }
                Err(error) => fault = Some(format!("its file cannot be read: {error}")),
            }
        }
        if whole.is_none() {
            self.rows.clear();
        }
        self.whole = Some(whole.unwrap_or_else(|| Whole::of(output)));
        self.fault = fault;
    }

    fn units(&self) -> u64 {
        self.length().div_ceil(UNIT_BYTES)
    }

    fn end(&self) -> UnitRow {
        UnitRow { unit: self.units(), row: 0 }
    }

    /// The byte where a unit's rows begin: the first line that begins in the unit, or the unit itself if no line does.
    fn start(&self, unit: u64) -> u64 {
        let at = unit * UNIT_BYTES;
        let Some(whole) = &self.whole else { return 0 };
        if unit == 0 || at >= whole.length() {
            return at.min(whole.length());
        }
        let Ok((start, segments)) = whole.read(at - 1, UNIT_BYTES as usize) else { return at };
        let text: String = segments.into_iter().map(|segment| segment.text).collect();
        text.find('\n').map_or(start.max(at), |place| start + place as u64 + 1)
    }

    fn segments(&self, unit: u64) -> Vec<Segment> {
        let (start, end) = (self.start(unit), self.start(unit + 1));
        let Some(whole) = &self.whole else { return Vec::new() };
        whole.read(start, end.saturating_sub(start) as usize).map(|(_, segments)| segments).unwrap_or_default()
    }

    fn rows(&mut self, unit: u64) -> &[Line<'static>] {
        if unit >= self.units() {
            return &[];
        }
        if !self.rows.contains_key(&unit) {
            if self.rows.len() >= MAX_CACHED_UNITS {
                self.rows.clear();
            }
            let rows = self.made(unit);
            self.rows.insert(unit, rows);
        }
        self.rows.get(&unit).map_or(&[], Vec::as_slice)
    }

    /// The lines of a unit.
    fn lines(&self, unit: u64) -> Vec<Vec<StyledText>> {
        let mut style = TextStyle::default();
        if let Some(before) = unit.checked_sub(1) {
            self.segments(before).iter().for_each(|segment| style_after(&segment.text, &mut style));
        }
        let segments = self.segments(unit);
        let parts: Vec<(&str, Stream)> = segments.iter().map(|s| (s.text.as_str(), s.stream)).collect();
        let mut lines = styled(&parts, &mut style);
        if lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        lines
    }

    /// The rows of a line.
    fn wrapped(&self, line: &[StyledText], wraps: bool) -> Vec<Line<'static>> {
        let pieces = line.iter().map(|piece| (piece.text.as_str(), theme::output_style(piece)));
        text::wrap(pieces, if wraps { self.width } else { usize::MAX }, 8)
    }

    fn made(&self, unit: u64) -> Vec<Line<'static>> {
        self.lines(unit).iter().flat_map(|line| self.wrapped(line, self.wraps)).collect()
    }

    fn up(&mut self, from: UnitRow, rows: usize) -> UnitRow {
        let (mut place, mut left) = (from, rows);
        while left > place.row {
            let Some(unit) = place.unit.checked_sub(1) else { return UnitRow { unit: 0, row: 0 } };
            left -= place.row;
            place = UnitRow { unit, row: self.rows(unit).len() };
        }
        UnitRow { row: place.row - left, ..place }
    }

    fn down(&mut self, from: UnitRow, rows: usize) -> UnitRow {
        let (mut place, mut left) = (from, rows);
        while place.unit < self.units() {
            let height = self.rows(place.unit).len();
            if place.row + left < height {
                return UnitRow { row: place.row + left, ..place };
            }
            left -= height.saturating_sub(place.row);
            place = UnitRow { unit: place.unit + 1, row: 0 };
        }
        place
    }

    fn lines_from(&mut self, first: UnitRow) -> Vec<Line<'static>> {
        let (mut place, height) = (first, self.height);
        let mut lines = Vec::with_capacity(height);
        while lines.len() < height && place.unit < self.units() {
            let left = height - lines.len();
            lines.extend(self.rows(place.unit).iter().skip(place.row).take(left).cloned());
            place = UnitRow { unit: place.unit + 1, row: 0 };
        }
        lines
    }

    fn first(&mut self) -> UnitRow {
        match self.top {
            Some(top) => top,
            None => self.up(self.end(), self.height),
        }
    }

    pub fn move_by(&mut self, rows: isize) {
        self.found = None;
        let first = self.first();
        let moved = if rows < 0 { self.up(first, rows.unsigned_abs()) } else { self.down(first, rows.unsigned_abs()) };
        self.top = Some(moved);
    }

    pub fn go_to_top(&mut self) {
        self.found = None;
        self.top = Some(UnitRow { unit: 0, row: 0 });
    }

    pub fn follow(&mut self) {
        self.found = None;
        self.top = None;
    }
}

/// The text below a snippet's output, with the lines of its value at `width` cells.
fn value_and_error(snippet: &Snippet, width: usize) -> String {
    let Some(outcome) = &snippet.outcome else { return String::new() };
    let value = outcome.result.as_deref().map(|value| value_text::text(&plain(value), width));
    let error = outcome.error.as_ref().map(|error| plain(&error.traceback).into_owned());
    value.into_iter().chain(error).collect::<Vec<_>>().join("\n")
}
