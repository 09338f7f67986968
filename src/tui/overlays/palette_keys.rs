//! The palette's keys, and its search for actions.

use crossterm::event::KeyEvent;

use crate::domain::Timestamp;
use crate::domain::rewind::ways;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{ACTIONS, Action, Context};
use crate::tui::layers::Layer;
use crate::tui::overlays::palette::{Palette, PaletteMatch};
use crate::tui::overlays::palette_rank::rank;
use crate::tui::view::View;

/// The number of recent actions that come first.
const MAX_RECENT: usize = 8;
const PAGE_ROWS: usize = 8;

/// Words of other tools for an action, which its title lacks.
const SYNONYMS: &[(Action, &str)] = &[
    (Action::Interrupt, "stop abort kill"),
    (Action::QuitOrDelete, "exit leave"),
    (Action::Restart, "reset reload"),
    (Action::Gate, "pause approve permissions"),
    (Action::Review, "approve"),
    (Action::Lock, "pin protect freeze"),
    (Action::PutBack, "undo restore revert"),
    (Action::Rewind, "undo revert rewind time"),
    (Action::Send, "share tell give"),
    (Action::Private, "hide secret mask"),
    (Action::MoveToFront, "first priority queue"),
    (Action::TakeOver, "pause hold stop panic halt"),
    (Action::GiveBack, "resume continue release"),
    (Action::Redraw, "clear refresh"),
    (Action::Help, "keys shortcuts"),
    (Action::Variables, "namespace workspace who"),
    (Action::Export, "save notebook download"),
    (Action::Output, "pager less"),
    (Action::Received, "context"),
    (Action::SearchHistory, "recall"),
    (Action::EditOutside, "editor vim"),
    (Action::Find, "grep"),
    (Action::RunAgain, "repeat"),
    (Action::Suspend, "background"),
];

impl View {
    pub fn toggle_palette(&mut self) {
        self.composer.completion.close();
        self.layers.toggle(Layer::Palette(Palette::default()));
    }

    /// Handles keys while the palette is open; the palette covers everything.
    pub fn on_palette(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let action = self.keys.find(key, &[Context::Menu, Context::Session, Context::Input, Context::Transcript]);
        let palette = self.layers.palette()?;
        let found = self.palette_matches(&palette.editor.code());
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
            Some(Action::Back | Action::Palette) => {
                self.layers.pop();
                self.pending.forget();
            }
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
        match action {
            // A burst of keys neither restarts nor quits.
            Action::RestartSaving | Action::QuitSaving if self.composer.pace.is_burst() => return None,
            Action::RestartSaving => return Some(Effect::SaveAndRestart),
            // The question says what saving the variables does not save.
            Action::QuitSaving if self.loses_more_than_variables() => return self.quit(None, now),
            Action::QuitSaving => return Some(Effect::SaveAndQuit),
            _ => {}
        }
        if self.acts_on_a_card(action, &self.contexts()) {
            return self.act_on_card(action).flatten();
        }
        self.on_key(action.press(), now)
    }

    /// The matching actions: the best matches first, and of equal ones the available ones. Without a query, available
    /// actions come first: recent ones, then all others in the order of the table.
    pub fn palette_matches(&self, query: &str) -> Vec<PaletteMatch> {
        let here = self.contexts();
        let mut found: Vec<_> = Vec::new();
        for row in ACTIONS.iter().filter(|row| row.action != Action::Palette) {
            let by_title = rank(query, row.title).map(|(rank, marked)| (rank.quality, true, rank, marked));
            // The name in `config.toml` matches too, after the visible title.
            let by_name = || rank(query, row.name).map(|(rank, _)| (rank.quality, false, rank, Vec::new()));
            let by_synonym = || {
                let (_, words) = SYNONYMS.iter().find(|(action, _)| *action == row.action)?;
                rank(query, words).map(|(rank, _)| (rank.quality, false, rank, Vec::new()))
            };
            let found_by = by_title.or_else(by_name).or_else(by_synonym);
            let Some((quality, by_title, rank, marked)) = found_by else { continue };
            let place = row.bindings.iter().map(|binding| binding.context).find(|context| here.contains(context));
            let Some(first) = row.bindings.first() else { continue };
            let on_card = place.is_none() && self.acts_on_a_card(row.action, &here);
            let refused = match place {
                None if on_card => None,
                None => Some(first.context.title().to_owned()),
                Some(Context::Session) if self.keeps_to_itself(row.action) => Some("close this first".to_owned()),
                Some(_) => self.refusal(row.action),
            };
            let context = if on_card { None } else { Some(place.unwrap_or(first.context)) };
            let recent = self.recent.iter().position(|recent| *recent == row.action).unwrap_or(MAX_RECENT);
            // Actions that end something come last among equal matches, unless the query is their whole name.
            let is_named = row.title.eq_ignore_ascii_case(query.trim());
            let ends = matches!(
                row.action,
                Action::QuitOrDelete | Action::QuitSaving | Action::Restart | Action::RestartSaving
            );
            let order = (quality, !by_title, !is_named, ends && !query.is_empty(), refused.is_some(), rank, recent);
            found.push((order, PaletteMatch { row, context, refused, marked }));
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.into_iter().map(|(_, found)| found).collect()
    }

    /// Returns whether an action of cards finds its card without a selection.
    fn acts_on_a_card(&self, action: Action, here: &[Context]) -> bool {
        here.contains(&Context::Input) && self.has_card_for(action)
    }

    /// Returns whether the open layer blocks an action of another context.
    fn keeps_to_itself(&self, action: Action) -> bool {
        let always = matches!(
            action,
            Action::Interrupt
                | Action::TakeOver
                | Action::GiveBack
                | Action::Suspend
                | Action::Redraw
                | Action::Mouse
                | Action::Help
        );
        !always && self.is_over_modal()
    }

    /// Why an action would do nothing here and now.
    fn refusal(&self, action: Action) -> Option<String> {
        let refuse = |refused: bool, why: &str| refused.then(|| why.to_owned());
        let nothing_ran = self.transcript.entries().is_empty();
        match action {
            Action::Enter => {
                refuse(self.composer.editor.is_empty() && self.viewport.selected.is_none(), "the input is empty")
            }
            Action::Interrupt => {
                let is_idle = self.transcript.running().is_none() && self.transcript.busy().is_none();
                refuse(is_idle && self.composer.editor.is_empty(), "nothing is running")
            }
            Action::QuitOrDelete => refuse(!self.composer.editor.is_empty(), "the input is not empty"),
            Action::Replay => refuse(self.replay_choices().is_empty(), "nothing to replay"),
            Action::RestartSaving => refuse(!self.has_variables(), "no variables"),
            Action::QuitSaving => refuse(!self.can_save(), "no variables, or something is running"),
            Action::MoveToFront => refuse(self.transcript.queue().len() < 2, "fewer than two are queued"),
            Action::Cancel => refuse(self.transcript.queue().is_empty(), "nothing is queued"),
            Action::PutBack => refuse(self.transcript.undoable().is_empty(), "nothing can be put back"),
            Action::Rewind => refuse(ways(&self.transcript).is_empty(), "there is no safe point to go back to"),
            Action::GiveBack => refuse(!self.has_taken_over(), "you have not taken over"),
            Action::Review => refuse(self.dock.front().is_none(), "no code waits for you"),
            Action::Export
            | Action::PageUp
            | Action::PageDown
            | Action::LineUp
            | Action::LineDown
            | Action::Top
            | Action::Fold
            | Action::Output
            | Action::Open
            | Action::SelectUp => refuse(nothing_ran && self.below_palette().is_none(), "nothing has run yet"),
            Action::SelectDown => refuse(self.viewport.selected.is_none(), "no card is selected"),
            _ => None,
        }
    }
}
