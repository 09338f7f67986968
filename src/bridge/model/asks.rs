//! The requests of the clients, and their answers.

use super::calls::{Ask, Code};
use super::claims::claim;
use super::run::{Run, TraceStep};
use super::world::lock;

impl Run {
    pub(super) fn ask(&mut self, client: usize) {
        let number = lock(&self.world).calls.len();
        if !self.clients[client].greeted {
            return self.send(client, number, Ask::Initialize, true, None);
        }
        self.clients[client].remaining -= 1;
        let asking = lock(&self.world).python.asking().map(|snippet| snippet.0);
        let kinds = [
            Ask::Run(Code::Mark),
            Ask::Run(Code::Second),
            Ask::Run(Code::Crash),
            Ask::Run(Code::Fail),
            Ask::Run(Code::Sleep),
            Ask::Run(Code::Late),
            Ask::Run(Code::Deaf),
            Ask::Run(Code::Input),
            Ask::Answer(0),
            Ask::Restart,
            Ask::Reset,
            Ask::Interrupt,
            Ask::Wait(0),
            Ask::List,
            Ask::Ping,
        ];
        let weights = [6, 6, 2, 2, 2, 2, 4, 3, if asking.is_some() { 8 } else { 1 }, 2, 1, 2, 1, 1, 1];
        let ask = match kinds[self.dice.weighted(&weights)] {
            Ask::Answer(_) => Ask::Answer(asking.unwrap_or(1)),
            Ask::Wait(_) => Ask::Wait(1 + self.dice.below(4) as u32),
            ask => ask,
        };
        let waits = !self.dice.chance(8);
        // Sometimes reuse the id of a cancelled call.
        let world = lock(&self.world);
        let is_reused = |other: usize| world.calls.iter().any(|call| call.reuses == Some(other));
        let mut calls = world.calls.iter().enumerate();
        let cancelled = calls.find(|(at, call)| call.client == client && call.cancelled && !is_reused(*at));
        let cancelled = cancelled.map(|(other, call)| (other, call.id.clone()));
        drop(world);
        let reused = cancelled.filter(|_| self.dice.chance(2));
        self.send(client, number, ask, waits, reused);
    }

    pub(super) fn send(
        &mut self,
        client: usize,
        number: usize,
        ask: Ask,
        waits: bool,
        reuses: Option<(usize, serde_json::Value)>,
    ) {
        let other = reuses.as_ref().map(|(other, _)| *other);
        self.trace.push(TraceStep::Asks { client, call: number, ask, waits, reuses: other });
        let mut call = self.clients[client].ask(client, number, ask, waits, reuses);
        let mut world = lock(&self.world);
        call.sent_at = world.happened;
        world.calls.push(call);
        drop(world);
        // Several lines may come at once.
        if !self.dice.chance(3) {
            self.settle_bridge(client);
        }
    }

    pub(super) fn cancel(&mut self, call: usize) {
        self.trace.push(TraceStep::Cancels { call });
        let mut world = lock(&self.world);
        world.calls[call].cancelled = true;
        let (client, id) = (world.calls[call].client, world.calls[call].id.clone());
        drop(world);
        self.clients[client].cancel(&id);
        if !self.dice.chance(3) {
            self.settle_bridge(client);
        }
    }

    /// Takes in the answers to a client.
    pub(super) fn hear(&mut self, client: usize) {
        for message in self.clients[client].take_messages() {
            let (Some(id), true) = (message.get("id").cloned(), message.get("method").is_none()) else { continue };
            let mut world = lock(&self.world);
            let happened = world.happened;
            let calls = &mut world.calls;
            let number = calls.iter().rposition(|call| call.client == client && call.id == id);
            let number = number.unwrap_or_else(|| panic!("nobody asked: {message}"));
            self.trace.push(TraceStep::Answered { call: number, claim: claim(&message) });
            calls[number].answered_at.get_or_insert(happened);
            let is_handshake = calls[number].ask == Ask::Initialize && message.get("result").is_some();
            calls[number].answers.push(message);
            drop(world);
            if is_handshake && !self.clients[client].greeted {
                self.clients[client].initialized();
            }
        }
    }
}
