//! Opening the help, and its keys.

use crossterm::event::{KeyCode, KeyEvent};

use crate::domain::Timestamp;
use crate::tui::composer::reply::Reply;
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::{Action, Chord, Context};
use crate::tui::layers::Layer;
use crate::tui::overlays::help::{AnswerRecipient, Help};
use crate::tui::view::View;

impl View {
    pub fn open_help(&mut self, now: Timestamp) {
        let reply = self.open_reply(now).filter(|_| self.layers.is_empty() && self.viewport.selected.is_none());
        let asker =
            |reply: &Reply| if reply.inquiry().is_some() { AnswerRecipient::Client } else { AnswerRecipient::Code };
        let answering = reply.map(asker);
        self.show_help(Help { answering, ..Help::default() });
    }

    pub fn show_help(&mut self, help: Help) {
        self.notice = None;
        self.pending.forget();
        self.layers.push(Layer::Help(help));
    }

    /// Handles keys while the help is open.
    pub(in crate::tui) fn on_help(&mut self, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        let action = self.keys.find(key, &[Context::Help, Context::Session]);
        let help = self.layers.help_mut()?;
        let is_text = help.is_typing && Chord::from(key).is_text();
        match action.filter(|_| !is_text) {
            Some(Action::Back) if help.is_typing || !help.query.is_empty() => help.clear(),
            Some(Action::Back | Action::Help) => drop(self.layers.pop()),
            Some(Action::Search) => help.is_typing = true,
            Some(Action::LineUp) => self.move_by(-1),
            Some(Action::LineDown) => self.move_by(1),
            Some(Action::PageUp) => self.page_by(-1),
            Some(Action::PageDown) => self.page_by(1),
            Some(Action::Top) => help.scroll = 0,
            Some(Action::Bottom) => help.scroll = usize::MAX,
            Some(action @ (Action::Suspend | Action::Redraw | Action::Mouse)) => {
                return self.act(action, key, false, now);
            }
            None | Some(Action::QuitOrDelete) if help.is_typing => match key.code {
                KeyCode::Enter => help.is_typing = false,
                KeyCode::Backspace if help.query.is_empty() => help.is_typing = false,
                _ => {
                    help.query.key(key);
                    help.scroll = 0;
                }
            },
            // Other actions of the session apply to what is below. A person who reads the help does not mean to quit.
            Some(action) if action != Action::QuitOrDelete && !self.is_over_modal() => {
                self.layers.pop();
                return self.on_key(key, now);
            }
            _ => {}
        }
        None
    }
}
