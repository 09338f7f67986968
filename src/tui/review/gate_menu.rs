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
            label: format!("{}: ask again", text::name(&phrase)),
            is_current: false,
        });
        rows.extend(always);
        rows
    }

    pub(in crate::tui) fn open_gate(&mut self, now: Timestamp) {
        self.composer.completion.close();
        self.dock.rest(now);
        let row = self.gate_rows().iter().position(|row| row.is_current).unwrap_or_default();
        self.layers.push(Layer::Gate { row });
    }

    /// Selects the mode of a client in the open menu.
    pub(in crate::tui) fn select_in_gate(&mut self, client: &str) {
        let rows = self.gate_rows();
        let is_its = |row: &&GateRow| matches!(&row.change, GateChange::Client(name, _) if **name == *client);
        let place = |fits: &dyn Fn(&GateRow) -> bool| rows.iter().position(|row| is_its(&row) && fits(row));
        let place = place(&|row| row.is_current).or_else(|| place(&|_| true));
        if let (Some(Layer::Gate { row }), Some(place)) = (self.layers.top_mut(), place) {
            *row = place;
        }
    }

    /// Handles actions in the menu. `None` leaves an action to the wider contexts.
    pub fn on_gate(&mut self, action: Action, now: Timestamp) -> Option<Option<Effect>> {
        let rows = self.gate_rows();
        let last = rows.len().saturating_sub(1);
        let may_decide = self.dock.may_decide(now) && !self.composer.pace.is_burst();
        let Some(Layer::Gate { row }) = self.layers.top_mut() else { return None };
        *row = (*row).min(last);
        match action {
            Action::ItemUp => *row = row.saturating_sub(1),
            Action::ItemDown => *row = (*row + 1).min(last),
            Action::Choose if !may_decide => {
                self.notice = Some(format!("{} again changes the gate", self.keys.key_hint(Action::Enter)));
            }
            Action::Choose => {
                let chosen = rows.into_iter().nth(*row);
                self.layers.pop();
                return Some(chosen.map(|row| Effect::ChangeGate(row.change)));
            }
            Action::Gate => drop(self.layers.pop()),
            _ => return None,
        }
        Some(None)
    }
}
