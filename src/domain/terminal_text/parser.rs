//! The parser of terminal text. It understands an escape sequence or skips it as a whole.

use super::invisible::is_control;

/// An operation of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalOp<'a> {
    Put(char),
    NewLine,
    Return,
    Back(usize),
    Forward(usize),
    Up(usize),
    Down(usize),
    Column(usize),
    EraseToEnd,
    EraseToStart,
    EraseLine,
    EraseBelow,
    /// Erases everything, scrolled lines included: [`CLEAR`].
    EraseAll,
    /// The parameters of a style change (SGR).
    Style(&'a str),
    /// The beginning of a sequence that is not complete.
    Unfinished(&'a str),
    Nothing,
}

pub fn steps(text: &str) -> Steps<'_> {
    Steps { rest: text, then: None }
}

pub struct Steps<'a> {
    rest: &'a str,
    /// The second operation of a sequence that has two.
    then: Option<TerminalOp<'a>>,
}

impl<'a> Iterator for Steps<'a> {
    type Item = TerminalOp<'a>;

    fn next(&mut self) -> Option<TerminalOp<'a>> {
        if let Some(step) = self.then.take() {
            return Some(step);
        }
        let before = self.rest;
        let c = before.chars().next()?;
        self.rest = &before[c.len_utf8()..];
        let step = match c {
            '\n' => Some(TerminalOp::NewLine),
            '\r' => Some(TerminalOp::Return),
            '\u{8}' => Some(TerminalOp::Back(1)),
            '\u{1b}' => self.escape(),
            '\u{9b}' => self.control_sequence(),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => self.control_string(),
            c if is_control(c) => Some(TerminalOp::Nothing),
            c => Some(TerminalOp::Put(c)),
        };
        Some(step.unwrap_or_else(|| {
            self.rest = "";
            TerminalOp::Unfinished(before)
        }))
    }
}

/// These return `None` at an incomplete sequence.
impl<'a> Steps<'a> {
    fn skip(&mut self, bytes: usize) -> &'a str {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        skipped
    }

    /// Parses what follows ESC: a control sequence, a string (OSC, DCS, APC, PM, SOS), or a short sequence.
    fn escape(&mut self) -> Option<TerminalOp<'a>> {
        match self.rest.as_bytes().first()? {
            b'[' => {
                self.skip(1);
                self.control_sequence()
            }
            b']' | b'P' | b'_' | b'^' | b'X' => {
                self.skip(1);
                self.control_string()
            }
            b' '..=b'/' => {
                self.skip(self.rest.bytes().take_while(|b| matches!(b, b' '..=b'/')).count());
                let last = *self.rest.as_bytes().first()?;
                self.skip(usize::from(matches!(last, b'0'..=b'~')));
                Some(TerminalOp::Nothing)
            }
            b'0'..=b'~' => {
                self.skip(1);
                Some(TerminalOp::Nothing)
            }
            _ => Some(TerminalOp::Nothing),
        }
    }

    fn control_sequence(&mut self) -> Option<TerminalOp<'a>> {
        let length = self.rest.bytes().take_while(|b| matches!(b, b' '..=b'?')).count();
        let parameters = self.skip(length);
        let last = *self.rest.as_bytes().first()?;
        if !matches!(last, b'@'..=b'~') {
            return Some(TerminalOp::Nothing);
        }
        self.skip(1);
        if parameters.contains(|c: char| !c.is_ascii_digit() && c != ';' && c != ':') {
            return Some(TerminalOp::Nothing);
        }
        let count = match parameters.split([';', ':']).next().unwrap_or_default() {
            "" => 1,
            // Too many digits count as the largest number.
            number => number.parse().unwrap_or(usize::MAX).max(1),
        };
        Some(match (last, parameters) {
            (b'm', _) => TerminalOp::Style(parameters),
            (b'A', _) => TerminalOp::Up(count),
            (b'B', _) => TerminalOp::Down(count),
            (b'C', _) => TerminalOp::Forward(count),
            (b'D', _) => TerminalOp::Back(count),
            (b'E', _) => self.two(TerminalOp::Down(count), TerminalOp::Return),
            (b'F', _) => self.two(TerminalOp::Up(count), TerminalOp::Return),
            (b'G', _) => TerminalOp::Column(count - 1),
            (b'J', "" | "0") => TerminalOp::EraseBelow,
            (b'J', "3") => TerminalOp::EraseAll,
            (b'K', "" | "0") => TerminalOp::EraseToEnd,
            (b'K', "1") => TerminalOp::EraseToStart,
            (b'K', "2") => TerminalOp::EraseLine,
            _ => TerminalOp::Nothing,
        })
    }

    fn two(&mut self, first: TerminalOp<'a>, then: TerminalOp<'a>) -> TerminalOp<'a> {
        self.then = Some(then);
        first
    }

    /// Skips a string up to BEL, ST, or the end of the line, so that an unterminated one cannot swallow all later
    /// output.
    fn control_string(&mut self) -> Option<TerminalOp<'a>> {
        let end = self.rest.find(['\n', '\u{7}', '\u{9c}', '\u{1b}'])?;
        self.skip(end);
        match self.rest.as_bytes() {
            [0x1b] => return None,
            [0x1b, b'\\', ..] => {
                self.skip(2);
            }
            [b'\n' | 0x1b, ..] => {}
            [0x7, ..] => {
                self.skip(1);
            }
            _ => {
                self.skip('\u{9c}'.len_utf8());
            }
        }
        Some(TerminalOp::Nothing)
    }
}

/// Clears a terminal with its scrolled lines, as the program `clear` does. All that was written before is gone.
pub const CLEAR: &str = "\u{1b}[3J";

/// Returns whether `text` may change lines above its last one. Such text has to be rendered as a whole.
#[must_use]
pub fn moves_up(text: &str) -> bool {
    text.contains(CLEAR)
        || text.match_indices("\u{1b}[").any(|(at, introducer)| {
            let rest = text[at + introducer.len()..].trim_start_matches(|c: char| c.is_ascii_digit());
            rest.starts_with(['A', 'F'])
        })
}
