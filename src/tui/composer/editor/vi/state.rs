//! The state of vi's keys: the mode, and the command that has been typed so far.

use std::ops::Range;

use super::char_search::CharSearch;
use super::mode::ViMode;
use crate::tui::composer::editor::position::Pos;
use crate::tui::composer::editor::text_buffer::TextBuffer;

/// Counts and repetitions stop here.
pub const MAX_COUNT: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Delete,
    Change,
    Yank,
    Indent,
    Unindent,
}

/// What the next key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PendingKey {
    /// The second key after `g`.
    Prefix,
    /// The character to search for.
    Search(CharSearch),
    /// The character to replace with.
    Replace,
    /// The kind of text object, after an operator and `i` or `a`.
    Object { around: bool },
}

#[derive(Debug, Default)]
pub struct Vi {
    pub mode: ViMode,
    /// `0` where none was typed.
    pub count: usize,
    /// With the count before it.
    pub operator: Option<(Operator, usize)>,
    pub pending: Option<PendingKey>,
    /// The last search within a line, and its character.
    pub last_search: Option<(CharSearch, char)>,
    /// The end of the visual selection that stays.
    pub anchor: Pos,
}

impl Vi {
    pub fn mode(&self) -> ViMode {
        self.mode
    }

    /// Returns whether a command was begun: a count, an operator.
    pub fn is_waiting(&self) -> bool {
        self.count > 0 || self.operator.is_some() || self.pending.is_some()
    }

    /// Enters insert mode. One undo takes back all that is inserted.
    pub fn insert(&mut self, buffer: &mut TextBuffer) {
        *self = Self { last_search: self.last_search, ..Self::default() };
        buffer.begin_undo_group();
    }

    /// Enters normal mode.
    pub fn normal(&mut self, buffer: &mut TextBuffer) {
        *self = Self { mode: ViMode::Normal, last_search: self.last_search, ..Self::default() };
        buffer.end_undo_group();
        Self::settle(buffer);
    }

    /// Moves the cursor from behind the last character of its line onto that character.
    pub fn settle(buffer: &mut TextBuffer) {
        let at = buffer.cursor();
        if at.byte > 0 && at.byte >= buffer.line().len() {
            let last = buffer.left(Pos::new(at.row, buffer.line().len()));
            buffer.go(last, false);
        } else {
            buffer.go(at, false);
        }
    }

    /// Forgets the command that was begun.
    pub fn reset(&mut self) {
        (self.count, self.operator, self.pending) = (0, None, None);
    }

    /// The count, times the one before the operator.
    pub fn times(&self) -> usize {
        let before = self.operator.map_or(1, |(_, count)| count);
        (self.count.max(1) * before.max(1)).min(MAX_COUNT)
    }

    pub fn has_count(&self) -> bool {
        self.count > 0 || self.operator.is_some_and(|(_, count)| count > 0)
    }

    /// The visual selection, with the character at its end.
    pub fn selection(&self, buffer: &TextBuffer) -> Option<Range<Pos>> {
        let (at, anchor) = (buffer.cursor(), buffer.clamp(self.anchor));
        match self.mode {
            ViMode::Visual => Some(anchor.min(at)..buffer.right(anchor.max(at))),
            ViMode::VisualLine => Some(buffer.whole_lines(anchor.row.min(at.row), anchor.row.max(at.row))),
            ViMode::Insert | ViMode::Normal => None,
        }
    }
}
