//! `Reply`: the line that answers a prompt of running code or a question of a client, and what the person did to it so
//! far.

use std::sync::Arc;

use super::editor::Editor;
use crate::domain::{Author, InputRequest, Inquiry, SnippetId, Timestamp};

/// Stands for each character of a hidden answer.
pub const MASK: char = '•';

#[derive(Debug)]
pub enum Asks {
    Code {
        snippet: SnippetId,
        /// Whose code it is.
        by: Author,
        request: Arc<InputRequest>,
    },
    Client(Arc<Inquiry>),
}

impl Asks {
    /// Whether both are the same request.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Code { request, .. }, Self::Code { request: other, .. }) => request.number == other.number,
            (Self::Client(inquiry), Self::Client(other)) => inquiry.number == other.number,
            _ => false,
        }
    }

    pub fn at(&self) -> Timestamp {
        match self {
            Self::Code { request, .. } => request.at,
            Self::Client(inquiry) => inquiry.at,
        }
    }

    pub fn by(&self) -> &Author {
        match self {
            Self::Code { by, .. } => by,
            Self::Client(inquiry) => &inquiry.by,
        }
    }
}

#[derive(Debug)]
pub struct Reply {
    pub asks: Asks,
    pub editor: Editor,
    /// Whether the person turned to the reply, or away from it. Until then the reply has the keys while nothing is
    /// written in the input.
    pub turned: Option<bool>,
    /// The choice that the arrows point to.
    pub choice: Option<usize>,
    /// Rows of the question below the shown ones.
    pub scrolled: usize,
    /// Nobody waits any more for the answer, which the person has begun.
    pub is_late: bool,
    /// Whether the reply has been in front of the others.
    pub(super) was_shown: bool,
}

impl Reply {
    /// `expected`: the person has just answered the same code, and has typed nothing since.
    pub fn new(asks: Asks, expected: bool) -> Self {
        let mut editor = Editor::default();
        if let Asks::Code { request, .. } = &asks
            && request.hidden
        {
            editor.mask = Some(MASK);
        }
        Self {
            asks,
            editor,
            turned: expected.then_some(true),
            choice: None,
            scrolled: 0,
            is_late: false,
            was_shown: false,
        }
    }

    pub fn inquiry(&self) -> Option<&Arc<Inquiry>> {
        match &self.asks {
            Asks::Client(inquiry) => Some(inquiry),
            Asks::Code { .. } => None,
        }
    }

    /// Whether the person's own code asks, which takes the keys at once where nothing is written.
    pub fn is_own(&self) -> bool {
        matches!(&self.asks, Asks::Code { by, .. } if by.is_you())
    }

    /// Whether the person is at the reply: they turned to it, or wrote in it.
    pub fn is_in_hand(&self) -> bool {
        self.turned == Some(true) || !self.editor.is_empty()
    }

    /// Whether a debugger asks for a command.
    pub fn is_debugger(&self) -> bool {
        let Asks::Code { request, .. } = &self.asks else { return false };
        let prompt = request.prompt.trim().trim_matches(['(', ')', '>', ' ']).to_ascii_lowercase();
        !request.hidden && matches!(prompt.as_str(), "pdb" | "ipdb" | "pdb++")
    }

    /// Returns who wants what, on one line.
    pub fn label(&self) -> String {
        let (who, wants) = match &self.asks {
            Asks::Code { snippet, by, request } => {
                let who = if by.is_you() { snippet.to_string() } else { format!("{} ({snippet})", by.name()) };
                let wants = match (self.is_late, request.hidden) {
                    (true, _) => "no longer waits for input",
                    (false, true) => "wants hidden input",
                    (false, false) => "wants input",
                };
                (who, (wants, &*request.prompt))
            }
            Asks::Client(inquiry) => {
                let wants = if self.is_late { "no longer waits" } else { "asks" };
                (inquiry.by.name().to_owned(), (wants, inquiry.text.lines().next().unwrap_or_default()))
            }
        };
        match wants {
            (wants, "") => format!("{who} {wants}"),
            (wants, text) => format!("{who} {wants}: {text}"),
        }
    }

    pub fn line(&self) -> String {
        self.editor.code()
    }

    /// Pastes text as one line.
    pub fn paste(&mut self, text: &str) {
        self.choice = None;
        self.editor.paste(&text.trim_end_matches(['\r', '\n']).replace("\r\n", " ").replace(['\r', '\n'], " "));
    }

    /// Returns the choice that Enter would take: the one of the typed number, or the one that the arrows point to.
    pub fn pointed(&self) -> Option<usize> {
        let inquiry = self.inquiry()?;
        let typed = self.editor.code();
        if typed.trim().is_empty() {
            return self.choice;
        }
        typed.trim().parse::<usize>().ok()?.checked_sub(1).filter(|index| *index < inquiry.choices.len())
    }
}
