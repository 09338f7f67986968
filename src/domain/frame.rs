//! A data frame as a snippet showed it: a bounded part of its cells, to be laid out for any width.

use serde::{Deserialize, Serialize};

/// The first and last rows, and the first columns, within the constants' bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FramePreview {
    /// The size of the whole frame.
    pub rows: u64,
    pub columns: u64,
    /// The heading above the row labels; empty if there is none.
    pub corner: String,
    /// The labels of the rows in `cells`; empty if the frame has no index.
    pub index: Vec<String>,
    pub names: Vec<String>,
    /// The cells, row by row.
    pub cells: Vec<Vec<String>>,
    /// How many rows of `cells` are the first of the frame. The others are its last.
    pub head: usize,
}

/// A data frame that was displayed while a snippet ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayedFrame {
    /// The text as it was written.
    pub text: String,
    pub frame: FramePreview,
}

impl DisplayedFrame {
    /// The most frames of one snippet. Later ones stay text.
    pub const MAX_PER_SNIPPET: usize = 20;
}

impl FramePreview {
    pub const MAX_ROWS: usize = 30;
    pub const MAX_COLUMNS: usize = 60;
    /// Characters of a cell.
    pub const MAX_CELL: usize = 40;

    /// Returns the memory that it takes, roughly and in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let cells = self.cells.iter().chain([&self.index, &self.names]).flatten();
        cells.map(|cell| cell.len() + size_of::<String>()).sum()
    }

    /// Cuts the frame to its bounds, and fills every row up to the number of columns.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let cut = |text: &mut String| {
            if let Some((at, _)) = text.char_indices().nth(Self::MAX_CELL) {
                text.truncate(at);
                text.push('…');
            }
        };
        self.names.truncate(Self::MAX_COLUMNS);
        self.cells.truncate(Self::MAX_ROWS);
        self.index.truncate(self.cells.len());
        self.head = self.head.min(self.cells.len());
        for row in &mut self.cells {
            row.resize(self.names.len(), String::new());
            row.iter_mut().for_each(cut);
        }
        self.names.iter_mut().chain(&mut self.index).for_each(cut);
        cut(&mut self.corner);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_frames_are_cut_to_the_bounds() {
        let row = || vec!["é".repeat(100); 200];
        let frame = FramePreview {
            index: row(),
            names: row(),
            cells: vec![row(), Vec::new(), row()],
            head: 9,
            ..FramePreview::default()
        };
        let frame = frame.bounded();
        assert_eq!((frame.names.len(), frame.index.len(), frame.head), (60, 3, 3));
        assert!(frame.cells.iter().all(|row| row.len() == 60));
        assert_eq!(frame.cells[0][0].chars().count(), 41);
    }
}
