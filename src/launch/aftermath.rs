//! The processes that snippets of an ended session process had started. Processes that belong to the session end with
//! its Python. Detached ones go on, and so do all if the person wants that.

use std::time::Duration;

use nix::unistd::Pid;

use crate::session::processes::Leader;

/// Time between SIGTERM and SIGKILL.
const KILL_DELAY: Duration = Duration::from_secs(2);
/// The same if the person has requested the end twice.
const SHORT_KILL_DELAY: Duration = Duration::from_millis(250);

/// The processes that a session process has left.
#[derive(Debug)]
pub struct LeftProcesses<'a> {
    /// The ended session process, as it was at its start.
    pub leader: Option<&'a Leader>,
    pub child: Pid,
    /// Another child of the guardian, which is left alone.
    pub editor: Option<Pid>,
    /// Returns whether the processes of the session are kept. Called only if there are some.
    pub keeps: fn() -> bool,
    pub in_a_hurry: bool,
}

impl LeftProcesses<'_> {
    /// Ends the processes that must end. Returns what became of all, one sentence each.
    #[cfg(target_os = "linux")]
    pub fn settle(&self) -> Vec<String> {
        use super::child;
        use crate::session::processes::sentence;

        child::reap_adopted([Some(self.child), self.editor]);
        let Some(leader) = self.leader else { return Vec::new() };
        if !child::has_adopted([Some(self.child), self.editor]) {
            return Vec::new();
        }
        let guardian = nix::unistd::getpid();
        let find = || leader.started(guardian, self.editor);
        let found = find();
        let keeps = !found.own.is_empty() && (self.keeps)();
        let (mut ended, mut kept) = (Vec::new(), Vec::new());
        if keeps {
            kept = leader.names(&found.own);
        } else if !found.own.is_empty() {
            ended = leader.end(self.kill_delay(), || find().own);
            child::reap_adopted([Some(self.child), self.editor]);
        }
        let now = find();
        let unending = if keeps { Vec::new() } else { leader.names(&now.own) };
        let detached = leader.names(&now.detached);
        [
            sentence("ended", "that snippets had started", &ended),
            sentence("could not end", "that snippets had started", &unending),
            sentence("left", "running that snippets had started (keep_processes)", &kept),
            sentence("left", "running that snippets had started in sessions of their own", &detached),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Without a process list, only the process group is known.
    #[cfg(not(target_os = "linux"))]
    pub fn settle(&self) -> Vec<String> {
        use nix::sys::signal::{Signal, killpg};
        use std::time::Instant;

        let is_there = || killpg(self.child, None).is_ok();
        if !is_there() || (self.keeps)() {
            return Vec::new();
        }
        let _ = killpg(self.child, Signal::SIGTERM);
        let begun = Instant::now();
        while is_there() && begun.elapsed() < self.kill_delay() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = killpg(self.child, Signal::SIGKILL);
        vec!["ended the processes that snippets had started".to_owned()]
    }

    fn kill_delay(&self) -> Duration {
        if self.in_a_hurry { SHORT_KILL_DELAY } else { KILL_DELAY }
    }
}
