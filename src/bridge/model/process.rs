//! The simulated processes: the session process and the bridges. Each has a runtime of its own, whose clock stands
//! still unless the scheduler lets time pass. A process that dies is dropped with all its tasks.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::life::Life;
use super::python::Python;
use super::wire::{Reader, Wire, Writer};
use super::world::{End, Registry, SharedWorld, Tape, lock};
use crate::bridge::finder::Finder;
use crate::bridge::offline::offline_server;
use crate::bridge::options::BridgeOptions;
use crate::bridge::pump::{BridgeUse, pump};
use crate::bridge::session_source::{Connection, Reach, SessionSource};
use crate::domain::{Event, Restart, SessionInfo, SnippetId, Transcript};
use crate::mcp::bridge_protocol::ResultForm;
use crate::mcp::{Backend, serve_connection};
use crate::session;
use crate::session::clock;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry;
use crate::session::discovery::select::Choice;
use crate::session::{SentTo, SessionHandle, SessionId, Startup, Successor};

/// As in `serve_socket`.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

pub struct SimulatedProcess {
    runtime: Runtime,
    /// Offset of the wall clock, in milliseconds.
    clock: i64,
}

impl SimulatedProcess {
    fn new(clock: i64) -> Self {
        // Polls one task at a time, so that a process can be left half way.
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).event_interval(1).build();
        Self { runtime: runtime.expect("a runtime"), clock }
    }

    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        clock::OFFSET.set(self.clock);
        let done = self.runtime.block_on(work);
        clock::OFFSET.set(0);
        done
    }

    /// Runs until there is nothing to do, then lets time pass.
    pub fn pass(&self, time: Duration) {
        self.run(async { tokio::time::sleep(time).await });
    }

    /// Runs for about so many polls of tasks.
    pub fn poll(&self, times: usize) {
        self.run(async {
            for _ in 0..times {
                tokio::task::yield_now().await;
            }
        });
    }
}

pub struct Session {
    pub process: SimulatedProcess,
    pub life: Life,
    handle: SessionHandle,
    /// Whether the process was asked to end.
    pub is_ending: bool,
    /// Set at an orderly end.
    ended: Arc<Mutex<Option<End>>>,
    connections: mpsc::UnboundedSender<(Reader, Writer, u32)>,
}

impl Session {
    /// Starts a process that takes over the session, or the first one of a session.
    pub fn start(world: &SharedWorld, restart: Option<Restart>, clock: i64) -> Self {
        let process = SimulatedProcess::new(clock);
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
        let startup = Startup { id, restart, record, ..startup(&lock(world).journal) };
        let info = SessionInfo {
            name: "model".to_owned(),
            cwd: "/".into(),
            python: "/python".into(),
            python_version: "3.12.1".to_owned(),
            venv: None,
            pid,
            started_at: 0,
            program: "/bin/fourhands".into(),
            is_demo: false,
        };
        let ended = Arc::default();
        let (connections, accepted) = mpsc::unbounded_channel();
        let handle = process.run(async {
            let (handle, actor) = session::spawn(info, engine, engine_events, startup);
            tokio::spawn(serve(handle.clone(), actor, accepted, Arc::clone(&ended)));
            handle
        });
        Self { process, life, handle, is_ending: false, ended, connections }
    }

    /// Lets bridges find the session.
    pub fn listen(&self, world: &SharedWorld) {
        lock(world).registry = Registry::Listening(self.connections.clone());
    }

    /// Asks the session to end, as the guardian does.
    pub fn terminate(&mut self) {
        self.is_ending = true;
        self.handle.quit();
    }

    pub fn is_restarting(&self) -> bool {
        self.handle.is_restarting()
    }

    pub fn has_ended(&self) -> Option<End> {
        self.ended.lock().take()
    }
}

fn session_id(number: u32) -> SessionId {
    SessionId::parse(&format!("{number:020x}")).expect("a session id")
}

/// Returns what a process starts from, as the host does.
fn startup(journal: &[Event]) -> Startup {
    let ran = journal.iter().rev().find_map(|event| match event {
        Event::Started { snippet, .. } => Some(*snippet),
        _ => None,
    });
    // The journal has nothing of a session without snippets.
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

/// Serves connections as the host does, on simulated ones.
async fn serve(
    session: SessionHandle,
    actor: JoinHandle<Option<Successor>>,
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
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, all_ended).await;
    });
    let next = actor.await.unwrap_or(None);
    stop.cancel();
    let _ = server.await;
    *ended.lock() = Some(next.map_or(End::Quit, |next| End::Restart(next.by)));
}

/// The simulated bridge of one client.
pub struct SimulatedBridge {
    pub process: SimulatedProcess,
    pub stdin: Wire,
    pub stdout: Wire,
    /// Finished once the bridge has ended.
    pub over: JoinHandle<std::io::Result<BridgeUse>>,
}

impl SimulatedBridge {
    pub fn start(world: &SharedWorld, client: usize) -> Self {
        let process = SimulatedProcess::new(0);
        let (stdin, stdout) = (Wire::default(), Wire::default());
        let (input, output) = (stdin.reader(), stdout.writer(Life::default()));
        let source = Arc::new(ModelSource::new(world.clone(), client));
        let adviser = source.clone();
        let offline = offline_server(Arc::new(move || format!("Nothing was run. {}", adviser.advice())));
        let over = process
            .runtime
            .spawn(async move { pump(input, output, &*source, &offline, Some(ResultForm::Structured)).await });
        Self { process, stdin, stdout, over }
    }
}

/// The session source of a simulated bridge.
struct ModelSource {
    world: SharedWorld,
    client: usize,
    /// For its texts.
    finder: Finder,
}

impl ModelSource {
    fn new(world: SharedWorld, client: usize) -> Self {
        let paths = Paths { home: None, state: None, runtime: None, shared: "/none".into(), creates: true };
        Self { world, client, finder: Finder::at(BridgeOptions::default(), None, "/".into(), paths) }
    }
}

impl SessionSource for ModelSource {
    const SPIN_TIME: Duration = Duration::ZERO;

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

    fn set_refusal(&self, _: Option<String>) {}
}
