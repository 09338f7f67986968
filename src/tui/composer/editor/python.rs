//! Python's manners: Enter, Tab and brackets follow the indentation of the code.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::indent::{INDENT, dedented, leading_spaces};
use super::position::Pos;
use super::{Editor, ViMode};
use crate::domain::lexer::{self, Completeness, completeness, indent_after};
use crate::domain::private::is_only_mark;

impl Editor {
    fn is_blank(&self) -> bool {
        self.buffer.lines().iter().all(|line| line.trim().is_empty())
    }

    /// Takes the code out of the editor if it is complete and the cursor is on the last line; else begins a new line.
    pub fn enter(&mut self) -> Option<Arc<str>> {
        if self.is_blank() {
            self.clear();
            return None;
        }
        let code = self.code();
        let is_on_last_line = self.buffer.cursor().row + 1 == self.buffer.lines().len();
        let goes_on = completeness(&code) == Completeness::Incomplete || is_only_mark(&code);
        if (!is_on_last_line && self.mode() == ViMode::Insert) || goes_on {
            self.enter_insert_mode();
            self.new_line();
            return None;
        }
        self.reset();
        Some(dedented(&code).into())
    }

    /// Begins a new line with the indentation of the code; between brackets, two.
    pub fn new_line(&mut self) {
        self.buffer.begin_undo_step();
        if let Some(selected) = self.buffer.selection() {
            self.buffer.delete(selected);
        }
        let at = self.buffer.cursor();
        let indent = indent_after(&self.statement_before());
        let is_between_brackets = match (self.buffer.char_before(at), self.buffer.char_at(at)) {
            (Some(open), Some(close)) => lexer::is_pair(open, close),
            _ => false,
        };
        if is_between_brackets {
            let own = leading_spaces(self.buffer.line());
            let inside = format!("\n{}", " ".repeat(indent));
            self.buffer.insert(&format!("{inside}\n{}", " ".repeat(own)));
            self.buffer.go(at.after(&inside), false);
        } else {
            let own = leading_spaces(&self.buffer.line()[at.byte..]);
            self.buffer.insert(&format!("\n{}", " ".repeat(indent.saturating_sub(own))));
        }
        self.buffer.begin_undo_step();
    }

    /// Inserts spaces up to the next stop. Selected lines are indented instead.
    pub fn tab(&mut self) {
        self.buffer.begin_undo_step();
        if let Some(selected) = self.buffer.selection().filter(|range| range.start.row < range.end.row) {
            self.shift_lines(selected.start.row..=selected.end.row, true);
            return;
        }
        let (_, column) = self.cursor();
        self.buffer.insert(&" ".repeat(INDENT - column % INDENT));
    }

    /// Returns whether only indentation is before the cursor on its line.
    pub fn is_in_indentation(&self) -> bool {
        self.buffer.line()[..self.buffer.cursor().byte].chars().all(char::is_whitespace)
    }

    /// Backspace within the indentation goes back to the stop before. Returns whether the cursor was there.
    pub(super) fn dedent(&mut self) -> bool {
        let cursor = self.buffer.cursor();
        let before = &self.buffer.line()[..cursor.byte];
        if cursor.byte == 0 || self.buffer.selection().is_some() || before.bytes().any(|byte| byte != b' ') {
            return false;
        }
        let back = (cursor.byte - 1) % INDENT + 1;
        self.buffer.erase(Pos::new(cursor.row, cursor.byte - back)..cursor);
        true
    }

    /// Moves lines a stop to the right or to the left, as one edit. Cursor and selection move along.
    pub(super) fn shift_lines(&mut self, rows: RangeInclusive<usize>, right: bool) {
        let (cursor, selected) = (self.buffer.cursor(), self.buffer.selection());
        let lines = self.buffer.lines();
        let shift = |row: usize| shift_of(&lines[row], right);
        let moved = if rows.contains(&cursor.row) { shift(cursor.row) } else { 0 };
        let first = *rows.start();
        let edit = rows.rev().find(|row| shift(*row) != 0).map(|last| {
            let mut text: String = (first..last).map(|row| shifted(&lines[row], shift(row)) + "\n").collect();
            let by = shift(last);
            text.push_str(&" ".repeat(by.max(0).unsigned_abs()));
            (Pos::new(first, 0)..Pos::new(last, by.min(0).unsigned_abs()), text)
        });
        self.buffer.begin_undo_step();
        if let Some((range, text)) = edit {
            self.buffer.replace(range, &text);
        }
        match selected {
            Some(range) => {
                self.buffer.select(Pos::new(range.start.row, 0)..Pos::new(range.end.row, usize::MAX));
            }
            None => self.buffer.go(Pos::new(cursor.row, cursor.byte.saturating_add_signed(moved)), false),
        }
        self.buffer.begin_undo_step();
    }

    /// Moves the line of the cursor, or the selected lines, a stop to the left.
    pub(super) fn unindent(&mut self) {
        let row = self.buffer.cursor().row;
        let rows = self.buffer.selection().map_or(row..=row, |range| range.start.row..=range.end.row);
        self.shift_lines(rows, false);
    }

    /// Moves `else`, `elif`, `except` or `finally` to the indentation of the block that the clause continues.
    pub(super) fn dedent_clause(&mut self) {
        let cursor = self.buffer.cursor();
        let (above, line) = (&self.buffer.lines()[..cursor.row], self.buffer.line());
        let word: String = line.trim_start().chars().take_while(|c| c.is_alphanumeric()).collect();
        let own = line.len() - line.trim_start().len();
        let Some(above) = above.iter().rev().find(|line| !line.trim().is_empty()) else { return };
        let is_same_block = above.len() - above.trim_start().len() == own && !above.trim_end().ends_with(':');
        if matches!(&*word, "else" | "elif" | "except" | "finally")
            && is_same_block
            && own >= INDENT
            && cursor.byte == line.len()
        {
            self.unindent();
        }
    }

    /// Moves a closing bracket that begins a line to the indentation of the line that opened it.
    pub(super) fn dedent_bracket(&mut self) {
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
            let indent = leading_spaces(&self.buffer.lines()[self.pos_of(opened).row]);
            if indent < cursor.byte {
                self.buffer.delete(Pos::new(cursor.row, indent)..cursor);
            }
        }
    }
}

/// Returns how far a line moves, in columns: no line has less than no indentation, and blank lines get none.
fn shift_of(line: &str, right: bool) -> isize {
    match right {
        true if line.trim().is_empty() => 0,
        true => INDENT as isize,
        false => -(leading_spaces(line).min(INDENT) as isize),
    }
}

fn shifted(line: &str, by: isize) -> String {
    match by {
        ..0 => line[by.unsigned_abs()..].to_owned(),
        _ => " ".repeat(by.unsigned_abs()) + line,
    }
}
