//! Control sequences (CSI) and short sequences (SS3) of the terminal: keys, the mouse, the focus. Every other sequence
//! is an answer or a report that nobody waits for, and stands for nothing.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::layouts::latin_key;
use super::mouse;

/// The parts of a control sequence between `CSI` and its final byte.
struct Parameters<'a>(Vec<Vec<Option<&'a str>>>);

impl<'a> Parameters<'a> {
    fn of(text: &'a str) -> Self {
        let part = |part: &'a str| part.split(':').map(|number| Some(number).filter(|n| !n.is_empty())).collect();
        Self(text.split(';').map(part).collect())
    }

    fn number(&self, index: usize, part: usize) -> Option<u32> {
        self.0.get(index)?.get(part)?.as_ref()?.parse().ok()
    }

    /// The modifiers of a key, and whether it was pressed, repeated or released.
    fn modifiers(&self) -> (KeyModifiers, KeyEventKind) {
        let kind = match self.number(1, 1) {
            Some(2) => KeyEventKind::Repeat,
            Some(3) => KeyEventKind::Release,
            _ => KeyEventKind::Press,
        };
        (modifiers(self.number(1, 0).unwrap_or(1)), kind)
    }
}

fn modifiers(mask: u32) -> KeyModifiers {
    let mask = mask.saturating_sub(1);
    let known = [
        (1, KeyModifiers::SHIFT),
        (2, KeyModifiers::ALT),
        (4, KeyModifiers::CONTROL),
        (8, KeyModifiers::SUPER),
        (16, KeyModifiers::HYPER),
        (32, KeyModifiers::META),
    ];
    known.into_iter().filter(|(bit, _)| mask & bit != 0).map(|(_, modifier)| modifier).collect()
}

/// Returns the event of a control sequence; `body` is all between `CSI` and the final byte.
pub fn control_sequence(body: &[u8], last: u8) -> Option<Event> {
    let text = std::str::from_utf8(body).ok()?;
    if let Some(text) = text.strip_prefix('<') {
        return mouse::sgr(text, last);
    }
    // A private marker or an intermediate byte makes it an answer: device attributes, modes, keyboard flags.
    if text.contains(|c: char| !c.is_ascii_digit() && c != ';' && c != ':') {
        return None;
    }
    let parameters = Parameters::of(text);
    let (modifiers, kind) = parameters.modifiers();
    let code = match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::F(1),
        b'Q' => KeyCode::F(2),
        // With parameters it is a cursor position report.
        b'R' if text.is_empty() => KeyCode::F(3),
        b'S' => KeyCode::F(4),
        b'Z' => return Some(Event::Key(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT))),
        b'I' if text.is_empty() => return Some(Event::FocusGained),
        b'O' if text.is_empty() => return Some(Event::FocusLost),
        b'M' => return mouse::rxvt(text),
        b'~' if parameters.number(0, 0) == Some(27) => return other_key(&parameters),
        b'~' => numbered(parameters.number(0, 0)?)?,
        b'u' => return unicode_key(&parameters),
        _ => return None,
    };
    Some(Event::Key(KeyEvent::new_with_kind(code, modifiers, kind)))
}

/// Returns the key of `CSI number ~`.
fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23..=26 => KeyCode::F(number as u8 - 12),
        28..=29 => KeyCode::F(number as u8 - 15),
        31..=34 => KeyCode::F(number as u8 - 17),
        _ => return None,
    })
}

/// Returns the key of `SS3 last`, which some terminals send for arrows, function keys and the keypad.
pub fn short_sequence(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'M' => KeyCode::Enter,
        b'P'..=b'S' => KeyCode::F(1 + last - b'P'),
        b'j'..=b'y' => KeyCode::Char((last - 0x40) as char),
        b'X' => KeyCode::Char('='),
        _ => return None,
    })
}

/// xterm's `CSI 27 ; modifiers ; code ~`.
fn other_key(parameters: &Parameters<'_>) -> Option<Event> {
    let (modifiers, kind) = parameters.modifiers();
    let (code, modifiers) = key(char::from_u32(parameters.number(2, 0)?)?, None, None, modifiers)?;
    Some(Event::Key(KeyEvent::new_with_kind(code, modifiers, kind)))
}

/// The kitty keyboard protocol's `CSI code:shifted:base ; modifiers:kind u`. `base` is the key of a Latin layout at the
/// same place.
fn unicode_key(parameters: &Parameters<'_>) -> Option<Event> {
    let number = parameters.number(0, 0)?;
    let (modifiers, kind) = parameters.modifiers();
    let other = |part| parameters.number(0, part).and_then(char::from_u32);
    let (code, modifiers) = match functional(number) {
        Some(code) => (code, modifiers),
        // The private area holds keys that do nothing here: locks, media keys, modifiers alone.
        None if (0xe000..=0xf8ff).contains(&number) => return None,
        None => key(char::from_u32(number)?, other(1), other(2), modifiers)?,
    };
    Some(Event::Key(KeyEvent::new_with_kind(code, modifiers, kind)))
}

fn key(
    c: char,
    shifted: Option<char>,
    base: Option<char>,
    mut modifiers: KeyModifiers,
) -> Option<(KeyCode, KeyModifiers)> {
    let code = match c {
        '\u{1b}' => KeyCode::Esc,
        '\r' => KeyCode::Enter,
        '\t' if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        '\t' => KeyCode::Tab,
        '\u{8}' | '\u{7f}' => KeyCode::Backspace,
        c if c.is_control() => return None,
        c if !modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
            let shifted = shifted.filter(|_| modifiers.contains(KeyModifiers::SHIFT));
            KeyCode::Char(shifted.unwrap_or(c))
        }
        c => {
            let latin = if c.is_ascii() { None } else { base.filter(char::is_ascii).or_else(|| latin_key(c)) };
            // Shift makes another sign of a key, but not another letter.
            match shifted.filter(|_| modifiers.contains(KeyModifiers::SHIFT) && latin.is_none() && !c.is_alphabetic()) {
                Some(sign) => {
                    modifiers -= KeyModifiers::SHIFT;
                    KeyCode::Char(sign)
                }
                None => KeyCode::Char(latin.unwrap_or(c)),
            }
        }
    };
    Some((code, modifiers))
}

/// Returns the key of a code in the private area.
fn functional(code: u32) -> Option<KeyCode> {
    const KEYPAD_SIGNS: [char; 5] = ['.', '/', '*', '-', '+'];
    const KEYPAD_KEYS: [KeyCode; 10] = [
        KeyCode::Left,
        KeyCode::Right,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::PageUp,
        KeyCode::PageDown,
        KeyCode::Home,
        KeyCode::End,
        KeyCode::Insert,
        KeyCode::Delete,
    ];
    Some(match code {
        57376..=57398 => KeyCode::F((code - 57376) as u8 + 13),
        57399..=57408 => KeyCode::Char(char::from(b'0' + (code - 57399) as u8)),
        57409..=57413 => KeyCode::Char(KEYPAD_SIGNS[(code - 57409) as usize]),
        57414 => KeyCode::Enter,
        57415 => KeyCode::Char('='),
        57416 => KeyCode::Char(','),
        57417..=57426 => KEYPAD_KEYS[(code - 57417) as usize],
        _ => return None,
    })
}
