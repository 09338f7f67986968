//! A terminal page of unlimited length, whose last lines can still change.

use super::parser::TerminalOp;

/// The rows that the cursor can reach. Lines further up no longer change.
const SCREEN_ROWS: usize = 100;
/// A limit on the columns that the cursor can skip.
const MAX_COLUMNS: usize = 1_000;

/// `M` is the mark of each character.
pub struct TerminalPage<M> {
    /// Never empty.
    pub lines: Vec<Vec<(char, M)>>,
    pub row: usize,
    pub column: usize,
    /// Whether the cursor has gone back on its line, or up.
    returned: bool,
    /// Whether each row, as far as there are entries, was drawn by text after such a movement, as a progress bar is.
    redrawn: Vec<bool>,
}

impl<M> Default for TerminalPage<M> {
    fn default() -> Self {
        Self { lines: vec![Vec::new()], row: 0, column: 0, returned: false, redrawn: Vec::new() }
    }
}

impl<M: Copy + Default> TerminalPage<M> {
    /// Returns whether a row is drawn over rather than written once.
    pub fn is_redrawn(&self, row: usize) -> bool {
        self.redrawn.get(row).is_some_and(|redrawn| *redrawn)
    }

    fn follow(&mut self, step: TerminalOp<'_>) {
        match step {
            TerminalOp::Return | TerminalOp::Up(_) => self.returned = true,
            // Text on a line that is there already draws over it.
            TerminalOp::NewLine => self.returned = self.row + 1 < self.lines.len(),
            TerminalOp::Put(_) if self.returned && !self.is_redrawn(self.row) => {
                self.redrawn.resize(self.redrawn.len().max(self.row + 1), false);
                self.redrawn[self.row] = true;
            }
            _ => {}
        }
    }

    pub fn perform(&mut self, step: TerminalOp<'_>, mark: M) {
        self.follow(step);
        if step == TerminalOp::EraseAll {
            *self = Self::default();
            return;
        }
        let line = &mut self.lines[self.row];
        match step {
            TerminalOp::Put(c) if self.column < line.len() => {
                line[self.column] = (c, mark);
                self.column += 1;
            }
            TerminalOp::Put(c) => {
                line.resize(self.column, (' ', M::default()));
                line.push((c, mark));
                self.column += 1;
            }
            TerminalOp::NewLine => {
                self.row += 1;
                self.column = 0;
                if self.row == self.lines.len() {
                    self.lines.push(Vec::new());
                }
            }
            TerminalOp::Return => self.column = 0,
            TerminalOp::Back(columns) => self.column = self.column.saturating_sub(columns),
            // Limited, so that blanks take little memory.
            TerminalOp::Forward(columns) => {
                self.column = self.column.saturating_add(columns).min(MAX_COLUMNS.max(self.column));
            }
            TerminalOp::Column(column) => self.column = column.min(MAX_COLUMNS),
            TerminalOp::Up(rows) => {
                self.row = self.row.saturating_sub(rows).max(self.lines.len().saturating_sub(SCREEN_ROWS));
            }
            TerminalOp::Down(rows) => self.row = self.row.saturating_add(rows).min(self.lines.len() - 1),
            TerminalOp::EraseToEnd => line.truncate(self.column),
            TerminalOp::EraseToStart => {
                let end = line.len().min(self.column + 1);
                line[..end].fill((' ', M::default()));
            }
            TerminalOp::EraseLine => line.clear(),
            TerminalOp::EraseBelow => {
                line.truncate(self.column);
                self.lines[self.row + 1..].iter_mut().for_each(Vec::clear);
            }
            TerminalOp::EraseAll | TerminalOp::Style(_) | TerminalOp::Unfinished(_) | TerminalOp::Nothing => {}
        }
    }
}
