//! Taking over: one key lets no code of clients begin, whatever is open, and a second press stops what a client runs.
//! Only another key gives the session back, so that hasty presses never let code run.

use crate::domain::{GateChange, Timestamp};
use crate::tui::input::effect::Effect;
use crate::tui::input::keymap::Action;
use crate::tui::view::View;

impl View {
    pub fn has_taken_over(&self) -> bool {
        self.transcript.gate().takeover.is_some()
    }

    pub(in crate::tui) fn take_over(&mut self, now: Timestamp) -> Option<Effect> {
        self.pending.forget();
        if !self.has_taken_over() {
            self.notice = Some("a comment line tells the clients why".to_owned());
            return Some(Effect::ChangeGate(GateChange::TakeOver));
        }
        let Some(running) = self.transcript.running() else {
            let give_back = self.keys.key_hint(Action::GiveBack);
            self.notice = Some(format!("you have taken over, and nothing runs; {give_back} gives back"));
            return None;
        };
        if running.author.is_you() {
            let interrupt = self.keys.key_hint(Action::Interrupt);
            self.notice = Some(format!("{} is your own code; {interrupt} interrupts it", running.id));
            return None;
        }
        self.notice = None;
        self.pending.interrupt = Some((running.id, now));
        Some(Effect::StopForTakeover(running.id))
    }

    /// Gives back. A burst of keys does not.
    pub(in crate::tui) fn give_back(&mut self) -> Option<Effect> {
        let refused = if self.composer.pace.is_burst() {
            "too soon to give back; nothing was done"
        } else if !self.has_taken_over() {
            "you have not taken over; there is nothing to give back"
        } else {
            self.notice = None;
            return Some(Effect::ChangeGate(GateChange::GiveBack));
        };
        self.notice = Some(refused.to_owned());
        None
    }
}
