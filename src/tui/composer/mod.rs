//! The composer, where the person writes: the editor, completion, earlier inputs, and replies to prompts and questions.

mod candidates;
pub(in crate::tui) mod completion;
pub(in crate::tui) mod draw;
pub(in crate::tui) mod draw_completion;
pub(in crate::tui) mod draw_history;
pub(in crate::tui) mod editor;
pub(in crate::tui) mod history;
mod history_keys;
mod keys;
pub(in crate::tui) mod reply;
mod suggestion;

use std::path::PathBuf;

use self::completion::CodeAssist;
use self::editor::Editor;
use self::history::InputHistory;
use self::reply::Reply;
use crate::domain::{SnippetId, Timestamp};

/// The state of the composer.
#[derive(Debug, Default)]
pub struct Composer {
    /// The input; the draft, while code asks for a line.
    pub editor: Editor,
    pub completion: CodeAssist,
    pub history: InputHistory,
    /// The file with the draft, while the person's editor has it.
    pub external_edit: Option<PathBuf>,
    /// Present while code or a client asks.
    pub reply: Option<Reply>,
    /// When the last key came.
    pub typed_at: Timestamp,
    /// The person answered this snippet, and has typed nothing since.
    pub last_answered: Option<SnippetId>,
}
