//! The processes that were started from a session's Python: which of them belong to the session, and how they are
//! ended. Linux lists all processes in `/proc`; elsewhere only process groups are known.
//!
//! A process belongs to the session if it has the POSIX session id of its Python, which the guardian sets, or, where
//! the guardian cannot, its process group. A process that has called `setsid` since is detached on purpose.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::pidfd::PidFd;
use super::safe_point;
use crate::domain::terminal_text::plain;

/// A process that SIGKILL does not end within this time (one blocked in the kernel) is left and reported.
const KILL_TIMEOUT: Duration = Duration::from_millis(500);
/// How often the process list is read while processes end: at first, then later.
const POLL_INTERVALS: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(20)];
/// How long Linux may show no command of a process whose program has just been started.
const EXEC_TIMEOUT: Duration = Duration::from_millis(20);
/// Processes that a report names.
const MAX_NAMED: usize = 5;
/// Characters of a command in a report.
const MAX_COMMAND_LENGTH: usize = 100;
/// Helpers that multiprocessing starts by itself. They end after the last process that uses them, and first remove what
/// that process left in shared memory, so they get no signal and no report.
const TRACKERS: [&str; 2] =
    ["multiprocessing.resource_tracker import main", "loky.backend.resource_tracker import main"];
/// Another helper that multiprocessing starts by itself. It ends only by a signal.
const FORK_SERVER: &str = "multiprocessing.forkserver import main";

/// One process of the process list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: Pid,
    parent: Pid,
    group: Pid,
    session: Pid,
    /// In ticks of the system clock: distinguishes the process from a later one of the same PID.
    started: u64,
    has_ended: bool,
    /// A dormant copy of Python, which nobody but the guardian touches.
    is_safe_point: bool,
}

/// Returns the process that started `pid`; `None` if that is gone, or not known.
pub fn parent_of(pid: u32) -> Option<u32> {
    let process = Process::find(Pid::from_raw(i32::try_from(pid).ok()?))?;
    u32::try_from(process.parent.as_raw()).ok().filter(|parent| *parent > 1)
}

impl Process {
    /// Returns `None` if there is no such process, or no process list.
    pub fn find(pid: Pid) -> Option<Self> {
        Self::parse(&String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?))
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name may contain anything, also blanks and brackets.
        let (head, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse().ok().map(Pid::from_raw);
        Some(Self {
            pid: head.split_once(' ')?.0.parse().ok().map(Pid::from_raw)?,
            parent: number(1)?,
            group: number(2)?,
            session: number(3)?,
            started: fields.get(19)?.parse().ok()?,
            is_safe_point: head.split_once(" (")?.1.as_bytes() == safe_point::PROCESS_NAME.to_bytes(),
            has_ended: matches!(*fields.first()?, "Z" | "X"),
        })
    }

    fn is(&self, other: &Self) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }

    /// Signals this very process, unless it has detached itself meanwhile.
    fn signal(&self, signal: Signal) {
        let Some(process) = PidFd::open(self.pid) else { return };
        if Self::find(self.pid).is_some_and(|now| now.is(self) && now.session == self.session) {
            let _ = process.signal(signal);
        }
    }

    /// Empty for a process that is just ending.
    fn command(&self) -> Vec<u8> {
        let begun = Instant::now();
        loop {
            let command = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
            let runs = || Self::find(self.pid).is_some_and(|now| now.is(self) && !now.has_ended);
            if !command.is_empty() || begun.elapsed() > EXEC_TIMEOUT || !runs() {
                return command;
            }
            std::thread::sleep(POLL_INTERVALS[0]);
        }
    }

    fn is_tracker(&self) -> bool {
        let command = self.command();
        let command = String::from_utf8_lossy(&command);
        TRACKERS.iter().any(|tracker| command.contains(tracker))
    }
}

/// Several processes, without safe points.
struct ProcessList(Vec<Process>);

impl ProcessList {
    fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
        Self(pids.filter_map(Process::find).filter(|process| !process.is_safe_point).collect())
    }

    /// Returns the descendants of `root`, without `spared` and its descendants.
    fn descendants(&self, root: Pid, spared: Option<Pid>) -> Vec<Process> {
        let mut found: Vec<Process> = Vec::new();
        let mut parents = vec![root];
        while let Some(parent) = parents.pop() {
            for process in self.0.iter().filter(|process| process.parent == parent && Some(process.pid) != spared) {
                // PIDs that were reused while the list was read must not make an endless loop.
                if process.pid != root && !found.iter().any(|known| known.pid == process.pid) {
                    parents.push(process.pid);
                    found.push(*process);
                }
            }
        }
        found
    }
}

/// The Python of a session, the leader of the processes that belong to the session.
#[derive(Clone, Debug)]
pub struct Leader {
    process: Process,
    /// A fork has the same command.
    command: Vec<u8>,
}

/// The living processes that were started from a session's Python.
#[derive(Clone, Debug, Default)]
pub struct StartedProcesses {
    /// Those that belong to the session.
    pub own: Vec<Process>,
    pub detached: Vec<Process>,
}

impl Leader {
    pub fn find(pid: Pid) -> Option<Self> {
        let process = Process::find(pid)?;
        Some(Self { process, command: process.command() })
    }

    pub fn pid(&self) -> Pid {
        self.process.pid
    }

    fn owns(&self, process: &Process) -> bool {
        let own = self.process.pid;
        if self.process.session == own { process.session == own } else { process.group == own }
    }

    /// Returns the processes that were started from this Python and descend from `guardian`, its parent, which adopts
    /// orphans. `editor` is another child of the guardian.
    pub fn started(&self, guardian: Pid, editor: Option<Pid>) -> StartedProcesses {
        let list = ProcessList::read();
        let mut started = StartedProcesses::default();
        let Some(parent) = list.0.iter().find(|process| process.pid == guardian) else { return started };
        // Processes older than the guardian, and their descendants. A parent comes before its children in the list.
        let mut older: Vec<Pid> = Vec::new();
        for process in list.descendants(guardian, editor) {
            if process.is(&self.process) {
                continue;
            }
            if self.owns(&process) {
                started.own.push(process);
            } else if process.started < parent.started || older.contains(&process.parent) {
                older.push(process.pid);
            } else if process.session != parent.session
                || process.started < self.process.started && process.group != parent.group
            {
                // Among these are processes that an earlier Python of the session started.
                started.detached.push(process);
            }
        }
        started.own.retain(|process| !process.has_ended);
        started.detached.retain(|process| !process.has_ended);
        started
    }

    /// Returns the processes that belong to the session, whatever their parent: for use without a guardian.
    pub fn own(&self) -> Vec<Process> {
        let list = ProcessList::read();
        let is_own = |process: &Process| !process.has_ended && !process.is(&self.process) && self.owns(process);
        list.0.into_iter().filter(is_own).collect()
    }

    /// Returns PID and command of each process, without the descendants of detached ones, and without helpers that
    /// nobody started on purpose.
    pub fn names(&self, processes: &[Process]) -> Vec<String> {
        let is_below = |process: &Process| processes.iter().any(|other| other.pid == process.parent);
        let is_detached = |process: &Process| !self.owns(process);
        processes
            .iter()
            .filter(|process| !(is_detached(process) && is_below(process)))
            .filter_map(|process| self.name(process))
            .collect()
    }

    fn name(&self, process: &Process) -> Option<String> {
        let command = process.command();
        if command == self.command {
            return Some(format!("{} (a fork of the session's Python)", process.pid));
        }
        let arguments: Vec<_> = command.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let command_line = arguments.join(" ");
        // A process without a command is just ending.
        if command_line.trim().is_empty()
            || TRACKERS.iter().chain([&FORK_SERVER]).any(|helper| command_line.contains(helper))
        {
            return None;
        }
        let command_line = plain(command_line.trim()).split_whitespace().collect::<Vec<_>>().join(" ");
        let shown: String = command_line.chars().take(MAX_COMMAND_LENGTH).collect();
        let more = if shown.len() < command_line.len() { "…" } else { "" };
        Some(format!("{} {shown}{more}", process.pid))
    }

    /// Ends the processes that `find` returns, until it returns none: by SIGTERM, then, after `grace`, by SIGKILL.
    /// Returns the names of the processes that have ended.
    pub fn end(&self, grace: Duration, find: impl Fn() -> Vec<Process>) -> Vec<String> {
        let begun = Instant::now();
        let mut signalled: Vec<(Process, Vec<String>)> = Vec::new();
        let left = loop {
            let mut living = find();
            let overtime = begun.elapsed().saturating_sub(grace);
            // Trackers end a moment after the last other process.
            let all_but_trackers_are_gone = living.iter().all(Process::is_tracker);
            if living.is_empty()
                || overtime > KILL_TIMEOUT
                || (all_but_trackers_are_gone && begun.elapsed() > KILL_TIMEOUT)
            {
                break living;
            }
            living.retain(|process| !process.is_tracker());
            for process in &living {
                if !signalled.iter().any(|(known, _)| known.is(process)) {
                    signalled.push((*process, self.names(&[*process])));
                    process.signal(Signal::SIGTERM);
                    // A stopped process would not notice.
                    process.signal(Signal::SIGCONT);
                }
                if !overtime.is_zero() {
                    process.signal(Signal::SIGKILL);
                }
            }
            std::thread::sleep(POLL_INTERVALS[usize::from(begun.elapsed() >= POLL_INTERVALS[1])]);
        };
        signalled.retain(|(process, _)| !left.iter().any(|living| living.is(process)));
        signalled.into_iter().flat_map(|(_, names)| names).collect()
    }
}

/// Returns a sentence such as `ended 2 processes that snippets had started: 4242 sleep 100; 4243 sleep 100`; `None`
/// without any names.
pub fn sentence(before: &str, after: &str, names: &[String]) -> Option<String> {
    let count = names.len();
    let more = count.saturating_sub(MAX_NAMED);
    let shown = names.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join("; ");
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let what = if count == 1 { "process" } else { "processes" };
    (count > 0).then(|| format!("{before} {count} {what} {after}: {shown}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32, session: i32) -> Process {
        let [pid, parent, session] = [pid, parent, session].map(Pid::from_raw);
        Process { pid, parent, group: pid, session, started: 7, has_ended: false, is_safe_point: false }
    }

    #[test]
    fn a_process_that_has_just_been_started_has_its_command() {
        for _ in 0..200 {
            let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
            let found = Process::find(Pid::from_raw(child.id() as i32)).unwrap();
            assert_eq!(found.command(), b"sleep\x001000\0");
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn a_stat_line_is_parsed_whatever_the_name() {
        let rest = "S 40 41 42 0 -1 4194560 105 0 0 0 0 0 0 0 20 0 1 0 987654 5 6";
        for name in ["python", "a b) S 1 1 1 (c", ")", ""] {
            let read = Process::parse(&format!("43 ({name}) {rest}")).unwrap();
            assert_eq!((read.pid, read.parent, read.group), (Pid::from_raw(43), Pid::from_raw(40), Pid::from_raw(41)));
            assert_eq!((read.session, read.started, read.has_ended), (Pid::from_raw(42), 987_654, false));
        }
        assert!(Process::parse("43 (x) Z 1").is_none() && Process::parse("").is_none());
    }

    #[test]
    fn descendants_are_found_without_spared_ones() {
        let list = ProcessList(vec![
            process(2, 1, 2),
            process(3, 2, 2),
            process(4, 3, 4),
            process(9, 1, 1),
            process(10, 9, 1),
        ]);
        let pids = |spared| {
            let mut pids: Vec<_> = list.descendants(Pid::from_raw(1), spared).iter().map(|p| p.pid.as_raw()).collect();
            pids.sort_unstable();
            pids
        };
        assert_eq!(pids(None), [2, 3, 4, 9, 10]);
        assert_eq!(pids(Some(Pid::from_raw(9))), [2, 3, 4]);
        let circle = ProcessList(vec![process(1, 2, 1), process(2, 1, 1)]);
        assert_eq!(circle.descendants(Pid::from_raw(1), None).len(), 1);
    }

    #[test]
    fn a_report_counts_processes_and_names_some() {
        let names: Vec<String> = (1..=7).map(|number| format!("{number} sleep")).collect();
        let report = |names: &[String]| sentence("ended", "that snippets had started", names);
        assert_eq!(report(&names[..1]).unwrap(), "ended 1 process that snippets had started: 1 sleep");
        assert!(report(&names).unwrap().ends_with(
            "7 processes that snippets had started: 1 sleep; 2 sleep; 3 sleep; 4 sleep; 5 sleep; and 2 more"
        ));
        assert_eq!(report(&[]), None);
    }
}
