//! The lines of a terminal without end, of which the last can still be changed.

use super::parser::Step;

/// Lines further up than this are settled: nothing goes back there.
const SCREEN: usize = 100;
/// No terminal is wider.
const WIDEST: usize = 1_000;

/// `M` is what is known of each character.
pub struct Page<M> {
    /// Never empty.
    pub lines: Vec<Vec<(char, M)>>,
    pub row: usize,
    pub column: usize,
}

impl<M> Default for Page<M> {
    fn default() -> Self {
        Self { lines: vec![Vec::new()], row: 0, column: 0 }
    }
}

impl<M: Copy + Default> Page<M> {
    pub fn perform(&mut self, step: Step<'_>, mark: M) {
        let line = &mut self.lines[self.row];
        match step {
            Step::Put(c) if self.column < line.len() => {
                line[self.column] = (c, mark);
                self.column += 1;
            }
            Step::Put(c) => {
                line.resize(self.column, (' ', M::default()));
                line.push((c, mark));
                self.column += 1;
            }
            Step::NewLine => {
                self.row += 1;
                self.column = 0;
                if self.row == self.lines.len() {
                    self.lines.push(Vec::new());
                }
            }
            Step::Return => self.column = 0,
            Step::Back(columns) => self.column = self.column.saturating_sub(columns),
            // Not so far that blanks take memory, unless text did before.
            Step::Forward(columns) => self.column = self.column.saturating_add(columns).min(WIDEST.max(self.column)),
            Step::Column(column) => self.column = column.min(WIDEST),
            Step::Up(rows) => self.row = self.row.saturating_sub(rows).max(self.lines.len().saturating_sub(SCREEN)),
            Step::Down(rows) => self.row = self.row.saturating_add(rows).min(self.lines.len() - 1),
            Step::EraseToEnd => line.truncate(self.column),
            Step::EraseToStart => {
                let end = line.len().min(self.column + 1);
                line[..end].fill((' ', M::default()));
            }
            Step::EraseLine => line.clear(),
            Step::EraseBelow => {
                line.truncate(self.column);
                self.lines[self.row + 1..].iter_mut().for_each(Vec::clear);
            }
            Step::Look(_) | Step::Unfinished(_) | Step::Nothing => {}
        }
    }
}
