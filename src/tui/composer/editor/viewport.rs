//! The part of the input that the screen shows: scrolling, and moving by rows of the screen.

use std::cell::RefCell;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::position::Pos;
use super::text_buffer::TextBuffer;
use super::wrap;

#[derive(Debug)]
pub struct TextViewport {
    width: usize,
    height: usize,
    /// Rows above the first that is shown.
    top: usize,
    /// The column that moves by rows aim at.
    goal: Option<usize>,
    row_counts: RefCell<RowCounts>,
}

/// How many rows the lines take, for one text and width.
#[derive(Debug, Default)]
struct RowCounts {
    /// Revision of the text, and width.
    key: Option<(u64, usize)>,
    /// Rows of each line and of all lines above it.
    ends: Vec<usize>,
}

impl Default for TextViewport {
    fn default() -> Self {
        Self { width: usize::MAX, height: 1, top: 0, goal: None, row_counts: RefCell::default() }
    }
}

/// A row of the screen, and the part of a line in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibleRow {
    pub line: usize,
    pub bytes: Range<usize>,
    /// The line ends in this row.
    pub is_last: bool,
}

impl TextViewport {
    /// Rows that the text takes at `width` cells.
    pub fn row_count(&self, buffer: &TextBuffer, width: usize) -> usize {
        self.rows_above(buffer, buffer.lines().len(), width)
    }

    fn with_row_ends<T>(&self, buffer: &TextBuffer, width: usize, read: impl FnOnce(&[usize]) -> T) -> T {
        let mut counts = self.row_counts.borrow_mut();
        let key = Some((buffer.revision(), width));
        if counts.key != key {
            counts.key = key;
            let mut end = 0;
            counts.ends.clear();
            counts.ends.extend(buffer.lines().iter().map(|line| {
                end += wrap::row_count(line, width);
                end
            }));
        }
        read(&counts.ends)
    }

    fn rows_above(&self, buffer: &TextBuffer, line: usize, width: usize) -> usize {
        self.with_row_ends(buffer, width, |ends| line.checked_sub(1).map_or(0, |above| ends[above]))
    }

    /// Takes the size of the screen, and scrolls to the cursor.
    pub fn fit(&mut self, buffer: &TextBuffer, width: u16, height: u16) {
        self.width = usize::from(width).max(2);
        self.height = usize::from(height).max(1);
        let (row, _) = self.cursor(buffer);
        let last = self.row_count(buffer, width.into()).saturating_sub(self.height);
        self.top = self.top.min(row).min(last).max((row + 1).saturating_sub(self.height));
    }

    /// Row of the cursor, counted from the first of the text, and column.
    fn cursor(&self, buffer: &TextBuffer) -> (usize, usize) {
        let Pos { row, byte } = buffer.cursor();
        let above = self.rows_above(buffer, row, self.width);
        let (own, column) = wrap::locate(&buffer.lines()[row], byte, self.width);
        (above + own, column)
    }

    /// Row, counted from the first that is shown, and column of the cursor. `is_masked`: each grapheme takes one cell.
    pub fn visible_cursor(&self, buffer: &TextBuffer, is_masked: bool) -> (usize, usize) {
        let (row, column) = self.cursor(buffer);
        let masked = || buffer.line()[..buffer.cursor().byte].graphemes(true).count();
        (row.saturating_sub(self.top), if is_masked { masked() } else { column })
    }

    /// The rows that are shown, `height` at most.
    pub fn visible(&self, buffer: &TextBuffer, height: usize) -> Vec<VisibleRow> {
        let (width, top) = (self.width, self.top);
        let first = self.with_row_ends(buffer, width, |ends| ends.partition_point(|end| *end <= top));
        let mut skip = top.saturating_sub(self.rows_above(buffer, first, width));
        let mut visible = Vec::new();
        for (line, text) in buffer.lines().iter().enumerate().skip(first) {
            let rows = wrap::rows(text, width);
            let last = rows.len() - 1;
            for (index, bytes) in rows.into_iter().enumerate().skip(skip) {
                if visible.len() == height {
                    return visible;
                }
                visible.push(VisibleRow { line, bytes, is_last: index == last });
            }
            skip = 0;
        }
        visible
    }

    /// Scrolls. Returns the row of the screen and the column where the cursor must go to stay in sight.
    pub fn scroll(&mut self, buffer: &TextBuffer, rows: isize) -> Option<(usize, usize)> {
        let count = self.row_count(buffer, self.width);
        self.top = self.top.saturating_add_signed(rows).min(count.saturating_sub(self.height));
        let (row, column) = self.cursor(buffer);
        let nearest = row.clamp(self.top, self.top + self.height - 1);
        (nearest != row).then(|| (nearest - self.top, column))
    }

    /// Returns the place in the text at a place of the screen, or the nearest one.
    pub fn pos_at(&self, buffer: &TextBuffer, row: usize, column: usize, is_masked: bool) -> Option<Pos> {
        let visible = self.visible(buffer, self.height);
        let shown = visible.get(row).or(visible.last())?;
        let line = &buffer.lines()[shown.line];
        let byte = if is_masked {
            line.grapheme_indices(true).nth(column).map_or(line.len(), |(byte, _)| byte)
        } else {
            let index = wrap::rows(line, self.width).iter().position(|bytes| *bytes == shown.bytes);
            wrap::byte_at(line, index.unwrap_or(0), column, self.width)
        };
        Some(Pos::new(shown.line, byte))
    }

    /// The next move by rows aims at the column of the cursor.
    pub fn forget_goal(&mut self) {
        self.goal = None;
    }

    /// Returns the place a row up or down, `None` if there is no such row.
    pub fn next_row(&mut self, buffer: &TextBuffer, down: bool) -> Option<Pos> {
        let width = self.width;
        let at = buffer.cursor();
        let (row, column) = wrap::locate(buffer.line(), at.byte, width);
        let goal = *self.goal.get_or_insert(column);
        let lines = buffer.lines();
        let (line, row) = if down {
            if row + 1 < wrap::row_count(&lines[at.row], width) {
                (at.row, row + 1)
            } else {
                (at.row + 1 < lines.len()).then_some((at.row + 1, 0))?
            }
        } else if row > 0 {
            (at.row, row - 1)
        } else {
            let above = at.row.checked_sub(1)?;
            (above, wrap::row_count(&lines[above], width) - 1)
        };
        Some(Pos::new(line, wrap::byte_at(&lines[line], row, goal, width)))
    }

    pub fn is_on_first_row(&self, buffer: &TextBuffer) -> bool {
        let at = buffer.cursor();
        at.row == 0 && wrap::locate(buffer.line(), at.byte, self.width).0 == 0
    }

    pub fn is_on_last_row(&self, buffer: &TextBuffer) -> bool {
        let at = buffer.cursor();
        let line = buffer.line();
        at.row + 1 == buffer.lines().len()
            && wrap::locate(line, at.byte, self.width).0 + 1 == wrap::row_count(line, self.width)
    }
}
