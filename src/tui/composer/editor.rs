//! The input: text with Python's manners, a history of what was submitted before, and the keys of emacs or vi.

mod buffer;
mod keys;
mod position;
mod recall;
pub mod rows;
mod screen;
mod syntax;
#[cfg(test)]
mod tests;
mod undo;
mod vi;

use std::cell::RefCell;
use std::sync::Arc;

pub use self::buffer::Buffer;
pub use self::buffer::is_word;
use self::recall::Recall;
pub use self::recall::{Back, Inputs};
pub use self::screen::Row;
use self::syntax::Syntax;
pub use self::vi::{Mode, Taken, Vi};
pub use crate::tui::composer::editor::position::Pos;

use crate::domain::lexer::{self, CallAtCursor, Completeness, Token, completeness, indent_after};

pub const INDENT: usize = 4;

/// A call or a pair of brackets that goes on for longer than this is not looked for, in bytes: that is done at each key.
const FAR: usize = 16 << 10;

#[derive(Debug, Default)]
pub struct Editor {
    pub buffer: Buffer,
    /// Stands for each character of a hidden line.
    pub mask: Option<char>,
    /// Present where vi's keys were chosen.
    pub vi: Option<Vi>,
    recall: Recall,
    syntax: RefCell<Syntax>,
    screen: screen::Screen,
}

impl Editor {
    pub fn code(&self) -> String {
        self.buffer.text()
    }

    /// vi's keys, or those of emacs.
    pub fn use_vi(&mut self, wanted: bool) {
        if wanted != self.vi.is_some() {
            self.vi = wanted.then(Vi::default);
            if wanted {
                self.buffer.hold();
            } else {
                self.buffer.release();
            }
        }
    }

    /// Row and column, in characters.
    pub fn cursor(&self) -> (usize, usize) {
        self.buffer.in_chars(self.buffer.cursor())
    }

    /// Brings back a draft of another process.
    pub fn restore(&mut self, draft: &str, cursor: (usize, usize)) {
        self.buffer.reset(draft);
        let place = self.buffer.of_chars(cursor);
        self.buffer.go(place, false);
    }

    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    fn is_blank(&self) -> bool {
        self.buffer.lines().iter().all(|line| line.trim().is_empty())
    }

    /// Puts another text in the place of the one that is there; one undo takes it back.
    pub fn set(&mut self, code: &str) {
        self.buffer.set(code);
        self.recall = Recall::default();
    }

    /// An undo brings it back.
    pub fn clear(&mut self) {
        self.set("");
        if let Some(vi) = &mut self.vi {
            vi.insert(&mut self.buffer);
        }
    }

    /// Pasted text: one edit, and never run. Control characters have no place in code.
    pub fn paste(&mut self, pasted: &str) {
        let text: String = pasted
            .replace("\r\n", "\n")
            .chars()
            .map(|c| if c == '\r' { '\n' } else { c })
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .collect();
        self.buffer.step();
        self.buffer.insert(&text);
        self.buffer.step();
    }

    /// The code to run, if it is complete and the cursor is on the last line; else a new line is begun.
    pub fn enter(&mut self) -> Option<Arc<str>> {
        if self.is_blank() {
            self.clear();
            return None;
        }
        let code = self.code();
        let at_end = self.buffer.cursor().row + 1 == self.buffer.lines().len();
        let is_normal = self.vi.as_ref().is_some_and(|vi| vi.mode() != Mode::Insert);
        if (!at_end && !is_normal) || completeness(&code) == Completeness::Incomplete {
            if let Some(vi) = &mut self.vi {
                vi.insert(&mut self.buffer);
            }
            self.new_line();
            return None;
        }
        self.buffer.reset("");
        self.recall = Recall::default();
        if let Some(vi) = &mut self.vi {
            vi.insert(&mut self.buffer);
        }
        Some(dedented(&code).into())
    }

    pub fn new_line(&mut self) {
        self.buffer.step();
        if let Some(selected) = self.buffer.selection() {
            self.buffer.delete(selected);
        }
        let at = self.buffer.cursor();
        let indent = indent_after(&self.statement_before());
        let is_between = match (self.buffer.char_before(at), self.buffer.char_at(at)) {
            (Some(open), Some(close)) => lexer::is_pair(open, close),
            _ => false,
        };
        if is_between {
            let own = spaces(self.buffer.line());
            self.buffer.insert(&format!("\n{}", " ".repeat(indent)));
            let inside = self.buffer.cursor();
            self.buffer.insert(&format!("\n{}", " ".repeat(own)));
            self.buffer.go(inside, false);
        } else {
            let own = spaces(&self.buffer.line()[at.byte..]);
            self.buffer.insert(&format!("\n{}", " ".repeat(indent.saturating_sub(own))));
        }
        self.buffer.step();
    }

    /// Four spaces, or fewer up to the next stop; lines that are selected are moved.
    pub fn tab(&mut self) {
        self.buffer.step();
        if let Some(selected) = self.buffer.selection().filter(|range| range.start.row < range.end.row) {
            self.shift_lines(selected.start.row..=selected.end.row, true);
            return;
        }
        let (_, column) = self.cursor();
        self.buffer.insert(&" ".repeat(INDENT - column % INDENT));
    }

    /// Takes the place of `typed`, which stands before the cursor.
    pub fn replace_before_cursor(&mut self, typed: &str, text: &str) {
        self.buffer.step();
        let end = self.buffer.cursor();
        let start = Pos::new(end.row, end.byte.saturating_sub(typed.len()));
        self.buffer.replace(start..end, text);
        self.buffer.step();
    }

    /// Whether nothing but indentation stands before the cursor on its line.
    pub fn is_in_indentation(&self) -> bool {
        self.buffer.line()[..self.buffer.cursor().byte].chars().all(char::is_whitespace)
    }

    /// Place of the cursor in the code, in characters.
    pub fn place(&self) -> usize {
        let (row, column) = self.cursor();
        self.buffer.lines()[..row].iter().map(|line| line.chars().count() + 1).sum::<usize>() + column
    }

    pub fn before_cursor(&self) -> String {
        self.buffer.slice(&(Pos::default()..self.buffer.cursor()))
    }

    /// Bytes of the code before a place.
    pub(in crate::tui) fn offset(&self, pos: Pos) -> usize {
        self.buffer.lines()[..pos.row].iter().map(|line| line.len() + 1).sum::<usize>() + pos.byte
    }

    fn pos_of(&self, mut offset: usize) -> Pos {
        for (row, line) in self.buffer.lines().iter().enumerate() {
            if offset <= line.len() {
                return Pos::new(row, offset);
            }
            offset -= line.len() + 1;
        }
        self.buffer.end()
    }

    fn with_syntax<T>(&self, look: impl FnOnce(&mut Syntax) -> T) -> T {
        let mut syntax = self.syntax.borrow_mut();
        syntax.update(self.buffer.revision(), || self.buffer.text());
        look(&mut syntax)
    }

    /// The code and its colours, up to the byte `end` at least.
    pub fn with_colours<T>(&self, end: usize, look: impl FnOnce(&str, &[Token]) -> T) -> T {
        self.with_syntax(|syntax| {
            let (code, tokens) = syntax.seen(end);
            look(code, tokens)
        })
    }

    /// The statement that the cursor stands in, up to the cursor.
    pub fn statement_before(&self) -> String {
        let end = self.offset(self.buffer.cursor());
        self.with_syntax(|syntax| {
            let begin = syntax.statement(end).start;
            syntax.code()[begin..end].to_owned()
        })
    }

    /// The call around the cursor, and all before its bracket.
    pub fn open_call(&self) -> Option<(String, CallAtCursor)> {
        let end = self.offset(self.buffer.cursor());
        self.with_syntax(|syntax| {
            let begin = syntax.near(end, FAR)?.start;
            let call = lexer::open_call(&syntax.code()[begin..end])?;
            Some((syntax.code()[..begin + call.callee.end].to_owned(), call))
        })
    }

    /// The bracket at the cursor, or else before it, and its partner, as places in the code.
    fn bracket_pair(&self) -> Option<[usize; 2]> {
        let cursor = self.buffer.cursor();
        let is_bracket = |c: Option<char>| c.is_some_and(|c| "()[]{}".contains(c));
        let place = match () {
            () if is_bracket(self.buffer.char_at(cursor)) => self.offset(cursor),
            () if is_bracket(self.buffer.char_before(cursor)) => self.offset(cursor) - 1,
            () => return None,
        };
        self.with_syntax(|syntax| {
            let near = syntax.near(place, FAR)?;
            let begin = near.start;
            let partner = lexer::brackets(&syntax.code()[near]).partner(place - begin)?;
            Some([place, partner + begin])
        })
    }

    /// Backspace within the indentation goes back to the stop before.
    fn dedent(&mut self) -> bool {
        let cursor = self.buffer.cursor();
        let before = &self.buffer.line()[..cursor.byte];
        if cursor.byte == 0 || self.buffer.selection().is_some() || before.bytes().any(|byte| byte != b' ') {
            return false;
        }
        let back = (cursor.byte - 1) % INDENT + 1;
        self.buffer.erase(Pos::new(cursor.row, cursor.byte - back)..cursor);
        true
    }

    /// One stop to the left, or to the right; the cursor and the selection move along.
    fn shift_lines(&mut self, rows: std::ops::RangeInclusive<usize>, right: bool) {
        self.buffer.step();
        let (cursor, selected) = (self.buffer.cursor(), self.buffer.selection());
        let mut moved = 0_isize;
        for row in rows {
            let line = &self.buffer.lines()[row];
            let begin = Pos::new(row, 0);
            let by = if right && !line.trim().is_empty() {
                self.buffer.replace(begin..begin, &" ".repeat(INDENT));
                INDENT as isize
            } else if right {
                0
            } else {
                let spaces = spaces(line).min(INDENT);
                self.buffer.delete(begin..Pos::new(row, spaces));
                -(spaces as isize)
            };
            if row == cursor.row {
                moved = by;
            }
        }
        let cursor = Pos::new(cursor.row, cursor.byte.saturating_add_signed(moved));
        match selected {
            Some(range) => {
                self.buffer.select(Pos::new(range.start.row, 0)..Pos::new(range.end.row, usize::MAX));
            }
            None => self.buffer.go(cursor, false),
        }
        self.buffer.step();
    }

    fn unindent(&mut self) {
        let rows = self
            .buffer
            .selection()
            .map_or(self.buffer.cursor().row..=self.buffer.cursor().row, |range| range.start.row..=range.end.row);
        self.shift_lines(rows, false);
    }

    /// `else`, `elif`, `except`, `finally` stand one stop further out than the block they end.
    fn dedent_clause(&mut self) {
        let cursor = self.buffer.cursor();
        let (above, line) = (&self.buffer.lines()[..cursor.row], self.buffer.line());
        let word: String = line.trim_start().chars().take_while(|c| c.is_alphanumeric()).collect();
        let own = line.len() - line.trim_start().len();
        let above = above.iter().rev().find(|line| !line.trim().is_empty());
        let Some(above) = above else { return };
        let same_block = above.len() - above.trim_start().len() == own && !above.trim_end().ends_with(':');
        if matches!(&*word, "else" | "elif" | "except" | "finally")
            && same_block
            && own >= INDENT
            && cursor.byte == line.len()
        {
            self.unindent();
        }
    }

    /// A closing bracket that begins a line stands below the line that opened it.
    fn dedent_bracket(&mut self) {
        let cursor = self.buffer.cursor();
        let before = &self.buffer.line()[..cursor.byte];
        if cursor.byte == 0 || before.bytes().any(|byte| byte != b' ') {
            return;
        }
        let end = self.offset(cursor);
        let opened = self.with_syntax(|syntax| {
            let begin = syntax.statement(end).start;
            let opened = lexer::brackets(&syntax.code()[begin..end]).open.last().copied()?;
            Some(begin + opened)
        });
        if let Some(opened) = opened {
            let wanted = spaces(&self.buffer.lines()[self.pos_of(opened).row]);
            if wanted < cursor.byte {
                self.buffer.delete(Pos::new(cursor.row, wanted)..cursor);
            }
        }
    }
}

fn spaces(line: &str) -> usize {
    line.bytes().take_while(|byte| *byte == b' ').count()
}

/// Without empty lines around it, and without an indentation that all lines share: code is pasted from anywhere.
fn dedented(code: &str) -> String {
    let lines: Vec<&str> = code.trim_end().lines().skip_while(|line| line.trim().is_empty()).collect();
    let first = lines.first().copied().unwrap_or_default();
    let indent = &first[..first.len() - first.trim_start().len()];
    let shared = lines.iter().all(|line| line.trim().is_empty() || line.starts_with(indent));
    let indent = if shared { indent } else { "" };
    let lines: Vec<&str> = lines.iter().map(|line| line.strip_prefix(indent).unwrap_or_default()).collect();
    lines.join("\n")
}
