//! The line that answers a prompt: it takes the place of the input while code asks, and the draft comes back after it.

use std::sync::Arc;

use crate::domain::{InputRequest, SnippetId, Timestamp};

use super::editor::Editor;

/// Typing must rest for this long after a prompt appeared before keys go to it: what was meant for the draft must never
/// answer a prompt that nobody has seen yet.
const REST: u64 = 300;

/// Stands for each character of a hidden answer.
pub const DOT: char = '•';

#[derive(Debug)]
pub struct Reply {
    pub snippet: SnippetId,
    pub request: Arc<InputRequest>,
    pub editor: Editor,
    /// Keys answer the prompt from then on.
    opens_at: Timestamp,
}

impl Reply {
    /// `expected`: the person has just answered the same code and typed nothing since.
    pub fn new(snippet: SnippetId, request: Arc<InputRequest>, expected: bool) -> Self {
        let opens_at = if expected { 0 } else { request.at + REST };
        let mut editor = Editor::default();
        if request.hidden {
            editor.area.set_mask_char(DOT);
        }
        Self { snippet, request, editor, opens_at }
    }

    pub fn is_open(&self, now: Timestamp) -> bool {
        now >= self.opens_at
    }

    /// The person is still typing into the draft.
    pub fn put_off(&mut self, now: Timestamp) {
        self.opens_at = now + REST;
    }

    pub fn line(&self) -> String {
        self.editor.code()
    }

    /// One line it stays.
    pub fn paste(&mut self, text: &str) {
        self.editor.paste(&text.trim_end_matches(['\r', '\n']).replace("\r\n", " ").replace(['\r', '\n'], " "));
    }
}
