//! A bounded log of recent activity, readable without the actor. Clients learn of it with their next result.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::{
    Author, ClientId, Event, Gate, Note, Outcome, ResetReport, Restart, Review, SideEffects, SnippetId, Transcript,
};

/// Activities in the log. A reader that returns after more of them learns how many it missed.
const LOG_CAPACITY: usize = 500;
/// Bytes of long code that are kept.
const CODE_LENGTH: usize = 2 << 10;

#[derive(Clone, Debug)]
pub enum Activity {
    Ended {
        snippet: SnippetId,
        author: Author,
        code: Arc<str>,
        title: Option<Arc<str>>,
        outcome: Arc<Outcome>,
        effects: Arc<SideEffects>,
        review: Option<Arc<Review>>,
    },
    Reset {
        by: Author,
        report: Arc<ResetReport>,
    },
    Restarted(Arc<Restart>),
    Noted(Arc<Note>),
    /// The person has changed the gate.
    GateChanged {
        before: Arc<Gate>,
        after: Arc<Gate>,
    },
    /// A snippet that has ended wrote and displayed more.
    LateOutput {
        snippet: SnippetId,
        bytes: u64,
        displays: u32,
    },
}

/// Returns the beginning of long code; code that is not much longer than that stays whole, and shared.
fn beginning(code: &Arc<str>) -> Arc<str> {
    if code.len() <= 2 * CODE_LENGTH { code.clone() } else { code[..floor_char_boundary(code, CODE_LENGTH)].into() }
}

/// The actor writes the log; anybody may read it.
#[derive(Debug, Default)]
pub struct ActivityLog(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    /// How many activities the log has dropped.
    dropped: u64,
    /// The gate after the last change of it.
    gate: Arc<Gate>,
    latest: VecDeque<Activity>,
    /// How many activities somebody has read.
    read: u64,
    /// How far clients had read when they left, the last to leave at the end.
    left: VecDeque<(ClientId, ReadPlace)>,
}

/// How far a client has read.
#[derive(Clone, Debug, Default)]
pub struct ReadPlace {
    /// How many activities it has read.
    pub position: u64,
    /// Its own snippets whose end it does not know.
    pub open: HashSet<SnippetId>,
}

/// Clients that have left and are remembered.
const MAX_LEFT: usize = 100;

impl Log {
    fn count(&self) -> u64 {
        self.dropped + self.latest.len() as u64
    }

    fn push(&mut self, activity: Activity) {
        if self.latest.len() >= LOG_CAPACITY {
            self.latest.pop_front();
            self.dropped += 1;
        }
        self.latest.push_back(activity);
    }

    /// Adds to the late output of a snippet, unless somebody has read that.
    fn add_late(&mut self, id: SnippetId, size: u64, count: u32) -> bool {
        let unread = self.read.saturating_sub(self.dropped) as usize;
        self.latest.iter_mut().skip(unread).any(|activity| match activity {
            Activity::LateOutput { snippet, bytes, displays } if *snippet == id => {
                (*bytes, *displays) = (*bytes + size, *displays + count);
                true
            }
            _ => false,
        })
    }
}

/// Returns the snippet that wrote or displayed something after its end, with bytes and displays.
fn late_output(event: &Event, transcript: &Transcript) -> Option<(SnippetId, u64, u32)> {
    let (snippet, bytes, displays) = match event {
        Event::Output { snippet: Some(snippet), chunk, .. } => (*snippet, chunk.size(), 0),
        Event::Displayed { snippet, .. } => (*snippet, 0, 1),
        _ => return None,
    };
    transcript.snippet(snippet).is_some_and(|found| found.status.is_final()).then_some((snippet, bytes, displays))
}

impl ActivityLog {
    /// The log of a session with this gate.
    pub(super) fn with_gate(gate: Arc<Gate>) -> Self {
        Self(Mutex::new(Log { gate, ..Log::default() }))
    }

    /// Adds what is worth knowing of an event. `transcript` has the event already.
    pub(super) fn add(&self, event: &Event, transcript: &Transcript) {
        if let Some((snippet, bytes, displays)) = late_output(event, transcript) {
            let mut log = self.0.lock();
            if !log.add_late(snippet, bytes, displays) {
                log.push(Activity::LateOutput { snippet, bytes, displays });
            }
            return;
        }
        let activity = match event {
            Event::Finished { snippet, outcome, .. } => {
                let Some(found) = transcript.snippet(*snippet) else { return };
                Activity::Ended {
                    snippet: *snippet,
                    author: found.author.clone(),
                    code: beginning(&found.code),
                    title: found.title.clone(),
                    // Without the middle of a large value.
                    outcome: outcome.cut().map_or_else(|| outcome.clone(), Arc::new),
                    effects: found.effects.clone(),
                    review: found.review.clone(),
                }
            }
            Event::Reset { by, report, .. } => Activity::Reset { by: by.clone(), report: report.clone() },
            Event::Restarted { restart, .. } => Activity::Restarted(restart.clone()),
            Event::Noted { note, .. } => Activity::Noted(note.clone()),
            Event::GateChanged { gate, .. } => {
                let before = std::mem::replace(&mut self.0.lock().gate, gate.clone());
                Activity::GateChanged { before, after: gate.clone() }
            }
            _ => return,
        };
        self.0.lock().push(activity);
    }

    /// Remembers how far a client had read that leaves.
    pub fn leave(&self, client: ClientId, place: ReadPlace) {
        let mut log = self.0.lock();
        log.left.push_back((client, place));
        if log.left.len() > MAX_LEFT {
            log.left.pop_front();
        }
    }

    /// Returns how far a client had read that has left and is back.
    pub fn returning(&self, client: ClientId) -> Option<ReadPlace> {
        let mut log = self.0.lock();
        let index = log.left.iter().rposition(|(left, _)| *left == client)?;
        log.left.remove(index).map(|(_, place)| place)
    }

    /// Returns how many activities there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.lock().count()
    }

    /// Returns the activities from `position` on, how many of them were dropped, and the position after them.
    #[must_use]
    pub fn since(&self, position: u64) -> (Vec<Activity>, u64, u64) {
        let mut log = self.0.lock();
        log.read = log.count();
        let missed = log.dropped.saturating_sub(position);
        let skip = position.saturating_sub(log.dropped) as usize;
        (log.latest.iter().skip(skip).cloned().collect(), missed, log.count())
    }
}
