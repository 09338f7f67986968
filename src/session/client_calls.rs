//! The calls of clients: what each sent and got, how long that took, and how large the answer was. Bounded, and
//! readable without the actor.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::domain::{Author, SnippetId, Timestamp};

/// Calls that are kept, of all clients together. The oldest go first.
const MAX_CALLS: usize = 2_000;
/// Bytes of the text of an error that are kept.
const MAX_ERROR: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCall {
    pub by: Author,
    pub tool: Arc<str>,
    pub at: Timestamp,
    /// `None` until there is an answer, or the call was given up.
    pub end: Option<CallEnd>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEnd {
    pub took: Duration,
    /// `None` for a call that was given up.
    pub answer: Option<CallAnswer>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallAnswer {
    /// The snippet that the call was about.
    pub snippet: Option<SnippetId>,
    /// Bytes of the answer as JSON.
    pub bytes: u64,
    /// Whether the answer lacks something for its length.
    pub is_cut: bool,
    /// The first line of an answer that says that the call failed.
    pub error: Option<String>,
}

/// Calls write into the log; anybody may read it.
#[derive(Debug, Default)]
pub struct ClientCalls(Mutex<CallLog>);

#[derive(Debug, Default)]
struct CallLog {
    /// How many calls the log has dropped.
    dropped: u64,
    latest: VecDeque<ClientCall>,
}

impl ClientCalls {
    /// Notes a call. The call counts as given up if the returned value is dropped before it has ended.
    #[must_use]
    pub fn begin(self: &Arc<Self>, by: Author, tool: &str, at: Timestamp) -> BegunCall {
        let mut log = self.0.lock();
        if log.latest.len() >= MAX_CALLS {
            log.latest.pop_front();
            log.dropped += 1;
        }
        let number = log.dropped + log.latest.len() as u64;
        log.latest.push_back(ClientCall { by, tool: tool.into(), at, end: None });
        BegunCall { calls: self.clone(), number, since: std::time::Instant::now(), has_ended: false }
    }

    /// Returns the calls of the client of this name, the last first.
    #[must_use]
    pub fn of(&self, client: &str) -> Vec<ClientCall> {
        let log = self.0.lock();
        log.latest.iter().rev().filter(|call| call.by.name() == client).cloned().collect()
    }
}

/// A call without an answer.
#[derive(Debug)]
pub struct BegunCall {
    calls: Arc<ClientCalls>,
    number: u64,
    since: std::time::Instant,
    has_ended: bool,
}

impl BegunCall {
    pub fn answered(mut self, mut answer: CallAnswer) {
        if let Some(error) = &mut answer.error {
            error.truncate(crate::domain::char_boundary::floor_char_boundary(error, MAX_ERROR));
        }
        self.end(Some(answer));
    }

    fn end(&mut self, answer: Option<CallAnswer>) {
        self.has_ended = true;
        let mut log = self.calls.0.lock();
        let place = self.number.checked_sub(log.dropped).and_then(|place| usize::try_from(place).ok());
        if let Some(call) = place.and_then(|place| log.latest.get_mut(place)) {
            call.end = Some(CallEnd { took: self.since.elapsed(), answer });
        }
    }
}

impl Drop for BegunCall {
    fn drop(&mut self) {
        if !self.has_ended {
            self.end(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClientId;

    fn client(name: &str) -> Author {
        Author::Client { id: ClientId(1), name: name.into() }
    }

    #[test]
    fn the_latest_calls_are_kept_and_late_answers_find_theirs() {
        let calls = Arc::new(ClientCalls::default());
        let first = calls.begin(client("claude"), "run_python_code", 1);
        let given_up = calls.begin(client("claude"), "ask_human", 2);
        let early = calls.begin(client("cursor"), "read_output", 3);
        drop(given_up);
        early.answered(CallAnswer { bytes: 7, error: Some("é".repeat(1_000)), ..CallAnswer::default() });
        let of = calls.of("claude");
        assert_eq!(
            of.iter().map(|call| (&*call.tool, call.end.is_some())).collect::<Vec<_>>(),
            [("ask_human", true), ("run_python_code", false)]
        );
        assert_eq!(of[0].end.as_ref().unwrap().answer, None, "nobody waited for it");
        let error = calls.of("cursor")[0].end.clone().unwrap().answer.unwrap().error.unwrap();
        assert_eq!(error.len(), MAX_ERROR);
        for n in 0..MAX_CALLS as u64 {
            calls.begin(client("cursor"), "read_output", n).answered(CallAnswer::default());
        }
        first.answered(CallAnswer::default());
        assert!(calls.of("claude").is_empty(), "the oldest go");
        assert_eq!(calls.of("cursor").len(), MAX_CALLS);
    }
}
