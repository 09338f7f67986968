//! The numbers and names of clients. A client that reconnects after a restart gets back what it had.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::domain::{Client, ClientId, Event};
use crate::session::client_names::{ClientNames, unmarked};
use crate::session::processes::parent_of;

pub struct Clients {
    /// Clients of the process before that have not reconnected yet.
    former: Vec<Client>,
    /// Clients that have left, the last at the end. Some make a new connection for each call, with a bridge of its own.
    left: VecDeque<LeftClient>,
    /// The processes that started the bridges of connected clients.
    parents: HashMap<ClientId, u32>,
    names: ClientNames,
    next_id: u32,
}

struct LeftClient {
    id: ClientId,
    name: Arc<str>,
    parent: u32,
}

/// Clients that have left and are remembered.
const MAX_LEFT: usize = 100;

/// Returns whether a client had this name, perhaps with a number.
fn had_name(client: &str, name: &str) -> bool {
    let number = unmarked(client).strip_prefix(name).map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Folds an event into the clients that have not left the session. Clients that never reconnected to the last process
/// are among them.
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

impl Clients {
    pub fn new(former: Vec<Client>, names: ClientNames, next_id: u32) -> Self {
        Self { former, left: VecDeque::new(), parents: HashMap::new(), names, next_id }
    }

    /// Returns the number and the name of a client that joins. A client of the same process as before gets its former
    /// ones: a bridge that reconnects, or another bridge that the same process has started since the last one left.
    pub fn join(&mut self, name: &str, pid: Option<u32>, connected: &[Client]) -> (ClientId, Arc<str>) {
        let parent = pid.and_then(parent_of);
        let is_same = |client: &Client| pid.is_some() && client.pid == pid && had_name(&client.name, name);
        let is_again = |left: &LeftClient| Some(left.parent) == parent && had_name(&left.name, name);
        let (id, name): (ClientId, Arc<str>) = if let Some(place) = self.former.iter().position(is_same) {
            let client = self.former.remove(place);
            (client.id, unmarked(&client.name).into())
        } else if let Some(left) = self.left.iter().rposition(is_again).and_then(|place| self.left.remove(place)) {
            (left.id, unmarked(&left.name).into())
        } else {
            self.next_id += 1;
            (ClientId(self.next_id - 1), name.into())
        };
        if let Some(parent) = parent {
            self.parents.insert(id, parent);
        }
        let name = self.free_name(&name, id, connected);
        (id, name)
    }

    /// Remembers a client that leaves.
    pub fn leave(&mut self, id: ClientId, connected: &[Client]) {
        let client = connected.iter().find(|client| client.id == id);
        if let (Some(parent), Some(client)) = (self.parents.remove(&id), client) {
            self.left.push_back(LeftClient { id, name: client.name.clone(), parent });
            if self.left.len() > MAX_LEFT {
                self.left.pop_front();
            }
        }
    }

    /// Returns the name that `client` gets if it wants this one.
    pub fn free_name(&mut self, name: &str, client: ClientId, connected: &[Client]) -> Arc<str> {
        let others = connected.iter().filter(|other| other.id != client);
        let taken: HashSet<&str> = others.map(|other| unmarked(&other.name)).collect();
        self.names.choose(name, |name| taken.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_did_not_leave_is_remembered_over_several_restarts() {
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
        let remembered: Vec<_> = former.iter().map(|client| (client.id.0, &*client.name, client.pid)).collect();
        assert_eq!(remembered, [(3, "late", Some(103)), (2, "named", Some(102))]);
    }
}
