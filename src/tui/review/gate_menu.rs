//! The menu of the gate: one mode for all clients, or one for each; and what is always allowed, to take back.

use crate::domain::{GateChange, GateMode, Timestamp};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::Action;
use crate::tui::layers::Layer;
use crate::tui::text;
use crate::tui::view::View;

/// A row of the menu.
pub struct GateRow {
    pub change: GateChange,
    pub label: String,
    pub is_current: bool,
}

impl View {
    pub fn gate_rows(&self) -> Vec<GateRow> {
        let gate = self.transcript.gate();
        let mut rows: Vec<GateRow> = GateMode::ALL
            .into_iter()
            .map(|mode| GateRow {
                change: GateChange::All(mode),
                label: format!("{}: {}", mode.name(), mode.meaning()),
                is_current: gate.mode == mode,
            })
            .collect();
        let connected = self.transcript.clients().iter().map(|client| client.name.clone());
        let mut names: Vec<_> = connected.chain(gate.clients.keys().cloned()).collect();
        names.sort();
        names.dedup();
        for name in names {
            let own = gate.clients.get(&name).copied();
            for mode in [None].into_iter().chain(GateMode::ALL.map(Some)) {
                rows.push(GateRow {
                    change: GateChange::Client(name.clone(), mode),
                    label: format!("{}: {}", text::name(&name), mode.map_or("as all", GateMode::name)),
                    is_current: own == mode,
                });
            }
        }
        let always = gate.always().into_iter().map(|(phrase, change)| GateRow {
            change,
            label: format!("ask again: {}", text::name(&phrase)),
            is_current: false,
        });
        rows.extend(always);
        rows
    }

    pub(in crate::tui) fn open_gate(&mut self, now: Timestamp) {
        self.composer.completion.close();
        self.dock.rest(now);
        let current = self.gate_rows().into_iter().find(|row| row.is_current);
        let selected = current.map_or(GateChange::All(GateMode::Watch), |row| row.change);
        self.layers.push(Layer::Gate { selected });
    }

    /// Selects the mode of a client in the open menu.
    pub(in crate::tui) fn select_in_gate(&mut self, client: &str) {
        let rows = self.gate_rows();
        let is_its = |row: &&GateRow| matches!(&row.change, GateChange::Client(name, _) if **name == *client);
        let own = rows.iter().filter(is_its).find(|row| row.is_current).or(rows.iter().find(is_its));
        if let (Some(Layer::Gate { selected }), Some(own)) = (self.layers.top_mut(), own) {
            *selected = own.change.clone();
        }
    }

    /// Handles actions in the menu. `None` leaves an action to the wider contexts.
    pub fn on_gate(&mut self, action: Action, now: Timestamp) -> Option<Option<Effect>> {
        let rows = self.gate_rows();
        let may_decide = self.dock.may_decide(now) && !self.composer.pace.is_burst();
        let Some(Layer::Gate { selected }) = self.layers.top_mut() else { return None };
        // Rows come and go with clients: the selection is a change and no place.
        let row = rows.iter().position(|row| row.change == *selected);
        let near = |row: Option<usize>, step: isize| {
            let place = row.map_or(0, |row| row.saturating_add_signed(step)).min(rows.len().saturating_sub(1));
            rows.get(place).map(|row| row.change.clone())
        };
        match action {
            Action::ItemUp | Action::ItemDown => {
                let step = if action == Action::ItemUp { -1 } else { 1 };
                if let Some(change) = near(row, step) {
                    *selected = change;
                }
            }
            Action::Choose if row.is_none() => {
                self.notice = Some("that row is gone; nothing was changed".to_owned());
            }
            Action::Choose if !may_decide => {
                self.notice = Some(format!("{} again changes the gate", self.keys.key_hint(Action::Enter)));
            }
            Action::Choose => {
                let chosen = selected.clone();
                self.layers.pop();
                if matches!(chosen, GateChange::AskAgainAtRisk(..) | GateChange::AskAgainAboutCode(_)) {
                    self.notice = Some("you are asked again from now on".to_owned());
                }
                return Some(Some(Effect::ChangeGate(chosen)));
            }
            Action::Gate => drop(self.layers.pop()),
            _ => return None,
        }
        Some(None)
    }
}
