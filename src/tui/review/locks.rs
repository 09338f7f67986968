//! Locks on variables: locking by a command in the input or by a key in the list.

use std::sync::Arc;

use crate::domain::GateChange;
use crate::session::as_python_reads;
use crate::tui::input::effect::Effect;
use crate::tui::view::View;

/// What `/lock NAME` or `/unlock NAME` asks for. No Python code begins like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LockCommand<'a> {
    Lock(&'a str),
    Unlock(&'a str),
}

/// Returns the command of a line; `None` for code.
fn lock_command(code: &str) -> Option<LockCommand<'_>> {
    let (word, name) = code.trim().split_once(char::is_whitespace).unwrap_or((code.trim(), ""));
    match word {
        "/lock" => Some(LockCommand::Lock(name.trim())),
        "/unlock" => Some(LockCommand::Unlock(name.trim())),
        _ => None,
    }
}

fn is_identifier(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_') && name.chars().next().is_some_and(|c| !c.is_numeric())
}

impl View {
    pub fn is_locked(&self, name: &str) -> bool {
        self.transcript.gate().locked.contains(name)
    }

    /// Carries out `/lock NAME` and `/unlock NAME`; `None` for code.
    pub(in crate::tui) fn lock_by_command(&mut self, code: &str) -> Option<Option<Effect>> {
        let command = lock_command(code)?;
        let (LockCommand::Lock(name) | LockCommand::Unlock(name)) = command;
        if !is_identifier(name) {
            let locked = self.transcript.gate().locked.iter().cloned().collect::<Vec<Arc<str>>>().join(", ");
            let locked = if locked.is_empty() { "nothing is".to_owned() } else { locked };
            self.notice = Some(format!("/lock NAME locks a variable, /unlock NAME unlocks it; locked: {locked}"));
            return Some(None);
        }
        let change = if matches!(command, LockCommand::Lock(_)) { GateChange::Lock } else { GateChange::Unlock };
        Some(Some(self.set_lock(&as_python_reads(name), change)))
    }

    /// Locks a variable of the list, or unlocks it.
    pub(in crate::tui) fn toggle_lock(&mut self, name: &str) -> Option<Effect> {
        let is_locked = self.is_locked(name);
        if is_locked && self.composer.pace.is_burst() {
            self.notice = Some("too soon to unlock; nothing was done".to_owned());
            return None;
        }
        Some(self.set_lock(name, if is_locked { GateChange::Unlock } else { GateChange::Lock }))
    }

    fn set_lock(&mut self, name: &str, change: fn(Arc<str>) -> GateChange) -> Effect {
        let change = change(name.into());
        let is_known = self.transcript.variables().rows.iter().any(|row| row.name == name);
        self.notice = Some(match change {
            GateChange::Lock(_) if !is_known => format!("{name} is locked; the list has no such variable so far"),
            GateChange::Lock(_) => format!("{name} is locked: code of clients that would rebind it waits for you"),
            _ => format!("{name} is no longer locked"),
        });
        Effect::ChangeGate(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_with_the_word_is_a_command() {
        assert_eq!(lock_command(" /lock  df "), Some(LockCommand::Lock("df")));
        assert_eq!(lock_command("/unlock df"), Some(LockCommand::Unlock("df")));
        assert_eq!(lock_command("/lock"), Some(LockCommand::Lock("")));
        for code in ["x = 1", "/locks df", "a /lock b", "lock(df)"] {
            assert_eq!(lock_command(code), None, "{code}");
        }
        assert!(is_identifier("größe_2") && !is_identifier("2x") && !is_identifier("a.b") && !is_identifier(""));
    }
}
