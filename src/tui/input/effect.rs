//! What a key asks of the session, the terminal, or the disk.

use std::sync::Arc;

use crate::domain::ReplaySelection;
use crate::domain::{InputAnswer, InspectRequest, SnippetId};
use crate::tui::gallery::saving::Saving;

/// What the loop does for the view, which itself touches nothing outside of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Submit(Arc<str>),
    /// To the prompt of that number.
    Answer {
        snippet: SnippetId,
        number: u32,
        answer: InputAnswer,
    },
    /// To the question of a client of that number; `None` declines.
    Reply {
        inquiry: u32,
        text: Option<Arc<str>>,
    },
    /// Whatever runs.
    Interrupt,
    /// A new Python process on the same session.
    Restart,
    /// The same once all variables have been saved; then they are brought back.
    SaveAndRestart,
    /// Run these again.
    Replay(ReplaySelection),
    /// The answer goes to [`View::on_inspected`] with that number.
    Inspect {
        asked: InspectRequest,
        number: u32,
    },
    /// Write the transcript to this file, as the person wrote it. The answer goes to [`View::on_exported`].
    Export {
        file: String,
        replaces: bool,
    },
    /// Write a display to a file; a name that nobody chose is copied. The answer goes to [`View::on_display_saved`].
    SaveDisplay(Saving),
    /// To the clipboard of the person's terminal.
    Copy(String),
    /// The input in the person's editor. The answer goes to [`View::on_edited`].
    EditOutside,
    /// The same, and tell what it was, such as `code of 14`.
    CopyPiece {
        text: String,
        what: String,
    },
    /// Write the output of a card to this file; answered as [`Effect::Export`].
    Save {
        card: usize,
        file: String,
        replaces: bool,
    },
    Quit,
    Suspend,
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    /// The whole screen, redrawn.
    Redraw,
}
