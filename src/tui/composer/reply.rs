//! The line that answers a prompt of running code or a question of a client: it takes the place of the input while
//! somebody asks, and the draft comes back after it.

use std::sync::Arc;

use crate::domain::{InputRequest, Inquiry, SnippetId, Timestamp};

use super::editor::Editor;

/// Typing must rest for this long after a prompt appeared before keys go to it: what was meant for the draft must never
/// answer a prompt that nobody has seen yet.
const REST: u64 = 300;
/// The same for a question of a client, which waits for no code.
const REST_FOR_QUESTION: u64 = 1_000;

/// Stands for each character of a hidden answer.
pub const DOT: char = '•';

#[derive(Debug)]
pub enum Asks {
    Code { snippet: SnippetId, request: Arc<InputRequest> },
    Client(Arc<Inquiry>),
}

#[derive(Debug)]
pub struct Reply {
    pub asks: Asks,
    pub editor: Editor,
    /// Keys answer from then on.
    opens_at: Timestamp,
    /// The person wants to answer this question now, or (`false`) not yet.
    wanted: Option<bool>,
}

impl Reply {
    /// `expected`: the person has just answered the same code and typed nothing since.
    pub fn to_code(snippet: SnippetId, request: Arc<InputRequest>, expected: bool) -> Self {
        let opens_at = if expected { 0 } else { request.at + REST };
        let mut editor = Editor::default();
        if request.hidden {
            editor.mask = Some(DOT);
        }
        Self { asks: Asks::Code { snippet, request }, editor, opens_at, wanted: None }
    }

    pub fn to_client(inquiry: Arc<Inquiry>, now: Timestamp) -> Self {
        let opens_at = now.max(inquiry.at) + REST_FOR_QUESTION;
        Self { asks: Asks::Client(inquiry), editor: Editor::default(), opens_at, wanted: None }
    }

    pub fn inquiry(&self) -> Option<&Arc<Inquiry>> {
        match &self.asks {
            Asks::Client(inquiry) => Some(inquiry),
            Asks::Code { .. } => None,
        }
    }

    /// Whether keys answer. A question of a client leaves them to a draft that has been begun.
    pub fn is_open(&self, draft: &Editor, now: Timestamp) -> bool {
        match self.asks {
            Asks::Code { .. } => now >= self.opens_at,
            Asks::Client(_) => self.wanted.unwrap_or(now >= self.opens_at && draft.is_empty()),
        }
    }

    /// The question that is shown in full: it may be about to open.
    pub fn shown(&self, draft: &Editor) -> Option<&Arc<Inquiry>> {
        self.inquiry().filter(|_| self.wanted.unwrap_or(draft.is_empty()))
    }

    /// When it opens by itself, if it is going to.
    pub fn opens_at(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.opens_at).filter(|at| *at > now && self.wanted.is_none())
    }

    /// The person is still typing into the draft.
    pub fn put_off(&mut self, now: Timestamp) {
        self.opens_at = now + if self.inquiry().is_some() { REST_FOR_QUESTION } else { REST };
    }

    /// To answer the question now, or later.
    pub fn want(&mut self, wanted: bool) {
        self.wanted = Some(wanted);
    }

    /// Who asks what, on one line.
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

    /// One line it stays.
    pub fn paste(&mut self, text: &str) {
        self.editor.paste(&text.trim_end_matches(['\r', '\n']).replace("\r\n", " ").replace(['\r', '\n'], " "));
    }
}
