//! What no death of a process takes away: the journal, what code has done, what the guardian holds, and what was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::life::{Life, Point};
use super::wire::{Reader, Wire, Writer};
use crate::domain::{Author, Event, Outcome, SnippetId, Status};
use crate::session::EventSink;

/// What a client asks.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Ask {
    Run(Code),
    /// To the prompt of this snippet.
    Answer(u32),
    Restart,
    Reset,
    Interrupt,
    Wait(u32),
    List,
    Ping,
    Initialize,
}

/// Calls of the same code have the same text.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Code {
    /// Leaves a mark, and that is all.
    Mark,
    /// The same, and fails.
    Fail,
    /// Leaves a mark, then waits to be released.
    Sleep,
    /// Waits to be released, then leaves a mark.
    Late,
    /// Leaves a mark, and cannot be interrupted any more.
    Deaf,
    /// Leaves a mark and asks for a line.
    Input,
    /// Leaves a mark and ends Python.
    Crash,
    /// Leaves a mark; where it is the second one, it ends Python.
    Second,
}

impl Code {
    pub fn text(self) -> &'static str {
        match self {
            Self::Mark => "mark()",
            Self::Fail => "mark(); 1 / 0",
            Self::Sleep => "mark(); sleep()",
            Self::Late => "sleep(); mark()",
            Self::Deaf => "mark(); sum(range(10**11))",
            Self::Input => "mark(); input()",
            Self::Crash => "mark(); os._exit(3)",
            Self::Second => "mark(); second() and os._exit(3)",
        }
    }

    pub fn of(text: &str) -> Self {
        let all = [Self::Mark, Self::Fail, Self::Sleep, Self::Late, Self::Deaf, Self::Input, Self::Crash, Self::Second];
        all.into_iter().find(|code| code.text() == text).expect("one of these")
    }
}

/// A request of a client, and all that is known of it. Its number stands in the title of the code that it runs.
#[derive(Debug)]
pub struct Call {
    pub client: usize,
    pub id: Value,
    pub ask: Ask,
    pub cancelled: bool,
    /// An earlier call had the same id, and was cancelled.
    pub reuses: Option<usize>,
    pub answers: Vec<Value>,
    /// In which session, and as what, it was submitted.
    pub snippets: Vec<(u32, SnippetId)>,
    /// How often Python began with it, and how often it left its mark.
    pub begun: usize,
    pub marks: usize,
    pub finished: Option<Status>,
    /// It ran when its process ended.
    pub was_cut: bool,
    /// What had happened when it was sent, and when its first answer came.
    pub sent_at: Happened,
    pub answered_at: Option<Happened>,
}

/// Counts of what excuses that something is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Happened {
    pub process_ends: usize,
    pub session_ends: usize,
    pub resets: usize,
    /// Times in which nothing was delivered, or nobody listened, for as long as the bridge waits.
    pub long_silences: usize,
    /// Milliseconds.
    pub passed: u64,
}

/// What the guardian holds, as a bridge finds it.
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
    /// Counts the sessions, and the processes of all of them.
    pub session: u32,
    pub processes: u32,
    pub journal: Vec<Event>,
    /// How each snippet has ended, as the journal has it.
    pub recorded: BTreeMap<(u32, SnippetId), Status>,
    pub registry: Registry,
    pub happened: Happened,
    pub python: super::python::State,
    /// Lines that were entered at prompts, by the call that brought them.
    pub entered: BTreeMap<usize, usize>,
    /// For the code that ends Python when it is the second one.
    pub seconds: usize,
    /// Connections that bridges have opened: their numbers and wires, to the session and from it.
    pub connections: Vec<(usize, Wire, Wire)>,
    pub session_life: Life,
}

pub type Shared = Arc<Mutex<World>>;

pub fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl World {
    /// The call that was submitted as this snippet.
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
    pub world: Shared,
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
                // One that was submitted is known here even where the process did not live to record whose it is.
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
        if !self.life.reaches(before) {
            return;
        }
        let mut world = lock(&self.world);
        world.journal.push(event.clone());
        if let Event::Finished { snippet, outcome, .. } = event {
            let key = (world.session, *snippet);
            world.recorded.insert(key, outcome.status);
        }
        drop(world);
        self.life.reaches(after);
    }
}

/// How a session process ended.
#[derive(Debug)]
pub enum End {
    /// In good order.
    Quit,
    Restart(Author),
    /// It died, in these words.
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
