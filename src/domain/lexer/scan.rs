//! The scanner of the lexer: code to lexemes. It never fails; text that is not Python becomes operators.

use std::ops::Range;

use super::magic_syntax::begins_magic;
use crate::domain::char_boundary::floor_char_boundary;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LexemeKind {
    Name,
    Number,
    /// `open` if the code ended before the string did.
    String {
        open: bool,
    },
    Comment,
    /// `@name.name` at the start of a line.
    Decorator,
    /// One character.
    Operator(char),
    /// The end of a line outside strings, also inside brackets.
    Newline,
    /// Magic up to the end of its line: `!ls`, `%time x`, `x?`.
    Magic,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lexeme {
    pub range: Range<usize>,
    pub kind: LexemeKind,
}

pub(super) fn scan(code: &str) -> Vec<Lexeme> {
    scan_within(code, 0)
}

/// Scans lines that are within `depth` brackets.
pub(super) fn scan_within(code: &str, depth: usize) -> Vec<Lexeme> {
    let mut scanner = Scanner { code, at: 0 };
    let mut lexemes: Vec<Lexeme> = Vec::new();
    let mut line_start = true;
    // Magic may begin at the start of a line that is no continuation line.
    let mut statement_start = depth == 0;
    let mut brackets = depth;
    while let Some(c) = scanner.peek() {
        let start = scanner.at;
        let kind = match c {
            '\n' => {
                scanner.bump();
                LexemeKind::Newline
            }
            c if c.is_whitespace() => {
                scanner.bump();
                continue;
            }
            _ if statement_start && begins_magic(scanner.rest()) => scanner.magic(),
            '%' | '!' if brackets == 0 && is_assigned(code, &lexemes) && begins_magic(scanner.rest()) => {
                scanner.magic()
            }
            '#' => {
                scanner.skip_while(|c| c != '\n');
                LexemeKind::Comment
            }
            '"' | '\'' => LexemeKind::String { open: scanner.string(false, false) },
            '0'..='9' => scanner.number(),
            '.' if scanner.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => scanner.number(),
            '@' if line_start => {
                scanner.bump();
                scanner.skip_while(|c| is_name(c) || c == '.');
                LexemeKind::Decorator
            }
            c if is_name(c) => {
                scanner.skip_while(is_name);
                match (scanner.peek(), string_prefix(&code[start..scanner.at])) {
                    (Some('"' | '\''), Some((raw, formatted))) => {
                        LexemeKind::String { open: scanner.string(raw, formatted) }
                    }
                    _ => LexemeKind::Name,
                }
            }
            c => {
                scanner.bump();
                match c {
                    '(' | '[' | '{' => brackets += 1,
                    ')' | ']' | '}' => brackets = brackets.saturating_sub(1),
                    _ => {}
                }
                LexemeKind::Operator(c)
            }
        };
        line_start = kind == LexemeKind::Newline;
        let joined = lexemes.last().is_some_and(|l| l.kind == LexemeKind::Operator('\\') && l.range.end == start);
        statement_start = line_start && brackets == 0 && !joined;
        lexemes.push(Lexeme { range: start..scanner.at, kind });
    }
    lexemes
}

/// Returns whether the last lexeme is the `=` of an assignment.
fn is_assigned(code: &str, lexemes: &[Lexeme]) -> bool {
    lexemes.last().is_some_and(|last| {
        last.kind == LexemeKind::Operator('=') && !code[..last.range.start].ends_with(|c| "=!<>+-*/%&|^@:".contains(c))
    })
}

/// Python has no other use for characters beyond ASCII, so marks that belong to a letter need no table.
fn is_name(c: char) -> bool {
    c == '_' || c.is_alphanumeric() || !c.is_ascii() && !c.is_whitespace() && !c.is_control()
}

/// Returns whether a string with this prefix is raw, and whether it has replacement fields; `None` if it is no string
/// prefix.
fn string_prefix(name: &str) -> Option<(bool, bool)> {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "b" | "u" => Some((false, false)),
        "r" | "br" | "rb" => Some((true, false)),
        "f" | "t" => Some((false, true)),
        "fr" | "rf" | "tr" | "rt" => Some((true, true)),
        _ => None,
    }
}

struct Scanner<'a> {
    code: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn rest(&self) -> &str {
        &self.code[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_while(&mut self, is_skipped: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&is_skipped) {
            self.bump();
        }
    }

    /// Scans to the end of the line, and of the lines that backslashes join to it.
    fn magic(&mut self) -> LexemeKind {
        let cell = self.rest().starts_with("%%");
        while let Some(c) = self.peek() {
            if c == '\n' && (cell || !self.code[..self.at].ends_with('\\')) {
                break;
            }
            self.bump();
        }
        LexemeKind::Magic
    }

    fn number(&mut self) -> LexemeKind {
        let mut last = ' ';
        while let Some(c) = self.peek() {
            let exponent_sign = matches!(c, '+' | '-') && matches!(last, 'e' | 'E');
            if !(is_name(c) || c == '.' || exponent_sign) {
                break;
            }
            last = c;
            self.bump();
        }
        LexemeKind::Number
    }

    /// Scans from the opening quote to the closing one. A string in single quotes ends with its line at the latest.
    /// Returns whether the string is still open.
    fn string(&mut self, raw: bool, formatted: bool) -> bool {
        let Some(quote) = self.bump() else { return false };
        let twice: String = [quote, quote].iter().collect();
        let triple = self.rest().starts_with(&twice);
        if triple {
            self.at += 2;
        }
        let end: String = if triple { [quote; 3].iter().collect() } else { quote.into() };
        loop {
            if self.rest().starts_with(&end) {
                self.at += end.len();
                return false;
            }
            match self.peek() {
                None => return triple,
                Some('\n') if !triple => return false,
                Some('\\') => {
                    self.bump();
                    // In a raw string, too, a backslash keeps the quote from ending the string.
                    let escaped = self.bump();
                    if escaped.is_none() || (escaped == Some('\n') && self.peek().is_none()) {
                        return triple || (!raw && escaped.is_some()) || escaped.is_none();
                    }
                }
                Some('{') if formatted => {
                    self.bump();
                    if self.peek() == Some('{') {
                        self.bump();
                    } else {
                        self.field(&end, 0);
                    }
                }
                Some(_) => {
                    self.bump();
                }
            }
        }
    }

    /// Scans the replacement field of an f-string after its `{`. It may contain strings with the same quotes. The end
    /// of the enclosing string, or of its line, is left to [`Scanner::string`].
    fn field(&mut self, end: &str, depth: usize) {
        let triple = end.len() == 3;
        let mut brackets = 0_usize;
        let mut in_format = false;
        while let Some(c) = self.peek() {
            match c {
                '\n' if !triple => return,
                '}' if brackets == 0 => {
                    self.bump();
                    return;
                }
                '"' | '\'' if in_format => {
                    if self.rest().starts_with(end) {
                        return;
                    }
                    self.bump();
                }
                '"' | '\'' => {
                    // Before Python 3.12, and while code is typed, the quote of the string ends it.
                    if self.rest().starts_with(end) && !self.closes_field_later(c) {
                        return;
                    }
                    self.string(false, false);
                }
                '{' if in_format && depth < 8 => {
                    self.bump();
                    self.field(end, depth + 1);
                }
                ':' if brackets == 0 => {
                    in_format = true;
                    self.bump();
                }
                '(' | '[' | '{' => {
                    brackets += 1;
                    self.bump();
                }
                ')' | ']' | '}' => {
                    brackets = brackets.saturating_sub(1);
                    self.bump();
                }
                _ => {
                    self.bump();
                }
            }
        }
    }

    /// Returns whether the rest of the line has another such quote and a closing brace after it.
    fn closes_field_later(&self, quote: char) -> bool {
        let near = floor_char_boundary(self.rest(), self.rest().len().min(500));
        let line = self.rest()[..near].lines().next().unwrap_or_default();
        line[1..].find(quote).is_some_and(|at| line[at + 1..].contains('}'))
    }
}
