//! The ledger of calls: what each call submitted, and how far a call without an answer came.

use std::sync::Arc;

use crate::domain::{CallId, CallState, Snippet, SnippetId, Transcript};
use crate::session::unanswered_calls::{CallReport, ReceivedCalls, SentTo, UnansweredCall};
use crate::session::{CallSnippets, SessionId};

pub struct CallLedger {
    /// PID of this process.
    pid: u32,
    /// See [`super::Startup::id`].
    session: Option<SessionId>,
    /// See [`super::Startup::is_whole`].
    is_whole: bool,
    /// The snippet of each call that submitted one: all calls to this process, and the known calls to earlier ones.
    snippets: CallSnippets,
    /// The calls to this process that submitted no code.
    received: Arc<ReceivedCalls>,
}

impl CallLedger {
    pub fn new(pid: u32, session: Option<SessionId>, is_whole: bool, snippets: CallSnippets) -> Self {
        Self { pid, session, is_whole, snippets, received: Arc::default() }
    }

    /// The part that handles write without the actor.
    pub fn received(&self) -> &Arc<ReceivedCalls> {
        &self.received
    }

    /// Whether the transcript has every snippet that ran.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub fn snippet(&self, call: CallId) -> Option<SnippetId> {
        self.snippets.get(call)
    }

    pub fn add(&mut self, call: CallId, snippet: SnippetId) {
        self.snippets.insert(call, snippet);
    }

    pub fn report(&self, call: &UnansweredCall, transcript: &Transcript) -> CallReport {
        let restart = transcript.last_restart().map(|(restart, _)| restart.clone());
        let is_own = call.sent_to.process == Some(self.pid);
        let (state, snippet) = self.state(call, transcript);
        CallReport { state, snippet, is_own, restart }
    }

    /// Decides how far a call came. Nothing else decides that, and neither the text of the call nor a clock takes part.
    fn state(&self, call: &UnansweredCall, transcript: &Transcript) -> (CallState, Option<SnippetId>) {
        let UnansweredCall { call: Some(call), sent_to, submits } = call else { return (CallState::Unknown, None) };
        match self.snippets.get(*call) {
            Some(snippet) => {
                (transcript.snippet(snippet).map_or(CallState::Unknown, Snippet::call_state), Some(snippet))
            }
            None if self.received.contains(*call) => (CallState::Begun, None),
            None if self.knows_all_of(sent_to, *submits) => (CallState::NotReceived, None),
            None => (CallState::Unknown, None),
        }
    }

    /// Returns whether every call that this recipient received is in the ledger.
    fn knows_all_of(&self, SentTo { session, process }: &SentTo, submits: bool) -> bool {
        let to_this_process = *process == Some(self.pid);
        let to_this_session = session.is_some() && *session == self.session;
        to_this_process || to_this_session && self.is_whole && submits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, Event, Outcome, Status, VariableChanges};

    const CALL: CallId = CallId { bridge: 7, number: 3 };

    fn ledger() -> CallLedger {
        CallLedger::new(20, SessionId::parse("0123456789abcdef0123"), true, CallSnippets::default())
    }

    /// Every state of a snippet and every recipient. The state is unknown unless it is certain.
    #[test]
    fn the_state_of_a_call_follows_from_its_id_and_its_recipient_alone() {
        let session = SessionId::parse("0123456789abcdef0123");
        let other = SessionId::parse("0123456789abcdef9999");
        let to = |session: &Option<SessionId>, process| SentTo { session: session.clone(), process };
        let unanswered =
            |sent_to: &SentTo, submits| UnansweredCall { call: Some(CALL), sent_to: sent_to.clone(), submits };
        let nothing = Transcript::default();
        for is_whole in [true, false] {
            let ledger = CallLedger { is_whole, ..ledger() };
            for (sent_to, of_runs, of_others) in [
                (to(&session, Some(20)), true, true),
                (to(&session, Some(19)), is_whole, false),
                (to(&session, None), is_whole, false),
                (to(&other, Some(19)), false, false),
                (to(&None, Some(19)), false, false),
                (to(&None, None), false, false),
            ] {
                for (submits, is_known) in [(true, of_runs), (false, of_others)] {
                    let expected = if is_known { CallState::NotReceived } else { CallState::Unknown };
                    assert_eq!(ledger.state(&unanswered(&sent_to, submits), &nothing), (expected, None), "{sent_to:?}");
                }
                let nameless = UnansweredCall { call: None, ..unanswered(&sent_to, true) };
                assert_eq!(ledger.state(&nameless, &nothing), (CallState::Unknown, None));
            }
        }

        let snippet = SnippetId(1);
        let outcome = |status| {
            Arc::new(Outcome {
                status,
                returncode: 0,
                result: None,
                frame: None,
                frames: Vec::new(),
                error: None,
                stopped_by: None,
                elapsed: std::time::Duration::ZERO,
                changes: VariableChanges::default(),
            })
        };
        let submitted = Event::Submitted { snippet, author: Author::You, code: "x".into(), call: Some(CALL), at: 5 };
        let started = Event::Started { snippet, at: 6 };
        let ended = |status| Event::Finished { snippet, outcome: outcome(status), at: 1 };
        for (events, expected) in [
            (vec![], CallState::Queued),
            (vec![started.clone()], CallState::Begun),
            (vec![started.clone(), ended(Status::Ok)], CallState::Ended),
            (vec![started.clone(), ended(Status::Error)], CallState::Ended),
            (vec![started, ended(Status::Interrupted)], CallState::Ended),
            (vec![ended(Status::Cancelled)], CallState::Queued),
        ] {
            let mut transcript = Transcript::default();
            let events: Vec<Event> = [vec![submitted.clone()], events].concat();
            for event in &events {
                transcript.apply(event);
            }
            let snippets = CallSnippets::from_iter([(CALL, snippet)]);
            let ledger = CallLedger { snippets, is_whole: false, ..ledger() };
            // The call id alone decides, whatever the recipient and whatever is missing.
            for sent_to in [SentTo::default(), to(&other, Some(20))] {
                assert_eq!(ledger.state(&unanswered(&sent_to, true), &transcript), (expected, Some(snippet)));
            }
        }
        let ledger = ledger();
        assert!(ledger.received.insert(CALL));
        assert!(!ledger.received.insert(CALL));
        assert_eq!(ledger.state(&unanswered(&to(&session, Some(20)), false), &nothing), (CallState::Begun, None));
    }
}
