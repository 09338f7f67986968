//! The state of the help: its place, and the search in it.

use crate::tui::composer::editor::Editor;

#[derive(Debug, Default)]
pub struct Help {
    pub scroll: usize,
    /// Only rows with all these words are shown.
    pub query: Editor,
    /// Whether keys go to the query.
    pub is_typing: bool,
    /// What the person was answering, if anything.
    pub answering: Option<AnswerRecipient>,
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerRecipient {
    /// A client with a question.
    Client,
    /// Running code with a prompt.
    Code,
}

impl Help {
    /// The help at its end, where the facts about the session are.
    pub fn at_end() -> Self {
        Self { scroll: usize::MAX, ..Self::default() }
    }

    /// Pastes text into the query as one line.
    pub fn paste(&mut self, text: &str) {
        self.query.paste_line(text);
        self.scroll = 0;
    }

    /// Shows all rows again.
    pub fn clear(&mut self) {
        *self = Self { answering: self.answering, ..Self::default() };
    }
}
