//! The actions that neither a layer nor a card handles.

use crossterm::event::KeyEvent;

use super::effect::Effect;
use super::keymap::Action;
use crate::domain::Timestamp;
use crate::tui::composer::completion::Trigger;
use crate::tui::layers::Layer;
use crate::tui::search::lookup::PromptKind;
use crate::tui::transcript::viewport::Anchor;
use crate::tui::view::View;

impl View {
    pub(in crate::tui) fn act(
        &mut self,
        action: Action,
        key: KeyEvent,
        confirmed: bool,
        now: Timestamp,
    ) -> Option<Effect> {
        match action {
            Action::Enter if self.has_unknown_addressee() => {}
            Action::Enter => {
                let code = self.composer.editor.enter()?;
                self.composer.completion.close();
                self.viewport.anchor = Anchor::Follow;
                self.viewport.selected = None;
                if self.transcript.leaves_session(&code) {
                    return self.quit_by_word(now);
                }
                self.pending.asked_for_word = false;
                self.composer.replies.wait_for_the_person();
                if let Some(effect) = self.lock_by_command(&code) {
                    return effect;
                }
                return Some(Effect::Submit(code));
            }
            Action::NewLine => self.composer.editor.new_line(),
            Action::Tab
                if self.composer.editor.is_in_indentation() || self.composer.editor.buffer.selection().is_some() =>
            {
                self.composer.editor.tab();
            }
            Action::Tab | Action::Complete => self.composer.completion.complete(&self.composer.editor, Trigger::Key),
            Action::HistoryBack => self.history_back(key),
            Action::HistoryForward => self.history_forward(key),
            Action::SearchHistory => self.open_search(),
            Action::Undo => self.composer.editor.undo(),
            Action::Redo => self.composer.editor.redo(),
            Action::SelectAll => self.composer.editor.select_all(),
            Action::CopySelection => return self.composer.editor.copy().map(Effect::Copy),
            Action::CutSelection => return self.composer.editor.cut().map(Effect::Copy),
            Action::EditOutside => return Some(Effect::EditOutside),
            Action::Interrupt => return self.interrupt(now),
            Action::QuitOrDelete if !self.composer.editor.is_empty() => {
                // Nothing is deleted unseen.
                if !self.has_layer_for_keys() && self.viewport.selected.is_none() {
                    self.composer.editor.key(key);
                }
            }
            Action::QuitOrDelete => return self.quit(confirmed.then_some(key), now),
            Action::Suspend => return Some(Effect::Suspend),
            Action::Redraw => return Some(Effect::Redraw),
            Action::Mouse => return Some(self.toggle_mouse()),
            Action::Help => self.open_help(now),
            Action::Export => self.open_export(now),
            Action::Review => self.open_review(now),
            Action::Gate => self.open_gate(now),
            Action::Clients => self.open_clients(now),
            Action::Send | Action::SendTraceback => return self.send_from_here(action),
            Action::Replay => self.open_replay(),
            Action::Variables => self.toggle_variables(),
            Action::PageUp => self.page_by(-1),
            Action::PageDown => self.page_by(1),
            Action::LineUp => self.move_by(-1),
            Action::LineDown => self.move_by(1),
            Action::Top => {
                self.layers.clear();
                self.jump(0);
            }
            Action::Bottom => {
                self.layers.clear();
                self.viewport.anchor = Anchor::Follow;
            }
            Action::ToInput => self.viewport.selected = None,
            Action::SelectUp => self.select(true),
            Action::SelectDown => self.select(false),
            Action::Fold => self.fold(),
            Action::FoldAll => self.fold_all(),
            Action::Find => self.open_search_prompt(PromptKind::Search),
            Action::Filter => self.open_search_prompt(PromptKind::Filter),
            Action::GoTo => self.open_search_prompt(PromptKind::GoTo),
            Action::SearchOn => self.search_on(true),
            Action::SearchBack => self.search_on(false),
            Action::Output => self.open_pager(),
            Action::Open => return self.open_selected(),
            Action::Back => {
                self.composer.completion.close();
                if self.layers.pop().is_some() {
                } else if self.lookup.find.is_some() {
                    self.end_search();
                } else if self.viewport.selected.is_some() {
                    self.viewport.selected = None;
                } else if self.lookup.filter.is_some() {
                    self.clear_filter();
                } else {
                    self.viewport.anchor = Anchor::Follow;
                }
            }
            // All other actions were handled by their layers before.
            action => return self.act_on_card(action).flatten(),
        }
        None
    }

    pub(in crate::tui) fn page_by(&mut self, pages: isize) {
        let page = self.page() as isize;
        self.move_by(pages * (page - 2).max(1));
    }

    /// Scrolls the topmost layer, or the transcript.
    pub(in crate::tui) fn move_by(&mut self, rows: isize) {
        match self.layers.top_mut() {
            Some(Layer::Help(help)) => help.scroll = help.scroll.saturating_add_signed(rows),
            Some(Layer::Inspector { scroll }) => *scroll = scroll.saturating_add_signed(rows),
            Some(Layer::Replay { .. } | Layer::Gate { .. } | Layer::Clients(_) | Layer::Send(_)) => {}
            _ => self.scroll(rows),
        }
    }
}
