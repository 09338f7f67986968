//! Clients that come back after another process took over, and what became of their calls.

use std::collections::HashSet;
use std::sync::Arc;

use super::Actor;
use crate::domain::{Author, Client, ClientId, Entry, Event, SnippetId, Timestamp};
use crate::session::names::unmarked;
use crate::session::{Fate, Recalled};

/// How far the clock may have been set back while a call was on its way.
const CLOCK_CHANGES: Timestamp = 60_000;

pub struct Returning {
    /// Those that were there when the process before ended, and have not come back yet.
    pub former: Vec<Client>,
    /// Clients with a smaller number were known to that process.
    first_new: ClientId,
    /// The same of snippets.
    first_own: SnippetId,
    /// See [`super::Beginning::is_whole`].
    is_whole: bool,
    /// Had not ended when that process did.
    pub left_open: HashSet<SnippetId>,
    recalled: HashSet<SnippetId>,
}

impl Returning {
    pub fn new(is_whole: bool, first_own: u32, first_new: u32) -> Self {
        let (left_open, recalled) = (HashSet::new(), HashSet::new());
        let (first_own, first_new) = (SnippetId(first_own), ClientId(first_new));
        Self { former: Vec::new(), first_new, first_own, is_whole, left_open, recalled }
    }
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

    pub(super) fn recall(&mut self, author: &Author, code: &str, sent: Timestamp) -> Recalled {
        let restart = self.transcript.entries().iter().rev().find_map(|entry| match entry {
            Entry::Restart { restart, .. } => Some(restart.clone()),
            _ => None,
        });
        Recalled { fate: self.fate(author, code, sent), restart }
    }

    fn fate(&mut self, author: &Author, code: &str, sent: Timestamp) -> Fate {
        let Returning { recalled, left_open, first_new, first_own, is_whole, .. } = &mut self.returning;
        let Author::Client { id: client, .. } = author else { return Fate::Unknown };
        if client >= first_new {
            return Fate::Unknown;
        }
        let mut nearly = false;
        for entry in self.transcript.entries() {
            let Entry::Snippet(snippet) = entry else { continue };
            let is_theirs = matches!(&snippet.author, Author::Client { id, .. } if id == client);
            if !is_theirs || snippet.id >= *first_own || !snippet.has_code(code) || recalled.contains(&snippet.id) {
                continue;
            }
            if snippet.submitted_at >= sent {
                recalled.insert(snippet.id);
                return Fate::Submitted(snippet.id);
            }
            nearly |= left_open.contains(&snippet.id) && snippet.submitted_at + CLOCK_CHANGES >= sent;
        }
        if nearly || !*is_whole { Fate::Unknown } else { Fate::NeverCame }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
