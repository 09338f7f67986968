//! Starting a session where there is none: held without a dashboard for as long as a client is there (`--serve`), or with
//! the dashboard in a pane of the tmux that this process runs in (`--tmux`).

use crate::bridge::executable::program;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::tmux::{self, Opening};
use super::{BridgeOptions, complain, environment};
use crate::session::discovery::registry::SessionEntry;

/// A dashboard that ends a held session to take it over, or one that restarts, has so long to come back.
const PATIENCE: Duration = Duration::from_secs(3);
/// What failed is tried again after this.
const REST: Duration = Duration::from_secs(10);
/// How long a dashboard in a pane may take until it can be reached.
const OPENING: Duration = Duration::from_secs(20);
/// Bytes of what a session said on its way out.
const SAID: u64 = 4_000;

#[derive(Debug)]
pub struct Starter {
    options: BridgeOptions,
    folder: PathBuf,
    /// The client has no folder that says what it works on.
    is_at_home: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The session that this process holds, or held.
    held: Option<Arc<Held>>,
    /// When to try again.
    rest_until: Option<Instant>,
    /// Whether a session was connected to since the last look, and at all.
    connected: bool,
    ever_connected: bool,
    /// The dashboard in a pane: opened once, for a person who closes it does not want it back.
    opened: Option<Instant>,
    opening: Option<Opening>,
    /// Why nothing was started.
    trouble: Option<String>,
}

/// A child that holds a session.
#[derive(Debug)]
struct Held {
    pid: Pid,
    /// What it said last on stderr, once it has ended.
    ended: Mutex<Option<String>>,
}

impl Starter {
    /// `None` unless the options ask for it. `cwd` is without links.
    pub fn new(options: &BridgeOptions, cwd: &Path, home: Option<&Path>) -> Option<Self> {
        if !options.serve && !options.tmux {
            return None;
        }
        let home = home.and_then(|home| home.canonicalize().ok());
        // Some clients start servers in the root folder, where nobody works.
        let folder = home.clone().filter(|_| cwd == Path::new("/")).unwrap_or_else(|| cwd.to_owned());
        let is_at_home = folder == Path::new("/") || Some(&folder) == home.as_ref();
        Some(Self { options: options.clone(), folder, is_at_home, state: Mutex::default() })
    }

    /// Whether a session that runs will do for a client in `cwd`. One of another folder only for clients that are in no
    /// folder of their own, and never if it is held for others.
    pub fn is_for(&self, record: &SessionEntry, cwd: &Path) -> bool {
        match record.held {
            Some(_) => record.cwd == self.folder,
            None => cwd.starts_with(&record.cwd) || self.is_at_home,
        }
    }

    /// A session has been reached.
    pub fn connected(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.connected, state.ever_connected, state.trouble) = (true, true, None);
        state.opening = None;
    }

    /// There is no session: starts one, if this is the time for it. Whether one is about to be there. `name` is the one it
    /// has to have.
    pub fn start(&self, name: Option<&str>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if std::mem::take(&mut state.connected) {
            state.rest_until = Some(now + PATIENCE);
        }
        if let Some(held) = &state.held {
            let ended = held.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(said) = ended else { return true };
            state.held = None;
            // One that had been reached ended as sessions do.
            if !state.ever_connected || !said.is_empty() {
                state.trouble = Some(format!("This server could not start one by itself: {said}"));
                state.rest_until = Some(now + REST);
            }
        }
        if state.opened.is_some_and(|since| since.elapsed() < OPENING) && !state.ever_connected {
            return true;
        }
        state.opening = None;
        if state.rest_until.is_some_and(|until| until > now) {
            return state.trouble.is_none();
        }
        if self.options.tmux && self.open(&mut state, name) {
            return true;
        }
        self.options.serve && self.hold(&mut state, name)
    }

    /// The client has left: a session that nobody has reached yet would wait for its first client.
    pub fn leave(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = state.held.as_ref().filter(|_| !state.ever_connected)
            && held.ended.lock().unwrap_or_else(PoisonError::into_inner).is_none()
        {
            let _ = kill(held.pid, Signal::SIGTERM);
        }
    }

    /// What became of the start.
    pub fn word(&self) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_alive = |held: &Arc<Held>| held.ended.lock().unwrap_or_else(PoisonError::into_inner).is_none();
        let is_starting = state.held.as_ref().is_some_and(is_alive) || state.opening.is_some();
        state.trouble.clone().or_else(|| is_starting.then(|| "One is being started.".to_owned()))
    }

    /// The dashboard, in a pane.
    fn open(&self, state: &mut State, name: Option<&str>) -> bool {
        if !tmux::is_around() {
            state.trouble = Some(
                "This server was told to open the dashboard in tmux (--tmux), but it does not run inside tmux: TMUX is not \
                 set in its environment."
                    .to_owned(),
            );
            return false;
        }
        if state.opened.is_some() || state.ever_connected {
            return false;
        }
        state.opened = Some(Instant::now());
        match tmux::open(&self.folder, name, self.options.python.as_deref()) {
            Ok(opening) => {
                (state.opening, state.trouble) = (opening, None);
                true
            }
            Err(why) => {
                state.opened = None;
                state.trouble = Some(format!("This server could not open the dashboard in tmux: {why}."));
                state.rest_until = Some(Instant::now() + REST);
                false
            }
        }
    }

    fn hold(&self, state: &mut State, name: Option<&str>) -> bool {
        match self.spawn(name) {
            Ok(held) => {
                (state.held, state.trouble) = (Some(held), None);
                true
            }
            Err(error) => {
                state.trouble = Some(format!("This server could not start one by itself: {error}"));
                state.rest_until = Some(Instant::now() + REST);
                false
            }
        }
    }

    fn spawn(&self, name: Option<&str>) -> io::Result<Arc<Held>> {
        let mut command = Command::new(program());
        command.args(["serve", "--until-unused"]).current_dir(&self.folder);
        if let Some(name) = name {
            command.args(["--session", name]);
        }
        if let Some(python) = &self.options.python {
            command.arg("--python").arg(python);
        }
        // Other clients may share it: they get none of this one's secrets, and signals for this process's group are none for it.
        let kept = environment::selected(std::env::vars_os(), &self.options.keep_env);
        if let Some(word) = kept.word() {
            complain(&word);
        }
        command.env_clear().envs(kept.variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn()?;
        let held = Arc::new(Held { pid: Pid::from_raw(child.id() as i32), ended: Mutex::default() });
        let told = held.clone();
        std::thread::Builder::new().name("held session".to_owned()).spawn(move || {
            let mut said = Vec::new();
            if let Some(mut stderr) = child.stderr.take() {
                let _ = stderr.by_ref().take(SAID).read_to_end(&mut said);
                let _ = io::copy(&mut stderr, &mut io::sink());
            }
            let in_order = child.wait().is_ok_and(|status| status.success());
            let said = String::from_utf8_lossy(&said);
            let said = said.trim().strip_prefix("fourhands: ").unwrap_or(said.trim());
            if !said.is_empty() {
                complain(&format!("the session that it held: {said}"));
            }
            let said = if in_order { String::new() } else { said.to_owned() };
            *told.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
        })?;
        Ok(held)
    }
}
