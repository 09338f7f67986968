//! Keys in the box with the clients.

use std::sync::Arc;

use super::clients_box::ClientsBox;
use crate::domain::{GateChange, GateMode, Timestamp};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::Action;
use crate::tui::layers::Layer;
use crate::tui::view::View;

/// Calls of a page.
const PAGE: usize = 10;

impl View {
    /// The names of the clients that are connected, then of others that the gate knows.
    pub fn client_names(&self) -> Vec<Arc<str>> {
        let gate = self.transcript.gate();
        let mut names: Vec<Arc<str>> = self.transcript.clients().iter().map(|client| client.name.clone()).collect();
        for known in gate.away.iter().chain(&gate.muted).chain(gate.clients.keys()) {
            if !names.contains(known) {
                names.push(known.clone());
            }
        }
        names
    }

    pub(in crate::tui) fn open_clients(&mut self, now: Timestamp) {
        let names = self.client_names();
        if names.is_empty() {
            self.notice = Some("no client has come yet; fourhands setup connects one".to_owned());
            return;
        }
        self.composer.completion.close();
        self.dock.rest(now);
        self.layers.push(Layer::Clients(ClientsBox { selected: names.first().cloned(), ..ClientsBox::default() }));
    }

    /// Handles actions in the box. `None` leaves an action to the wider contexts.
    pub(in crate::tui) fn on_clients(&mut self, action: Action, now: Timestamp) -> Option<Option<Effect>> {
        let names = self.client_names();
        let may_decide = self.dock.may_decide(now) && !self.composer.pace.is_burst();
        let Some(Layer::Clients(clients)) = self.layers.top_mut() else { return None };
        let step = |place: usize| match action {
            Action::ItemUp => place.saturating_sub(1),
            Action::ItemDown => place + 1,
            Action::PageUp => place.saturating_sub(PAGE),
            _ => place + PAGE,
        };
        match action {
            Action::ItemUp | Action::ItemDown | Action::PageUp | Action::PageDown if clients.open.is_some() => {
                clients.scroll = step(clients.scroll);
            }
            Action::ItemUp | Action::ItemDown | Action::PageUp | Action::PageDown => {
                let row = clients.row(&names).map_or(0, step).min(names.len().saturating_sub(1));
                clients.selected = names.get(row).cloned();
            }
            Action::Choose if clients.open.is_none() => {
                clients.open = clients.selected.clone();
                clients.scroll = 0;
            }
            Action::Choose => {}
            Action::Back if clients.open.take().is_some() => {}
            Action::Clients => drop(self.layers.pop()),
            Action::Gate => {
                let name = clients.open.clone().or_else(|| clients.selected.clone());
                self.open_gate(now);
                self.select_in_gate(&name?);
            }
            Action::HoldClient | Action::MuteClient | Action::DisconnectClient | Action::LetClientIn => {
                let name = clients.open.clone().or_else(|| clients.selected.clone())?;
                if !names.contains(&name) {
                    self.notice = Some(format!("{name} has left; select another client"));
                    return Some(None);
                }
                if !may_decide {
                    self.dock.rest(now);
                    self.notice = Some("too soon; nothing was changed".to_owned());
                    return Some(None);
                }
                return Some(self.change_client(action, name));
            }
            _ => return None,
        }
        Some(None)
    }

    fn change_client(&mut self, action: Action, name: Arc<str>) -> Option<Effect> {
        let gate = self.transcript.gate();
        let change = match action {
            Action::HoldClient if gate.clients.get(&name) == Some(&GateMode::Hold) => GateChange::Client(name, None),
            Action::HoldClient => GateChange::Client(name, Some(GateMode::Hold)),
            Action::MuteClient if gate.muted.contains(&name) => GateChange::Unmute(name),
            Action::MuteClient => GateChange::Mute(name),
            Action::DisconnectClient if gate.away.contains(&name) => {
                let key = self.keys.key_hint(Action::LetClientIn);
                self.notice = Some(format!("{name} is disconnected already; {key} lets it in again"));
                return None;
            }
            Action::DisconnectClient => GateChange::SendAway(name),
            _ if !gate.away.contains(&name) => {
                self.notice = Some(format!("{name} is not disconnected"));
                return None;
            }
            _ => GateChange::LetIn(name),
        };
        Some(Effect::ChangeGate(change))
    }
}
