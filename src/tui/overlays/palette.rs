//! The palette: every action by its title, found by a few letters, the recent ones first.

use crate::tui::composer::editor::Editor;
use crate::tui::input::keymap::{Context, Row};

#[derive(Debug, Default)]
pub struct Palette {
    /// What is looked for.
    pub editor: Editor,
    /// The chosen one among those found.
    pub row: usize,
}

/// An action in the list.
#[derive(Clone, Debug)]
pub struct Found {
    pub row: &'static Row,
    /// Where it would be done.
    pub context: Context,
    /// Why it cannot be done now.
    pub refused: Option<String>,
    /// Characters of the title that were looked for.
    pub marked: Vec<u32>,
}

impl Palette {
    /// Moves the selection; drawing keeps the selection within the list.
    pub fn move_by(&mut self, rows: isize) {
        self.row = self.row.saturating_add_signed(rows);
    }

    /// One line it stays.
    pub fn paste(&mut self, text: &str) {
        self.editor.paste(&text.trim_matches(['\r', '\n']).replace(['\r', '\n'], " "));
        self.row = 0;
    }
}
