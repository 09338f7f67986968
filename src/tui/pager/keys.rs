//! The keys of the pager.

use crossterm::event::KeyEvent;

use crate::domain::{Entry, Timestamp};
use crate::tui::gallery::has_pictures;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Context};
use crate::tui::layers::Layer;
use crate::tui::pager::Pager;
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
            action @ (Action::Suspend | Action::Redraw | Action::Mouse) => return self.act(action, key, false, now),
            _ => {}
        }
        None
    }

    /// Shows the figures or the whole output of the selected card, or of the last one in sight that wrote something.
    pub fn open_pager(&mut self) {
        let wrote = |card: &usize| {
            has_pictures(&self.transcript, *card)
                || Pager::output(&self.transcript, *card).is_some_and(|output| !output.is_empty())
        };
        let in_sight = || self.frame.as_ref()?.cards.keys().rev().copied().find(wrote);
        let card = self.viewport.selected.or_else(in_sight).filter(wrote);
        match card {
            Some(card) if self.open_gallery(card) => {}
            Some(card) => {
                let snippet = match &self.transcript.entries()[card] {
                    Entry::Snippet(snippet) => Some(snippet.id),
                    _ => None,
                };
                let answers =
                    self.records.client_responses.as_ref().zip(snippet).map(|(answers, snippet)| answers.of(snippet));
                self.layers.clear();
                self.layers.push(Layer::Pager(Box::new(Pager::of_output(card, answers.unwrap_or_default()))));
            }
            None => self.notice = Some("no output to show".to_owned()),
        }
    }
}
