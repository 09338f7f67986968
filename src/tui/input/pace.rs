//! The pace of keys. A burst of keys that no hand types, such as line noise, a stuck key or a paste without brackets,
//! must not confirm, answer or decline anything.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::keymap::stands_for_action;
use crate::domain::Timestamp;

/// Keys that follow one another faster come from no hand, in milliseconds.
const MIN_GAP: Timestamp = 40;
/// So many fast control keys within this time are a burst. A program that drives the terminal sends fewer.
const BURST_KEYS: usize = 4;
const BURST_TIME: Timestamp = 1_000;

/// A key that is held down comes again within this time at first, in milliseconds.
const FIRST_REPEAT: Timestamp = 700;
/// The same for each time after that.
const REPEAT: Timestamp = 150;

/// The times of keys, in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    last: Timestamp,
    /// A key that has answered or declined. Until that time it does nothing more, for it may be held down.
    spent: Option<(KeyCode, KeyModifiers, Timestamp)>,
    /// The last control keys that came fast, the newest first.
    fast: [Timestamp; BURST_KEYS],
    is_burst: bool,
}

impl Pace {
    /// Takes a key. Text and arrows come fast from people and programs alike; control keys do not.
    pub fn on_key(&mut self, key: &KeyEvent, now: Timestamp) {
        if stands_for_action(key) {
            return;
        }
        // A key that is held down is no second request.
        let is_held = key.kind == KeyEventKind::Repeat && !is_writing(key);
        let oldest = self.fast[BURST_KEYS - 1];
        self.is_burst = is_held || (oldest > 0 && now.saturating_sub(oldest) < BURST_TIME);
        if is_held || (now.saturating_sub(self.last) < MIN_GAP && !is_writing(key)) {
            self.fast.rotate_right(1);
            self.fast[0] = now;
        }
        self.last = now;
    }

    /// Notes that a key has answered or declined.
    pub fn spend(&mut self, key: KeyEvent, now: Timestamp) {
        self.spent = Some((key.code, key.modifiers, now + FIRST_REPEAT));
    }

    /// Whether a key only repeats one that was spent.
    pub fn repeats_spent(&mut self, key: KeyEvent, now: Timestamp) -> bool {
        self.spent = self
            .spent
            .filter(|(code, modifiers, until)| (*code, *modifiers) == (key.code, key.modifiers) && now < *until)
            .map(|(code, modifiers, until)| (code, modifiers, until.max(now + REPEAT)));
        self.spent.is_some()
    }

    /// Takes other input, such as a paste or a click.
    pub fn on_input(&mut self, now: Timestamp) {
        self.last = now;
    }

    /// Whether the last key came in a burst.
    pub fn is_burst(&self) -> bool {
        self.is_burst
    }

    /// The next key comes after a rest.
    #[cfg(test)]
    pub fn rest(&mut self) {
        *self = Self::default();
    }
}

/// Whether the key writes or edits a text, or chooses from a list.
fn is_writing(key: &KeyEvent) -> bool {
    let modifiers = key.modifiers - KeyModifiers::SHIFT;
    match key.code {
        KeyCode::Char(c) if modifiers == KeyModifiers::CONTROL => !c.eq_ignore_ascii_case(&'d'),
        KeyCode::Char(_)
        | KeyCode::Backspace
        | KeyCode::Enter
        | KeyCode::Tab
        | KeyCode::Up
        | KeyCode::Down
        | KeyCode::Left
        | KeyCode::Right => modifiers.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the last of these keys, at these times, comes in a burst.
    fn is_burst(keys: &[(KeyCode, Timestamp)]) -> bool {
        let mut pace = Pace::default();
        for (code, at) in keys {
            pace.on_key(&KeyEvent::new(*code, KeyModifiers::NONE), 10_000 + at);
        }
        pace.is_burst()
    }

    #[test]
    fn a_key_that_is_held_down_is_spent_once() {
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        let mut pace = Pace::default();
        pace.spend(key(KeyCode::Enter), 1_000);
        for at in [1_450, 1_480, 1_510, 1_640, 1_780] {
            assert!(pace.repeats_spent(key(KeyCode::Enter), at), "{at}");
        }
        assert!(!pace.repeats_spent(key(KeyCode::Enter), 1_940), "it was let go");
        pace.spend(key(KeyCode::Enter), 3_000);
        assert!(!pace.repeats_spent(key(KeyCode::Char('y')), 3_050));
        assert!(!pace.repeats_spent(key(KeyCode::Enter), 3_100), "text came between");
    }

    #[test]
    fn only_several_fast_control_keys_make_a_burst() {
        let (f5, esc, enter, x) = (KeyCode::F(5), KeyCode::Esc, KeyCode::Enter, KeyCode::Char('x'));
        assert!(!is_burst(&[(f5, 0), (f5, 1), (f5, 2)]), "a key twice or three times is a request");
        let noise = [(x, 0), (f5, 20), (x, 30), (esc, 60), (f5, 70), (esc, 80), (f5, 90)];
        assert!(is_burst(&[noise.as_slice(), &[(enter, 100)]].concat()));
        assert!(!is_burst(&[(x, 0), (x, 0), (esc, 0), (x, 0), (KeyCode::Down, 0), (enter, 0)]), "a program types so");
        assert!(!is_burst(&[noise.as_slice(), &[(enter, 1_081)]].concat()), "it is over after a rest");
        let mut held = KeyEvent::new(f5, KeyModifiers::NONE);
        held.kind = KeyEventKind::Repeat;
        let mut pace = Pace::default();
        pace.on_key(&held, 10_000);
        assert!(pace.is_burst(), "a key that is held down is no request");
    }
}
