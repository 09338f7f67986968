//! The composer, where the person writes: the editor, completion, earlier inputs, and replies to prompts and questions.
//! It runs and answers nothing itself: that comes back as an effect.

mod answers;
mod candidates;
pub(in crate::tui) mod completion;
pub(in crate::tui) mod draw;
pub(in crate::tui) mod draw_completion;
pub(in crate::tui) mod draw_history;
pub(in crate::tui) mod draw_reply;
pub(in crate::tui) mod editor;
pub(in crate::tui) mod history;
mod history_keys;
mod keys;
pub(in crate::tui) mod replies;
pub(in crate::tui) mod reply;
mod reply_focus;
mod reply_keys;
mod suggestion;

use std::path::PathBuf;

use self::answers::Answers;
use self::completion::CodeAssist;
use self::editor::Editor;
use self::history::InputHistory;
use self::replies::Replies;
use crate::domain::{SnippetId, Timestamp};
use crate::tui::input::pace::Pace;

/// The state of the composer.
#[derive(Debug, Default)]
pub struct Composer {
    /// The input; the draft, while a reply has the keys.
    pub editor: Editor,
    pub completion: CodeAssist,
    pub history: InputHistory,
    /// The file with the draft, while the person's editor has it.
    pub external_edit: Option<PathBuf>,
    /// The replies to code and clients that ask.
    pub replies: Replies,
    /// Earlier answers to prompts of code.
    pub answers: Answers,
    pub pace: Pace,
    /// When the last key came.
    pub typed_at: Timestamp,
    /// The person answered this snippet, and has typed nothing since.
    pub last_answered: Option<SnippetId>,
}

/// The next prompt of code that the person has answered is expected for so long, in milliseconds.
const NEXT_PROMPT_TIMEOUT: Timestamp = 3_000;

impl Composer {
    /// The help with code, and the editor that it helps with.
    pub fn assisted(&mut self) -> (&mut CodeAssist, &mut Editor) {
        match self.replies.current_mut() {
            Some(reply) if self.completion.at_debugger => (&mut self.completion, &mut reply.editor),
            _ => (&mut self.completion, &mut self.editor),
        }
    }

    /// Lets the help follow the keys, which go to a line for a debugger now, or to the input.
    pub fn assist(&mut self, at_debugger: bool) {
        if at_debugger != self.completion.at_debugger {
            self.completion.close();
            self.completion.at_debugger = at_debugger;
        }
    }

    /// Whether a prompt of `snippet` follows the person's answer to its last one.
    pub fn is_expected(&self, snippet: Option<SnippetId>) -> bool {
        let is_recent = self.replies.clock.saturating_sub(self.typed_at) < NEXT_PROMPT_TIMEOUT;
        snippet.is_some() && self.last_answered == snippet && is_recent
    }
}
