//! The processes that a snippet starts: its interrupt reaches them too, as Ctrl-C in a terminal reaches the whole group
//! of the program in front. Some waits end only thereby, such as that of `os.system`.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgid, getpgrp, getpid, getppid};

use super::fork;
use crate::domain::SnippetId;
use crate::session::processes::{Leader, Started as Processes};

/// Processes that are looked at: a snippet that starts more is out of hand.
const MOST: usize = 1_000;
/// Processes that a reset reports.
const REPORTED: usize = 10;

/// The guardian: parent of the session process, and of what that leaves behind.
static GUARDIAN: AtomicI32 = AtomicI32::new(0);

struct State {
    running: Option<SnippetId>,
    /// Children that were there before it.
    older: Vec<Pid>,
    /// Those of `!command` and the like, which have groups of their own.
    commands: Vec<Pid>,
}

static STATE: Mutex<State> = Mutex::new(State { running: None, older: Vec::new(), commands: Vec::new() });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says that the code of `snippet` runs from now on.
pub fn begin(snippet: SnippetId) {
    let mut state = state();
    state.running = Some(snippet);
    state.commands.clear();
}

/// Says that it has ended; what it has left running is left alone.
pub fn end() {
    state().running = None;
}

/// Remembers what is there by now, which takes a moment where anything is. To be called after each snippet, once its end
/// has been told.
pub fn remember() {
    let older = if has_any() { of(getpid()) } else { Vec::new() };
    state().older = older;
}

/// A process with a group of its own that ends with its snippet at the latest when that is ended by force.
pub fn add_command(pid: i32) {
    if fork::is_child() {
        return;
    }
    state().commands.push(Pid::from_raw(pid));
}

/// Remembers the guardian. To be called at the start, while it lives.
pub fn watch() {
    GUARDIAN.store(getppid().as_raw(), Ordering::Relaxed);
}

/// Whether the guardian has died.
pub fn are_orphaned() -> bool {
    getppid().as_raw() != GUARDIAN.load(Ordering::Relaxed)
}

/// What was started here and runs, in words: a reset ends none of it.
pub fn still_running() -> Vec<String> {
    let Some(leader) = Leader::find(getpid()).filter(|_| !are_orphaned()) else { return Vec::new() };
    let Processes { own, aside } = leader.started(getppid(), None);
    let names = leader.names(&[own, aside].concat());
    let more = names.len().saturating_sub(REPORTED);
    let more = (more > 0).then(|| format!("still running: {more} more processes"));
    names.iter().take(REPORTED).map(|name| format!("still running: {name}")).chain(more).collect()
}

/// What a snippet has started.
#[derive(Default)]
pub struct Started {
    processes: Vec<Pid>,
    commands: Vec<Pid>,
}

/// The processes that `snippet` has started, if it runs. To be asked before its code is interrupted, which may end at once.
pub fn started(snippet: SnippetId) -> Started {
    let state = state();
    if state.running != Some(snippet) {
        return Started::default();
    }
    let mut processes = of(getpid());
    processes.retain(|child| !state.older.contains(child));
    let commands = state.commands.iter().copied().filter(|command| processes.contains(command)).collect();
    let mut next = 0;
    while let Some(process) = processes.get(next).copied().filter(|_| next < MOST) {
        processes.extend(of(process));
        next += 1;
    }
    Started { processes, commands }
}

impl Started {
    /// `earlier`: how often they were interrupted before; they are asked less kindly each time.
    pub fn interrupt(&self, earlier: u32) {
        for command in self.commands.iter().filter(|_| earlier > 0) {
            let _ = killpg(*command, Signal::SIGKILL);
        }
        let signal = match earlier {
            0 => Signal::SIGINT,
            1 => Signal::SIGTERM,
            _ => Signal::SIGKILL,
        };
        for process in &self.processes {
            // One that has left our group, as a daemon does, would not hear of a Ctrl-C either.
            if getpgid(Some(*process)) == Ok(getpgrp()) {
                let _ = kill(*process, signal);
            }
        }
    }
}

/// Whether there are children at all; a tenth of what asking which ones takes.
#[cfg(target_os = "linux")]
fn has_any() -> bool {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, look) != Err(nix::errno::Errno::ECHILD)
}

#[cfg(not(target_os = "linux"))]
fn has_any() -> bool {
    false
}

/// The children of a process, by Linux's account; none elsewhere.
fn of(process: Pid) -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let mut children = Vec::new();
    for list in lists {
        children.extend(list.split_whitespace().filter_map(|child| child.parse().ok()).map(Pid::from_raw));
    }
    children
}
