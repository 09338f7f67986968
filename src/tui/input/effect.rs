//! Effects of keys on the session, the terminal and the disk.

use std::sync::Arc;

use crossterm::event::KeyEvent;

use crate::domain::{
    GateChange, InputAnswer, InspectRequest, ReplaySelection, RiskVerdict, SnippetId, Timestamp, Verdict,
};
use crate::tui::gallery::saving::Saving;

/// Work that the view leaves to the loop, because the view itself changes only memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Submit(Arc<str>),
    /// Answer the prompt of that number.
    Answer {
        snippet: SnippetId,
        number: u32,
        answer: InputAnswer,
    },
    /// Reply to the question of a client; `None` declines.
    Reply {
        inquiry: u32,
        text: Option<Arc<str>>,
    },
    /// Decide about a snippet that waits for the person.
    Decide {
        snippet: SnippetId,
        verdict: Verdict,
    },
    /// Answer a risk of running code.
    DecideRisk {
        number: u32,
        verdict: RiskVerdict,
    },
    ChangeGate(GateChange),
    /// Bind names again to their objects from before a snippet.
    PutBack {
        snippet: SnippetId,
        names: Vec<Arc<str>>,
    },
    /// Leave a note to the clients.
    Note(Arc<str>),
    /// Leave a note to one client.
    Send {
        to: Arc<str>,
        text: Arc<str>,
    },
    /// Interrupt all running code.
    Interrupt,
    /// Interrupt this snippet, because the person has taken over.
    StopForTakeover(SnippetId),
    /// Let a queued snippet run next.
    MoveToFront(SnippetId),
    /// Take a snippet out of the queue, or interrupt it if it has begun meanwhile.
    Cancel(SnippetId),
    /// Start a new Python process in the same session.
    Restart,
    /// Save all variables, restart, and restore them.
    SaveAndRestart,
    /// Run the selected snippets again.
    Replay(ReplaySelection),
    /// Inspect a value. The answer goes to [`View::on_inspected`] with the number.
    Inspect {
        request: InspectRequest,
        number: u32,
    },
    /// Write the transcript to this file, as the person typed its name. The answer goes to [`View::on_exported`].
    Export {
        file: String,
        replaces: bool,
    },
    /// Write a display to a file, and copy a generated path. The answer goes to [`View::on_display_saved`].
    SaveDisplay(Saving),
    /// Copy text to the clipboard of the person's terminal.
    Copy(String),
    /// Open the input in the person's editor. The answer goes to [`View::on_edited`].
    EditOutside,
    /// Copy text, and say what was copied, such as `code of 14`.
    CopyPiece {
        text: String,
        what: String,
    },
    /// Write the output of a card to this file; answered like [`Effect::Export`].
    Save {
        card: usize,
        file: String,
        replaces: bool,
    },
    Quit,
    /// Save all variables, then quit.
    SaveAndQuit,
    Suspend,
    /// Capture the mouse, or leave it to the terminal.
    Mouse(bool),
    /// Redraw the whole screen.
    Redraw,
}

/// An effect that the person has confirmed with a key.
#[derive(Debug)]
pub struct Confirmed {
    pub effect: Effect,
    pub key: KeyEvent,
    /// When it takes effect, if no other key comes before.
    pub due: Timestamp,
}
