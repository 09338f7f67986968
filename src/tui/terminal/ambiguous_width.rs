//! Rows with text of uncertain width, which are rewritten as a whole when they change. Terminals disagree on the width
//! of emoji sequences, flags and new emoji, so a change of a few cells beside one may leave a piece of it behind.

use ratatui::buffer::{Buffer, Cell, CellDiffOption};

/// The rows of the last frame with text of uncertain width.
#[derive(Debug, Default)]
pub struct AmbiguousWidth(Vec<(usize, Vec<Cell>)>);

impl AmbiguousWidth {
    /// Marks the rows of `frame` that must be written in full, and keeps their list for the next frame.
    pub fn mark(&mut self, frame: &mut Buffer) {
        let before = std::mem::take(&mut self.0);
        let width = usize::from(frame.area.width).max(1);
        for (y, row) in frame.content.chunks_mut(width).enumerate() {
            let old = before.iter().find(|(row, _)| *row == y).map(|(_, cells)| cells);
            let uncertain = row.iter().any(is_uncertain);
            if uncertain {
                self.0.push((y, row.to_vec()));
            }
            if (uncertain || old.is_some()) && old.is_none_or(|old| old != row) {
                // Cells of a picture have their own option.
                for cell in row.iter_mut().filter(|cell| cell.diff_option == CellDiffOption::None) {
                    cell.diff_option = CellDiffOption::AlwaysUpdate;
                }
            }
        }
    }
}

fn is_uncertain(cell: &Cell) -> bool {
    if cell.diff_option != CellDiffOption::None {
        return false;
    }
    let mut chars = cell.symbol().chars();
    chars.next().is_some_and(|first| first >= '\u{1f000}') || chars.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cells that would be written, row by row.
    fn written(frames: [&str; 2]) -> String {
        let mut uncertain = AmbiguousWidth::default();
        let [before, after] = frames.map(|line| {
            let mut frame = Buffer::with_lines([line]);
            uncertain.mark(&mut frame);
            frame
        });
        before.diff(&after).iter().map(|(_, _, cell)| cell.symbol()).collect()
    }

    #[test]
    fn a_row_with_a_flag_is_written_in_full_when_it_changes() {
        assert_eq!(written(["a 🇫🇷|x   ", "a b  x   "]), "a b  x   ", "nothing of it stays");
        assert_eq!(written(["abcd  ", "ab👩‍🔬d "]), "ab👩‍🔬d ");
        assert_eq!(written(["abcdef", "abXdef"]), "X", "other rows are written as ever");
    }

    #[test]
    fn a_row_that_stays_is_not_written_again() {
        let mut uncertain = AmbiguousWidth::default();
        let mut frames = [(); 3].map(|()| Buffer::with_lines(["a 🇫🇷 b"]));
        for frame in &mut frames {
            uncertain.mark(frame);
        }
        assert!(frames[1].content.iter().all(|cell| cell.diff_option == CellDiffOption::None));
        assert_eq!(frames[1].diff(&frames[2]).len(), 0);
    }
}
