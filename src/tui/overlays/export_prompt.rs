//! The prompt for a file, for the session or the output of a card.

use std::path::Path;

use crate::export::Format;
use crate::tui::composer::editor::Editor;

#[derive(Debug)]
pub struct ExportPrompt {
    /// The card whose output is saved, and its name; `None` for the whole session.
    pub card: Option<(usize, String)>,
    pub editor: Editor,
    /// The fault in the entered name.
    pub refused: Option<String>,
    /// An existing file with that name; entering the name again replaces the file.
    pub existing: Option<String>,
    /// Whether the file is being written.
    pub busy: bool,
}

impl ExportPrompt {
    pub fn new(name: &str) -> Self {
        Self { card: None, editor: Editor::with_text(name), refused: None, existing: None, busy: false }
    }

    pub fn file(&self) -> String {
        self.editor.code()
    }

    /// Pastes text as one line.
    pub fn paste(&mut self, text: &str) {
        self.refused = None;
        self.editor.paste_line(text);
    }

    /// Changes the name's extension to the next format.
    pub fn next_format(&mut self) {
        let file = self.file();
        let format = Format::of(Path::new(&file));
        let next = Format::ALL.iter().position(|other| Some(*other) == format).map_or(0, |place| place + 1);
        let next = Format::ALL[next % Format::ALL.len()];
        let stem = match format {
            Some(_) => file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem),
            None => file.as_str(),
        };
        *self = Self::new(&format!("{stem}.{next}"));
    }
}
