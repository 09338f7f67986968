//! The events of a session. Only the actor makes them; everybody else applies them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Author, BusyTask, CallId, ClientId, Display, Gate, InputRequest, Inquiry, Note, Outcome, OutputChunk, Replay,
    Review, RiskAnswered, RiskRequest, SafePoint, SideEffects, SnippetId, Stuck, Timestamp, UndoableNames,
    VariableTable,
};

/// The effects of a reset, and what it could not undo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetReport {
    /// The number of names that were cleared, underscore names included.
    pub cleared: usize,
    /// What outlived the reset, such as running threads; a phrase for each.
    pub remains: Vec<String>,
}

/// Why a new Python process took the session over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// Who requested it; `None` if the previous process died, or the session is resumed.
    pub by: Option<Author>,
    /// How the previous process died, as text; empty after a requested restart.
    pub how: String,
    /// The exit code of the previous process, or 128 plus the number of the signal that killed it.
    pub code: i32,
    /// The snippet that ran when the process died.
    #[serde(default)]
    pub ran: Option<SnippetId>,
    /// Python's stack at its death, innermost frame first, if it is known.
    pub stack: Vec<String>,
    /// The last snippet that had run when the safe point was made from which Python goes on; `None` if all variables
    /// are lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safe_point: Option<SnippetId>,
    /// The first snippet that is taken back, if the previous process ended for a rewind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<SnippetId>,
    /// What the snippets that are taken back did beyond variables, which stays; a phrase for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remains: Vec<String>,
    /// Whether a session that had ended is resumed. Then `how` says when and where it ended.
    #[serde(default)]
    pub resumed: bool,
    /// What became of the processes that snippets had started; a sentence for each.
    #[serde(default)]
    pub processes: Vec<String>,
}

impl Restart {
    /// Returns whether the previous process died.
    #[must_use]
    pub fn is_death(&self) -> bool {
        self.by.is_none() && !self.resumed && !self.how.is_empty()
    }

    /// Returns what a rewind was, such as `took Python back to before snippet 5`; `None` if it was none.
    #[must_use]
    pub fn rewound(&self) -> Option<String> {
        let before = self.before?;
        Some(format!("took Python back to before snippet {before}: what ran from there on is taken back"))
    }

    /// Returns the end of a sentence: what became of processes, such as `; ended 1 process that …`, and what is not
    /// taken back. Empty if there is nothing to say.
    #[must_use]
    pub fn aftermath(&self) -> String {
        let processes: String = self.processes.iter().flat_map(|fate| ["; ", fate]).collect();
        let remains = if self.remains.is_empty() { "" } else { "; not taken back: " };
        format!("{processes}{remains}{}", self.remains.join("; "))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    Submitted {
        snippet: SnippetId,
        author: Author,
        code: Arc<str>,
        /// The call that submitted the snippet, if a bridge has named it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<CallId>,
        at: Timestamp,
    },
    /// `snippet`, submitted just before, runs the code of `of` again.
    Replayed {
        snippet: SnippetId,
        of: SnippetId,
    },
    /// The title that the author gave to `snippet`; follows its submission.
    Titled {
        snippet: SnippetId,
        title: Arc<str>,
    },
    /// How far the person's review of `snippet` is. With `code`, the person has put that code in the place of the sent
    /// one.
    Review {
        snippet: SnippetId,
        review: Arc<Review>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Arc<str>>,
    },
    /// The person has put `snippet` before all others that wait.
    MovedToFront {
        snippet: SnippetId,
    },
    Started {
        snippet: SnippetId,
        at: Timestamp,
    },
    /// Output; `snippet` is `None` if nothing ran.
    Output {
        snippet: Option<SnippetId>,
        chunk: OutputChunk,
        at: Timestamp,
    },
    /// The code of `snippet` displayed something. If it `replaces`, it takes the place of the display with the same id.
    Displayed {
        snippet: SnippetId,
        display: Arc<Display>,
        replaces: bool,
        at: Timestamp,
    },
    /// The code of `snippet` removed its displays.
    DisplaysCleared {
        snippet: SnippetId,
    },
    /// All effects of `snippet` so far.
    Effects {
        snippet: SnippetId,
        effects: Arc<SideEffects>,
    },
    /// The code of `snippet` has stopped before an action and waits for the person.
    RiskAsked {
        snippet: SnippetId,
        request: Arc<RiskRequest>,
    },
    RiskAnswered {
        snippet: SnippetId,
        answered: Arc<RiskAnswered>,
    },
    /// The code no longer waits, because it was interrupted.
    RiskWithdrawn {
        snippet: SnippetId,
        number: u32,
    },
    /// An interrupt cannot reach the running code, or (`None`) can reach it again.
    Stuck {
        snippet: SnippetId,
        stuck: Option<Arc<Stuck>>,
    },
    /// The background task that keeps Python to itself; `None` once none does.
    Busy(Option<BusyTask>),
    /// The code of `snippet` waits for a line.
    InputRequested {
        snippet: SnippetId,
        request: Arc<InputRequest>,
    },
    /// Somebody answered. `text` is `None` for a hidden answer and for the end of the input.
    InputAnswered {
        snippet: SnippetId,
        by: Author,
        text: Option<Arc<str>>,
        at: Timestamp,
    },
    /// The code no longer waits: nobody answered in time, or it was interrupted.
    InputWithdrawn {
        snippet: SnippetId,
        at: Timestamp,
    },
    Finished {
        snippet: SnippetId,
        outcome: Arc<Outcome>,
        at: Timestamp,
    },
    Variables(Arc<VariableTable>),
    /// The names that can be put back from now on.
    Undoable(Arc<UndoableNames>),
    /// The person has bound names again to their objects from before a snippet.
    PutBack {
        names: Vec<Arc<str>>,
    },
    /// The safe points from now on, the newest last.
    SafePoints(Arc<[SafePoint]>),
    ClientJoined {
        client: ClientId,
        name: Arc<str>,
        pid: Option<u32>,
        at: Timestamp,
    },
    /// A client gave its name after it had joined.
    ClientNamed {
        client: ClientId,
        name: Arc<str>,
    },
    ClientLeft {
        client: ClientId,
        at: Timestamp,
    },
    /// The person has changed the gate.
    GateChanged {
        gate: Arc<Gate>,
        at: Timestamp,
    },
    Reset {
        by: Author,
        report: Arc<ResetReport>,
        at: Timestamp,
    },
    /// A new Python process took over. All variables are gone, the transcript stays.
    Restarted {
        restart: Arc<Restart>,
        at: Timestamp,
    },
    /// The progress of a replay.
    Replay(Arc<Replay>),
    Noted {
        note: Arc<Note>,
        at: Timestamp,
    },
    /// A client asks the person something.
    Inquired(Arc<Inquiry>),
    /// The question is no longer open: it was answered, or nobody waits for the answer.
    InquiryEnded {
        number: u32,
    },
    /// A fact about the session that the person must know; sent once.
    Notice {
        text: Arc<str>,
        at: Timestamp,
    },
    /// The session is about to end. This is the last event.
    Ending,
}
