//! The simulated guardian: it starts session processes, and decides what follows when one has ended.

use super::process::Session;
use super::run::{Run, TraceStep};
use super::world::{End, Registry, lock};
use crate::domain::{Event, Restart, SnippetId};

impl Run {
    pub(super) fn look_after_session(&mut self) {
        let Some(session) = &self.session else { return };
        if session.life.is_over() {
            self.on_process_end(End::Died("Python was killed by SIGKILL."));
        } else if let Some(end) = session.has_ended() {
            self.on_process_end(end);
        }
    }

    pub(super) fn start(&mut self) {
        let clock = if self.dice.chance(4) { self.dice.one(&[-60_000, 5_000]) } else { 0 };
        self.trace.push(TraceStep::Starts { clock });
        let restart = self.next.take();
        if restart.is_none() {
            let mut world = lock(&self.world);
            world.session += 1;
            world.journal.clear();
        }
        lock(&self.world).registry = Registry::Starting;
        self.session = Some(Session::start(&self.world, restart, clock));
    }

    pub(super) fn listen(&mut self) {
        self.trace.push(TraceStep::Listens);
        if let Some(session) = &self.session {
            session.listen(&self.world);
        }
    }

    /// Takes in the end of the session process.
    pub(super) fn on_process_end(&mut self, end: End) {
        let Some(session) = self.session.take() else { return };
        session.life.end();
        drop(session);
        let mut world = lock(&self.world);
        world.happened.process_ends += 1;
        // Python may still run code that the actor has given up.
        if let Some(snippet) = world.python.end()
            && let Some(call) = world.call_mut(snippet)
        {
            call.was_cut = true;
        }
        let started = world.journal.iter().filter_map(|event| match event {
            Event::Started { snippet, .. } => Some(*snippet),
            _ => None,
        });
        let started: Vec<SnippetId> = started.collect();
        for snippet in started {
            let is_open = !world.recorded.contains_key(&(world.session, snippet));
            if is_open && let Some(call) = world.call_mut(snippet) {
                call.was_cut = true;
            }
        }
        let restart = match end {
            // The guardian may be killed as well.
            End::Died(how) => {
                (!self.dice.chance(10)).then(|| Restart { how: how.to_owned(), code: 3, ..Restart::default() })
            }
            End::Restart(by) => Some(Restart { by: Some(by), ..Restart::default() }),
            End::Quit => None,
        };
        world.happened.session_ends += usize::from(restart.is_none());
        world.registry = if restart.is_some() { Registry::Starting } else { Registry::Nothing };
        self.trace
            .push(TraceStep::Ended { how: if restart.is_some() { "another process takes over" } else { "for good" } });
        self.next = restart;
    }
}
