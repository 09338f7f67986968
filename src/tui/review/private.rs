//! Marking cards and variables private: clients are not shown them.

use crate::domain::{Entry, GateChange};
use crate::tui::input::effect::Effect;
use crate::tui::view::View;

impl View {
    /// Marks a variable private, or no longer.
    pub(in crate::tui) fn toggle_private(&mut self, name: &str) -> Option<Effect> {
        let is_private = self.transcript.gate().private.names.contains(name);
        let told = format!("{name} is private: lists show clients only its name, and their code can still read it");
        let change = if is_private { GateChange::ShowName } else { GateChange::HideName };
        self.change_private(is_private, told, change(name.into()))
    }

    /// Marks the selected card private, or no longer.
    pub(in crate::tui) fn toggle_private_card(&mut self) -> Option<Effect> {
        let entry = self.viewport.selected.and_then(|card| self.transcript.entries().get(card));
        let Some(Entry::Snippet(snippet)) = entry else {
            self.notice = Some("select the card of a snippet first".to_owned());
            return None;
        };
        let id = snippet.id;
        let is_private = self.transcript.gate().private.snippets.contains(&id);
        let told = format!("{id} is private: clients are not shown it from now on");
        let change = if is_private { GateChange::ShowSnippet } else { GateChange::HideSnippet };
        self.change_private(is_private, told, change(id))
    }

    fn change_private(&mut self, is_private: bool, told: String, change: GateChange) -> Option<Effect> {
        if is_private && self.composer.pace.is_burst() {
            self.notice = Some("too soon to show it; nothing was done".to_owned());
            return None;
        }
        self.notice = Some(if is_private { "no longer private".to_owned() } else { told });
        Some(Effect::ChangeGate(change))
    }
}
