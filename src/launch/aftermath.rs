//! What a session process leaves behind: the processes that snippet code had started. What belongs to the session ends
//! with its Python; what has put itself aside goes on, and so does all of it where the person wants that.

use std::time::Duration;

use nix::unistd::Pid;

use crate::session::processes::Leader;

/// How long they have between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// The same when the person has lost patience.
const SHORT_GRACE: Duration = Duration::from_millis(250);

/// Whose processes, and what is to be done with them.
#[derive(Debug)]
pub struct Left<'a> {
    /// The session process, as it was at its start. It has ended.
    pub leader: Option<&'a Leader>,
    pub child: Pid,
    /// Another child of the guardian's, which is left alone.
    pub editor: Option<Pid>,
    /// Whether what belongs to the session is kept; asked only if there is something.
    pub keeps: fn() -> bool,
    pub in_a_hurry: bool,
}

impl Left<'_> {
    /// Ends what is to be ended. Answers what became of the processes, one sentence each.
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
        let look = || leader.started(guardian, self.editor);
        let found = look();
        let keeps = !found.own.is_empty() && (self.keeps)();
        let (mut ended, mut kept) = (Vec::new(), Vec::new());
        if keeps {
            kept = leader.names(&found.own);
        } else if !found.own.is_empty() {
            ended = leader.end(self.grace(), || look().own);
            child::reap_adopted([Some(self.child), self.editor]);
        }
        let now = look();
        let unending = if keeps { Vec::new() } else { leader.names(&now.own) };
        let aside = leader.names(&now.aside);
        [
            sentence("ended", "that snippet code had started", &ended),
            sentence("could not end", "that snippet code had started", &unending),
            sentence("left", "running that snippet code had started, as keep_processes says", &kept),
            sentence("left", "running that snippet code had started in a session of its own", &aside),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Only the process group is known here.
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
        while is_there() && begun.elapsed() < self.grace() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = killpg(self.child, Signal::SIGKILL);
        vec!["ended the processes that snippet code had started".to_owned()]
    }

    fn grace(&self) -> Duration {
        if self.in_a_hurry { SHORT_GRACE } else { GRACE }
    }
}
