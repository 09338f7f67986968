//! The decoder of what the terminal sends: bytes become keys, pastes and mouse events. crossterm's own parser takes
//! answers of the terminal apart into keys, waits for ever for the end of some, and knows neither other keyboard
//! layouts nor a paste without brackets.

mod layouts;
mod mouse;
mod sequence;

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use self::layouts::latin_key;
use self::sequence::{control_sequence, short_sequence};
use super::background_query;
use crate::tui::theme::Ground;

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const PASTE_END: &[u8] = b"\x1b[201~";

/// How long the next byte of a sequence may take before its beginning counts as a key.
const KEY_TIMEOUT: Duration = Duration::from_millis(30);
/// How long the rest of a key's or an answer's sequence may take, on a slow line.
const SEQUENCE_TIMEOUT: Duration = Duration::from_secs(1);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the next piece of a paste without brackets may take.
const PASTE_TIMEOUT: Duration = Duration::from_millis(20);
/// Text of so many bytes that comes at once, and no line end yet, was pasted.
const MIN_PASTE_BYTES: usize = 512;
/// Bytes of an answer that are kept; more of it is only skipped.
const MAX_ANSWER_BYTES: usize = 4_096;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    Event(Event),
    /// The answer about the background colour.
    Ground(Ground),
}

#[derive(Debug, Default)]
pub struct Decoder {
    mode: DecoderMode,
    /// Bytes that are not decoded yet, or the text of a paste.
    pending: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DecoderMode {
    #[default]
    Keys,
    /// Between the brackets of a paste.
    Paste,
    /// Text that came at once, without brackets.
    Burst,
    /// In an answer that is too long to keep.
    Answer,
}

/// The result of decoding the beginning of the pending bytes.
enum Step {
    /// So many bytes stand for this.
    Take(usize, Option<Input>),
    /// A paste begins after so many bytes.
    Paste(usize),
    /// The rest has not come yet.
    Wait(Duration),
}

impl Decoder {
    /// Decodes the bytes of one read.
    pub fn feed(&mut self, bytes: &[u8], out: &mut impl Extend<Input>) {
        match self.mode {
            DecoderMode::Burst if is_text(bytes) => return self.pending.extend_from_slice(bytes),
            DecoderMode::Burst => self.end_paste(self.pending.len(), 0, out),
            DecoderMode::Keys if self.pending.is_empty() && is_unbracketed_paste(bytes) => {
                self.mode = DecoderMode::Burst;
                return self.pending.extend_from_slice(bytes);
            }
            DecoderMode::Keys | DecoderMode::Paste | DecoderMode::Answer => {}
        }
        let old = self.pending.len();
        self.pending.extend_from_slice(bytes);
        if self.mode == DecoderMode::Paste {
            // The end may have come in two reads.
            let from = old.saturating_sub(PASTE_END.len() - 1);
            let Some(end) = find(&self.pending[from..], PASTE_END) else { return };
            self.end_paste(from + end, PASTE_END.len(), out);
        }
        self.decode(out);
    }

    /// Returns how long the pending bytes may wait for more; `None` if nothing waits, or the end of a paste must come.
    pub fn patience(&self) -> Option<Duration> {
        match self.mode {
            DecoderMode::Paste => None,
            DecoderMode::Burst => Some(PASTE_TIMEOUT),
            DecoderMode::Answer => Some(ANSWER_TIMEOUT),
            DecoderMode::Keys => match self.step() {
                Step::Wait(patience) => Some(patience),
                Step::Take(..) | Step::Paste(_) => None,
            },
        }
    }

    /// Settles the pending bytes, because no more came in time.
    pub fn expire(&mut self, out: &mut impl Extend<Input>) {
        match self.mode {
            DecoderMode::Paste => {}
            DecoderMode::Burst => self.end_paste(self.pending.len(), 0, out),
            DecoderMode::Answer => {
                self.mode = DecoderMode::Keys;
                self.pending.clear();
            }
            DecoderMode::Keys => {
                match self.pending.as_slice() {
                    [ESC] => out.extend([plain_key(KeyCode::Esc)]),
                    [ESC, key] => out.extend([alt(*key as char)]),
                    _ => {}
                }
                self.pending.clear();
            }
        }
    }

    fn decode(&mut self, out: &mut impl Extend<Input>) {
        while !self.pending.is_empty() {
            if self.mode == DecoderMode::Answer {
                match answer_end(&self.pending) {
                    AnswerEnd::After { rest, .. } | AnswerEnd::Broken(rest) => {
                        self.mode = DecoderMode::Keys;
                        self.pending.drain(..rest);
                    }
                    AnswerEnd::Open => return self.skip_answer(),
                }
                continue;
            }
            match self.step() {
                Step::Take(count, input) => {
                    out.extend(input);
                    self.pending.drain(..count);
                }
                Step::Paste(count) => {
                    self.pending.drain(..count);
                    self.mode = DecoderMode::Paste;
                    let Some(end) = find(&self.pending, PASTE_END) else { return };
                    self.end_paste(end, PASTE_END.len(), out);
                }
                Step::Wait(_) if self.pending.len() > MAX_ANSWER_BYTES => return self.skip_answer(),
                Step::Wait(_) => return,
            }
        }
    }

    /// Skips the pending part of an answer, and its rest when that comes.
    fn skip_answer(&mut self) {
        self.mode = DecoderMode::Answer;
        // An ESC may be half of the end.
        let keeps = usize::from(self.pending.ends_with(&[ESC]));
        self.pending.drain(..self.pending.len() - keeps);
    }

    /// Emits the pending text up to `end` as a paste, and skips its end mark.
    fn end_paste(&mut self, end: usize, mark: usize, out: &mut impl Extend<Input>) {
        self.mode = DecoderMode::Keys;
        let text = String::from_utf8_lossy(&self.pending[..end]).into_owned();
        out.extend([Input::Event(Event::Paste(text))]);
        self.pending.drain(..end + mark);
    }

    fn step(&self) -> Step {
        match self.pending.as_slice() {
            [] => Step::Take(0, None),
            [ESC] | [ESC, b'O'] => Step::Wait(KEY_TIMEOUT),
            [ESC, b'[', rest @ ..] => control(rest),
            [ESC, b'O', last, ..] if short_sequence(*last).is_some() => {
                Step::Take(3, short_sequence(*last).map(plain_key))
            }
            [ESC, introducer @ (b']' | b'P' | b'_'), rest @ ..] => answer(*introducer, rest),
            // The first of them is a key of its own.
            [ESC, ESC, ..] => Step::Take(1, Some(plain_key(KeyCode::Esc))),
            [ESC, rest @ ..] => match character(rest) {
                Step::Take(count, Some(Input::Event(Event::Key(key)))) => {
                    Step::Take(1 + count, Some(Input::Event(Event::Key(with_alt(key)))))
                }
                Step::Take(count, _) => Step::Take(1 + count, None),
                wait => wait,
            },
            text => character(text),
        }
    }
}

/// Decodes what follows `CSI`.
fn control(rest: &[u8]) -> Step {
    const INTRODUCER: usize = 2;
    let length = rest.iter().take_while(|byte| matches!(byte, b' '..=b'?')).count();
    let (body, rest) = rest.split_at(length);
    match (body, rest) {
        ([], []) => Step::Wait(KEY_TIMEOUT),
        // The console of Linux.
        ([], [b'[', key @ b'A'..=b'E', ..]) => Step::Take(INTRODUCER + 2, Some(plain_key(KeyCode::F(1 + key - b'A')))),
        ([], [b'M', button, column, row, ..]) => {
            Step::Take(INTRODUCER + 4, mouse::x10([*button, *column, *row]).map(Input::Event))
        }
        ([], [b'['] | [b'M', ..]) => Step::Wait(SEQUENCE_TIMEOUT),
        // Nobody types parameters: the rest is on its way, however late.
        (_, []) => Step::Wait(ANSWER_TIMEOUT),
        (b"200", [b'~', ..]) => Step::Paste(INTRODUCER + 4),
        (body, [last @ b'@'..=b'~', ..]) => {
            Step::Take(INTRODUCER + length + 1, control_sequence(body, *last).map(Input::Event))
        }
        // A control character cannot be within a sequence; the sequence was cut off.
        _ => Step::Take(INTRODUCER + length, None),
    }
}

/// Decodes what follows OSC, DCS or APC: an answer, or the key with Alt whose bytes begin the same way.
fn answer(introducer: u8, rest: &[u8]) -> Step {
    let may_be_answer = |first: u8| match introducer {
        b']' => first.is_ascii_digit() || matches!(first, b'l' | b'L' | b'I'),
        b'P' => first.is_ascii_digit() || matches!(first, b'>' | b'!' | b'$' | b'+'),
        _ => first == b'G',
    };
    let key = Step::Take(2, Some(alt(introducer as char)));
    match rest.first() {
        None => Step::Wait(KEY_TIMEOUT),
        Some(first) if !may_be_answer(*first) => key,
        Some(_) => match answer_end(rest) {
            AnswerEnd::Open => Step::Wait(ANSWER_TIMEOUT),
            // A person who goes on typing sends keys that no answer has.
            AnswerEnd::Broken(end) if end < 4 => key,
            AnswerEnd::Broken(end) => Step::Take(2 + end, None),
            AnswerEnd::After { text, rest: end } => {
                let text = std::str::from_utf8(&rest[..text]).unwrap_or_default();
                let ground = if introducer == b']' { background_query::ground(text) } else { None };
                Step::Take(2 + end, ground.map(Input::Ground))
            }
        },
    }
}

enum AnswerEnd {
    /// The text has so many bytes, and with the end mark it has `rest` bytes.
    After {
        text: usize,
        rest: usize,
    },
    /// A byte at this place cannot be within an answer.
    Broken(usize),
    Open,
}

fn answer_end(bytes: &[u8]) -> AnswerEnd {
    let Some(at) = bytes.iter().position(|byte| *byte < b' ') else { return AnswerEnd::Open };
    match bytes[at..] {
        [BEL, ..] => AnswerEnd::After { text: at, rest: at + 1 },
        [ESC, b'\\', ..] => AnswerEnd::After { text: at, rest: at + 2 },
        [ESC] => AnswerEnd::Open,
        _ => AnswerEnd::Broken(at),
    }
}

/// Decodes a key that is one character.
fn character(bytes: &[u8]) -> Step {
    let Some(first) = bytes.first() else { return Step::Take(0, None) };
    let control = |c: u8| Input::Event(Event::Key(KeyEvent::new(KeyCode::Char(c as char), KeyModifiers::CONTROL)));
    let key = match *first {
        b'\r' => plain_key(KeyCode::Enter),
        b'\t' => plain_key(KeyCode::Tab),
        0x7f => plain_key(KeyCode::Backspace),
        0 => control(b' '),
        c @ 0x01..=0x1a => control(c - 1 + b'a'),
        c @ 0x1c..=0x1f => control(c - 0x1c + b'4'),
        c => {
            let length = match c {
                0xc2..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0..=0xf4 => 4,
                _ => 1,
            };
            let bytes = &bytes[..length.min(bytes.len())];
            return match std::str::from_utf8(bytes) {
                Ok(text) => Step::Take(length, text.chars().next().map(typed)),
                // `None`: the bytes so far begin a character.
                Err(error) if error.error_len().is_none() => Step::Wait(SEQUENCE_TIMEOUT),
                Err(_) => Step::Take(1, None),
            };
        }
    };
    Step::Take(1, Some(key))
}

fn typed(c: char) -> Input {
    let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    Input::Event(Event::Key(KeyEvent::new(KeyCode::Char(c), shift)))
}

fn plain_key(code: KeyCode) -> Input {
    Input::Event(Event::Key(code.into()))
}

fn alt(c: char) -> Input {
    match typed(c) {
        Input::Event(Event::Key(key)) => Input::Event(Event::Key(with_alt(key))),
        other => other,
    }
}

fn with_alt(mut key: KeyEvent) -> KeyEvent {
    key.modifiers |= KeyModifiers::ALT;
    if let KeyCode::Char(c) = key.code
        && let Some(latin) = latin_key(c)
    {
        key.code = KeyCode::Char(latin);
    }
    key
}

/// Returns whether the bytes are text as it can be pasted.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..))
}

/// Returns whether the bytes of one read are a paste: several lines, or the beginning of a long one. A single line with
/// its end is what a person typed while the dashboard was busy.
fn is_unbracketed_paste(bytes: &[u8]) -> bool {
    let is_blank = |line: &[u8]| line.iter().all(u8::is_ascii_whitespace);
    let mut lines = bytes.split(|byte| matches!(byte, b'\r' | b'\n'));
    let first = lines.next().unwrap_or_default();
    let is_long = first.len() == bytes.len() && bytes.len() >= MIN_PASTE_BYTES;
    is_text(bytes) && (is_long || !is_blank(first) && !lines.all(is_blank))
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
