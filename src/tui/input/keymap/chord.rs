//! A key with its modifiers, converted from text and from terminal events.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A chord has one form, whatever the terminal sends: letters have their case and no Shift, unless Ctrl or Alt is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMES: &[(&str, KeyCode, &str)] = &[
    ("enter", KeyCode::Enter, "Enter"),
    ("tab", KeyCode::Tab, "Tab"),
    ("esc", KeyCode::Esc, "Esc"),
    ("space", KeyCode::Char(' '), "Space"),
    ("backspace", KeyCode::Backspace, "Backspace"),
    ("delete", KeyCode::Delete, "Delete"),
    ("insert", KeyCode::Insert, "Insert"),
    ("home", KeyCode::Home, "Home"),
    ("end", KeyCode::End, "End"),
    ("pageup", KeyCode::PageUp, "PageUp"),
    ("pagedown", KeyCode::PageDown, "PageDown"),
    ("up", KeyCode::Up, "Up"),
    ("down", KeyCode::Down, "Down"),
    ("left", KeyCode::Left, "Left"),
    ("right", KeyCode::Right, "Right"),
    // Aliases.
    ("return", KeyCode::Enter, ""),
    ("escape", KeyCode::Esc, ""),
    ("del", KeyCode::Delete, ""),
    ("minus", KeyCode::Char('-'), ""),
    ("page-up", KeyCode::PageUp, ""),
    ("page-down", KeyCode::PageDown, ""),
];

const MODIFIERS: &[(&str, KeyModifiers, &str)] = &[
    ("ctrl", KeyModifiers::CONTROL, "Ctrl-"),
    ("alt", KeyModifiers::ALT, "Alt-"),
    ("shift", KeyModifiers::SHIFT, "Shift-"),
    ("control", KeyModifiers::CONTROL, ""),
    ("meta", KeyModifiers::ALT, ""),
    ("option", KeyModifiers::ALT, ""),
    ("c", KeyModifiers::CONTROL, ""),
    ("m", KeyModifiers::ALT, ""),
    ("a", KeyModifiers::ALT, ""),
    ("s", KeyModifiers::SHIFT, ""),
];

/// Some terminals report more function keys than the twelve of most keyboards.
const LAST_FUNCTION_KEY: u8 = 24;

impl Chord {
    fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let modifiers = modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let (code, modifiers) = match code {
            KeyCode::BackTab => (KeyCode::Tab, modifiers | KeyModifiers::SHIFT),
            // Most terminals send the same code for these three.
            KeyCode::Char('7' | '_' | '/') if modifiers.contains(KeyModifiers::CONTROL) => {
                (KeyCode::Char('_'), modifiers - KeyModifiers::SHIFT)
            }
            KeyCode::Char(c) if modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                (KeyCode::Char(c.to_ascii_lowercase()), modifiers)
            }
            KeyCode::Char(c) if modifiers.contains(KeyModifiers::SHIFT) && c != ' ' => {
                (KeyCode::Char(c.to_ascii_uppercase()), modifiers - KeyModifiers::SHIFT)
            }
            code => (code, modifiers),
        };
        Self { code, modifiers }
    }

    /// The event of pressing this key.
    pub fn event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    /// Returns whether the key types a character.
    pub fn is_text(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && !self.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
    }

    /// The shortest form, for hints.
    pub fn short(self) -> String {
        let arrow = match self.code {
            KeyCode::Up => "↑",
            KeyCode::Down => "↓",
            KeyCode::Left => "←",
            KeyCode::Right => "→",
            _ => return self.to_string(),
        };
        if self.modifiers.is_empty() { arrow.to_owned() } else { self.to_string() }
    }

    /// All names of keys, for suggestions after a typing error.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, ..)| *name)
    }
}

impl From<KeyEvent> for Chord {
    fn from(key: KeyEvent) -> Self {
        Self::new(key.code, key.modifiers)
    }
}

impl FromStr for Chord {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        while let Some((first, more)) =
            rest.split_once('-').filter(|(first, more)| !first.is_empty() && !more.is_empty())
        {
            let Some((_, modifier, _)) = MODIFIERS.iter().find(|(name, ..)| first.eq_ignore_ascii_case(name)) else {
                break;
            };
            modifiers |= *modifier;
            rest = more;
        }
        let named = NAMES.iter().find(|(name, ..)| rest.eq_ignore_ascii_case(name)).map(|(_, code, _)| *code);
        let mut chars = rest.chars();
        let single = chars.next().filter(|c| chars.next().is_none() && !c.is_control() && *c != ' ').map(KeyCode::Char);
        let number = rest.strip_prefix(['f', 'F']).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        let function = number.and_then(|number| number.parse().ok());
        let function = function.filter(|number| (1..=LAST_FUNCTION_KEY).contains(number)).map(KeyCode::F);
        Ok(Self::new(named.or(single).or(function).ok_or(())?, modifiers))
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (_, modifier, shown) in MODIFIERS {
            if !shown.is_empty() && self.modifiers.contains(*modifier) {
                f.write_str(shown)?;
            }
        }
        match (self.code, NAMES.iter().find(|(_, code, shown)| *code == self.code && !shown.is_empty())) {
            (_, Some((.., shown))) => f.write_str(shown),
            (KeyCode::F(number), _) => write!(f, "F{number}"),
            (KeyCode::Char(c), _) if self.is_text() => write!(f, "{c}"),
            (KeyCode::Char(c), _) => write!(f, "{}", c.to_uppercase()),
            (other, _) => write!(f, "{other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: KeyModifiers = KeyModifiers::NONE;
    const CTRL: KeyModifiers = KeyModifiers::CONTROL;
    const ALT: KeyModifiers = KeyModifiers::ALT;
    const SHIFT: KeyModifiers = KeyModifiers::SHIFT;

    #[test]
    fn text_and_events_meet() {
        for (text, code, modifiers, shown) in [
            ("enter", KeyCode::Enter, NONE, "Enter"),
            ("ctrl-r", KeyCode::Char('r'), CTRL, "Ctrl-R"),
            ("Ctrl-R", KeyCode::Char('R'), CTRL, "Ctrl-R"),
            ("C-x", KeyCode::Char('x'), CTRL, "Ctrl-X"),
            ("alt-shift-x", KeyCode::Char('X'), ALT | SHIFT, "Alt-Shift-X"),
            ("shift-tab", KeyCode::BackTab, SHIFT, "Shift-Tab"),
            ("G", KeyCode::Char('G'), SHIFT, "G"),
            ("G", KeyCode::Char('g'), SHIFT, "G"),
            ("G", KeyCode::Char('G'), NONE, "G"),
            ("shift-g", KeyCode::Char('G'), SHIFT, "G"),
            (":", KeyCode::Char(':'), SHIFT, ":"),
            ("-", KeyCode::Char('-'), NONE, "-"),
            ("ctrl--", KeyCode::Char('-'), CTRL, "Ctrl--"),
            ("ctrl-_", KeyCode::Char('7'), CTRL, "Ctrl-_"),
            ("alt-f12", KeyCode::F(12), ALT, "Alt-F12"),
            ("space", KeyCode::Char(' '), NONE, "Space"),
            ("ctrl-space", KeyCode::Char(' '), CTRL, "Ctrl-Space"),
            ("f", KeyCode::Char('f'), NONE, "f"),
            ("ß", KeyCode::Char('ß'), NONE, "ß"),
        ] {
            let chord: Chord = text.parse().unwrap_or_else(|()| panic!("{text}"));
            assert_eq!(chord, KeyEvent::new(code, modifiers).into(), "{text}");
            assert_eq!(chord.to_string(), shown);
            assert_eq!(shown.parse(), Ok(chord), "a shown chord can be written in the settings");
        }
        for wrong in
            ["", "contrl-r", "ctrl", "ctrl-", "f0", "f25", "f+1", "enter-ctrl", "ctrl-ab", " ", "\u{1b}", "up "]
        {
            assert_eq!(wrong.parse::<Chord>(), Err(()), "{wrong:?}");
        }
    }
}
