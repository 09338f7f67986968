//! Lines that are not wrapped: cut at the screen's edge, and scrolled sideways.

use super::{Pager, UnitRow};

/// Cells per notch of the wheel.
const WHEEL_CELLS: usize = 8;

impl Pager {
    /// Wraps long lines, or cuts them. The line at the top stays there.
    pub fn toggle_wrap(&mut self) {
        if let Some(top) = self.top {
            let heights: Vec<usize> = self.lines(top.unit).iter().map(|line| self.wrapped(line, true).len()).collect();
            let mut above = 0;
            let row = if self.wraps {
                heights.iter().position(|height| {
                    above += height;
                    above > top.row
                })
            } else {
                Some(heights.iter().take(top.row).sum())
            };
            self.top = Some(UnitRow { row: row.unwrap_or(0), ..top });
        }
        self.wraps = !self.wraps;
        self.left = 0;
        self.found = None;
        self.rows.clear();
    }

    /// Scrolls half a screen to the side. Wrapped lines are unwrapped first.
    pub fn move_sideways(&mut self, right: bool) {
        self.scroll_cells(right, (self.width / 2).max(1));
    }

    /// Scrolls the pane at column `x` by a notch of the wheel.
    pub fn move_sideways_at(&mut self, x: u16, right: bool) {
        match &mut self.other {
            Some(other) if (other.area.left()..other.area.right()).contains(&x) => {
                other.scroll_cells(right, WHEEL_CELLS);
            }
            _ => self.scroll_cells(right, WHEEL_CELLS),
        }
    }

    fn scroll_cells(&mut self, right: bool, cells: usize) {
        match (self.wraps, right) {
            (true, true) => self.toggle_wrap(),
            (true, false) => {}
            (false, true) => self.left = (self.left + cells).min(self.max_left()),
            (false, false) => self.left = self.left.saturating_sub(cells),
        }
    }

    /// The rightmost place, at which the end of the longest line in sight is shown.
    fn max_left(&self) -> usize {
        let longest = self.window.iter().map(ratatui::text::Line::width).max().unwrap_or(0);
        longest.saturating_sub(self.width.saturating_sub(1)).max(self.left.min(longest))
    }

    /// Scrolls sideways to where cells of a row are in sight.
    pub(super) fn show_cells(&mut self, start: usize, end: usize) {
        if !self.wraps && (start < self.left || end > self.left + self.width) {
            self.left = if end <= self.width { 0 } else { start.saturating_sub(self.width / 2) };
        }
    }
}
