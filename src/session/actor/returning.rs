//! Clients that come back after another process took over, and what became of their calls.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Actor, now};
use crate::domain::{Author, Client, ClientId, Entry, Event, SnippetId, Timestamp};
use crate::session::{Fate, Recalled};

/// How far the clock may have been set back while a call was on its way.
const CLOCK_CHANGES: Timestamp = 60_000;

pub struct Returning {
    /// Those that were there when the process before ended, and have not come back yet.
    former: Vec<Client>,
    /// Clients with a smaller number were known to that process.
    first_new: ClientId,
    /// See [`super::Beginning::is_whole`].
    is_whole: bool,
    /// Had not ended when that process did.
    pub left_open: HashSet<SnippetId>,
    recalled: HashSet<SnippetId>,
}

impl Returning {
    pub fn new(is_whole: bool, first_new: u32) -> Self {
        let (left_open, recalled) = (HashSet::new(), HashSet::new());
        Self { former: Vec::new(), first_new: ClientId(first_new), is_whole, left_open, recalled }
    }
}

impl Actor {
    /// None of the clients of the process before is there yet.
    pub(super) fn part(&mut self) {
        self.returning.former = self.transcript.clients().to_vec();
        for client in self.returning.former.clone() {
            self.emit(Event::ClientLeft { client: client.id, at: now() });
        }
    }

    /// The number and the name of a client that joins: those of before, if the same process was there before.
    pub(super) fn welcome(&mut self, name: &str, pid: Option<u32>) -> (ClientId, Arc<str>) {
        let is_same = |client: &Client| {
            let number = client.name.strip_prefix(name).map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
            pid.is_some()
                && client.pid == pid
                && number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let (id, name) = match self.returning.former.iter().position(is_same) {
            Some(place) => {
                let client = self.returning.former.remove(place);
                (client.id, client.name)
            }
            None => {
                self.next_client += 1;
                (ClientId(self.next_client - 1), name.into())
            }
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
        let Returning { recalled, left_open, first_new, is_whole, .. } = &mut self.returning;
        let Author::Client { id: client, .. } = author else { return Fate::Unknown };
        if client >= first_new {
            return Fate::Unknown;
        }
        let mut nearly = false;
        for entry in self.transcript.entries() {
            let Entry::Snippet(snippet) = entry else { continue };
            let is_theirs = matches!(&snippet.author, Author::Client { id, .. } if id == client);
            if !is_theirs || *snippet.code != *code || recalled.contains(&snippet.id) {
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
