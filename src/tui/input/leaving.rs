//! Leaving and restarting: both ask first where something would be lost, and offer to save the variables.
//!
//! A confirmation takes effect a moment later, if no other key comes at once: a key that is held down confirms nothing,
//! nor does a letter with which a word begins. A question that nobody answers goes away.

use crossterm::event::KeyEvent;

use super::effect::{Confirmed, Effect};
use super::keymap::{Action, Chord, Context};
use crate::domain::Timestamp;
use crate::tui::view::View;

/// Milliseconds without a key before a confirmation takes effect: after a key, and after a letter.
const REST: Timestamp = 120;
const REST_OF_LETTER: Timestamp = 400;
/// Milliseconds before a question goes away.
const QUESTION_TIMEOUT: Timestamp = 10_000;
/// How long the second `exit` may take.
const WORD_TIMEOUT: Timestamp = 60_000;

impl View {
    /// Takes what the keys before asked for. Returns whether this key may confirm quitting, and the effect if the key
    /// was an answer. A burst of keys confirms nothing.
    pub(in crate::tui) fn confirm(
        &mut self,
        key: KeyEvent,
        action: Option<Action>,
        now: Timestamp,
    ) -> (bool, Option<Option<Effect>>) {
        let (asked_to_quit, asked_to_restart) =
            (std::mem::take(&mut self.pending.quit), std::mem::take(&mut self.pending.restart));
        let is_burst = self.composer.pace.is_burst();
        let (quit, restart) = (asked_to_quit && !is_burst, asked_to_restart && !is_burst);
        let is_saving = |context, saving| self.keys.find(key, &[context]) == Some(saving);
        let effect = match action {
            Some(Action::Restart) if restart => Some(self.confirmed(Effect::Restart, key, now)),
            Some(Action::Restart) => Some(self.ask_to_restart(now)),
            Some(Action::Back) if asked_to_quit || asked_to_restart => Some(None),
            _ if restart && self.has_variables() && is_saving(Context::Restarting, Action::RestartSaving) => {
                Some(self.confirmed(Effect::SaveAndRestart, key, now))
            }
            _ if quit && self.can_save() && is_saving(Context::Leaving, Action::QuitSaving) => {
                Some(self.confirmed(Effect::SaveAndQuit, key, now))
            }
            _ => None,
        };
        (quit, effect)
    }

    fn confirmed(&mut self, effect: Effect, key: KeyEvent, now: Timestamp) -> Option<Effect> {
        // The question stays until the confirmation takes effect.
        self.pending.restart = matches!(effect, Effect::Restart | Effect::SaveAndRestart);
        self.pending.quit = !self.pending.restart;
        self.pending.asked_at = now;
        let rest = if Chord::from(key).is_text() { REST_OF_LETTER } else { REST };
        self.pending.confirmed = Some(Confirmed { effect, key, due: now + rest });
        None
    }

    /// Takes back a confirmation that a key follows at once. Returns whether the key only repeats an earlier one.
    pub(in crate::tui) fn take_back_confirmation(&mut self, key: KeyEvent, now: Timestamp) -> bool {
        if self.composer.pace.repeats_spent(key, now) {
            return true;
        }
        let Some(confirmed) = self.pending.confirmed.take() else { return false };
        let is_held = (confirmed.key.code, confirmed.key.modifiers) == (key.code, key.modifiers);
        if is_held {
            self.composer.pace.spend(key, now);
            return true;
        }
        self.pending.forget();
        if Chord::from(confirmed.key).is_text() && Chord::from(key).is_text() {
            self.composer.editor.key(confirmed.key);
        }
        false
    }

    /// Returns the effect of a confirmation whose time has come.
    pub fn on_time(&mut self, now: Timestamp) -> Option<Effect> {
        self.forget_old_question(now);
        let confirmed = self.pending.confirmed.take_if(|confirmed| now >= confirmed.due)?;
        Some(self.end_with(confirmed.effect))
    }

    /// When [`View::on_time`] has something to do next.
    pub fn due_at(&self) -> Option<Timestamp> {
        let is_asking = self.pending.quit || self.pending.restart;
        let goes_away = is_asking.then_some(self.pending.asked_at + QUESTION_TIMEOUT);
        self.pending.confirmed.as_ref().map(|confirmed| confirmed.due).or(goes_away)
    }

    fn forget_old_question(&mut self, now: Timestamp) {
        if self.pending.confirmed.is_none() && now >= self.pending.asked_at + QUESTION_TIMEOUT {
            self.pending.forget();
        }
    }

    fn end_with(&mut self, effect: Effect) -> Effect {
        self.pending.forget();
        self.pending.ending = matches!(effect, Effect::Restart | Effect::Quit);
        effect
    }

    /// Asks whether to restart, because all variables are lost.
    fn ask_to_restart(&mut self, now: Timestamp) -> Option<Effect> {
        self.pending.restart = !self.pending.ending;
        self.pending.asked_at = now;
        None
    }

    /// Quits; where something would be lost that somebody may want to keep, at the second request.
    pub(in crate::tui) fn quit(&mut self, confirmed_by: Option<KeyEvent>, now: Timestamp) -> Option<Effect> {
        if self.pending.ending {
            return None;
        }
        if let Some(key) = confirmed_by {
            return self.confirmed(Effect::Quit, key, now);
        }
        let loses_nothing = self.info.is_demo || self.goes_on() || self.transcript.losses().is_empty();
        if loses_nothing && !self.composer.pace.is_burst() {
            return Some(self.end_with(Effect::Quit));
        }
        self.pending.quit = true;
        self.pending.asked_at = now;
        None
    }

    /// Whether the session goes on when the dashboard is closed now.
    pub(in crate::tui) fn goes_on(&self) -> bool {
        self.leaving.goes_on(&self.transcript)
    }

    /// Quits because the person wrote `exit` or `quit`, for the second time where something would be lost.
    pub(in crate::tui) fn quit_by_word(&mut self, now: Timestamp) -> Option<Effect> {
        let was_asked = self.pending.asked_for_word && now < self.pending.asked_at + WORD_TIMEOUT;
        if was_asked && !self.pending.ending && !self.composer.pace.is_burst() {
            return Some(self.end_with(Effect::Quit));
        }
        self.pending.asked_for_word = true;
        self.quit(None, now)
    }

    /// Whether quitting would lose a draft, or end the work of clients.
    pub(in crate::tui) fn loses_more_than_variables(&self) -> bool {
        !self.composer.editor.is_empty() || !self.transcript.clients().is_empty()
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
