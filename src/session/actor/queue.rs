//! The queue: the work that waits for Python, the work that runs, and those who wait for snippets.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::domain::replay::Replay;
use crate::domain::{
    Author, InspectError, InspectRequest, Inspection, ResetReport, Snippet, SnippetId, Timestamp, VariableQuery,
    VariableTable,
};
use crate::session::handle::{QueueFull, RunOptions};

/// Code that waits.
#[derive(Clone, Copy, Default)]
struct Load {
    snippets: usize,
    /// Bytes of code.
    bytes: usize,
}

/// Enough for any honest client, and no more than the memory of the session can hold.
const MAX_LOAD_PER_AUTHOR: Load = Load { snippets: 1_000, bytes: 64 << 20 };
/// Needed as well, because a client that reconnects is another author.
const MAX_LOAD: Load = Load { snippets: 4_000, bytes: 256 << 20 };

/// How long code of an inspected value (its `__repr__`, a property in the path) may run before it is interrupted.
pub const INSPECTION_TIMEOUT: Duration = Duration::from_secs(5);

pub struct Queue {
    /// In the order of submission.
    pub waiting: VecDeque<Queued>,
    pub running: Option<Running>,
    pub waiters: HashMap<SnippetId, Vec<Waiter>>,
    /// The replay that waits or runs.
    pub replay: Option<ReplayProgress>,
    pub next_snippet: u32,
}

pub enum Queued {
    /// `bytes` are those of its code.
    Run {
        snippet: SnippetId,
        author: Author,
        bytes: usize,
        options: RunOptions,
    },
    Replay,
    Reset {
        by: Author,
        reply: oneshot::Sender<Arc<ResetReport>>,
    },
    Variables {
        query: VariableQuery,
        reply: oneshot::Sender<Arc<VariableTable>>,
    },
    Inspect(QueuedInspection),
}

pub struct QueuedInspection {
    pub request: InspectRequest,
    /// Resolves when the inspection leaves the queue.
    pub begun: oneshot::Sender<()>,
    pub reply: InspectionReply,
}

pub type InspectionReply = oneshot::Sender<Result<Box<Inspection>, InspectError>>;

/// A replay. It holds the code of the remaining snippets, since the transcript may have dropped it by their turn.
pub struct ReplayProgress {
    pub status: Replay,
    pub remaining: VecDeque<(SnippetId, Arc<str>)>,
}

/// Somebody who waits for the end of a snippet, or also for its next prompt.
pub struct Waiter {
    pub also_input: bool,
    pub reply: oneshot::Sender<Arc<Snippet>>,
}

/// What the engine does now.
pub struct Running {
    pub work: Work,
    pub since: Instant,
    pub timeout: Option<Duration>,
    pub deadline: Option<Instant>,
    /// Who asked for an interrupt first.
    pub stopped_by: Option<String>,
    /// How many interrupts used force so far.
    pub forced: u32,
    /// When to check whether Python has seen the interrupt.
    pub check_at: Option<Instant>,
    pub interrupted_at: Timestamp,
    /// How long the code has waited for the person, which does not count.
    pub paused: Duration,
    pub paused_since: Option<Instant>,
}

pub enum Work {
    Snippet(SnippetId),
    Reset {
        by: Author,
        reply: oneshot::Sender<Arc<ResetReport>>,
    },
    /// `None` once somebody has been answered.
    Inspection(Option<InspectionReply>),
}

impl Work {
    pub fn snippet(&self) -> Option<SnippetId> {
        match self {
            Self::Snippet(snippet) => Some(*snippet),
            Self::Reset { .. } | Self::Inspection(_) => None,
        }
    }
}

impl Running {
    pub fn new(work: Work, timeout: Option<Duration>) -> Self {
        let since = Instant::now();
        let deadline = timeout.map(|timeout| since + timeout);
        Self {
            work,
            since,
            timeout,
            deadline,
            stopped_by: None,
            forced: 0,
            check_at: None,
            interrupted_at: 0,
            paused: Duration::ZERO,
            paused_since: None,
        }
    }

    /// Answers an inspection on which the interrupt had no effect, so that nobody waits for it.
    pub fn give_up_inspection(&mut self) {
        if let Work::Inspection(reply) = &mut self.work
            && let Some(reply) = reply.take()
        {
            let _ = reply.send(Err(InspectError::Stopped { seconds: INSPECTION_TIMEOUT.as_secs(), has_ended: false }));
        }
    }
}

impl Load {
    fn add(&mut self, code: usize) {
        self.snippets += 1;
        self.bytes += code;
    }

    /// Returns whether `code` more bytes are too much.
    fn exceeds(self, max: Self, code: usize) -> bool {
        self.snippets >= max.snippets || (self.snippets > 0 && self.bytes + code > max.bytes)
    }
}

impl Queue {
    pub fn new(next_snippet: u32) -> Self {
        Self { waiting: VecDeque::new(), running: None, waiters: HashMap::new(), replay: None, next_snippet }
    }

    pub fn take_number(&mut self) -> SnippetId {
        let snippet = SnippetId(self.next_snippet);
        self.next_snippet += 1;
        snippet
    }

    /// Returns whether `code` more bytes of `author` may wait. If nothing else waits, code of any length may.
    pub fn has_room(&self, of: &Author, code: usize) -> Result<(), QueueFull> {
        let (mut own, mut all) = (Load::default(), Load::default());
        for queued in &self.waiting {
            let Queued::Run { author, bytes, .. } = queued else { continue };
            all.add(*bytes);
            if author == of {
                own.add(*bytes);
            }
        }
        if own.exceeds(MAX_LOAD_PER_AUTHOR, code) {
            return Err(QueueFull::OfAuthor { snippets: own.snippets, bytes: own.bytes });
        }
        if all.exceeds(MAX_LOAD, code) {
            return Err(QueueFull::InAll { snippets: all.snippets, bytes: all.bytes });
        }
        Ok(())
    }
}
