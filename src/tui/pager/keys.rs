//! The keys of the pager.

use crossterm::event::KeyEvent;

use crate::domain::lexer::asks_for_help;
use crate::domain::terminal_text::plain;
use crate::domain::{Entry, Output, Timestamp};
use crate::tui::gallery::has_pictures;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::pager::Pager;
use crate::tui::text;
use crate::tui::transcript::copy::{self, Piece};
use crate::tui::view::View;

impl View {
    /// Handles keys while the pager is open.
    pub(in crate::tui) fn on_pager(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let pager = self.layers.pager_mut()?;
        if pager.is_asking() {
            match self.keys.find(key, &[Context::Session]) {
                Some(action @ (Action::Suspend | Action::Redraw | Action::Mouse)) => {
                    return self.act(action, key, false, now);
                }
                _ => pager.edit(key),
            }
            return None;
        }
        match self.keys.find(key, &[Context::Output, Context::Session])? {
            Action::LineUp => pager.move_by(-1),
            Action::LineDown => pager.move_by(1),
            Action::PageUp => pager.move_by(-pager.page()),
            Action::PageDown => pager.move_by(pager.page()),
            Action::Top => pager.go_to_top(),
            Action::Bottom => pager.follow(),
            Action::Search => pager.ask(),
            Action::SearchOn => pager.search_again(true),
            Action::SearchBack => pager.search_again(false),
            Action::Back => drop(self.layers.pop()),
            Action::OtherView => pager.turn(1),
            Action::OtherViewBack => pager.turn(-1),
            Action::Wrap => pager.toggle_wrap(),
            Action::ColumnsRight => pager.move_sideways(true),
            Action::ColumnsLeft => pager.move_sideways(false),
            action @ (Action::Suspend | Action::Redraw | Action::Mouse) => return self.act(action, key, false, now),
            _ => {}
        }
        None
    }

    /// Returns whether a card has figures or an output to open.
    pub fn opens(&self, card: usize) -> bool {
        let entry = self.transcript.entries().get(card);
        has_pictures(&self.transcript, card) || entry.is_some_and(|entry| copy::has(entry, Piece::Output))
    }

    /// Shows the figures or the whole output of the selected card, or of the last one in sight that has any.
    pub fn open_pager(&mut self) {
        let in_sight = || self.frame.as_ref()?.cards.keys().rev().copied().find(|card| self.opens(*card));
        match self.viewport.selected.or_else(in_sight).filter(|card| self.opens(*card)) {
            Some(card) => self.open_output(card),
            None => self.notice = Some("no output to show".to_owned()),
        }
    }

    /// Opens the figures of a card, or else its whole output.
    pub fn open_output(&mut self, card: usize) {
        if self.open_gallery(card) {
            return;
        }
        let (snippet, is_help) = match self.transcript.entries().get(card) {
            Some(Entry::Snippet(snippet)) => (Some(snippet.id), asks_for_help(&snippet.code)),
            _ => (None, false),
        };
        let answers = self.records.client_responses.as_ref().zip(snippet).map(|(answers, snippet)| answers.of(snippet));
        self.layers.clear();
        let mut pager = Pager::of_output(card, answers.unwrap_or_default());
        // Help and values are read from their beginning.
        if is_help || Pager::output(&self.transcript, card).is_none_or(Output::is_empty) {
            pager.go_to_top();
        }
        self.layers.push(Layer::Pager(Box::new(self.fitted(pager))));
    }

    /// Opens tables without wrapping.
    pub(in crate::tui) fn fitted(&self, mut pager: Pager) -> Pager {
        let Some(entry) = self.transcript.entries().get(pager.card) else { return pager };
        let width = self.frame.as_ref().map_or(0, |frame| usize::from(frame.area.width));
        pager.wraps = !is_wide_table(entry, width);
        pager
    }
}

/// The lines of an output that are looked at.
const SAMPLED_LINES: usize = 400;
/// So many long lines of one width are a table.
const MIN_TABLE_LINES: usize = 3;

/// Returns whether a card shows a data frame or a printed table that is wider than the screen.
fn is_wide_table(entry: &Entry, width: usize) -> bool {
    let Entry::Snippet(snippet) = entry else { return false };
    let outcome = snippet.outcome.as_deref();
    if outcome.is_some_and(|outcome| outcome.frame.is_some() || !outcome.frames.is_empty()) {
        return true;
    }
    let result = outcome.and_then(|outcome| outcome.result.as_deref()).unwrap_or_default();
    let written = snippet.output.head().flat_map(|segment| segment.text.lines());
    let mut widths = std::collections::HashMap::new();
    let mut long = 0;
    for line in written.chain(result.lines()).take(SAMPLED_LINES) {
        let cells = text::width(&plain(line));
        if cells > width {
            long += 1;
            *widths.entry(cells).or_insert(0) += 1;
        }
    }
    let alike = widths.into_values().max().unwrap_or(0);
    alike >= MIN_TABLE_LINES && alike * 2 > long
}
