//! The start of a session if there is none: without a dashboard, held as long as a client is there (`--serve`), or with
//! the dashboard in a pane of tmux (`--tmux`).

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parking_lot::Mutex;

use super::client_log::log;
use super::environment;
use super::executable::program;
use super::options::BridgeOptions;
use super::tmux::{self, OpeningPane};
use crate::session::discovery::registry::SessionEntry;

/// How long a session may be away: a dashboard takes it over, or the dashboard restarts.
const RETURN_TIMEOUT: Duration = Duration::from_secs(3);
/// When to try again after a failed start.
const RETRY_DELAY: Duration = Duration::from_secs(10);
/// How long a dashboard in a pane may take to start.
const PANE_TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes of the stderr of a session that are kept.
const MAX_STDERR: u64 = 4_000;

#[derive(Debug)]
pub struct Starter {
    options: BridgeOptions,
    folder: PathBuf,
    /// Whether the client runs in the home or the root folder, and so in no folder of its own.
    is_at_home: bool,
    state: Mutex<StarterState>,
}

#[derive(Debug, Default)]
struct StarterState {
    /// The session that this process holds, or held.
    held: Option<Arc<HeldSession>>,
    /// When to try again.
    retry_at: Option<Instant>,
    /// Whether a session was reached since the last start, and whether one was ever reached.
    connected: bool,
    ever_connected: bool,
    /// When the dashboard was opened in a pane. Only once, since a person who closes it does not want it back.
    opened: Option<Instant>,
    opening: Option<OpeningPane>,
    /// Why no session was started.
    problem: Option<String>,
}

/// A child process that holds a session.
#[derive(Debug)]
struct HeldSession {
    pid: Pid,
    /// The stderr of the process, once it has ended.
    ended: Mutex<Option<String>>,
}

impl Starter {
    /// Returns `None` unless the options ask for a start. Links in `cwd` are resolved.
    pub fn new(options: &BridgeOptions, cwd: &Path, home: Option<&Path>) -> Option<Self> {
        if !options.serve && !options.tmux {
            return None;
        }
        let home = home.and_then(|home| home.canonicalize().ok());
        // Some clients start servers in the root folder, although nobody works there.
        let folder = home.clone().filter(|_| cwd == Path::new("/")).unwrap_or_else(|| cwd.to_owned());
        let is_at_home = folder == Path::new("/") || Some(&folder) == home.as_ref();
        Some(Self { options: options.clone(), folder, is_at_home, state: Mutex::default() })
    }

    /// Returns whether a running session suits a client in `cwd`. A session of another folder suits only clients
    /// without a folder of their own, and never if bridges hold it.
    pub fn is_for(&self, record: &SessionEntry, cwd: &Path) -> bool {
        match record.held {
            Some(_) => record.cwd == self.folder,
            None => cwd.starts_with(&record.cwd) || self.is_at_home,
        }
    }

    /// Notes that a session was reached.
    pub fn on_connected(&self) {
        let mut state = self.state.lock();
        (state.connected, state.ever_connected, state.problem) = (true, true, None);
        state.opening = None;
    }

    /// Starts a session with this name, or with any if there is none, unless it is too early. Returns whether a session
    /// will soon be there.
    pub fn start(&self, name: Option<&str>) -> bool {
        let mut state = self.state.lock();
        let now = Instant::now();
        if std::mem::take(&mut state.connected) {
            state.retry_at = Some(now + RETURN_TIMEOUT);
        }
        if let Some(held) = &state.held {
            let ended = held.ended.lock().take();
            let Some(stderr) = ended else { return true };
            state.held = None;
            // A session that was reached, and ended without a message, ended as sessions do.
            if !state.ever_connected || !stderr.is_empty() {
                let what = if state.ever_connected {
                    "The session that this server started has ended, and the next can start in some seconds"
                } else {
                    "This server could not start a session"
                };
                state.problem = Some(format!("{what}: {stderr}"));
                state.retry_at = Some(now + RETRY_DELAY);
            }
        }
        if state.opened.is_some_and(|since| since.elapsed() < PANE_TIMEOUT) && !state.ever_connected {
            return true;
        }
        state.opening = None;
        if state.retry_at.is_some_and(|until| until > now) {
            return state.problem.is_none();
        }
        if self.options.tmux && self.open_pane(&mut state, name) {
            return true;
        }
        self.options.serve && self.hold(&mut state, name)
    }

    /// Ends a session that nobody has reached yet, because the client has left and the session would wait for a client.
    pub fn leave(&self) {
        let state = self.state.lock();
        if let Some(held) = state.held.as_ref().filter(|_| !state.ever_connected)
            && held.ended.lock().is_none()
        {
            let _ = kill(held.pid, Signal::SIGTERM);
        }
    }

    /// Returns what became of the start.
    pub fn status(&self) -> Option<String> {
        let state = self.state.lock();
        let is_alive = |held: &Arc<HeldSession>| held.ended.lock().is_none();
        let is_starting = state.held.as_ref().is_some_and(is_alive) || state.opening.is_some();
        state.problem.clone().or_else(|| is_starting.then(|| "A session is starting.".to_owned()))
    }

    /// Opens the dashboard in a pane.
    fn open_pane(&self, state: &mut StarterState, name: Option<&str>) -> bool {
        if !tmux::is_available() {
            state.problem = Some(
                "--tmux needs tmux, but this server does not run inside it: TMUX is not set in its environment."
                    .to_owned(),
            );
            return false;
        }
        if state.opened.is_some() || state.ever_connected {
            return false;
        }
        state.opened = Some(Instant::now());
        match tmux::open(&self.folder, &self.options.of_session(name)) {
            Ok(opening) => {
                (state.opening, state.problem) = (opening, None);
                true
            }
            Err(why) => {
                state.opened = None;
                state.problem = Some(format!("This server could not open the dashboard in tmux: {why}."));
                state.retry_at = Some(Instant::now() + RETRY_DELAY);
                false
            }
        }
    }

    fn hold(&self, state: &mut StarterState, name: Option<&str>) -> bool {
        match self.spawn(name) {
            Ok(held) => {
                (state.held, state.problem) = (Some(held), None);
                true
            }
            Err(error) => {
                state.problem = Some(format!("This server could not start a session: {error}"));
                state.retry_at = Some(Instant::now() + RETRY_DELAY);
                false
            }
        }
    }

    fn spawn(&self, name: Option<&str>) -> io::Result<Arc<HeldSession>> {
        let mut command = Command::new(program());
        command.args(["serve", "--until-unused"]).current_dir(&self.folder);
        command.args(self.options.of_session(name));
        // Other clients may share the session, so it gets no secrets of this client, and no signals of its process
        // group.
        let environment = environment::selected(std::env::vars_os(), &self.options.keep_env);
        if let Some(notice) = environment.notice() {
            log(&notice);
        }
        command.env_clear().envs(environment.variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn()?;
        let held = Arc::new(HeldSession { pid: Pid::from_raw(child.id() as i32), ended: Mutex::default() });
        let session = held.clone();
        std::thread::Builder::new().name("held session".to_owned()).spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stderr) = child.stderr.take() {
                let _ = stderr.by_ref().take(MAX_STDERR).read_to_end(&mut text);
                let _ = io::copy(&mut stderr, &mut io::sink());
            }
            let in_order = child.wait().is_ok_and(|status| status.success());
            let text = String::from_utf8_lossy(&text);
            let text = text.trim().strip_prefix("fourhands: ").unwrap_or(text.trim());
            if !text.is_empty() {
                log(&format!("the session that this server started: {text}"));
            }
            let text = if in_order { String::new() } else { text.to_owned() };
            *session.ended.lock() = Some(text);
        })?;
        Ok(held)
    }
}
