//! Leaving and restarting: both ask first where something would be lost, and offer to save the variables.

use crossterm::event::KeyEvent;

use super::effect::Effect;
use super::keymap::{Action, Context};
use crate::tui::view::View;

impl View {
    /// Takes what the keys before asked for. Returns whether this key may confirm quitting, and the effect if the key was
    /// an answer. A burst of keys confirms nothing.
    pub(in crate::tui) fn confirm(&mut self, key: KeyEvent, action: Option<Action>) -> (bool, Option<Option<Effect>>) {
        let (asked_to_quit, asked_to_restart) =
            (std::mem::take(&mut self.pending.quit), std::mem::take(&mut self.pending.restart));
        let is_burst = self.composer.pace.is_burst();
        let (quit, restart) = (asked_to_quit && !is_burst, asked_to_restart && !is_burst);
        let is_saving = |context, saving| self.keys.find(key, &[context]) == Some(saving);
        let effect = match action {
            Some(Action::Restart) => Some(self.restart(restart)),
            Some(Action::Back) if asked_to_quit || asked_to_restart => Some(None),
            _ if restart && self.has_variables() && is_saving(Context::Restarting, Action::RestartSaving) => {
                Some(Some(Effect::SaveAndRestart))
            }
            _ if quit && self.can_save() && is_saving(Context::Leaving, Action::QuitSaving) => {
                Some(Some(Effect::SaveAndQuit))
            }
            _ => None,
        };
        (quit, effect)
    }

    /// Restarts at the second request, because all variables are lost.
    pub(in crate::tui) fn restart(&mut self, confirmed: bool) -> Option<Effect> {
        if self.pending.ending {
            return None;
        }
        self.pending.restart = !confirmed;
        self.pending.ending = confirmed;
        confirmed.then_some(Effect::Restart)
    }

    /// Quits; where something would be lost, at the second request.
    pub(in crate::tui) fn quit(&mut self, confirmed: bool) -> Option<Effect> {
        if self.pending.ending {
            return None;
        }
        let is_free = self.transcript.losses().is_empty() && !self.composer.pace.is_burst();
        self.pending.quit = !confirmed && !is_free;
        self.pending.ending = !self.pending.quit;
        self.pending.ending.then_some(Effect::Quit)
    }

    /// Whether saving the variables can begin now.
    pub(in crate::tui) fn can_save(&self) -> bool {
        self.has_variables() && !self.is_busy()
    }

    /// What the status row says after a first request to quit or to restart: the whole text, and shorter ones.
    pub(in crate::tui) fn confirmation(&self) -> Option<Vec<String>> {
        let keys = |action| self.keys.key_hint(action);
        let back = keys(Action::Back);
        if self.pending.quit {
            let quit = keys(Action::QuitOrDelete);
            let save = self.keys.key(Action::QuitSaving).filter(|_| self.can_save());
            let save = |what: &str| save.map(|key| format!("; {key} {what}")).unwrap_or_default();
            let question = format!("{quit} again quits{}; {back} stays", save("saves the variables first"));
            let losses = self.transcript.losses().join(", ");
            let whole = if losses.is_empty() { question.clone() } else { format!("{losses}: {question}") };
            return Some(vec![whole, question, format!("{quit} quits{}; {back} stays", save("saves"))]);
        }
        if self.pending.restart {
            let restart = keys(Action::Restart);
            let save = self.keys.key(Action::RestartSaving).filter(|_| self.has_variables());
            let save = |what: &str| save.map(|key| format!(" · {key}: {what}")).unwrap_or_default();
            let stops = self.transcript.running().map(|snippet| format!("stop {}, ", snippet.id)).unwrap_or_default();
            let question = format!(
                "{restart} again: {stops}restart and lose all variables{} · {back}: cancel",
                save("save them first")
            );
            return Some(vec![question, format!("{restart}: restart{} · {back}: cancel", save("save first"))]);
        }
        None
    }
}
