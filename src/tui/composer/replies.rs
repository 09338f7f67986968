//! `Replies`: the replies to all open prompts and questions, one of them in front; and the guard against keys that were
//! meant for something else.
//!
//! A question that comes up over an empty input takes the keys after a moment without keys. In that moment text goes to
//! the input, and keys that would run, recall or quit have no effect, for they may have been meant as an answer. The
//! same holds after a question has gone by itself. Over an input in which something is written, a question waits for
//! Esc.

use super::reply::{Asks, Reply};
use crate::domain::Timestamp;

/// Milliseconds without a key before a question takes the keys.
const CALM: Timestamp = 1_000;
/// The same after a key that had no effect.
pub(super) const SHORT_CALM: Timestamp = 300;

#[derive(Debug, Default)]
pub struct Replies {
    /// The one in front first.
    pub(super) open: Vec<Reply>,
    /// Until then no question takes the keys by itself, and an empty input does not run, recall or quit.
    pub(super) calm_until: Timestamp,
    /// What is written was begun in an empty input in that time, perhaps as an answer.
    pub(super) is_doubtful: bool,
    /// The time of the last key or event.
    pub clock: Timestamp,
}

impl Replies {
    /// The reply in front.
    pub fn current(&self) -> Option<&Reply> {
        self.open.first()
    }

    pub fn current_mut(&mut self) -> Option<&mut Reply> {
        self.open.first_mut()
    }

    /// Removes the reply in front, because the person has answered or dropped it.
    pub fn take(&mut self, has_draft: bool) -> Option<Reply> {
        let reply = (!self.open.is_empty()).then(|| self.open.remove(0));
        self.show_first(has_draft);
        reply
    }

    /// Takes the requests that are open now, code first. `interrupted` says whether the person stopped the code that
    /// asked.
    pub fn follow(&mut self, asked: Vec<Asks>, expected: bool, interrupted: bool, has_draft: bool) {
        let is_asked = |reply: &Reply| asked.iter().any(|asks| asks.is(&reply.asks));
        let mut has_gone = false;
        for (index, reply) in self.open.iter_mut().enumerate() {
            if is_asked(reply) || reply.is_late {
                continue;
            }
            let was_stopped = interrupted && reply.inquiry().is_none();
            let had_keys = index == 0 && !was_stopped && reply.turned.unwrap_or(!has_draft);
            reply.is_late = had_keys && !reply.editor.is_empty();
            has_gone |= had_keys;
        }
        self.open.retain(|reply| is_asked(reply) || reply.is_late);
        for asks in asked {
            if self.open.iter().any(|reply| asks.is(&reply.asks)) {
                continue;
            }
            let comes_first = matches!(asks, Asks::Code { .. }) && !self.current().is_some_and(Reply::is_in_hand);
            let place = if comes_first { 0 } else { self.open.len() };
            self.open.insert(place, Reply::new(asks, expected && comes_first));
        }
        if has_gone {
            self.keep_calm(self.clock + CALM, has_draft);
        }
        self.show_first(has_draft);
    }

    /// Notes that the first reply can be seen from now on.
    fn show_first(&mut self, has_draft: bool) {
        let clock = self.clock;
        let Some(first) = self.open.first_mut().filter(|first| !first.was_shown) else { return };
        first.was_shown = true;
        if !first.is_own() && first.turned.is_none() {
            let until = clock.max(first.asks.at()) + CALM;
            self.keep_calm(until, has_draft);
        }
    }

    fn keep_calm(&mut self, until: Timestamp, has_draft: bool) {
        self.calm_until = self.calm_until.max(until);
        self.is_doubtful &= has_draft;
    }

    /// Keeps keys from the question in front for a moment: it was out of sight, or the person looked elsewhere.
    pub fn hold_back(&mut self, now: Timestamp) {
        if self.current().is_some_and(|reply| reply.turned.is_none() && !reply.is_own()) {
            self.calm_until = self.calm_until.max(now + CALM);
        }
    }

    /// Code has been run while a question waits: only the person turns to the question now.
    pub fn wait_for_the_person(&mut self) {
        if let Some(reply) = self.open.first_mut().filter(|reply| !reply.is_own()) {
            reply.turned.get_or_insert(false);
        }
    }

    /// Protects the input of a new process from keys that were meant for a question of the one before.
    pub fn after_restart(&mut self) {
        (self.calm_until, self.is_doubtful) = (self.clock + CALM, true);
    }

    /// When the reply in front takes the keys by itself, if that is still to come.
    pub fn opens_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.current().filter(|reply| reply.turned.is_none() && now < self.calm_until).map(|_| self.calm_until)
    }

    /// Turns to the reply in front, or away from it.
    pub fn turn(&mut self, to_reply: bool) {
        if let Some(reply) = self.open.first_mut() {
            reply.turned = Some(to_reply);
            (self.calm_until, self.is_doubtful) = (0, false);
        }
    }
}
