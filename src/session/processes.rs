//! The processes that were started from a session's Python, by Linux's account: which of them belong to the session, and
//! their end. Elsewhere there is no such account, and only process groups are known.
//!
//! What belongs to a session has the session id of its Python, which the guardian gives it; where the guardian cannot, it
//! has its process group. Whatever has called `setsid` since has put itself aside on purpose.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::pidfd::PidFd;
use crate::domain::terminal_text::plain;

/// What SIGKILL does not end within this time (a process in the kernel's hands) is left and reported.
const LAST: Duration = Duration::from_millis(500);
/// How often the account is looked at while processes end.
const LOOK: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(20)];
/// Processes that are named in a report.
const NAMED: usize = 5;
/// Characters of a command in a report.
const COMMAND: usize = 100;
/// Helpers of multiprocessing, started unasked: they end by themselves with the last process that uses them, and only then
/// have they removed what that process left in shared memory. They are not worth a report either.
const TRACKERS: [&str; 2] =
    ["multiprocessing.resource_tracker import main", "loky.backend.resource_tracker import main"];
/// Started unasked as well, but it ends by a signal only.
const FORK_SERVER: &str = "multiprocessing.forkserver import main";

/// One line of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: Pid,
    parent: Pid,
    group: Pid,
    session: Pid,
    /// In ticks of the system's clock: tells it from a later process of the same number.
    started: u64,
    has_ended: bool,
}

impl Process {
    /// `None` if there is no such process, or no account.
    pub fn find(pid: Pid) -> Option<Self> {
        Self::parse(&String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?))
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name may hold anything, blanks and brackets included.
        let (head, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse().ok().map(Pid::from_raw);
        Some(Self {
            pid: head.split_once(' ')?.0.parse().ok().map(Pid::from_raw)?,
            parent: number(1)?,
            group: number(2)?,
            session: number(3)?,
            started: fields.get(19)?.parse().ok()?,
            has_ended: matches!(*fields.first()?, "Z" | "X"),
        })
    }

    fn is(&self, other: &Self) -> bool {
        (self.pid, self.started) == (other.pid, other.started)
    }

    /// Signals this very process, unless it has put itself aside meanwhile.
    fn signal(&self, signal: Signal) {
        let Some(process) = PidFd::open(self.pid) else { return };
        if Self::find(self.pid).is_some_and(|now| now.is(self) && now.session == self.session) {
            let _ = process.signal(signal);
        }
    }

    fn command(&self) -> Vec<u8> {
        fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default()
    }

    fn is_tracker(&self) -> bool {
        let command = self.command();
        let command = String::from_utf8_lossy(&command);
        TRACKERS.iter().any(|tracker| command.contains(tracker))
    }
}

/// Several processes, in order of their numbers.
struct Account(Vec<Process>);

impl Account {
    fn read() -> Self {
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).map(Pid::from_raw);
        Self(pids.filter_map(Process::find).collect())
    }

    /// All that descend from `root`, but not from `spared`, which is none of them.
    fn below(&self, root: Pid, spared: Option<Pid>) -> Vec<Process> {
        let mut found: Vec<Process> = Vec::new();
        let mut parents = vec![root];
        while let Some(parent) = parents.pop() {
            for process in self.0.iter().filter(|process| process.parent == parent && Some(process.pid) != spared) {
                // Numbers that were reused while this was read must not make a circle.
                if process.pid != root && !found.iter().any(|known| known.pid == process.pid) {
                    parents.push(process.pid);
                    found.push(*process);
                }
            }
        }
        found
    }
}

/// The Python of a session, to which others belong.
#[derive(Clone, Debug)]
pub struct Leader {
    process: Process,
    /// A fork of it has the same one.
    command: Vec<u8>,
}

/// What was started from a session's Python and runs.
#[derive(Clone, Debug, Default)]
pub struct Started {
    /// What belongs to the session.
    pub own: Vec<Process>,
    /// What has put itself aside.
    pub aside: Vec<Process>,
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

    /// What was started from it and descends from `guardian`, its parent, which adopts what its Python leaves behind.
    /// `editor` is another child of the guardian's.
    pub fn started(&self, guardian: Pid, editor: Option<Pid>) -> Started {
        let account = Account::read();
        let mut started = Started::default();
        let Some(parent) = account.0.iter().find(|process| process.pid == guardian) else { return started };
        // What was there before the guardian, and what that has started since; a parent comes before its children.
        let mut older: Vec<Pid> = Vec::new();
        for process in account.below(guardian, editor) {
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
                // Also of a Python that held the session before.
                started.aside.push(process);
            }
        }
        started.own.retain(|process| !process.has_ended);
        started.aside.retain(|process| !process.has_ended);
        started
    }

    /// What belongs to it, whoever its parent is: for when there is no guardian any more.
    pub fn own(&self) -> Vec<Process> {
        let account = Account::read();
        let is_own = |process: &Process| !process.has_ended && !process.is(&self.process) && self.owns(process);
        account.0.into_iter().filter(is_own).collect()
    }

    /// Each with its number and command; of what has put itself aside, only those that stand for the others. Helpers that
    /// nobody started on purpose are left out.
    pub fn names(&self, processes: &[Process]) -> Vec<String> {
        let is_below = |process: &Process| processes.iter().any(|other| other.pid == process.parent);
        let is_aside = |process: &Process| !self.owns(process);
        processes
            .iter()
            .filter(|process| !(is_aside(process) && is_below(process)))
            .filter_map(|process| self.name(process))
            .collect()
    }

    fn name(&self, process: &Process) -> Option<String> {
        let command = process.command();
        if command == self.command {
            return Some(format!("{} (a fork of the session's Python)", process.pid));
        }
        let words: Vec<_> = command.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        let words = words.join(" ");
        // One without a command is just ending.
        if words.trim().is_empty() || TRACKERS.iter().chain([&FORK_SERVER]).any(|helper| words.contains(helper)) {
            return None;
        }
        let words = plain(words.trim()).split_whitespace().collect::<Vec<_>>().join(" ");
        let cut: String = words.chars().take(COMMAND).collect();
        let more = if cut.len() < words.len() { "…" } else { "" };
        Some(format!("{} {cut}{more}", process.pid))
    }

    /// Ends what `find` finds, again and again until nothing is found: by SIGTERM, then, after `grace`, by SIGKILL. Answers
    /// the names of what has ended.
    pub fn end(&self, grace: Duration, find: impl Fn() -> Vec<Process>) -> Vec<String> {
        let begun = Instant::now();
        let mut asked: Vec<(Process, Vec<String>)> = Vec::new();
        let left = loop {
            let mut living = find();
            let late = begun.elapsed().saturating_sub(grace);
            // Trackers need a moment after the last of the others.
            let all_but_trackers_are_gone = living.iter().all(Process::is_tracker);
            if living.is_empty() || late > LAST || (all_but_trackers_are_gone && begun.elapsed() > LAST) {
                break living;
            }
            living.retain(|process| !process.is_tracker());
            for process in &living {
                if !asked.iter().any(|(known, _)| known.is(process)) {
                    asked.push((*process, self.names(&[*process])));
                    process.signal(Signal::SIGTERM);
                    // One that is stopped would not notice.
                    process.signal(Signal::SIGCONT);
                }
                if !late.is_zero() {
                    process.signal(Signal::SIGKILL);
                }
            }
            std::thread::sleep(if begun.elapsed() < LOOK[1] { LOOK[0] } else { LOOK[1] });
        };
        asked.retain(|(process, _)| !left.iter().any(|living| living.is(process)));
        asked.into_iter().flat_map(|(_, names)| names).collect()
    }
}

/// Such as `ended 2 processes that snippet code had started: 4242 sleep 100; 4243 sleep 100`. Empty without any names.
pub fn sentence(before: &str, after: &str, names: &[String]) -> Option<String> {
    let count = names.len();
    let more = count.saturating_sub(NAMED);
    let shown = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let what = if count == 1 { "process" } else { "processes" };
    (count > 0).then(|| format!("{before} {count} {what} {after}: {shown}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32, session: i32) -> Process {
        let [pid, parent, session] = [pid, parent, session].map(Pid::from_raw);
        Process { pid, parent, group: pid, session, started: 7, has_ended: false }
    }

    #[test]
    fn a_line_of_the_account_is_read_whatever_the_name() {
        let rest = "S 40 41 42 0 -1 4194560 105 0 0 0 0 0 0 0 20 0 1 0 987654 5 6";
        for name in ["python", "a b) S 1 1 1 (c", ")", ""] {
            let read = Process::parse(&format!("43 ({name}) {rest}")).unwrap();
            assert_eq!((read.pid, read.parent, read.group), (Pid::from_raw(43), Pid::from_raw(40), Pid::from_raw(41)));
            assert_eq!((read.session, read.started, read.has_ended), (Pid::from_raw(42), 987_654, false));
        }
        assert!(Process::parse("43 (x) Z 1").is_none() && Process::parse("").is_none());
    }

    #[test]
    fn descendants_are_found_without_those_that_are_spared() {
        let account =
            Account(vec![process(2, 1, 2), process(3, 2, 2), process(4, 3, 4), process(9, 1, 1), process(10, 9, 1)]);
        let pids = |spared| {
            let mut pids: Vec<_> = account.below(Pid::from_raw(1), spared).iter().map(|p| p.pid.as_raw()).collect();
            pids.sort_unstable();
            pids
        };
        assert_eq!(pids(None), [2, 3, 4, 9, 10]);
        assert_eq!(pids(Some(Pid::from_raw(9))), [2, 3, 4]);
        let circle = Account(vec![process(1, 2, 1), process(2, 1, 1)]);
        assert_eq!(circle.below(Pid::from_raw(1), None).len(), 1);
    }

    #[test]
    fn many_are_counted_and_some_named() {
        let names: Vec<String> = (1..=7).map(|number| format!("{number} sleep")).collect();
        let said = |names: &[String]| sentence("ended", "that snippet code had started", names);
        assert_eq!(said(&names[..1]).unwrap(), "ended 1 process that snippet code had started: 1 sleep");
        assert!(said(&names).unwrap().ends_with(
            "7 processes that snippet code had started: 1 sleep; 2 sleep; 3 sleep; 4 sleep; 5 sleep; and 2 more"
        ));
        assert_eq!(said(&[]), None);
    }
}
