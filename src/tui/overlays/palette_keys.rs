//! The palette's keys, and its search for actions.

use crossterm::event::KeyEvent;

use crate::domain::Timestamp;
use crate::tui::fuzzy::Fuzzy;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{ACTIONS, Action, Context};
use crate::tui::layers::Layer;
use crate::tui::overlays::palette::{Palette, PaletteMatch};
use crate::tui::view::View;

/// The number of recent actions that come first.
const MAX_RECENT: usize = 8;
const PAGE_ROWS: usize = 8;

impl View {
    pub fn toggle_palette(&mut self) {
        self.composer.completion.close();
        self.layers.toggle(Layer::Palette(Palette::default()));
    }

    /// Handles keys while the palette is open; the palette covers everything.
    pub fn on_palette(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let action = self.keys.find(key, &[Context::Menu, Context::Session, Context::Input, Context::Transcript]);
        let palette = self.layers.palette()?;
        let found = self.palette_matches(&palette.editor.code(), now);
        let last = found.len().saturating_sub(1);
        let palette = self.layers.palette_mut()?;
        let row = palette.row.min(last);
        match action {
            Some(Action::ItemUp) => palette.row = row.checked_sub(1).unwrap_or(last),
            Some(Action::ItemDown) => palette.row = if row == last { 0 } else { row + 1 },
            Some(Action::PageUp) => palette.row = row.saturating_sub(PAGE_ROWS),
            Some(Action::PageDown) => palette.row = (row + PAGE_ROWS).min(last),
            Some(Action::Choose) => {
                let chosen = found.into_iter().nth(row)?;
                if let Some(refused) = chosen.refused {
                    self.notice = Some(format!("not now: {refused}"));
                    return None;
                }
                self.layers.pop();
                let action = chosen.row.action;
                self.recent.retain(|recent| *recent != action);
                self.recent.insert(0, action);
                self.recent.truncate(MAX_RECENT);
                return self.perform(action, now);
            }
            Some(Action::Back | Action::Palette) => drop(self.layers.pop()),
            Some(Action::Suspend) => return Some(Effect::Suspend),
            Some(Action::Redraw) => return Some(Effect::Redraw),
            // The query has one line.
            Some(Action::Enter | Action::NewLine) => {}
            _ => {
                palette.editor.key(key);
                palette.row = 0;
            }
        }
        None
    }

    /// Runs an action as if one of its keys had been pressed.
    pub fn perform(&mut self, action: Action, now: Timestamp) -> Option<Effect> {
        if action == Action::RestartSaving {
            return Some(Effect::SaveAndRestart);
        }
        self.on_key(action.press(), now)
    }

    /// The matching actions: available ones first, then by score. Without a query, recent actions come first, then all
    /// others in the order of the table.
    pub fn palette_matches(&self, query: &str, now: Timestamp) -> Vec<PaletteMatch> {
        let here = self.contexts(now);
        let mut fuzzy = Fuzzy::ignoring_case(query);
        let mut found: Vec<(u32, PaletteMatch)> = Vec::new();
        for row in ACTIONS.iter().filter(|row| row.action != Action::Palette) {
            // The name in `config.toml` matches too, with a lower score than the visible title.
            let found_here = fuzzy.indices(row.title);
            let found_here = found_here.or_else(|| Some((fuzzy.score(row.name)? / 2, Vec::new())));
            let Some((score, marked)) = found_here else { continue };
            let place = row.bindings.iter().map(|binding| binding.context).find(|context| here.contains(context));
            let context = place.or_else(|| Some(row.bindings.first()?.context));
            let Some(context) = context else { continue };
            let refused = if place.is_none() {
                Some(format!("only {}", context.title()))
            } else if context == Context::Session && self.keeps_to_itself(row.action) {
                Some("close this first".to_owned())
            } else {
                self.refusal(row.action)
            };
            found.push((score, PaletteMatch { row, context, refused, marked }));
        }
        let rank = |action: Action| self.recent.iter().position(|recent| *recent == action).unwrap_or(MAX_RECENT);
        found
            .sort_by_key(|(score, found)| (found.refused.is_some(), std::cmp::Reverse(*score), rank(found.row.action)));
        found.into_iter().map(|(_, found)| found).collect()
    }

    /// Returns whether the open layer blocks an action of another context.
    fn keeps_to_itself(&self, action: Action) -> bool {
        let always = matches!(action, Action::Interrupt | Action::Suspend | Action::Redraw | Action::Mouse);
        !always && self.below_palette().is_some_and(Layer::is_modal)
    }

    /// Why an action would do nothing here and now.
    fn refusal(&self, action: Action) -> Option<String> {
        let refuse = |refused: bool, why: &str| refused.then(|| why.to_owned());
        let nothing_ran = self.transcript.entries().is_empty();
        match action {
            Action::Enter => {
                refuse(self.composer.editor.is_empty() && self.viewport.selected.is_none(), "nothing is written")
            }
            Action::Interrupt => {
                refuse(self.transcript.running().is_none() && self.composer.editor.is_empty(), "nothing runs")
            }
            Action::QuitOrDelete => refuse(!self.composer.editor.is_empty(), "something is written"),
            Action::Replay => refuse(self.replay_choices().is_empty(), "nothing can run again"),
            Action::RestartSaving => refuse(!self.has_variables(), "there are no variables"),
            Action::Export
            | Action::PageUp
            | Action::PageDown
            | Action::LineUp
            | Action::LineDown
            | Action::Top
            | Action::Fold
            | Action::Output
            | Action::SelectUp => refuse(nothing_ran && self.below_palette().is_none(), "nothing has run yet"),
            Action::SelectDown => refuse(self.viewport.selected.is_none(), "no card is selected"),
            _ => None,
        }
    }
}
