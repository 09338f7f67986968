//! The processes that a snippet starts. Its interrupt reaches them too, as Ctrl-C in a terminal reaches the whole
//! foreground process group; some waits, such as that of `os.system`, end only by that.

use std::sync::atomic::{AtomicI32, Ordering};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgid, getpgrp, getpid, getppid};
use parking_lot::Mutex;

use super::fork;
use crate::domain::SnippetId;
use crate::session::processes::{Leader, Process, StartedProcesses};

/// Processes whose children are searched: a snippet that starts more is out of control.
const MAX_PROCESSES: usize = 1_000;
/// Processes that a reset reports.
const MAX_REPORTED: usize = 10;

/// The guardian: parent of the session process, and of processes that it leaves behind.
static GUARDIAN: AtomicI32 = AtomicI32::new(0);

struct ChildrenState {
    running: Option<SnippetId>,
    /// Children that existed before the running snippet.
    older: Vec<Pid>,
    /// Processes of `!command` and the like, which have process groups of their own.
    commands: Vec<Pid>,
}

static STATE: Mutex<ChildrenState> =
    Mutex::new(ChildrenState { running: None, older: Vec::new(), commands: Vec::new() });

/// Marks `snippet` as running.
pub fn begin(snippet: SnippetId) {
    let mut state = STATE.lock();
    state.running = Some(snippet);
    state.commands.clear();
}

/// Marks the running snippet as ended; later interrupts spare the processes that it has left.
pub fn end() {
    STATE.lock().running = None;
}

/// Remembers the children that exist now, if there are any. To be called after each snippet, once its end has been
/// reported: with children this takes a while.
pub fn remember_existing(has_any: bool) {
    let older = if has_any { children_of(getpid()) } else { Vec::new() };
    STATE.lock().older = older;
}

/// Returns whether there were children when the last snippet ended.
pub fn had_any() -> bool {
    !STATE.lock().older.is_empty()
}

/// Names the children that the running snippet has started and that still run.
pub fn left_running() -> Vec<String> {
    let older = STATE.lock().older.clone();
    let children = children_of(getpid()).into_iter().filter(|child| !older.contains(child)).filter_map(Process::find);
    let children: Vec<_> = children.collect();
    if children.is_empty() {
        return Vec::new();
    }
    Leader::find(getpid()).map(|leader| leader.names(&children)).unwrap_or_default()
}

/// Adds the process of a command, which has a process group of its own. The group is killed when its snippet is
/// interrupted a second time.
pub fn add_command(pid: i32) {
    if fork::is_child() {
        return;
    }
    STATE.lock().commands.push(Pid::from_raw(pid));
}

/// Remembers the guardian. To be called at the start, while it lives.
pub fn remember_guardian() {
    GUARDIAN.store(getppid().as_raw(), Ordering::Relaxed);
}

/// Returns the guardian.
pub fn guardian() -> Pid {
    Pid::from_raw(GUARDIAN.load(Ordering::Relaxed))
}

/// Returns whether the guardian has died.
pub fn is_guardian_dead() -> bool {
    getppid().as_raw() != GUARDIAN.load(Ordering::Relaxed)
}

/// Names the processes that were started here and still run, because a reset ends none of them.
pub fn still_running() -> Vec<String> {
    let Some(leader) = Leader::find(getpid()).filter(|_| !is_guardian_dead()) else { return Vec::new() };
    let StartedProcesses { own, detached } = leader.started(getppid(), None);
    let names = leader.names(&[own, detached].concat());
    let more = names.len().saturating_sub(MAX_REPORTED);
    let more = (more > 0).then(|| format!("still running: {more} more processes"));
    names.iter().take(MAX_REPORTED).map(|name| format!("still running: {name}")).chain(more).collect()
}

/// The processes that a snippet has started.
#[derive(Default)]
pub struct SnippetProcesses {
    processes: Vec<Pid>,
    commands: Vec<Pid>,
}

/// Returns the processes that `snippet` has started, if it runs.
pub fn started_by(snippet: SnippetId) -> SnippetProcesses {
    let state = STATE.lock();
    if state.running != Some(snippet) {
        return SnippetProcesses::default();
    }
    let mut processes = children_of(getpid());
    processes.retain(|child| !state.older.contains(child));
    let commands = state.commands.iter().copied().filter(|command| processes.contains(command)).collect();
    let mut next = 0;
    while let Some(process) = processes.get(next).copied().filter(|_| next < MAX_PROCESSES) {
        processes.extend(children_of(process));
        next += 1;
    }
    SnippetProcesses { processes, commands }
}

impl SnippetProcesses {
    /// Interrupts the processes, with a harder signal after each of the `earlier` interrupts.
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
            // A process that has left our group, as a daemon does, would not receive a Ctrl-C either.
            if getpgid(Some(*process)) == Ok(getpgrp()) {
                let _ = kill(*process, signal);
            }
        }
    }
}

/// Returns whether there are any children, in a tenth of the time that listing them takes.
#[cfg(target_os = "linux")]
pub fn has_any() -> bool {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    let options = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, options) != Err(nix::errno::Errno::ECHILD)
}

#[cfg(not(target_os = "linux"))]
pub fn has_any() -> bool {
    false
}

/// Returns the children of a process as Linux lists them; none on other systems.
fn children_of(process: Pid) -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    let mut children = Vec::new();
    for list in lists {
        children.extend(list.split_whitespace().filter_map(|child| child.parse().ok()).map(Pid::from_raw));
    }
    children
}
