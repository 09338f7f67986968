//! `Reply`: the line that answers a prompt of running code or a question of a client. It replaces the input until it is
//! sent; then the draft comes back.

use std::sync::Arc;

use crate::domain::{InputRequest, Inquiry, SnippetId, Timestamp};

use super::editor::Editor;

/// Milliseconds without a key before a prompt takes the keys, so that text for the draft never answers a prompt that
/// nobody has seen.
const PROMPT_DELAY: u64 = 300;
/// The same for a question of a client, which holds up no code.
const QUESTION_DELAY: u64 = 1_000;

/// Stands for each character of a hidden answer.
pub const MASK: char = '•';

#[derive(Debug)]
pub enum Asks {
    Code { snippet: SnippetId, request: Arc<InputRequest> },
    Client(Arc<Inquiry>),
}

#[derive(Debug)]
pub struct Reply {
    pub asks: Asks,
    pub editor: Editor,
    /// Keys go to the reply from then on.
    opens_at: Timestamp,
    /// Whether the person chose to answer the question now, or later.
    answers_now: Option<bool>,
}

impl Reply {
    /// `expected`: the person just answered the same code, and typed nothing since.
    pub fn to_code(snippet: SnippetId, request: Arc<InputRequest>, expected: bool) -> Self {
        let opens_at = if expected { 0 } else { request.at + PROMPT_DELAY };
        let mut editor = Editor::default();
        if request.hidden {
            editor.mask = Some(MASK);
        }
        Self { asks: Asks::Code { snippet, request }, editor, opens_at, answers_now: None }
    }

    pub fn to_client(inquiry: Arc<Inquiry>, now: Timestamp) -> Self {
        let opens_at = now.max(inquiry.at) + QUESTION_DELAY;
        Self { asks: Asks::Client(inquiry), editor: Editor::default(), opens_at, answers_now: None }
    }

    pub fn inquiry(&self) -> Option<&Arc<Inquiry>> {
        match &self.asks {
            Asks::Client(inquiry) => Some(inquiry),
            Asks::Code { .. } => None,
        }
    }

    /// Returns whether keys go to the reply. A question of a client leaves them to a draft that was begun.
    pub fn is_open(&self, draft: &Editor, now: Timestamp) -> bool {
        match self.asks {
            Asks::Code { .. } => now >= self.opens_at,
            Asks::Client(_) => self.answers_now.unwrap_or(now >= self.opens_at && draft.is_empty()),
        }
    }

    /// Returns the question if it is shown in full. It may open soon.
    pub fn shown(&self, draft: &Editor) -> Option<&Arc<Inquiry>> {
        self.inquiry().filter(|_| self.answers_now.unwrap_or(draft.is_empty()))
    }

    /// Returns when the reply opens by itself.
    pub fn opens_at(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.opens_at).filter(|at| *at > now && self.answers_now.is_none())
    }

    /// Delays the reply because the person is typing into the draft.
    pub fn put_off(&mut self, now: Timestamp) {
        self.opens_at = now + if self.inquiry().is_some() { QUESTION_DELAY } else { PROMPT_DELAY };
    }

    /// Notes that the person wants to answer the question now, or later.
    pub fn want(&mut self, now: bool) {
        self.answers_now = Some(now);
    }

    /// Returns who asks what, on one line.
    pub fn prompt_label(&self) -> String {
        match &self.asks {
            Asks::Code { snippet, request } => {
                let prompt = &request.prompt;
                match (prompt.is_empty(), request.hidden) {
                    (true, false) => format!("{snippet} asks for a line"),
                    (true, true) => format!("{snippet} asks (hidden)"),
                    (false, false) => format!("{snippet} asks: {prompt}"),
                    (false, true) => format!("{snippet} asks (hidden): {prompt}"),
                }
            }
            Asks::Client(inquiry) => {
                format!("{} asks: {}", inquiry.by.name(), inquiry.text.lines().next().unwrap_or_default())
            }
        }
    }

    pub fn line(&self) -> String {
        self.editor.code()
    }

    /// Pastes text as one line.
    pub fn paste(&mut self, text: &str) {
        self.editor.paste(&text.trim_end_matches(['\r', '\n']).replace("\r\n", " ").replace(['\r', '\n'], " "));
    }
}
