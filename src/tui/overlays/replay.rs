//! Choosing snippets to run again.

use std::borrow::Cow;

use crate::domain::Entry;
use crate::domain::replay_selection::{self, ReplaySelection};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::Action;
use crate::tui::layers::Layer;
use crate::tui::text;
use crate::tui::view::View;

impl View {
    /// The choices, and the number of snippets in each.
    pub fn replay_choices(&self) -> Vec<(ReplaySelection, usize)> {
        let selected = self.viewport.selected.and_then(|card| match self.transcript.entries().get(card) {
            Some(Entry::Snippet(snippet)) => Some(snippet.id),
            _ => None,
        });
        replay_selection::choices(&self.transcript, selected)
    }

    pub(in crate::tui) fn open_replay(&mut self) {
        if self.transcript.replay().is_some_and(|replay| !replay.is_over()) {
            let keys = self.keys.key_hint(Action::Interrupt);
            self.notice = Some(format!("a replay is running already; {keys} stops it"));
        } else if self.replay_choices().is_empty() {
            self.notice = Some("nothing to run again".to_owned());
        } else {
            self.composer.completion.close();
            self.layers.push(Layer::Replay { row: 0 });
        }
    }

    /// Handles actions in the list of choices. `None` leaves an action to the wider contexts.
    pub fn on_replay(&mut self, action: Action) -> Option<Option<Effect>> {
        let choices = self.replay_choices();
        let last = choices.len().saturating_sub(1);
        let Some(Layer::Replay { row }) = self.layers.top_mut() else { return None };
        *row = (*row).min(last);
        match action {
            Action::ItemUp => *row = row.saturating_sub(1),
            Action::ItemDown => *row = (*row + 1).min(last),
            Action::Choose => {
                let chosen = choices.into_iter().nth(*row);
                self.layers.pop();
                return Some(chosen.map(|(which, _)| Effect::Replay(which)));
            }
            Action::Replay => {
                self.layers.pop();
            }
            _ => return None,
        }
        Some(None)
    }
}

/// The text of a choice.
pub fn label(which: &ReplaySelection) -> Cow<'static, str> {
    match which {
        ReplaySelection::Rest => "the rest: what has not run again".into(),
        ReplaySelection::Ok => "everything that succeeded".into(),
        ReplaySelection::All => "failures too".into(),
        ReplaySelection::Mine => "only yours".into(),
        ReplaySelection::Of(name) => format!("only those of {}", text::name(name)).into(),
        ReplaySelection::UpTo(card) => format!("up to snippet {card}").into(),
    }
}
