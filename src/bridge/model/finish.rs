//! The end of a run: nothing is held back any more, and everything must come to an end.

use super::calls::Call;
use super::check::{Violation, ViolationKind};
use super::client::Client;
use super::python::{self, PythonStep, Release};
use super::run::{Run, TraceStep};
use super::wire::{Share, Wire};
use super::world::{Registry, lock};

/// Virtual time in which everything must end, in milliseconds. Prompts wait for five minutes.
const TIMEOUT: u64 = 900_000;
/// Longest step of virtual time, in milliseconds.
const MAX_STEP: u64 = 20_000;

impl Run {
    pub fn finish(&mut self) -> Option<Violation> {
        self.trace.push(TraceStep::AllGoesOn);
        lock(&self.world).session_life.set_trap(None);
        let (mut passed, mut step) = (0, 1);
        while passed < TIMEOUT {
            if self.go_on() {
                step = 1;
                continue;
            }
            if self.is_done() {
                return None;
            }
            step = (step * 4).min(MAX_STEP);
            passed += step;
            self.pass(step);
        }
        let leaves = self.clients.iter().any(|client| client.closed && !client.bridge.over.is_finished());
        let what = match &self.session {
            Some(session) if session.is_ending => "a session that was asked to end is still there",
            _ if leaves => "the bridge of a client that has left is still there",
            _ => return None,
        };
        Some(Violation { kind: ViolationKind::DoesNotEnd, what: what.to_owned(), answer: String::new() })
    }

    /// Releases what was held back. Returns whether anything was.
    fn go_on(&mut self) -> bool {
        let is_ending = self.session.as_ref().map(|session| session.is_ending);
        let registry = lock(&self.world).registry.clone();
        match (is_ending, registry) {
            (None, Registry::Starting) => self.start(),
            (None, Registry::Nothing) if std::mem::take(&mut self.revives) => self.start(),
            (Some(false), Registry::Starting) => self.listen(),
            _ => return self.deliver_all(),
        }
        self.settle();
        true
    }

    fn deliver_all(&mut self) -> bool {
        let wires = lock(&self.world).connections.clone();
        let wires = wires.iter().flat_map(|(_, to, from)| [to.clone(), from.clone()]);
        let due: Vec<Wire> = wires.filter(Wire::is_due).collect();
        for wire in &due {
            wire.deliver(Share::All);
        }
        let release = if self.deaf_for_ever { Release::AllButDeaf } else { Release::All };
        let step = python::step(&mut lock(&self.world), release);
        self.on_python(&step);
        self.settle();
        !due.is_empty() || !matches!(step, PythonStep::Nothing)
    }

    fn is_done(&self) -> bool {
        let world = lock(&self.world);
        let is_answered = |call: &Call| call.cancelled || !call.answers.is_empty() || self.clients[call.client].closed;
        let has_left = |client: &Client| !client.closed || client.bridge.over.is_finished();
        let ends = self.session.as_ref().is_some_and(|session| session.is_ending || session.is_restarting());
        world.calls.iter().all(is_answered) && self.clients.iter().all(has_left) && !ends
    }
}
