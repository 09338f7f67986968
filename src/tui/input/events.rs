//! Terminal events: keys, pasted text and the mouse change the view, and may have an effect outside of it.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::effect::Effect;
use super::keymap::{Action, Chord, Context, WRITING};
use crate::domain::{Insight, Timestamp};
use crate::tui::composer::completion::{AnswerEffect, Trigger};
use crate::tui::composer::draw_completion;
use crate::tui::composer::reply::Reply;
use crate::tui::layers::Layer;
use crate::tui::view::View;

const OF_THE_DESKTOP: KeyModifiers = KeyModifiers::SUPER.union(KeyModifiers::HYPER).union(KeyModifiers::META);

impl View {
    pub fn on_terminal(&mut self, event: &Event, now: Timestamp) -> Option<Effect> {
        match event {
            // With Super, Hyper or Meta, a key is for the desktop.
            Event::Key(key) if key.kind != KeyEventKind::Release && !key.modifiers.intersects(OF_THE_DESKTOP) => {
                self.on_key(*key, now)
            }
            Event::Mouse(mouse) => {
                self.composer.pace.on_input(now);
                self.on_mouse(*mouse, now)
            }
            Event::FocusGained | Event::FocusLost => {
                self.mouse.on_focus(*event == Event::FocusGained, now);
                self.composer.replies.hold_back(now);
                self.dock.hold_back(now);
                None
            }
            Event::Paste(text) => {
                self.composer.pace.on_input(now);
                self.on_paste(text, now);
                None
            }
            _ => None,
        }
    }

    fn on_paste(&mut self, text: &str, now: Timestamp) {
        if matches!(self.layers.top(), Some(Layer::Inspector { .. })) && self.paste_in_grid_prompt(text) {
            return;
        }
        match self.layers.top_mut() {
            Some(Layer::Palette(palette)) => return palette.paste(text),
            Some(Layer::Pager(pager)) => return pager.paste(text),
            Some(Layer::Gallery(gallery)) => return gallery.paste(text),
            Some(Layer::Export(prompt)) => return prompt.paste(text),
            Some(Layer::HistorySearch(search)) => return search.paste(text),
            Some(Layer::SearchPrompt(_)) => return self.paste_in_search_prompt(text),
            Some(Layer::Review) => return self.paste_in_review(text, now),
            Some(Layer::Help(help)) if help.is_typing => return help.paste(text),
            Some(Layer::Variables(_)) if self.variables.query.is_some() => return self.paste_in_variable_query(text),
            Some(Layer::Variables(list)) if list.has_focus => self.leave_variables(),
            _ => {}
        }
        self.pending.forget();
        self.layers.close(Layer::covers_input);
        self.viewport.selected = None;
        let composer = &mut self.composer;
        composer.last_answered = None;
        composer.typed_at = now;
        if let Some(reply) = composer.open_reply_mut(now) {
            reply.paste(text);
        } else {
            composer.before_writing(now);
            composer.editor.paste(text);
            composer.completion.close();
            composer.completion.follow(&composer.editor);
        }
    }

    pub(in crate::tui) fn on_key(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        // A key proves the focus, even if the terminal did not report it.
        self.mouse.focused = true;
        self.composer.pace.on_key(&key, now);
        self.composer.replies.clock = now;
        if self.take_back_confirmation(key, now) {
            return None;
        }
        if self.has_layer_for_keys() || self.viewport.selected.is_some() {
            // A question waits behind the layer or beside the card. When the person leaves these, it must not get the
            // next key.
            self.composer.replies.hold_back(now);
        }
        if let Some(Layer::ConfigProblems(_)) = self.layers.top() {
            self.layers.pop();
            if key.code == KeyCode::Esc {
                return None;
            }
        }
        if self.layers.top().is_some_and(|layer| layer.is_modal() && !matches!(layer, Layer::Palette(_))) {
            self.pending.forget();
        }
        let is_asking = match self.layers.top() {
            Some(Layer::Pager(pager)) => pager.is_asking(),
            Some(Layer::Inspector { .. }) => self.variables.is_asking(),
            _ => false,
        };
        let is_text = is_asking && Chord::from(key).is_text();
        match self.keys.find(key, &self.contexts()).filter(|_| !is_text) {
            Some(Action::Palette) if self.layers.palette().is_none() && !is_asking => {
                self.toggle_palette();
                return None;
            }
            Some(Action::Help) if !matches!(self.layers.top(), Some(Layer::Help(_))) => {
                self.open_help(now);
                return None;
            }
            Some(Action::TakeOver) => return self.take_over(now),
            Some(Action::GiveBack) => return self.give_back(),
            Some(Action::Interrupt) if self.has_layer_for_keys() => {
                self.notice = None;
                return self.interrupt(now);
            }
            _ => {}
        }
        match self.layers.top() {
            Some(Layer::Help(_)) => self.on_help(key, now),
            Some(Layer::Palette(_)) => self.on_palette(key, now),
            Some(Layer::Pager(_)) => self.on_pager(key, now),
            Some(Layer::Gallery(_)) => self.on_gallery(key, now),
            Some(Layer::Export(_)) => self.on_export(key),
            Some(Layer::SearchPrompt(_)) => self.on_search_prompt(key, now),
            Some(Layer::Review) => self.on_review(key, now),
            _ => self.on_key_beside_input(key, now),
        }
    }

    /// Handles keys while the input, a selected card, or a layer that passes keys of the session on has the focus.
    fn on_key_beside_input(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let action = self.keys.find(key, &WRITING);
        self.notice = None;
        let (confirmed, decided) = self.confirm(key, action, now);
        if let Some(effect) = decided {
            return effect;
        }
        if matches!(self.layers.top(), Some(Layer::Inspector { .. }))
            && let Some(effect) = self.on_grid_prompt(key)
        {
            return effect;
        }
        if let Some(layer) = self.layers.top().filter(|layer| layer.covers_input()) {
            let action = self.keys.find(key, &layer.contexts()?)?;
            let taken = match layer {
                Layer::Inspector { .. } => self.on_inspector(action),
                Layer::Replay { .. } => self.on_replay(action),
                Layer::Gate { .. } => self.on_gate(action, now),
                Layer::Clients(_) => self.on_clients(action, now),
                Layer::Send(_) => self.on_send(action),
                _ => None,
            };
            return taken.unwrap_or_else(|| self.act(action, key, confirmed, now));
        }
        if self.has_list_focus() {
            return self.on_variables(key, confirmed, now);
        }
        self.composer.last_answered = None;
        self.composer.typed_at = now;
        if matches!(self.layers.top(), Some(Layer::HistorySearch(_))) && self.on_search(key) {
            return None;
        }
        let at_debugger = self.composer.open_reply(now).is_some_and(Reply::is_debugger);
        self.composer.assist(at_debugger);
        if action == Some(Action::Back) && self.turn_to_question(now) {
            return None;
        }
        if self.viewport.selected.is_some() {
            return self.on_card(key, confirmed, now);
        }
        if self.composer.open_reply(now).is_some() {
            return self.reply(action, key, confirmed, now);
        }
        if self.composer.completion.popup.is_some() && self.on_popup(action, key) {
            return None;
        }
        if self.shield_input(action, now) {
            return None;
        }
        self.composer.history.want();
        let effect = if self.on_vi(key) || self.accept_suggestion(key) {
            None
        } else if let Some(action) = action {
            self.act(action, key, confirmed, now)
        } else {
            self.composer.editor.key(key);
            None
        };
        self.composer.completion.follow(&self.composer.editor);
        if key.code == KeyCode::Char('.') && action.is_none() && self.composer.completion.popup.is_none() {
            self.composer.completion.complete(&self.composer.editor, Trigger::Dot);
        }
        effect
    }

    /// Handles the keys of the candidates. Returns whether the key was one of them.
    pub(in crate::tui) fn on_popup(&mut self, action: Option<Action>, key: KeyEvent) -> bool {
        let layout = self.frame.as_ref().and_then(|frame| frame.layout.as_ref());
        let rows = self.composer.completion.popup.as_ref().zip(layout);
        let page = rows.map_or(1, |(popup, layout)| draw_completion::rows(popup, layout).max(1)) as isize;
        let (completion, editor) = self.composer.assisted();
        let chosen = completion.popup.as_ref().is_some_and(|popup| popup.selected.is_some());
        match self.keys.find(key, &[Context::Completion]) {
            Some(Action::Accept) => return completion.accept(editor),
            Some(Action::Choose) if chosen => return completion.accept(editor),
            Some(Action::ItemUp) => completion.move_by(-1, editor),
            Some(Action::ItemDown) => completion.move_by(1, editor),
            Some(Action::PageUp) if chosen => completion.move_by(-page, editor),
            Some(Action::PageDown) if chosen => completion.move_by(page, editor),
            Some(Action::Back) => completion.close(),
            _ => {
                // Running the input, opening an overlay and other actions work as usual, and close the candidates.
                if !matches!(action, Some(Action::QuitOrDelete | Action::Interrupt | Action::Complete) | None) {
                    completion.close();
                }
                return false;
            }
        }
        true
    }

    /// Takes the session's answer to a question; `None` if the answer did not come in time.
    pub fn on_insight(&mut self, id: u64, insight: Option<Insight>) {
        let variables = self.transcript.variables().clone();
        let (completion, editor) = self.composer.assisted();
        if completion.answer(id, insight, editor, &variables) == AnswerEffect::NoMatch {
            self.notice = Some("nothing to complete here".to_owned());
        }
    }
}
