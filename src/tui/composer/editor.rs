//! The editor of the input and of all fields of one line: a text with Python's manners, recall of earlier inputs, and
//! the keys of emacs or vi.

mod indent;
mod keys;
mod lines;
mod position;
mod python;
mod recall;
mod syntax;
#[cfg(test)]
mod tests;
mod text_buffer;
#[cfg(test)]
mod text_buffer_tests;
mod undo;
mod vi;
mod viewport;
mod words;
pub mod wrap;

use std::cell::RefCell;
use std::ops::Range;

use self::recall::Recall;
use self::syntax::SyntaxCache;
use self::text_buffer::TextBuffer;
use self::viewport::TextViewport;
use crate::domain::lexer::{self, CallAtCursor, Token};
pub use position::Pos;
pub use recall::{PastInputs, RecallOutcome};
pub use vi::{Vi, ViMode, ViOutcome};
pub use viewport::VisibleRow;
pub use words::is_word;

/// A call or a pair of brackets is searched for within so many bytes, because that happens at each key.
const SEARCH_REACH: usize = 16 << 10;

#[derive(Debug, Default)]
pub struct Editor {
    pub buffer: TextBuffer,
    /// Stands for each character of a hidden line.
    pub mask: Option<char>,
    /// Present where vi's keys were chosen.
    pub vi: Option<Vi>,
    recall: Recall,
    syntax: RefCell<SyntaxCache>,
    viewport: TextViewport,
    brackets: MarkedBrackets,
}

/// The brackets to mark, for one text and cursor.
#[derive(Debug, Default)]
struct MarkedBrackets {
    /// Revision of the text, and cursor.
    key: Option<(u64, Pos)>,
    /// Bytes of the code before each.
    pair: Option<[usize; 2]>,
}

/// The text.
impl Editor {
    /// An editor with this text, the cursor at its end.
    pub fn with_text(text: &str) -> Self {
        let mut editor = Self::default();
        editor.paste(text);
        editor
    }

    pub fn code(&self) -> String {
        self.buffer.text()
    }

    /// Row and column of the cursor, in characters.
    pub fn cursor(&self) -> (usize, usize) {
        self.buffer.in_chars(self.buffer.cursor())
    }

    /// Brings back a draft of another process. `cursor`: row and column, in characters.
    pub fn restore(&mut self, draft: &str, cursor: (usize, usize)) {
        self.buffer.reset(draft);
        let place = self.buffer.of_chars(cursor);
        self.buffer.go(place, false);
    }

    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Replaces the text; one undo takes that back.
    pub fn set(&mut self, code: &str) {
        self.buffer.set(code);
        self.recall = Recall::default();
    }

    /// Empties the text; one undo takes that back.
    pub fn clear(&mut self) {
        self.set("");
        self.enter_insert_mode();
    }

    /// Empties the editor for the next input; nothing can be undone.
    fn reset(&mut self) {
        self.buffer.reset("");
        self.recall = Recall::default();
        self.enter_insert_mode();
    }

    /// Inserts pasted text as one edit, without control characters, and never runs it.
    pub fn paste(&mut self, pasted: &str) {
        let text: String = pasted
            .replace("\r\n", "\n")
            .chars()
            .map(|c| if c == '\r' { '\n' } else { c })
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .collect();
        self.insert_as_step(&text);
    }

    /// The same in a field of one line: line ends at the ends are dropped, others become spaces.
    pub fn paste_line(&mut self, pasted: &str) {
        self.paste(&pasted.trim_matches(['\r', '\n']).replace(['\r', '\n'], " "));
    }

    /// Inserts text that one undo takes back.
    pub fn insert_as_step(&mut self, text: &str) {
        self.buffer.begin_undo_step();
        self.buffer.insert(text);
        self.buffer.begin_undo_step();
    }

    /// Replaces `typed`, which is before the cursor.
    pub fn replace_before_cursor(&mut self, typed: &str, text: &str) {
        self.buffer.begin_undo_step();
        let end = self.buffer.cursor();
        let start = Pos::new(end.row, end.byte.saturating_sub(typed.len()));
        self.buffer.replace(start..end, text);
        self.buffer.begin_undo_step();
    }

    /// Returns the place of the cursor in the code, in characters.
    pub fn place(&self) -> usize {
        let (row, column) = self.cursor();
        self.buffer.lines()[..row].iter().map(|line| line.chars().count() + 1).sum::<usize>() + column
    }

    pub fn before_cursor(&self) -> String {
        self.buffer.slice(&(Pos::default()..self.buffer.cursor()))
    }

    pub fn is_at_end(&self) -> bool {
        self.buffer.cursor() == self.buffer.end()
    }

    /// Counts the bytes of the code before a place.
    pub fn offset(&self, pos: Pos) -> usize {
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
}

/// The keys of vi.
impl Editor {
    /// Chooses between the keys of vi and those of emacs.
    pub fn use_vi(&mut self, enable: bool) {
        if enable != self.vi.is_some() {
            self.vi = enable.then(Vi::default);
            if enable {
                self.buffer.begin_undo_group();
            } else {
                self.buffer.end_undo_group();
            }
        }
    }

    pub fn mode(&self) -> ViMode {
        self.vi.as_ref().map_or(ViMode::Insert, Vi::mode)
    }

    fn enter_insert_mode(&mut self) {
        if let Some(vi) = &mut self.vi {
            vi.insert(&mut self.buffer);
        }
    }

    /// Returns the range that is drawn as selected.
    pub fn marked(&self) -> Option<Range<Pos>> {
        match &self.vi {
            Some(vi) if vi.mode() != ViMode::Insert => vi.selection(&self.buffer),
            _ => self.buffer.selection(),
        }
    }
}

/// The syntax of the text.
impl Editor {
    fn with_syntax<T>(&self, read: impl FnOnce(&mut SyntaxCache) -> T) -> T {
        let mut syntax = self.syntax.borrow_mut();
        syntax.update(self.buffer.revision(), || self.buffer.text());
        read(&mut syntax)
    }

    /// Reads the code and its tokens, up to the byte `end` at least.
    pub fn with_colours<T>(&self, end: usize, read: impl FnOnce(&str, &[Token]) -> T) -> T {
        self.with_syntax(|syntax| {
            let (code, tokens) = syntax.tokens_to(end);
            read(code, tokens)
        })
    }

    /// Returns the statement around the cursor, up to the cursor.
    pub fn statement_before(&self) -> String {
        let end = self.offset(self.buffer.cursor());
        self.with_syntax(|syntax| {
            let begin = syntax.statement(end).start;
            syntax.code()[begin..end].to_owned()
        })
    }

    /// Returns the call around the cursor, and the code before its bracket.
    pub fn open_call(&self) -> Option<(String, CallAtCursor)> {
        let end = self.offset(self.buffer.cursor());
        self.with_syntax(|syntax| {
            let begin = syntax.statement_near(end, SEARCH_REACH)?.start;
            let call = lexer::open_call(&syntax.code()[begin..end])?;
            Some((syntax.code()[..begin + call.callee.end].to_owned(), call))
        })
    }

    /// Returns the bracket at the cursor, or else before it, and its partner: the bytes of the code before each.
    fn bracket_pair(&self) -> Option<[usize; 2]> {
        let cursor = self.buffer.cursor();
        let is_bracket = |c: Option<char>| c.is_some_and(|c| "()[]{}".contains(c));
        let offset = match () {
            () if is_bracket(self.buffer.char_at(cursor)) => self.offset(cursor),
            () if is_bracket(self.buffer.char_before(cursor)) => self.offset(cursor) - 1,
            () => return None,
        };
        self.with_syntax(|syntax| {
            let near = syntax.statement_near(offset, SEARCH_REACH)?;
            let begin = near.start;
            let partner = lexer::brackets(&syntax.code()[near]).partner(offset - begin)?;
            Some([offset, partner + begin])
        })
    }

    /// Returns the brackets to mark, as [`Editor::fit`] found them.
    pub fn brackets(&self) -> Option<[usize; 2]> {
        self.brackets.pair
    }
}

/// The screen.
impl Editor {
    /// Counts the rows that the input takes at `width` cells.
    pub fn rows(&self, width: u16) -> usize {
        self.viewport.row_count(&self.buffer, width.into())
    }

    /// Prepares a drawing: takes the size of the screen, scrolls to the cursor, and finds the brackets to mark.
    pub fn fit(&mut self, width: u16, height: u16) {
        self.viewport.fit(&self.buffer, width, height);
        let key = Some((self.buffer.revision(), self.buffer.cursor()));
        if self.brackets.key != key {
            self.brackets = MarkedBrackets { key, pair: self.bracket_pair() };
        }
    }

    /// Row of the screen and column of the cursor.
    pub fn cursor_in_sight(&self) -> (usize, usize) {
        self.viewport.visible_cursor(&self.buffer, self.mask.is_some())
    }

    /// Returns the rows that are shown, `height` at most.
    pub fn visible(&self, height: usize) -> Vec<VisibleRow> {
        self.viewport.visible(&self.buffer, height)
    }

    /// Counts the bytes of the code before a row.
    pub fn place_of(&self, row: &VisibleRow) -> usize {
        self.offset(Pos::new(row.line, row.bytes.start))
    }

    /// Scrolls; the cursor stays in sight.
    pub fn scroll(&mut self, rows: isize) {
        if let Some((row, column)) = self.viewport.scroll(&self.buffer, rows) {
            self.click(row, column, false);
        }
    }

    /// Moves the cursor to a place of the screen, or to the nearest text.
    pub fn click(&mut self, row: usize, column: usize, select: bool) {
        self.buffer.begin_undo_step();
        self.forget_goal();
        if let Some(pos) = self.viewport.pos_at(&self.buffer, row, column, self.mask.is_some()) {
            self.buffer.go(pos, select);
        }
    }

    /// The next move by rows aims at the column of the cursor.
    fn forget_goal(&mut self) {
        self.viewport.forget_goal();
    }

    /// Moves the cursor a row up or down. Returns whether there was one.
    fn move_by_row(&mut self, down: bool, select: bool) -> bool {
        let Some(pos) = self.viewport.next_row(&self.buffer, down) else { return false };
        self.buffer.go(pos, select);
        true
    }
}

/// Earlier inputs.
impl Editor {
    /// Shows the input before this one that begins with the text before the cursor, if the cursor is on the first row.
    pub fn history_back(&mut self, inputs: PastInputs<'_>) -> RecallOutcome {
        if !self.viewport.is_on_first_row(&self.buffer) {
            return RecallOutcome::NotHere;
        }
        self.recall.back(&mut self.buffer, inputs)
    }

    /// Shows the input after this one, or the draft, if the cursor is on the last row. Returns whether it did.
    pub fn history_forward(&mut self, inputs: PastInputs<'_>) -> bool {
        self.viewport.is_on_last_row(&self.buffer) && self.recall.forward(&mut self.buffer, inputs)
    }
}
