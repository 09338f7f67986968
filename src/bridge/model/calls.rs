//! The requests of the simulated clients, and all that is known of them.

use serde_json::Value;

use crate::domain::{SnippetId, Status};

/// A request of a client.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Ask {
    Run(Code),
    /// Answers the prompt of this snippet.
    Answer(u32),
    Restart,
    Reset,
    Interrupt,
    Wait(u32),
    List,
    Ping,
    Initialize,
}

/// The code of a call. Calls with the same code have the same text.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Code {
    /// Leaves a mark.
    Mark,
    /// Leaves a mark and fails.
    Fail,
    /// Leaves a mark, then waits to be released.
    Sleep,
    /// Waits to be released, then leaves a mark.
    Late,
    /// Leaves a mark, then cannot be interrupted.
    Deaf,
    /// Leaves a mark and asks for a line.
    Input,
    /// Leaves a mark and ends Python.
    Crash,
    /// Leaves a mark; the second run ends Python.
    Second,
}

impl Code {
    pub fn text(self) -> &'static str {
        match self {
            Self::Mark => "mark()",
            Self::Fail => "mark(); 1 / 0",
            Self::Sleep => "mark(); sleep()",
            Self::Late => "sleep(); mark()",
            Self::Deaf => "mark(); sum(range(10**11))",
            Self::Input => "mark(); input()",
            Self::Crash => "mark(); os._exit(3)",
            Self::Second => "mark(); second() and os._exit(3)",
        }
    }

    pub fn of(text: &str) -> Self {
        let all = [Self::Mark, Self::Fail, Self::Sleep, Self::Late, Self::Deaf, Self::Input, Self::Crash, Self::Second];
        all.into_iter().find(|code| code.text() == text).expect("one of these")
    }
}

/// A request and all that is known of it. The title of its code has its number.
#[derive(Debug)]
pub struct Call {
    pub client: usize,
    pub id: Value,
    pub ask: Ask,
    pub cancelled: bool,
    /// The cancelled earlier call with the same id.
    pub reuses: Option<usize>,
    pub answers: Vec<Value>,
    /// The session and the snippet of each submission.
    pub snippets: Vec<(u32, SnippetId)>,
    /// How often the code began, and how often it left its mark.
    pub begun: usize,
    pub marks: usize,
    pub finished: Option<Status>,
    /// Whether the code ran when its process ended.
    pub was_cut: bool,
    /// What had happened before the request, and before the first answer.
    pub sent_at: Happened,
    pub answered_at: Option<Happened>,
}

/// Counts of events that excuse an unknown state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    pub process_ends: usize,
    pub session_ends: usize,
    pub resets: usize,
    /// Periods as long as the bridge waits in which nothing was delivered, or nobody listened.
    pub long_silences: usize,
    /// Passed time in milliseconds.
    pub passed: u64,
}
