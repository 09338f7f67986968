//! Opening the line for a search, a filter or a number, its keys, and its effect on the transcript.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crossterm::event::KeyEvent;

use crate::domain::{SnippetId, Timestamp};
use crate::tui::composer::editor::Editor;
use crate::tui::draw::layout::Layout;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::search::filter::{Filter, FilterQuery};
use crate::tui::search::lookup::{Lookup, PromptKind, SearchPrompt};
use crate::tui::search::matches::{Mark, Search, SearchScope};
use crate::tui::transcript::card::Card;
use crate::tui::transcript::viewport::{Anchor, RowIndex};
use crate::tui::view::View;

/// How long a frame may filter and search.
const FRAME_BUDGET: Duration = Duration::from_millis(6);

impl View {
    pub fn open_search_prompt(&mut self, kind: PromptKind) {
        self.composer.completion.close();
        self.layers.clear();
        let mut editor = Editor::default();
        if let (PromptKind::Filter, Some(filter)) = (kind, &self.lookup.filter) {
            editor.paste(&filter.text);
        }
        let before = (self.viewport.anchor, self.viewport.selected);
        self.layers.push(Layer::SearchPrompt(SearchPrompt { kind, editor, fault: None, before }));
    }

    /// Handles keys while the line is open.
    pub fn on_search_prompt(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let action = self.keys.find(key, &[Context::Lookup, Context::Session]);
        let line = self.layers.search_prompt_mut()?;
        match action {
            Some(Action::Back) => self.leave_search_prompt(),
            Some(Action::Choose) => self.enter_search_prompt(),
            Some(Action::SearchOrFilter) => {
                match line.kind {
                    PromptKind::Search => (line.kind, self.lookup.find) = (PromptKind::Filter, None),
                    PromptKind::Filter => (line.kind, self.lookup.filter) = (PromptKind::Search, None),
                    PromptKind::GoTo => return None,
                }
                self.apply_query();
            }
            Some(Action::SearchOn | Action::SearchBack) => self.search_on(action == Some(Action::SearchOn)),
            Some(action @ (Action::Suspend | Action::Redraw | Action::Mouse)) => {
                return self.act(action, key, false, now);
            }
            Some(Action::QuitOrDelete) | None => {
                line.editor.key(key);
                self.apply_query();
            }
            Some(_) => {}
        }
        None
    }

    pub fn paste_in_search_prompt(&mut self, text: &str) {
        if let Some(line) = self.layers.search_prompt_mut() {
            line.editor.paste(&text.trim().replace(['\r', '\n'], " "));
        }
        self.apply_query();
    }

    /// Applies the typed text at once.
    fn apply_query(&mut self) {
        let Some(line) = self.layers.search_prompt_mut() else { return };
        line.fault = None;
        let text = line.editor.code();
        let entries = self.transcript.entries();
        match line.kind {
            PromptKind::Search => {
                let from = match line.before {
                    (_, Some(selected)) => selected,
                    _ => self.frame.as_ref().and_then(|frame| frame.window.last()).map_or(0, |place| place.card),
                };
                let opened = self.lookup.find.take().and_then(|find| find.opened);
                if text.is_empty() {
                    (self.viewport.anchor, self.viewport.selected) = line.before;
                } else {
                    self.lookup.find = Some(Search::new(&text, from, entries));
                }
                self.viewport.unfolded.retain(|card| Some(*card) != opened);
            }
            PromptKind::Filter => match FilterQuery::parse(&text) {
                Ok(query) => self.filter(&text, query),
                Err(fault) => line.fault = Some(fault),
            },
            PromptKind::GoTo => {}
        }
    }

    fn filter(&mut self, text: &str, query: FilterQuery) {
        let entries = self.transcript.entries();
        self.lookup.filter = (!query.is_empty()).then(|| Filter::new(text, query, entries));
        let from = self.viewport.selected.unwrap_or(entries.len());
        let find = self.lookup.find.take();
        self.lookup.find = find.map(|find| Search::new(find.needle.as_str(), from, entries));
        self.viewport.anchor = Anchor::Follow;
    }

    /// Closes the line and undoes its effect.
    pub(in crate::tui) fn leave_search_prompt(&mut self) {
        let Some(Layer::SearchPrompt(line)) = self.layers.pop() else { return };
        match line.kind {
            PromptKind::Search => {
                self.end_search();
                (self.viewport.anchor, self.viewport.selected) = line.before;
            }
            PromptKind::Filter => self.clear_filter(),
            PromptKind::GoTo => {}
        }
    }

    fn enter_search_prompt(&mut self) {
        let Some(Layer::SearchPrompt(line)) = self.layers.pop() else { return };
        let text = line.editor.code();
        match line.kind {
            PromptKind::Filter if line.fault.is_some() => self.layers.push(Layer::SearchPrompt(line)),
            PromptKind::Search | PromptKind::Filter => {}
            PromptKind::GoTo => {
                let number = text.trim().parse().ok().map(SnippetId);
                match number.and_then(|number| self.transcript.position(number)) {
                    Some(card) => self.go_to(card),
                    None => self.notice = Some(format!("there is no snippet {:?}", text.trim())),
                }
            }
        }
    }

    /// Selects a card and shows it. A filter that hides the card is removed.
    pub fn go_to(&mut self, card: usize) {
        if self.lookup.shown().is_some_and(|shown| !shown.contains(&card)) {
            self.clear_filter();
            self.notice = Some("the filter is gone, it hid this card".to_owned());
        }
        self.layers.clear();
        self.composer.completion.close();
        self.viewport.selected = Some(card);
        self.show(card);
    }

    pub fn search_on(&mut self, forward: bool) {
        match &mut self.lookup.find {
            Some(find) => find.go_on(forward),
            None => self.notice = Some(format!("nothing is searched; {} searches", self.keys.key_hint(Action::Find))),
        }
    }

    pub fn end_search(&mut self) {
        if let Some(card) = self.lookup.find.take().and_then(|find| find.opened) {
            self.viewport.unfolded.remove(&card);
        }
        self.lookup.marks.clear();
    }

    pub fn clear_filter(&mut self) {
        if self.lookup.filter.take().is_none() {
            return;
        }
        let entries = self.transcript.entries();
        let find = self.lookup.find.take();
        self.lookup.find = find.map(|find| Search::new(find.needle.as_str(), find.from, entries));
        match self.viewport.selected {
            Some(card) => self.show(card),
            None => self.viewport.anchor = Anchor::Follow,
        }
    }

    /// Filters and searches new cards and some of the others.
    pub(in crate::tui) fn advance_lookup(&mut self, layout: &Layout) {
        let deadline = Instant::now() + FRAME_BUDGET;
        let shape = self.folded(layout);
        let is_typing = self.layers.search_prompt().is_some();
        let Lookup { filter, find, is_busy, .. } = &mut self.lookup;
        let entries = self.transcript.entries();
        *is_busy = filter.as_mut().is_some_and(|filter| filter.advance(entries, deadline));
        let shown = filter.as_ref().map(|filter| &filter.shown);
        let mut step = None;
        if let Some(find) = find.as_mut().filter(|_| !*is_busy) {
            *is_busy = find
                .advance(&SearchScope { entries, shown, keys: &self.keys, figures: &self.figures, shape }, deadline);
            step = find.take_step();
        }
        if self.viewport.selected.is_some_and(|card| shown.is_some_and(|shown| !*is_busy && !shown.contains(&card))) {
            self.viewport.selected = None;
        }
        if let Some(find) = find.as_ref().filter(|find| find.is_done() && find.total() == 0 && !is_typing) {
            self.notice = Some(format!("{:?} is not found", find.needle.as_str()));
            self.end_search();
        }
        if let Some((card, number)) = step {
            self.show_place(layout, card, number);
        }
    }

    /// Scrolls to a match. A folded card is unfolded while it has the shown match.
    fn show_place(&mut self, layout: &Layout, card: usize, number: usize) {
        let Some(find) = &mut self.lookup.find else { return };
        let count = find.count(card);
        if find.opened.is_some_and(|opened| opened != card)
            && let Some(opened) = find.opened.take()
        {
            self.viewport.unfolded.remove(&opened);
        }
        self.viewport.selected = Some(card);
        let width = layout.card_text();
        let marks = |view: &mut Self| {
            let shown = view.walk(layout, |walk, _| walk.card(card));
            shown.zip(view.lookup.find.as_mut()).map(|(rows, find)| find.marks(card, &rows, width))
        };
        let in_sight = |marks: &Option<Rc<Vec<Mark>>>| {
            marks.as_ref().and_then(|marks| marks.last()).map_or(0, |mark| mark.number + 1)
        };
        let mut found = marks(self);
        if in_sight(&found) < count && self.viewport.unfolded.insert(card) {
            if let Some(find) = &mut self.lookup.find {
                find.opened = Some(card);
            }
            found = marks(self);
        }
        let row = found.and_then(|marks| marks.iter().find(|mark| mark.number == number).map(|mark| mark.row));
        let (anchor, place) = (self.viewport.anchor, RowIndex { card, row: row.unwrap_or(0) });
        self.viewport.anchor = self.walk(layout, |walk, height| {
            let first = match anchor {
                Anchor::At(place) => place,
                Anchor::Follow => walk.bottom(height),
            };
            let is_in_sight = place >= first && walk.down(first, height.saturating_sub(1)) >= place;
            Anchor::At(if is_in_sight { first } else { walk.up(place, height / 2) })
        });
    }

    /// Marks the matches in the cards of the window.
    pub(in crate::tui) fn mark(&mut self, cards: &BTreeMap<usize, Rc<Card>>, layout: Option<&Layout>) {
        self.lookup.marks.clear();
        let (Some(find), Some(layout)) = (&mut self.lookup.find, layout) else { return };
        let width = layout.card_text();
        let marked = cards.iter().map(|(index, card)| (*index, find.marks(*index, card, width)));
        self.lookup.marks = marked.filter(|(_, marks)| !marks.is_empty()).collect();
        find.forget_marks(|card| cards.contains_key(&card));
    }
}
