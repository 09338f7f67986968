//! The simulated processes: the session process and the bridges. Each has a runtime of its own, with a clock that stands
//! still unless the scheduler lets time pass; a process that dies is dropped with all its tasks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::life::Life;
use super::python::Python;
use super::wire::{Reader, Wire, Writer};
use super::world::{End, Registry, Shared, Tape, lock};
use crate::bridge::finder::{Connection, Find, Finder, Reach};
use crate::bridge::{BridgeOptions, offline_server, pump};
use crate::domain::{Author, Event, Restart, SessionInfo, SnippetId, Transcript};
use crate::mcp::{Backend, serve_connection};
use crate::session;
use crate::session::clock;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry;
use crate::session::discovery::select::Choice;
use crate::session::{SentTo, SessionHandle, SessionId, Startup};

/// As `serve_socket` has it.
const CLOSING: Duration = Duration::from_secs(2);

pub struct Process {
    runtime: Runtime,
    /// How far its wall clock is off, in milliseconds.
    clock: i64,
}

impl Process {
    fn new(clock: i64) -> Self {
        // With this interval a task is polled at a time, so that a process can be left half way.
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).event_interval(1).build();
        Self { runtime: runtime.expect("a runtime"), clock }
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        clock::IS_OFF.set(self.clock);
        let done = self.runtime.block_on(work);
        clock::IS_OFF.set(0);
        done
    }

    /// Until there is nothing left to do; then time passes.
    pub fn pass(&self, time: Duration) {
        self.run(async { tokio::time::sleep(time).await });
    }

    /// For so many polls of its tasks, about.
    pub fn poll(&self, times: usize) {
        self.run(async {
            for _ in 0..times {
                tokio::task::yield_now().await;
            }
        });
    }
}

pub struct Session {
    pub process: Process,
    pub life: Life,
    handle: SessionHandle,
    /// It was asked to end.
    pub is_ending: bool,
    /// Given when it has ended in good order.
    ended: Arc<Mutex<Option<End>>>,
    connections: mpsc::UnboundedSender<(Reader, Writer, u32)>,
}

impl Session {
    /// A process that takes over what the journal has, for the reason given; or the first one of a session.
    pub fn start(world: &Shared, restart: Option<Restart>, clock: i64) -> Self {
        let process = Process::new(clock);
        let life = Life::default();
        let pid = {
            let mut world = lock(world);
            world.session_life = life.clone();
            world.processes += 1;
            world.processes
        };
        let (events, engine_events) = mpsc::unbounded_channel();
        let engine = Box::new(Python::new(world.clone(), life.clone(), events));
        let record = Box::new(Tape { world: world.clone(), life: life.clone() });
        let id = Some(session_id(lock(world).session));
        let beginning = Startup { id, restart, record, ..so_far(&lock(world).journal) };
        let info = SessionInfo {
            name: "model".to_owned(),
            cwd: "/".into(),
            python: "/python".into(),
            python_version: "3.12.1".to_owned(),
            venv: None,
            pid,
            started_at: 0,
        };
        let ended = Arc::default();
        let (connections, accepted) = mpsc::unbounded_channel();
        let handle = process.run(async {
            let (handle, actor) = session::spawn(info, engine, engine_events, beginning);
            tokio::spawn(serve(handle.clone(), actor, accepted, Arc::clone(&ended)));
            handle
        });
        Self { process, life, handle, is_ending: false, ended, connections }
    }

    /// From now on bridges find it.
    pub fn listen(&self, world: &Shared) {
        lock(world).registry = Registry::Listening(self.connections.clone());
    }

    /// As the guardian does it when it is asked to end.
    pub fn terminate(&mut self) {
        self.is_ending = true;
        self.handle.quit();
    }

    pub fn is_restarting(&self) -> bool {
        self.handle.is_restarting()
    }

    pub fn has_ended(&self) -> Option<End> {
        self.ended.lock().unwrap().take()
    }
}

fn session_id(number: u32) -> SessionId {
    SessionId::parse(&format!("{number:020x}")).expect("a name of a session")
}

/// What a process begins with, as the host finds it.
fn so_far(journal: &[Event]) -> Startup {
    let ran = journal.iter().rev().find_map(|event| match event {
        Event::Started { snippet, .. } => Some(*snippet),
        _ => None,
    });
    // Of a session without any snippet the journal has nothing.
    if !journal.iter().any(|event| matches!(event, Event::Submitted { .. })) {
        return Startup::default();
    }
    let mut transcript = Transcript::default();
    let mut former = Vec::new();
    for event in journal {
        transcript.apply(event);
        session::remember_client(&mut former, event);
    }
    let calls = journal.iter().filter_map(|event| match event {
        Event::Submitted { call, snippet, .. } => Some(((*call)?, *snippet)),
        _ => None,
    });
    let calls = calls.collect();
    Startup { calls, transcript, ran: ran.unwrap_or(SnippetId(0)), former, ..Startup::default() }
}

/// The host's part in `process`, on simulated connections.
async fn serve(
    session: SessionHandle,
    actor: JoinHandle<Option<Author>>,
    mut accepted: mpsc::UnboundedReceiver<(Reader, Writer, u32)>,
    ended: Arc<Mutex<Option<End>>>,
) {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let server = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stopped.cancelled() => break,
                Some(_) = connections.join_next() => {}
                Some((reader, writer, pid)) = accepted.recv() => {
                    let backend = Backend::Session(session.clone());
                    connections.spawn(serve_connection(reader, writer, backend, Some(pid), stopped.clone()));
                }
            }
        }
        drop(accepted);
        let all_ended = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(CLOSING, all_ended).await;
    });
    let by = actor.await.unwrap_or(None);
    stop.cancel();
    let _ = server.await;
    *ended.lock().unwrap() = Some(by.map_or(End::Quit, End::Restart));
}

/// The bridge of one client.
pub struct Bridge {
    pub process: Process,
    pub stdin: Wire,
    pub stdout: Wire,
    /// It has ended.
    pub over: JoinHandle<std::io::Result<()>>,
}

impl Bridge {
    pub fn start(world: &Shared, client: usize) -> Self {
        let process = Process::new(0);
        let (stdin, stdout) = (Wire::default(), Wire::default());
        let (input, output) = (stdin.reader(), stdout.writer(Life::default()));
        let way = Arc::new(Way::new(world.clone(), client));
        let looker = way.clone();
        let offline = offline_server(Arc::new(move || format!("Nothing was run. {}", looker.advice())));
        let over = process.runtime.spawn(async move { pump::pump(input, output, &*way, &offline).await });
        Self { process, stdin, stdout, over }
    }
}

/// Where a bridge finds the session.
struct Way {
    world: Shared,
    client: usize,
    /// For its words.
    finder: Finder,
}

impl Way {
    fn new(world: Shared, client: usize) -> Self {
        let places = Paths { home: None, state: None, runtime: None, shared: "/none".into() };
        Self { world, client, finder: Finder::at(BridgeOptions::default(), None, "/".into(), places) }
    }
}

impl Find for Way {
    const MOMENT: Duration = Duration::ZERO;

    async fn reach(&self) -> Reach {
        let mut world = lock(&self.world);
        let Registry::Listening(connections) = world.registry.clone() else {
            return if matches!(world.registry, Registry::Nothing) { Reach::Nothing } else { Reach::Starting };
        };
        let (to_session, from_session) = (Wire::default(), Wire::default());
        let theirs = (to_session.reader(), from_session.writer(world.session_life.clone()));
        if connections.send((theirs.0, theirs.1, 100 + self.client as u32)).is_err() {
            return Reach::Starting;
        }
        let (input, output) = (from_session.reader(), to_session.writer(Life::default()));
        world.connections.push((self.client, to_session, from_session));
        let sent_to = SentTo { session: Some(session_id(world.session)), process: Some(world.processes) };
        Reach::Connected(Connection { input: Box::new(input), output: Box::new(output) }, sent_to)
    }

    fn advice(&self) -> String {
        let choice = match lock(&self.world).registry {
            Registry::Nothing => Choice::NoneRunning,
            Registry::Starting | Registry::Listening(_) => Choice::Use(Box::new(registry::SessionEntry {
                name: "model".to_owned(),
                pid: 1,
                boot: String::new(),
                machine: String::new(),
                cwd: "/".into(),
                socket: "/none".into(),
                python: None,
                python_version: None,
                dashboard: None,
                held: None,
                private: false,
                trouble: None,
                id: None,
                started_at: 0,
            })),
        };
        self.finder.remedy(&self.finder.explain(&choice, &[]))
    }

    fn note_refusal(&self, _: Option<String>) {}
}
