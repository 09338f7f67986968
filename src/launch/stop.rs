//! The end of a session from outside: a signal to its guardian, as `kill` would send, and the wait for the end.
//!
//! Only the process that holds the lock of the name is signalled. A PID from a file may belong to another process by
//! now.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::exit_report::TERMINATION_TIMEOUT;
use crate::session::discovery::lock::is_held_by;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry;
use crate::session::discovery::registry::{Liveness, SessionEntry};
use crate::session::pidfd::PidFd;

/// The guardian's own timeout, and time to clean up.
const TIMEOUT: Duration = TERMINATION_TIMEOUT.saturating_add(Duration::from_secs(5));
/// How long a session may have its lock without its record, at its start or its end.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The result of ending a session.
#[derive(Debug)]
pub enum Stopped {
    /// The session ended after this time.
    Ended(SessionEntry, Duration),
    /// The session had been killed before; its files are removed.
    WasDead(SessionEntry),
    /// The session has not ended after this time.
    StillRuns(SessionEntry, Duration),
    Elsewhere(SessionEntry),
    Unknown,
}

/// Ends the session `name` in an orderly way. Blocks until the session has ended, for at most 15 s or so.
///
/// # Errors
/// If the records cannot be read, or the guardian may not be signalled.
pub fn stop(paths: &Paths, name: &str) -> io::Result<Stopped> {
    let begun = Instant::now();
    loop {
        let recorded = registry::recorded_at(paths)?;
        let mut found = recorded.into_iter().filter(|(record, _)| record.name == name).collect::<Vec<_>>();
        // The shared folder may have another record of the name, if a home was missing for a while.
        found.sort_by_key(|(_, liveness)| *liveness != Liveness::Running);
        match found.into_iter().next() {
            None => return Ok(Stopped::Unknown),
            Some((record, Liveness::Elsewhere)) => return Ok(Stopped::Elsewhere(record)),
            Some((record, Liveness::Stale)) => {
                registry::clean_up(paths, name)?;
                return Ok(Stopped::WasDead(record));
            }
            Some((record, Liveness::Running)) => {
                if let Some(lock) = registry::lock_of(paths, name)?
                    && let Some(guardian) = PidFd::open(Pid::from_raw(record.pid as i32))
                    && is_held_by(&lock, record.pid)
                {
                    return end(paths, record, &guardian, &lock);
                }
                // The session has just ended, or another has just begun.
                if begun.elapsed() > SETTLE_TIMEOUT {
                    return Err(io::Error::other(format!(
                        "session \"{name}\" is not run by process {}, as its record says; try again",
                        record.pid
                    )));
                }
            }
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

fn end(paths: &Paths, record: SessionEntry, guardian: &PidFd, lock: &Path) -> io::Result<Stopped> {
    let begun = Instant::now();
    guardian.signal(Signal::SIGTERM)?;
    // A suspended process would not notice.
    guardian.signal(Signal::SIGCONT)?;
    while begun.elapsed() < TIMEOUT {
        // The guardian releases the name first, the rest a little later.
        if !is_held_by(lock, record.pid) && guardian.has_ended() {
            clean_up(paths, &record)?;
            return Ok(Stopped::Ended(record, begun.elapsed()));
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    Ok(Stopped::StillRuns(record, begun.elapsed()))
}

/// Removes the files of a session that was just starting and does not do so. A child may have its lock for an instant.
fn clean_up(paths: &Paths, ended: &SessionEntry) -> io::Result<()> {
    let until = Instant::now() + SETTLE_TIMEOUT;
    while registry::recorded_at(paths)?.iter().any(|(record, _)| record == ended) && Instant::now() < until {
        registry::clean_up(paths, &ended.name)?;
        std::thread::sleep(POLL_INTERVAL / 10);
    }
    Ok(())
}
