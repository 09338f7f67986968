//! The rows of a note.

use super::card::{Card, CardLayout, MAX_OUTPUT_ROWS, Row};
use super::lines;
use crate::domain::Note;
use crate::domain::terminal_text::plain;
use crate::tui::theme;

impl Card {
    pub(super) fn note(&mut self, note: &Note, shape: CardLayout) {
        if let Some(inquiry) = &note.answers {
            for line in plain(&inquiry.text).lines() {
                self.wrapped(line, theme::DIM, shape);
            }
        }
        let (text, first) = (plain(&note.text), self.rows.len());
        for line in text.lines() {
            self.wrapped(line, theme::PLAIN, shape);
        }
        self.fold_from(first, shape);
    }

    /// Hides rows beyond the bound of a folded card.
    fn fold_from(&mut self, first: usize, shape: CardLayout) {
        let rows = self.rows.len() - first;
        if rows > MAX_OUTPUT_ROWS {
            self.foldable = true;
            if !shape.open {
                self.rows.truncate(first + MAX_OUTPUT_ROWS - 1);
                self.rows.push(Row::Text(lines::note(format!("… {} more rows", rows - MAX_OUTPUT_ROWS + 1))));
            }
        }
    }
}
