//! The keys that send, and the choice of the client where there are several.

use std::sync::Arc;

use super::send_menu::SendMenu;
use super::texts::{self, Sent};
use crate::domain::{Entry, Snippet, note};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::Action;
use crate::tui::layers::Layer;
use crate::tui::view::View;

impl View {
    /// The clients that something can be sent to.
    pub fn receivers(&self) -> Vec<Arc<str>> {
        let gate = self.transcript.gate();
        let connected = self.transcript.clients().iter().map(|client| client.name.clone());
        connected.filter(|name| !gate.away.contains(name)).collect()
    }

    /// Returns whether the input is a note to a name that is no client's. The note stays in the input then.
    pub(in crate::tui) fn has_unknown_addressee(&mut self) -> bool {
        let Some(text) = note::note_in_comments(&self.composer.editor.code()) else { return false };
        let note::Addressed::Unknown { name } = note::addressed(&text, &self.transcript.connected_names()) else {
            return false;
        };
        self.refuse_addressee(name);
        true
    }

    pub(in crate::tui) fn refuse_addressee(&mut self, name: &str) {
        self.notice = Some(format!("not sent: {}", note::no_addressee(name, &self.transcript.connected_names())));
    }

    /// Sends the selected card or its traceback; without a card, the selection of the input.
    pub(in crate::tui) fn send_from_here(&mut self, action: Action) -> Option<Effect> {
        let Some(card) = self.viewport.selected else {
            let buffer = &self.composer.editor.buffer;
            let selected = buffer.selection().map(|range| buffer.slice(&range)).filter(|text| !text.trim().is_empty());
            let sent = selected.filter(|_| action == Action::Send).map(|text| texts::selection(&text));
            return self.send(sent, "select a card, or a part of the input with Shift and the arrows");
        };
        let sent = self.transcript.entries().get(card).and_then(snippet).and_then(|snippet| match action {
            Action::SendTraceback => texts::traceback(snippet),
            _ => Some(texts::card(snippet)),
        });
        self.send(sent, "this card has nothing like that to send")
    }

    pub(in crate::tui) fn send_variable(&mut self, name: &str) -> Option<Effect> {
        let variable = self.transcript.variables().rows.iter().find(|row| row.name == name).map(texts::variable);
        self.send(variable, "no variable is selected")
    }

    /// Sends something to the only client, or has the person choose one.
    fn send(&mut self, sent: Option<Sent>, nothing: &str) -> Option<Effect> {
        let receivers = self.receivers();
        match (sent, &receivers[..]) {
            (None, _) => self.notice = Some(nothing.to_owned()),
            (_, []) => self.notice = Some("not sent: no client is connected".to_owned()),
            (Some(sent), [only]) => return Some(self.send_to(sent, only.clone())),
            (Some(sent), _) => {
                self.composer.completion.close();
                self.layers.push(Layer::Send(SendMenu { sent, row: 0 }));
            }
        }
        None
    }

    fn send_to(&mut self, sent: Sent, to: Arc<str>) -> Effect {
        self.notice = Some(format!("sent {} to {to}, with its next result", sent.what));
        Effect::Send { to, text: sent.text.into() }
    }

    /// Handles actions in the menu. `None` leaves an action to the wider contexts.
    pub(in crate::tui) fn on_send(&mut self, action: Action) -> Option<Option<Effect>> {
        let receivers = self.receivers();
        let last = receivers.len().saturating_sub(1);
        let is_burst = self.composer.pace.is_burst();
        let Some(Layer::Send(menu)) = self.layers.top_mut() else { return None };
        menu.row = menu.row.min(last);
        match action {
            Action::ItemUp => menu.row = menu.row.saturating_sub(1),
            Action::ItemDown => menu.row = (menu.row + 1).min(last),
            Action::Choose if is_burst => self.notice = Some("too soon; nothing was sent".to_owned()),
            Action::Choose => {
                let row = menu.row;
                let Some(Layer::Send(SendMenu { sent, .. })) = self.layers.pop() else { return Some(None) };
                let Some(to) = receivers.get(row).cloned() else {
                    self.notice = Some("not sent: no client is connected".to_owned());
                    return Some(None);
                };
                return Some(Some(self.send_to(sent, to)));
            }
            _ => return None,
        }
        Some(None)
    }
}

fn snippet(entry: &Entry) -> Option<&Snippet> {
    if let Entry::Snippet(snippet) = entry { Some(snippet) } else { None }
}
