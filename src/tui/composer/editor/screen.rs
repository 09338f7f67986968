//! The part of the input that is seen: how far it is scrolled, and moving by rows of the screen.

use std::cell::RefCell;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::{Editor, rows};
use crate::tui::composer::editor::position::Pos;

#[derive(Debug)]
pub struct Screen {
    width: usize,
    height: usize,
    /// Rows above the first that is seen.
    top: usize,
    /// The column that moves by rows keep to.
    goal: Option<usize>,
    /// Brackets to be marked, as places in the code.
    pub brackets: Option<[usize; 2]>,
    /// For which text and cursor.
    looked_at: Option<(u64, Pos)>,
    rows: RefCell<Rows>,
}

/// How the lines of a text share the rows of a screen.
#[derive(Debug, Default)]
struct Rows {
    /// The text, by its revision, and the width.
    of: Option<(u64, usize)>,
    /// Rows of each line and of all above it.
    ends: Vec<usize>,
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            width: usize::MAX,
            height: 1,
            top: 0,
            goal: None,
            brackets: None,
            looked_at: None,
            rows: RefCell::default(),
        }
    }
}

/// A row of the screen, and the part of a line that stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub line: usize,
    pub bytes: Range<usize>,
    /// The line ends with it.
    pub is_last: bool,
}

impl Editor {
    /// Rows that the input takes at `width` cells.
    pub fn rows(&self, width: u16) -> usize {
        self.rows_above(self.buffer.lines().len(), width.into())
    }

    fn with_rows<T>(&self, width: usize, look: impl FnOnce(&[usize]) -> T) -> T {
        let mut rows = self.screen.rows.borrow_mut();
        let of = Some((self.buffer.revision(), width));
        if rows.of != of {
            rows.of = of;
            let mut end = 0;
            rows.ends.clear();
            rows.ends.extend(self.buffer.lines().iter().map(|line| {
                end += rows::count(line, width);
                end
            }));
        }
        look(&rows.ends)
    }

    fn rows_above(&self, line: usize, width: usize) -> usize {
        self.with_rows(width, |ends| line.checked_sub(1).map_or(0, |above| ends[above]))
    }

    /// Scrolls the cursor into sight. Call it before each drawing.
    pub fn fit(&mut self, width: u16, height: u16) {
        self.screen.width = usize::from(width).max(2);
        let (row, _) = self.screen_cursor();
        let height = usize::from(height).max(1);
        self.screen.height = height;
        let last = self.rows(width).saturating_sub(height);
        self.screen.top = self.screen.top.min(row).min(last).max((row + 1).saturating_sub(height));
        let looked_at = Some((self.buffer.revision(), self.buffer.cursor()));
        if self.screen.looked_at != looked_at {
            self.screen.looked_at = looked_at;
            self.screen.brackets = self.bracket_pair();
        }
    }

    pub fn brackets(&self) -> Option<[usize; 2]> {
        self.screen.brackets
    }

    /// Row, counted from the first of the text, and column of the cursor.
    fn screen_cursor(&self) -> (usize, usize) {
        let Pos { row, byte } = self.buffer.cursor();
        let (lines, width) = (self.buffer.lines(), self.screen.width);
        let above = self.rows_above(row, width);
        let (own, column) = rows::place(&lines[row], byte, width);
        (above + own, column)
    }

    /// Row and column of the cursor in what is seen.
    pub fn cursor_in_sight(&self) -> (usize, usize) {
        let (row, column) = self.screen_cursor();
        let hidden = || self.buffer.line()[..self.buffer.cursor().byte].graphemes(true).count();
        (row.saturating_sub(self.screen.top), if self.mask.is_some() { hidden() } else { column })
    }

    /// What is seen, `height` rows at most.
    pub fn visible(&self, height: usize) -> Vec<Row> {
        let Screen { width, top, .. } = self.screen;
        let first = self.with_rows(width, |ends| ends.partition_point(|end| *end <= top));
        let mut skip = top.saturating_sub(self.rows_above(first, width));
        let mut found = Vec::new();
        for (line, text) in self.buffer.lines().iter().enumerate().skip(first) {
            let rows = rows::of_line(text, width);
            let last = rows.len() - 1;
            for (index, bytes) in rows.into_iter().enumerate().skip(skip) {
                if found.len() == height {
                    return found;
                }
                found.push(Row { line, bytes, is_last: index == last });
            }
            skip = 0;
        }
        found
    }

    /// Scrolls; the cursor stays in sight.
    pub fn scroll(&mut self, rows: isize) {
        let Screen { width, height, top, .. } = self.screen;
        let count = self.rows_above(self.buffer.lines().len(), width);
        let top = top.saturating_add_signed(rows).min(count.saturating_sub(height));
        let (row, column) = self.screen_cursor();
        self.screen.top = top;
        let wanted = row.clamp(top, top + height - 1);
        if wanted != row {
            self.click(wanted - top, column, false);
        }
    }

    /// Puts the cursor at a place of what is seen, or as near to it as there is text.
    pub fn click(&mut self, row: usize, column: usize, select: bool) {
        self.buffer.step();
        self.forget_goal();
        let seen = self.visible(self.screen.height);
        let Some(place) = seen.get(row).or(seen.last()) else { return };
        let line = &self.buffer.lines()[place.line];
        let byte = if self.mask.is_some() {
            line.grapheme_indices(true).nth(column).map_or(line.len(), |(byte, _)| byte)
        } else {
            let index = rows::of_line(line, self.screen.width).iter().position(|bytes| *bytes == place.bytes);
            rows::byte_at(line, index.unwrap_or(0), column, self.screen.width)
        };
        self.buffer.go(Pos::new(place.line, byte), select);
    }

    /// Bytes of the code before a row.
    pub fn place_of(&self, row: &Row) -> usize {
        self.offset(Pos::new(row.line, row.bytes.start))
    }

    pub(super) fn forget_goal(&mut self) {
        self.screen.goal = None;
    }

    /// A row up or down; `false` if there is none.
    pub(super) fn move_by_row(&mut self, down: bool, select: bool) -> bool {
        let width = self.screen.width;
        let at = self.buffer.cursor();
        let (row, column) = rows::place(self.buffer.line(), at.byte, width);
        let goal = *self.screen.goal.get_or_insert(column);
        let lines = self.buffer.lines();
        let to = if down {
            if row + 1 < rows::count(&lines[at.row], width) {
                Some((at.row, row + 1))
            } else {
                (at.row + 1 < lines.len()).then_some((at.row + 1, 0))
            }
        } else if row > 0 {
            Some((at.row, row - 1))
        } else {
            at.row.checked_sub(1).map(|above| (above, rows::count(&lines[above], width) - 1))
        };
        let Some((line, row)) = to else { return false };
        let byte = rows::byte_at(&lines[line], row, goal, width);
        self.buffer.go(Pos::new(line, byte), select);
        true
    }

    pub(super) fn is_on_first_row(&self) -> bool {
        let at = self.buffer.cursor();
        at.row == 0 && rows::place(self.buffer.line(), at.byte, self.screen.width).0 == 0
    }

    pub fn is_at_end(&self) -> bool {
        self.buffer.cursor() == self.buffer.end()
    }

    pub(super) fn is_on_last_row(&self) -> bool {
        let at = self.buffer.cursor();
        let (line, width) = (self.buffer.line(), self.screen.width);
        at.row + 1 == self.buffer.lines().len() && rows::place(line, at.byte, width).0 + 1 == rows::count(line, width)
    }
}
