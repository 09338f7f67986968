//! Safe points: while Python is idle after a snippet, it forks a dormant copy of itself. If Python dies, the guardian
//! wakes the newest copy, which then is the session. Where a copy might not work, none is made.

pub(in crate::python) mod copy;
mod files;
pub mod kept;
mod native;
mod process;
pub(in crate::python) mod waking;

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use self::copy::{Awakening, ForkHelper, Forked};
use self::files::{InheritedFiles, UserFiles};
use self::kept::Kept;
use super::io::guarded::{Access, GuardedFd};
use super::isolation::children;
use crate::domain::SnippetId;
use crate::session::safe_point::{self, MAX_POINTS, PointMessage};

/// How long Python must have been idle before a copy is made.
const DELAY: Duration = Duration::from_millis(300);
/// After so long, a copy is made as soon as no snippet waits.
const MAX_DELAY: Duration = Duration::from_secs(3);
const OFF: &str = "Safe points are off. `safe_points = \"auto\"` in [session] of config.toml turns them on.";
/// A snippet that changes nothing.
const QUESTION: &str = "%safepoint";
/// A process that takes longer to fork than this, several times in a row, makes no more copies until it is smaller.
const MAX_PAUSE: Duration = Duration::from_millis(30);
const MAX_SLOW_FORKS: u32 = 3;
/// How often a Python may be woken.
const MAX_WAKINGS: u32 = 16;
/// How often the process is looked at that a fork leaves behind for a moment.
const HELPER_INTERVAL: Duration = Duration::from_millis(2);
/// Bytes of memory above which a process makes no copies.
const MAX_MEMORY: u64 = 1 << 30;

/// The safe points of this process.
pub struct SafePoints {
    /// The socket to the guardian.
    guardian: GuardedFd,
    /// When the next copy is to be made.
    due: Option<Instant>,
    /// When the first snippet ran that no copy has.
    since: Option<Instant>,
    /// The last snippet that ran, in earlier processes as well.
    last: SnippetId,
    /// Whether variables may have changed since the last copy.
    has_changed: bool,
    inherited: InheritedFiles,
    /// How often this process and its predecessors were woken. Each engine that was loaded stays in memory.
    wakings: u32,
    /// Threads of native libraries that did not end before a fork, as those of fork-safe libraries do.
    lasting: BTreeSet<i32>,
    /// How many of the last forks in a row took too long.
    slow_forks: u32,
    /// Bytes of memory with which a fork is taken to be as slow as the last one.
    slow_size: u64,
    /// The process that the last fork has left behind for a moment.
    helper: Option<ForkHelper>,
}

/// What the person can be told, for the whole process.
#[derive(Debug, Default)]
struct PointState {
    is_on: bool,
    /// The last snippet that the newest copy has.
    newest: Option<SnippetId>,
    /// Why no copy was made the last time.
    refusal: Option<String>,
    /// How long the last fork has held up Python.
    pause: Duration,
}

static STATE: Mutex<PointState> =
    Mutex::new(PointState { is_on: false, newest: None, refusal: None, pause: Duration::ZERO });

/// Whether the objects of this process live on in a copy.
static IS_ABANDONED: AtomicBool = AtomicBool::new(false);

/// From now on nothing of the user's Python is cleaned up in this process: a copy has the same files and folders.
pub fn abandon_process() {
    IS_ABANDONED.store(true, Ordering::Relaxed);
}

pub fn is_abandoned() -> bool {
    IS_ABANDONED.load(Ordering::Relaxed)
}

/// Returns sentences on why there are no more safe points.
pub fn why_no_more() -> String {
    let state = STATE.lock();
    match &state.refusal {
        _ if !state.is_on => OFF.to_owned(),
        Some(reason) => format!("No new safe point is made: {reason}."),
        None => format!(
            "The last {MAX_POINTS} are kept, and one is made when Python has been idle for a moment after a snippet that \
             changed something."
        ),
    }
}

/// Returns sentences about the safe points.
pub fn describe() -> String {
    let state = STATE.lock();
    if !state.is_on {
        return OFF.to_owned();
    }
    let newest = match state.newest {
        Some(snippet) => format!(
            "If Python dies, all variables will be as they were after snippet {snippet}. That copy took {:.1} ms.",
            state.pause.as_secs_f64() * 1e3
        ),
        None => "There is no safe point.".to_owned(),
    };
    match &state.refusal {
        Some(reason) => format!("{newest} No new one is made: {reason}."),
        None => newest,
    }
}

impl SafePoints {
    /// `guardian` is the socket to the guardian. To be called before any user code runs in this process.
    pub fn new(guardian: &OwnedFd, kept: &Kept<'_>) -> std::io::Result<Self> {
        let last = kept.get("snippet").and_then(|snippet| snippet.extract().ok());
        let inherited = kept.get("inherited").and_then(|inherited| inherited.extract().ok());
        STATE.lock().is_on = true;
        Ok(Self {
            guardian: GuardedFd::new(guardian.as_fd(), Access::Write)?,
            // What was woken must be safe again as soon as possible.
            due: last.map(|_| Instant::now()),
            since: None,
            last: SnippetId(last.unwrap_or(0)),
            has_changed: true,
            inherited: inherited.unwrap_or_else(files::inherited),
            wakings: kept.get("wakings").and_then(|wakings| wakings.extract().ok()).unwrap_or(0),
            lasting: BTreeSet::new(),
            slow_forks: 0,
            slow_size: 0,
            helper: None,
        })
    }

    /// To be called after a snippet.
    pub fn on_snippet(&mut self, snippet: SnippetId, code: &str, has_changed: bool) {
        if code.trim() == QUESTION {
            return;
        }
        self.last = snippet;
        self.has_changed |= has_changed;
        self.schedule();
    }

    /// To be called when variables have changed in another way.
    pub fn on_change(&mut self) {
        self.has_changed = true;
        self.schedule();
    }

    fn schedule(&mut self) {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        self.due = Some((now + DELAY).min(since + MAX_DELAY));
    }

    /// Hands over what the safe points of a successor need.
    pub fn hand_over(&self, kept: &Bound<'_, PyDict>) -> PyResult<()> {
        kept.set_item("snippet", self.last.0)?;
        kept.set_item("wakings", self.wakings + 1)?;
        kept.set_item("inherited", self.inherited.clone())
    }

    /// When the next copy is to be made, or the last one to be looked at.
    pub fn due(&self) -> Option<Instant> {
        match self.helper {
            Some(_) => Some(Instant::now() + HELPER_INTERVAL),
            None => self.due,
        }
    }

    /// Takes in whether the last copy was made, and takes away what the fork has left: user code must meet no process
    /// that it has not started. Waits for that, if it `waits`.
    pub fn settle(&mut self, waits: bool) {
        let Some(is_made) = self.helper.as_ref().and_then(|helper| helper.result(waits)) else { return };
        let Some(helper) = self.helper.take() else { return };
        let mut state = STATE.lock();
        if is_made {
            state.pause = helper.pause;
            (state.newest, state.refusal) = (Some(helper.snippet), None);
        } else {
            state.refusal = Some("the last copy ended at once".to_owned());
            self.has_changed = true;
        }
    }

    /// Lets the guardian forget all copies so far.
    pub fn forget(&mut self) {
        // A copy of which the guardian hears later would not be forgotten.
        self.settle(true);
        (self.due, self.since) = (None, None);
        STATE.lock().newest = None;
        if let (Ok(socket), Ok(message)) = (self.guardian.get(), serde_json::to_vec(&PointMessage::Forget)) {
            let _ = safe_point::send(socket, &message, &[]);
        }
    }

    /// Returns the descriptor in Python's table.
    pub fn descriptor(&mut self) -> std::io::Result<RawFd> {
        Ok(self.guardian.get()?.as_raw_fd())
    }

    /// Makes a copy, unless there is a reason not to, such as `objection`. `own` are the engine's descriptors in
    /// Python's table. Returns twice: in the copy with what woke it.
    pub fn take(&mut self, py: Python<'_>, own: &[RawFd], objection: Option<String>) -> Option<Awakening> {
        (self.due, self.since) = (None, None);
        if native::is_importing(py) {
            // Completion loads its library.
            self.schedule();
            return None;
        }
        match objection.map_or_else(|| self.fork(py, own), Err) {
            Ok(Forked::Session(helper)) => {
                self.slow_forks = if helper.pause > MAX_PAUSE { self.slow_forks + 1 } else { 0 };
                self.slow_size = native::used_memory() / 10 * 9;
                self.helper = Some(helper);
                self.has_changed = false;
                None
            }
            Ok(Forked::Copy(awakening)) => Some(awakening),
            Err(reason) => {
                STATE.lock().refusal = Some(reason);
                None
            }
        }
    }

    fn fork(&mut self, py: Python<'_>, own: &[RawFd]) -> Result<Forked, String> {
        if self.wakings >= MAX_WAKINGS {
            return Err(format!("this Python was woken {MAX_WAKINGS} times, and each time takes memory"));
        }
        let used = native::used_memory();
        if self.slow_forks >= MAX_SLOW_FORKS && used >= self.slow_size {
            return Err(format!("a copy takes more than {} ms", MAX_PAUSE.as_millis()));
        }
        native::check_memory(used, MAX_MEMORY)?;
        if children::has_any() {
            return Err("a process that was started still runs".to_owned());
        }
        native::check_timers()?;
        native::check_python(py).map_err(|error| error.to_string())??;
        let threads = native::threads();
        native::check_names(&threads)?;
        if !self.lasting.is_empty() && threads.iter().any(|thread| self.lasting.contains(&thread.id)) {
            return Err(native::UNKNOWN_THREADS.to_owned());
        }
        let files = UserFiles::survey(own, &self.inherited)?;
        if !threads.is_empty() {
            native::pause_openmp();
        }
        let random = waking::RandomState::take(py);
        let guardian = self.guardian.get().map_err(|error| error.to_string())?;
        let lasting = &mut self.lasting;
        let forked = copy::fork(guardian, self.last, self.has_changed, || {
            *lasting = native::lasting_threads();
            if lasting.is_empty() { Ok(()) } else { Err(native::UNKNOWN_THREADS.to_owned()) }
        })?;
        if matches!(forked, Forked::Copy(_)) {
            files.put_back();
            random.put_back(py);
        }
        Ok(forked)
    }
}
