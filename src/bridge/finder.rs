//! The search for the session's socket, and the connection to it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::UnixStream;
use tokio_util::sync::CancellationToken;

use super::client_log;
use super::options::BridgeOptions;
use super::session_source::{Connection, DRAIN_TIMEOUT, POLL_INTERVAL, Reach, SessionSource};
use super::starter::Starter;
use crate::session::SentTo;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry::{self, PublishedEntry, SessionEntry};
use crate::session::discovery::select::{Choice, choose};
use crate::session::discovery::socket::{self, ConnectError};

/// How often to look for a session that this process guards. Such a session starts within some 50 ms.
const POLL_INTERVAL_OF_GUARDED: Duration = Duration::from_millis(2);
const DRAIN_TIMEOUT_OF_GUARDED: Duration = Duration::from_secs(3);

/// The session that this process guards.
#[derive(Debug)]
struct Guarded {
    session: PublishedEntry,
    /// Cancelled when the session has ended.
    over: CancellationToken,
}

#[derive(Debug)]
pub struct Finder {
    options: BridgeOptions,
    /// `FOURHANDS_SESSION`.
    env: Option<String>,
    pub(super) cwd: PathBuf,
    pub(super) paths: Paths,
    /// Starts a session if there is none, where the options say so.
    pub(super) starter: Option<Starter>,
    guarded: Option<Guarded>,
    has_logged_owner: AtomicBool,
    /// Why the session refused the last connection.
    pub(super) refusal: Mutex<Option<String>>,
}

impl SessionSource for Finder {
    async fn reach(&self) -> Reach {
        if let Some(guarded) = &self.guarded {
            // The socket may have moved.
            let record = guarded.session.record();
            let without = if self.is_over() || record.trouble.is_some() { Reach::Nothing } else { Reach::Starting };
            let connected = self.connect(&record.socket).await;
            return connected.map_or(without, |stream| self.connected(stream, Some(&record)));
        }
        if let Some(socket) = &self.options.socket {
            let record = self.record_of(socket);
            let connected = self.connect(socket).await;
            return connected.map_or(Reach::Nothing, |stream| self.connected(stream, record.as_ref()));
        }
        let starts = |name| self.starter.as_ref().is_some_and(|starter| starter.start(name));
        match self.choice() {
            Ok((Choice::Use(record), _)) => {
                let connected = self.connect(&record.socket).await;
                if let (Ok(_), Some(starter)) = (&connected, &self.starter) {
                    starter.on_connected();
                }
                let without = if record.trouble.is_some() { Reach::Nothing } else { Reach::Starting };
                connected.map_or(without, |stream| self.connected(stream, Some(&record)))
            }
            Ok((Choice::NoneRunning, _)) if starts(None) => Reach::Starting,
            Ok((Choice::NotRunning(name), _)) if registry::check_name(&name).is_ok() && starts(Some(&name)) => {
                Reach::Starting
            }
            _ => Reach::Nothing,
        }
    }

    fn advice(&self) -> String {
        if let Some(guarded) = &self.guarded {
            return self.advice_of_guarded(&guarded.session.record());
        }
        let problem = match (&self.options.socket, self.choice()) {
            (Some(socket), _) => format!(
                "No fourhands session listens on the socket {} (set by --socket). Ask the person to start the session, \
                 or to correct the path in the AI client's configuration.",
                socket.display()
            ),
            (None, Err(error)) => format!("fourhands cannot list its sessions: {error}."),
            (None, Ok((choice, running))) => self.explain(&choice, &running),
        };
        self.remedy(&problem)
    }

    fn set_refusal(&self, why: Option<String>) {
        *self.refusal.lock() = why;
    }

    fn is_guarding(&self) -> bool {
        self.guarded.is_some() && !self.is_over()
    }

    fn is_over(&self) -> bool {
        self.guarded.as_ref().is_some_and(|guarded| guarded.over.is_cancelled())
    }

    async fn over(&self) {
        match &self.guarded {
            Some(guarded) => guarded.over.cancelled().await,
            None => std::future::pending().await,
        }
    }

    fn poll_interval(&self) -> Duration {
        if self.guarded.is_some() { POLL_INTERVAL_OF_GUARDED } else { POLL_INTERVAL }
    }

    fn drain_timeout(&self) -> Duration {
        // A person may have piped all requests into `serve --stdio`, and reads the answers.
        if self.guarded.is_some() { DRAIN_TIMEOUT_OF_GUARDED } else { DRAIN_TIMEOUT }
    }
}

impl Finder {
    /// Returns a finder with the environment and the working directory of this process.
    pub fn new(options: BridgeOptions) -> Self {
        let cwd = std::env::current_dir().and_then(std::fs::canonicalize).unwrap_or_else(|_| PathBuf::from("/"));
        let env = std::env::var("FOURHANDS_SESSION").ok();
        Self::at(options, env, cwd, Paths::of_this_process())
    }

    pub(super) fn at(options: BridgeOptions, env: Option<String>, cwd: PathBuf, paths: Paths) -> Self {
        let starter = Starter::new(&options, &cwd, paths.home.as_deref());
        let (has_logged_owner, refusal) = (AtomicBool::new(false), Mutex::new(None));
        Self { options, env, cwd, paths, starter, guarded: None, has_logged_owner, refusal }
    }

    /// Returns a finder for the session that this process guards, which is over once `over` is cancelled.
    pub fn guarding(session: PublishedEntry, over: CancellationToken) -> Self {
        Self { guarded: Some(Guarded { session, over }), ..Self::new(BridgeOptions::default()) }
    }

    /// `before` is the record of the session before the connection.
    fn connected(&self, stream: UnixStream, before: Option<&SessionEntry>) -> Reach {
        // Another session may have taken the socket meanwhile.
        let session = before.filter(|before| self.record_of(&before.socket).as_ref() == Some(before));
        let session = session.and_then(|record| record.id.clone());
        let process = socket::peer(&stream).and_then(|peer| peer.pid);
        let (input, output) = stream.into_split();
        let connection = Connection { input: Box::new(input), output: Box::new(output) };
        Reach::Connected(connection, SentTo { session, process })
    }

    fn record_of(&self, socket: &Path) -> Option<SessionEntry> {
        registry::running_at(&self.paths).ok()?.into_iter().find(|record| record.socket == socket)
    }

    /// The client has left.
    pub fn leave(&self) {
        if let Some(starter) = &self.starter {
            starter.leave();
        }
    }

    async fn connect(&self, path: &Path) -> Result<UnixStream, ConnectError> {
        let connected = socket::connect(path).await;
        if let Err(error @ ConnectError::NotOurs { .. }) = &connected
            && !self.has_logged_owner.swap(true, Ordering::Relaxed)
        {
            client_log::log(&error.to_string());
        }
        connected
    }

    /// Returns the choice, and the running sessions to choose from.
    fn choice(&self) -> io::Result<(Choice, Vec<SessionEntry>)> {
        let mut running = registry::running_at(&self.paths)?;
        if let Some(starter) = &self.starter
            && self.is_free_to_choose()
        {
            running.retain(|record| starter.is_for(record, &self.cwd));
        }
        if self.is_free_to_choose() {
            running.retain(|record| !record.private);
        }
        Ok((choose(self.options.session.as_deref(), self.env.as_deref(), &self.cwd, &running), running))
    }

    fn is_free_to_choose(&self) -> bool {
        let names = [self.options.session.as_deref(), self.env.as_deref()];
        names.into_iter().flatten().all(|name| name.trim().is_empty())
    }
}
