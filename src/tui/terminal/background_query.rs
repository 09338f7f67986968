//! The query for the terminal's background colour (OSC 11), sent whenever the screen is entered. Nothing waits for the
//! answer: it comes among the keys, early, late over a slow line, or never, and is filtered out of them.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use crate::tui::theme::Ground;

/// The query ends with BEL, because every terminal then ends its answer.
pub const QUERY: &[u8] = b"\x1b]11;?\x07";

/// The longest answer is about `11;rgba:ffff/ffff/ffff/ffff`.
const MAX_ANSWER_BYTES: usize = 32;
const PREFIXES: [&str; 2] = ["11;rgb:", "11;rgba:"];

/// Returns whether to send the query. Some terminals print unknown sequences, or send the answer to the wrong program.
pub fn answers(term: &str) -> bool {
    !matches!(term, "" | "dumb" | "linux" | "screen" | "Eterm")
        && !term.starts_with("screen.")
        && !term.starts_with("eterm")
}

/// Separates the answer from keys.
#[derive(Debug, Default)]
pub struct Reader {
    /// Events that may be the beginning of the answer.
    held: Vec<Event>,
    text: String,
}

/// The result of reading an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The person's own keys, in order.
    pub events: Vec<Event>,
    pub ground: Option<Ground>,
}

impl Reader {
    pub fn read(&mut self, event: Event) -> Read {
        let key = match &event {
            Event::Key(KeyEvent { code: KeyCode::Char(c), modifiers, .. }) => Some((*c, *modifiers)),
            Event::Key(KeyEvent { code: KeyCode::Esc, .. }) => Some(('\u{1b}', KeyModifiers::NONE)),
            _ => None,
        };
        let begins = key == Some((']', KeyModifiers::ALT));
        if self.held.is_empty() && !begins {
            return Read { events: vec![event], ground: None };
        }
        if begins && !self.held.is_empty() {
            let events = std::mem::take(&mut self.held);
            self.text.clear();
            self.held.push(event);
            return Read { events, ground: None };
        }
        self.held.push(event);
        if begins {
            return Read::default();
        }
        // The end is BEL or ESC \, which arrives as one key or as two.
        let is_end = matches!(key, Some(('g', KeyModifiers::CONTROL) | ('\\', KeyModifiers::ALT)))
            || (self.text.ends_with('\u{1b}') && key == Some(('\\', KeyModifiers::NONE)));
        if is_end {
            let ground = ground(self.text.trim_end_matches('\u{1b}'));
            self.text.clear();
            let held = std::mem::take(&mut self.held);
            return Read { events: if ground.is_some() { Vec::new() } else { held }, ground };
        }
        if let Some((c, modifiers)) = key
            && modifiers.difference(KeyModifiers::SHIFT).is_empty()
        {
            self.text.push(c);
            if self.may_go_on() {
                return Read::default();
            }
        }
        self.text.clear();
        Read { events: std::mem::take(&mut self.held), ground: None }
    }

    fn may_go_on(&self) -> bool {
        let text = self.text.trim_end_matches('\u{1b}');
        let is_answer = |head: &str| {
            let rest = text.strip_prefix(head);
            head.starts_with(text) || rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_hexdigit() || c == '/'))
        };
        self.text.len() <= MAX_ANSWER_BYTES && PREFIXES.into_iter().any(is_answer)
    }
}

/// Parses `11;rgb:` and three parts of one to four hexadecimal digits.
fn ground(text: &str) -> Option<Ground> {
    let colour = PREFIXES.iter().find_map(|head| text.strip_prefix(head))?;
    let part = |text: &str| {
        let max_value = 16_u32.checked_pow(text.len() as u32)? - 1;
        Some(u32::from_str_radix(text, 16).ok()? as f32 / max_value as f32)
    };
    let parts: Vec<f32> =
        colour.split('/').map(|text| part(text).filter(|_| (1..=4).contains(&text.len()))).collect::<Option<_>>()?;
    match parts[..] {
        [red, green, blue] | [red, green, blue, _] => Some(Ground::of(red, green, blue)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events as crossterm makes them: the key after ESC has Alt.
    fn keys(bytes: &str) -> Vec<Event> {
        let mut alt = KeyModifiers::NONE;
        let mut events = Vec::new();
        for c in bytes.chars() {
            let (code, modifiers) = match c {
                '\u{1b}' => {
                    alt = KeyModifiers::ALT;
                    continue;
                }
                '\u{7}' => (KeyCode::Char('g'), KeyModifiers::CONTROL),
                c => (KeyCode::Char(c), std::mem::replace(&mut alt, KeyModifiers::NONE)),
            };
            events.push(Event::Key(KeyEvent::new(code, modifiers)));
        }
        events
    }

    fn read(events: Vec<Event>) -> (Vec<Event>, Option<Ground>) {
        let mut reader = Reader::default();
        let (mut pressed, mut ground) = (Vec::new(), None);
        for event in events {
            let read = reader.read(event);
            pressed.extend(read.events);
            ground = read.ground.or(ground);
        }
        assert!(reader.held.is_empty(), "a key is held back");
        (pressed, ground)
    }

    #[test]
    fn the_answer_is_taken_out_of_the_keys() {
        for (answer, ground) in [
            ("\u{1b}]11;rgb:ffff/ffff/ffff\u{7}", Ground::Light),
            ("\u{1b}]11;rgb:FDFD/F6F6/E3E3\u{1b}\\", Ground::Light),
            ("\u{1b}]11;rgb:00/2b/36\u{7}", Ground::Dark),
            ("\u{1b}]11;rgba:0000/0000/0000/ffff\u{1b}\\", Ground::Dark),
            ("\u{1b}]11;rgb:f/f/f\u{7}", Ground::Light),
        ] {
            let typed = read(keys(&format!("ab{answer}cd")));
            assert_eq!(typed, (keys("abcd"), Some(ground)), "{answer:?}");
        }
        let mut late: Vec<Event> = keys("\u{1b}]11;rgb:ffff/ffff/ffff");
        late.extend([Event::Key(KeyCode::Esc.into()), Event::Key(KeyCode::Char('\\').into())]);
        assert_eq!(read(late), (Vec::new(), Some(Ground::Light)), "an end that came in two reads");
    }

    #[test]
    fn what_a_person_presses_is_never_lost() {
        for typed in [
            "\u{1b}]x",
            "\u{1b}]11;rgbx",
            "\u{1b}]12;",
            "\u{1b}]\u{1b}]a",
            "\u{1b}]11;rgb:ff\u{7}",
            "\u{1b}]11;rgb:fffff/0/0\u{7}",
        ] {
            assert_eq!(read(keys(typed)), (keys(typed), None), "{typed:?}");
        }
        let paste = Event::Paste("]11;rgb:".to_owned());
        assert_eq!(read(vec![paste.clone()]), (vec![paste], None));
    }
}
