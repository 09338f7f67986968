//! What happened in a session. The actor is the only one that makes events; everybody else folds them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Author, CallId, ClientId, Display, InputRequest, Inquiry, Note, Outcome, OutputChunk, Replay, SnippetId, Stuck,
    Timestamp, VariableTable,
};

/// What a reset did, and what it could not undo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetReport {
    /// How many names were cleared, underscore names included.
    pub cleared: usize,
    /// In words, one entry each: threads that still run, and the like.
    pub remains: Vec<String>,
}

/// Why a new Python process took the session over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// Who asked for it; `None` if the process before died, or ended on another day.
    pub by: Option<Author>,
    /// How the process before died, in words; empty if somebody asked for its end.
    pub how: String,
    /// The exit code of the process before, or 128 and the number of the signal that killed it.
    pub code: i32,
    /// The snippet that it ran when it died.
    #[serde(default)]
    pub ran: Option<SnippetId>,
    /// Python's stack where it died, innermost frame first, where that is known.
    pub stack: Vec<String>,
    /// The session had ended and was taken up again; `how` tells from when and where.
    #[serde(default)]
    pub resumed: bool,
    /// What became of the processes that snippet code had started, one sentence each.
    #[serde(default)]
    pub processes: Vec<String>,
}

impl Restart {
    /// The end of a sentence, such as `; ended 1 process that …`. Empty if there were no processes.
    #[must_use]
    pub fn fate_of_processes(&self) -> String {
        self.processes.iter().flat_map(|fate| ["; ", fate]).collect()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Event {
    Submitted {
        snippet: SnippetId,
        author: Author,
        code: Arc<str>,
        /// The call that brought it, where a bridge has named that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<CallId>,
        at: Timestamp,
    },
    /// `snippet`, which was just submitted, runs again what `of` ran.
    Replayed {
        snippet: SnippetId,
        of: SnippetId,
    },
    /// What `snippet` is about, in the words of its author; comes right after its submission.
    Titled {
        snippet: SnippetId,
        title: Arc<str>,
    },
    Started {
        snippet: SnippetId,
        at: Timestamp,
    },
    /// `snippet` is `None` for output that came while nothing ran.
    Output {
        snippet: Option<SnippetId>,
        chunk: OutputChunk,
        at: Timestamp,
    },
    /// The code of `snippet` showed something that is more than text. It takes the place of what it showed before with
    /// the same id, where it `replaces` that.
    Displayed {
        snippet: SnippetId,
        display: Arc<Display>,
        replaces: bool,
        at: Timestamp,
    },
    /// The code of `snippet` took back what it had displayed so far.
    DisplaysCleared {
        snippet: SnippetId,
    },
    /// An interrupt cannot reach what runs, or (`None`) can again.
    Stuck {
        snippet: SnippetId,
        stuck: Option<Arc<Stuck>>,
    },
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
    /// The code waits no longer: nobody answered in time, or it was interrupted.
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
    ClientJoined {
        client: ClientId,
        name: Arc<str>,
        pid: Option<u32>,
        at: Timestamp,
    },
    /// A client told its name after it had joined.
    ClientNamed {
        client: ClientId,
        name: Arc<str>,
    },
    ClientLeft {
        client: ClientId,
        at: Timestamp,
    },
    Reset {
        by: Author,
        report: Arc<ResetReport>,
        at: Timestamp,
    },
    /// A new Python process took over: all variables are gone, the transcript stands.
    Restarted {
        restart: Arc<Restart>,
        at: Timestamp,
    },
    /// How far a replay has come.
    Replay(Arc<Replay>),
    Noted {
        note: Arc<Note>,
        at: Timestamp,
    },
    /// A client asks the person something.
    Inquired(Arc<Inquiry>),
    /// The question of that number is no longer asked: it was answered, or nobody waits for the answer.
    InquiryEnded {
        number: u32,
    },
    /// Something about the session that the person must know, told once.
    Notice {
        text: Arc<str>,
        at: Timestamp,
    },
    /// The session is about to end; nothing comes after it.
    Ending,
}
