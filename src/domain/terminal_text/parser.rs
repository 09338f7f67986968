//! Text with escape sequences, step by step. Every sequence is understood or passed over as a whole.

use super::is_control;

/// What a terminal would do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
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
    /// The parameters of a change of colours and the like.
    Look(&'a str),
    /// A sequence whose end is not there yet.
    Unfinished(&'a str),
    Nothing,
}

pub fn steps(text: &str) -> Steps<'_> {
    Steps { rest: text, then: None }
}

pub struct Steps<'a> {
    rest: &'a str,
    /// A sequence may be two steps.
    then: Option<Step<'a>>,
}

impl<'a> Iterator for Steps<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        if let Some(step) = self.then.take() {
            return Some(step);
        }
        let before = self.rest;
        let c = before.chars().next()?;
        self.rest = &before[c.len_utf8()..];
        let step = match c {
            '\n' => Some(Step::NewLine),
            '\r' => Some(Step::Return),
            '\u{8}' => Some(Step::Back(1)),
            '\u{1b}' => self.escape(),
            '\u{9b}' => self.control_sequence(),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => self.control_string(),
            c if is_control(c) => Some(Step::Nothing),
            c => Some(Step::Put(c)),
        };
        Some(step.unwrap_or_else(|| {
            self.rest = "";
            Step::Unfinished(before)
        }))
    }
}

/// Each answers `None` at a sequence that has no end yet.
impl<'a> Steps<'a> {
    fn skip(&mut self, bytes: usize) -> &'a str {
        let (skipped, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        skipped
    }

    /// What follows ESC: a control sequence, a string (OSC, DCS, APC, PM, SOS) up to its terminator, or a short sequence.
    fn escape(&mut self) -> Option<Step<'a>> {
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
                Some(Step::Nothing)
            }
            b'0'..=b'~' => {
                self.skip(1);
                Some(Step::Nothing)
            }
            _ => Some(Step::Nothing),
        }
    }

    fn control_sequence(&mut self) -> Option<Step<'a>> {
        let length = self.rest.bytes().take_while(|b| matches!(b, b' '..=b'?')).count();
        let parameters = self.skip(length);
        let last = *self.rest.as_bytes().first()?;
        if !matches!(last, b'@'..=b'~') {
            return Some(Step::Nothing);
        }
        self.skip(1);
        if parameters.contains(|c: char| !c.is_ascii_digit() && c != ';' && c != ':') {
            return Some(Step::Nothing);
        }
        let count = match parameters.split([';', ':']).next().unwrap_or_default() {
            "" => 1,
            // As far as it goes, if there are too many digits.
            number => number.parse().unwrap_or(usize::MAX).max(1),
        };
        Some(match (last, parameters) {
            (b'm', _) => Step::Look(parameters),
            (b'A', _) => Step::Up(count),
            (b'B', _) => Step::Down(count),
            (b'C', _) => Step::Forward(count),
            (b'D', _) => Step::Back(count),
            (b'E', _) => self.two(Step::Down(count), Step::Return),
            (b'F', _) => self.two(Step::Up(count), Step::Return),
            (b'G', _) => Step::Column(count - 1),
            (b'J', "" | "0") => Step::EraseBelow,
            (b'K', "" | "0") => Step::EraseToEnd,
            (b'K', "1") => Step::EraseToStart,
            (b'K', "2") => Step::EraseLine,
            _ => Step::Nothing,
        })
    }

    fn two(&mut self, first: Step<'a>, then: Step<'a>) -> Step<'a> {
        self.then = Some(then);
        first
    }

    /// Ends at BEL or ST, or at the end of its line, so that one that never ends cannot swallow all that follows.
    fn control_string(&mut self) -> Option<Step<'a>> {
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
        Some(Step::Nothing)
    }
}
