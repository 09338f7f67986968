//! The scrolling table of the inspector: the place in it, the order and the filter of its rows, and the part of the
//! rows that it needs from the session.

use crate::domain::{RowWindow, SnippetId, TablePage};
use crate::tui::composer::editor::Editor;

/// Rows and columns that are requested at once: several screens, so that most scrolling waits for nothing.
const WINDOW_ROWS: u64 = 200;
const COLUMNS_BEFORE: usize = 10;
/// Columns that fit on any screen.
const COLUMNS_IN_SIGHT: u64 = 40;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// The row under the cursor, and the first row in sight.
    pub row: u64,
    pub top: u64,
    /// The first column in sight, by which rows can be sorted.
    pub column: usize,
    /// The column that the rows are sorted by, and whether the greatest comes first.
    pub order: Option<(u32, bool)>,
    /// What rows must match.
    pub filter: String,
}

/// A line that the person types below the table.
#[derive(Debug)]
pub struct GridPrompt {
    pub asks: GridPromptKind,
    pub editor: Editor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridPromptKind {
    RowNumber,
    Filter,
}

impl Grid {
    /// Moves the cursor, and scrolls so that the cursor stays among the `height` rows in sight.
    pub fn go_to(&mut self, row: u64, total: Option<u64>, height: u64) {
        let last = total.map_or(row, |total| total.saturating_sub(1));
        self.row = row.min(last);
        self.show_row(height);
    }

    pub fn show_row(&mut self, height: u64) {
        let lowest_top = self.row.saturating_add(1).saturating_sub(height.max(1));
        self.top = self.top.clamp(lowest_top, self.row.max(lowest_top));
    }

    /// Moves by a page, and keeps the cursor's place on the screen.
    pub fn turn_page(&mut self, pages: i64, total: Option<u64>, height: u64) {
        let rows = pages * height.max(1) as i64;
        let last_top = total.map_or(u64::MAX, |total| total.saturating_sub(height));
        self.top = self.top.saturating_add_signed(rows).min(last_top);
        self.go_to(self.row.saturating_add_signed(rows), total, height);
    }

    /// Sorts by the first column in sight: upward, then downward, then not at all.
    pub fn sort(&mut self) {
        let column = self.column as u32;
        self.order = match self.order {
            Some((sorted, false)) if sorted == column => Some((column, true)),
            Some((sorted, true)) if sorted == column => None,
            _ => Some((column, false)),
        };
        (self.row, self.top) = (0, 0);
    }

    /// The rows to request for what is in sight.
    pub fn window(&self, height: u64, after: Option<SnippetId>) -> RowWindow {
        let count = WINDOW_ROWS.max(height * 3);
        RowWindow {
            start: self.top.saturating_sub((count - height) / 2),
            count: count as u32,
            first_column: self.column.saturating_sub(COLUMNS_BEFORE) as u32,
            order: self.order,
            filter: self.filter.clone(),
            after,
        }
    }

    /// Returns whether rows or columns in sight are missing in `table`.
    pub fn lacks(&self, table: &TablePage, height: u64) -> bool {
        let end = table.offset + table.rows.len() as u64;
        let bottom = self.top.saturating_add(height);
        let lacks_rows = self.top < table.offset || bottom > end && table.total.map_or(table.has_more, |all| end < all);
        let columns_end = table.first_column + table.headers.len().saturating_sub(1) as u64;
        let right = self.column as u64 + COLUMNS_IN_SIGHT;
        let lacks_columns = (self.column as u64) < table.first_column
            || right > columns_end && table.columns.is_some_and(|all| columns_end < all);
        lacks_rows || lacks_columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_sight() {
        let mut grid = Grid::default();
        grid.go_to(7, Some(100), 5);
        assert_eq!((grid.row, grid.top), (7, 3));
        grid.turn_page(1, Some(100), 5);
        assert_eq!((grid.row, grid.top), (12, 8));
        grid.turn_page(99, Some(100), 5);
        assert_eq!((grid.row, grid.top), (99, 95));
        grid.turn_page(-99, Some(100), 5);
        assert_eq!((grid.row, grid.top), (0, 0));
        grid.go_to(3, Some(0), 5);
        assert_eq!(grid.row, 0);
    }

    #[test]
    fn what_is_missing_is_requested() {
        let mut grid = Grid::default();
        let mut table = TablePage {
            headers: vec![String::new(); 61],
            rows: vec![Vec::new(); 200],
            total: Some(10_000_000),
            columns: Some(500),
            ..TablePage::default()
        };
        assert!(!grid.lacks(&table, 30));
        grid.go_to(9_999_999, table.total, 30);
        assert!(grid.lacks(&table, 30));
        let window = grid.window(30, None);
        assert!(window.start < grid.top && window.start + u64::from(window.count) >= 10_000_000);
        (table.offset, grid.column) = (window.start, 30);
        assert!(grid.lacks(&table, 30), "columns on the right");
        table.first_column = grid.window(30, None).first_column.into();
        assert!(!grid.lacks(&table, 30));
    }

    #[test]
    fn a_column_sorts_both_ways() {
        let mut grid = Grid { column: 2, row: 9, ..Grid::default() };
        let orders = [(); 3].map(|()| {
            grid.sort();
            grid.order
        });
        assert_eq!((orders, grid.row), ([Some((2, false)), Some((2, true)), None], 0));
    }
}
