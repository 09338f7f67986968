//! The world outside the processes, which no death of a process changes: the journal, the effects of code, the
//! registry, the calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::mpsc::UnboundedSender;

use super::calls::{Call, Happened};
use super::life::{Life, Point};
use super::python_state::PythonState;
use super::wire::{Reader, Wire, Writer};
use crate::domain::{Author, Event, Outcome, SnippetId, Status};
use crate::session::EventSink;

/// The registry of sessions, as a bridge finds it.
#[derive(Clone, Default)]
pub enum Registry {
    #[default]
    Nothing,
    Starting,
    Listening(UnboundedSender<(Reader, Writer, u32)>),
}

#[derive(Default)]
pub struct World {
    pub calls: Vec<Call>,
    /// The number of the session, and of its process.
    pub session: u32,
    pub processes: u32,
    pub journal: Vec<Event>,
    /// How each snippet ended, by the journal.
    pub recorded: BTreeMap<(u32, SnippetId), Status>,
    pub registry: Registry,
    pub happened: Happened,
    pub python: PythonState,
    /// How many lines each call entered at prompts.
    pub entered: BTreeMap<usize, usize>,
    /// How often [`super::calls::Code::Second`] ran.
    pub seconds: usize,
    /// The connections of bridges: the client, the wire to the session, the wire from it.
    pub connections: Vec<(usize, Wire, Wire)>,
    pub session_life: Life,
}

pub type SharedWorld = Arc<Mutex<World>>;

pub fn lock(world: &SharedWorld) -> MutexGuard<'_, World> {
    world.lock()
}

impl World {
    /// Returns the call that submitted this snippet.
    pub fn call_of(&self, snippet: SnippetId) -> Option<usize> {
        self.calls.iter().position(|call| call.snippets.contains(&(self.session, snippet)))
    }

    pub fn call_mut(&mut self, snippet: SnippetId) -> Option<&mut Call> {
        let place = self.call_of(snippet)?;
        self.calls.get_mut(place)
    }
}

/// The journal, as the actor of one process writes it.
pub struct Tape {
    pub world: SharedWorld,
    pub life: Life,
}

impl EventSink for Tape {
    fn event(&mut self, event: &Event) {
        let (before, after) = match event {
            Event::Submitted { .. } => (Point::BeforeSubmitted, Point::AfterSubmitted),
            Event::Started { .. } => (Point::BeforeStarted, Point::AfterStarted),
            Event::Finished { .. } => (Point::BeforeFinished, Point::AfterFinished),
            Event::Titled { snippet, title } => {
                let mut world = lock(&self.world);
                // Known here even if the process died before it recorded the call.
                let is_last =
                    matches!(world.journal.last(), Some(Event::Submitted { snippet: last, .. }) if last == snippet);
                if is_last {
                    let session = world.session;
                    let number: usize = title.parse().expect("titles are numbers");
                    world.calls[number].snippets.push((session, *snippet));
                }
                if !self.life.is_over() {
                    world.journal.push(event.clone());
                }
                return;
            }
            _ if self.life.is_over() => return,
            _ => return lock(&self.world).journal.push(event.clone()),
        };
        if !self.life.survives(before) {
            return;
        }
        let mut world = lock(&self.world);
        world.journal.push(event.clone());
        if let Event::Finished { snippet, outcome, .. } = event {
            let key = (world.session, *snippet);
            world.recorded.insert(key, outcome.status);
        }
        drop(world);
        self.life.survives(after);
    }
}

/// How a session process ended.
#[derive(Debug)]
pub enum End {
    /// An orderly end.
    Quit,
    Restart(Author),
    /// The process died, with this message.
    Died(&'static str),
}

pub fn outcome(status: Status) -> Outcome {
    Outcome {
        status,
        returncode: i32::from(status != Status::Ok),
        result: None,
        frame: None,
        frames: Vec::new(),
        error: None,
        stopped_by: None,
        elapsed: std::time::Duration::from_millis(1),
        changes: crate::domain::VariableChanges::default(),
    }
}
