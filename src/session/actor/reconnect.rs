//! Clients that come back after another process took over, and what became of the calls that were left without an answer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Actor;
use crate::domain::{CallId, CallState, Client, ClientId, Entry, Event, Snippet, SnippetId, Transcript};
use crate::session::left::Received;
use crate::session::names::unmarked;
use crate::session::{Left, Recalled, SentTo, SessionId};

pub struct Reconnect {
    /// Those that were there when the process before ended, and have not come back yet.
    pub former: Vec<Client>,
    /// Of this process.
    pub pid: u32,
    /// See [`super::Startup::id`].
    pub session: Option<SessionId>,
    /// See [`super::Startup::is_whole`].
    pub is_whole: bool,
    /// What each call of a name submitted: all to this process, and to those before as far as that is known.
    pub calls: HashMap<CallId, SnippetId>,
    /// The calls that this process received and that submit nothing.
    pub others: Arc<Received>,
}

/// Folds an event into the clients that had not left when the last process ended, those included that never came back to
/// it.
pub fn remember_client(clients: &mut Vec<Client>, event: &Event) {
    match event {
        Event::ClientJoined { client, name, pid, at } => {
            clients.retain(|known| known.id != *client);
            let (joined_at, last_active) = (*at, *at);
            clients.push(Client { id: *client, name: name.clone(), pid: *pid, joined_at, last_active, runs: 0 });
        }
        Event::ClientNamed { client, name } => {
            clients.iter_mut().filter(|known| known.id == *client).for_each(|known| known.name = name.clone());
        }
        Event::ClientLeft { client, .. } => clients.retain(|known| known.id != *client),
        _ => {}
    }
}

impl Actor {
    /// The number and the name of a client that joins: those of before, if the same process was there before.
    pub(super) fn welcome(&mut self, name: &str, pid: Option<u32>) -> (ClientId, Arc<str>) {
        let is_same = |client: &Client| {
            let number = unmarked(&client.name).strip_prefix(name).map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
            pid.is_some()
                && client.pid == pid
                && number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let (id, name): (ClientId, Arc<str>) = if let Some(place) = self.returning.former.iter().position(is_same) {
            let client = self.returning.former.remove(place);
            (client.id, unmarked(&client.name).into())
        } else {
            self.next_client += 1;
            (ClientId(self.next_client - 1), name.into())
        };
        let name = self.free_name(&name, id);
        (id, name)
    }

    pub(super) fn free_name(&mut self, wanted: &str, client: ClientId) -> Arc<str> {
        let others = self.transcript.clients().iter().filter(|other| other.id != client);
        let taken: HashSet<&str> = others.map(|other| unmarked(&other.name)).collect();
        self.names.choose(wanted, |name| taken.contains(name))
    }

    pub(super) fn recall(&self, left: &Left) -> Recalled {
        let restart = self.transcript.entries().iter().rev().find_map(|entry| match entry {
            Entry::Restart { restart, .. } => Some(restart.clone()),
            _ => None,
        });
        let is_own = left.sent_to.process == Some(self.returning.pid);
        let (state, snippet) = self.returning.state(left, &self.transcript);
        Recalled { state, snippet, is_own, restart }
    }
}

impl Reconnect {
    pub fn new(
        former: Vec<Client>,
        pid: u32,
        session: Option<SessionId>,
        is_whole: bool,
        calls: HashMap<CallId, SnippetId>,
    ) -> Self {
        Self { former, pid, session, is_whole, calls, others: Arc::default() }
    }

    /// The one place where it is decided how far a call came. Neither its text nor any clock has a say in that.
    fn state(&self, left: &Left, transcript: &Transcript) -> (CallState, Option<SnippetId>) {
        let Left { call: Some(call), sent_to, submits } = left else { return (CallState::Unknown, None) };
        match self.calls.get(call) {
            Some(snippet) => {
                (transcript.snippet(*snippet).map_or(CallState::Unknown, Snippet::call_state), Some(*snippet))
            }
            None if self.others.has(*call) => (CallState::Begun, None),
            None if self.has_all_of(sent_to, *submits) => (CallState::NotReceived, None),
            None => (CallState::Unknown, None),
        }
    }

    /// Whether every call is known that was sent there and taken.
    fn has_all_of(&self, SentTo { session, process }: &SentTo, submits: bool) -> bool {
        let to_this_process = *process == Some(self.pid);
        let to_this_session = session.is_some() && *session == self.session;
        to_this_process || to_this_session && self.is_whole && submits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, Outcome, Status, VariableChanges};

    const CALL: CallId = CallId { bridge: 7, number: 3 };

    fn returning() -> Reconnect {
        Reconnect::new(Vec::new(), 20, SessionId::parse("0123456789abcdef0123"), true, HashMap::new())
    }

    /// Every state of a snippet, every recipient: what is not known for certain is told as unknown.
    #[test]
    fn the_state_of_a_call_follows_from_its_name_and_its_recipient_alone() {
        let session = SessionId::parse("0123456789abcdef0123");
        let other = SessionId::parse("0123456789abcdef9999");
        let to = |session: &Option<SessionId>, process| SentTo { session: session.clone(), process };
        let left = |sent_to: &SentTo, submits| Left { call: Some(CALL), sent_to: sent_to.clone(), submits };
        let nothing = Transcript::default();
        for is_whole in [true, false] {
            let returning = Reconnect { is_whole, ..returning() };
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
                    assert_eq!(returning.state(&left(&sent_to, submits), &nothing), (expected, None), "{sent_to:?}");
                }
                let nameless = Left { call: None, ..left(&sent_to, true) };
                assert_eq!(returning.state(&nameless, &nothing), (CallState::Unknown, None));
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
            let calls = HashMap::from([(CALL, snippet)]);
            let returning = Reconnect { calls, is_whole: false, ..returning() };
            // Whoever asks, and whatever is missing: the name says it.
            for sent_to in [SentTo::default(), to(&other, Some(20))] {
                assert_eq!(returning.state(&left(&sent_to, true), &transcript), (expected, Some(snippet)));
            }
        }
        let returning = returning();
        assert!(returning.others.take(CALL));
        assert!(!returning.others.take(CALL));
        assert_eq!(returning.state(&left(&to(&session, Some(20)), false), &nothing), (CallState::Begun, None));
    }

    #[test]
    fn whoever_did_not_leave_may_come_back_however_many_processes_ended_meanwhile() {
        let joined = |id: u32, name: &str| Event::ClientJoined {
            client: ClientId(id),
            name: name.into(),
            pid: Some(id + 100),
            at: 0,
        };
        let restart = crate::domain::Restart::default();
        let restarted = Event::Restarted { restart: restart.into(), at: 1 };
        let events = [
            joined(1, "left"),
            joined(2, "client"),
            Event::ClientNamed { client: ClientId(2), name: "named".into() },
            joined(3, "late"),
            Event::ClientLeft { client: ClientId(1), at: 1 },
            restarted.clone(),
            joined(2, "named"),
            restarted.clone(),
            restarted,
        ];
        let mut former = Vec::new();
        for event in &events {
            remember_client(&mut former, event);
        }
        let told: Vec<_> = former.iter().map(|client| (client.id.0, &*client.name, client.pid)).collect();
        assert_eq!(told, [(3, "late", Some(103)), (2, "named", Some(102))]);
    }
}
