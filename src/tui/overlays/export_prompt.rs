//! The prompt for the file that the session, or the output of a card, goes to.

use crate::export::Format;
use crate::tui::composer::editor::Editor;
use std::path::Path;

#[derive(Debug)]
pub struct ExportPrompt {
    /// Only the output of this card, and how the card is called.
    pub card: Option<(usize, String)>,
    pub editor: Editor,
    /// What is wrong with the name that was entered.
    pub refused: Option<String>,
    /// The file that is there already: the same name once more means it.
    pub there: Option<String>,
    /// It is being written.
    pub busy: bool,
}

impl ExportPrompt {
    pub fn new(name: &str) -> Self {
        let mut editor = Editor::default();
        editor.paste(name);
        Self { card: None, editor, refused: None, there: None, busy: false }
    }

    pub fn file(&self) -> String {
        self.editor.code()
    }

    /// One line it stays.
    pub fn paste(&mut self, text: &str) {
        self.refused = None;
        self.editor.paste(&text.trim_matches(['\r', '\n']).replace(['\r', '\n'], " "));
    }

    /// The same name with the ending of the next format.
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
