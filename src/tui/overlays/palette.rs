//! The palette: every action by its title, the best match first, and recent actions first without a query.

use crate::tui::composer::editor::Editor;
use crate::tui::input::keymap::{ActionRow, Context};

#[derive(Debug, Default)]
pub struct Palette {
    /// The query.
    pub editor: Editor,
    /// The selected row of the matching actions.
    pub row: usize,
}

/// A matching action.
#[derive(Clone, Debug)]
pub struct PaletteMatch {
    pub row: &'static ActionRow,
    /// The context in which the action would run; `None` if it would act on the last card without a selection.
    pub context: Option<Context>,
    /// Why the action is not available now.
    pub refused: Option<String>,
    /// The characters of the title that match the query.
    pub marked: Vec<u32>,
}

impl Palette {
    /// Moves the selection; drawing keeps the selection within the list.
    pub fn move_by(&mut self, rows: isize) {
        self.row = self.row.saturating_add_signed(rows);
    }

    /// Pastes text as one line.
    pub fn paste(&mut self, text: &str) {
        self.editor.paste_line(text);
        self.row = 0;
    }
}
