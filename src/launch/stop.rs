//! Ending a session from outside: its guardian is asked, as `kill` would, and waited for.
//!
//! The process that is signalled is the one that holds the lock of the name, never just one that a file names: that one may
//! be dead, and its number somebody else's by now.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::guardian;
use crate::session::discovery::lock::is_held_by;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry;
use crate::session::discovery::registry::{Life, SessionEntry};
use crate::session::pidfd::PidFd;

/// The guardian's own limit, and time to put all away.
const PATIENCE: Duration = Duration::from_secs(guardian::PATIENCE as u64 + 5);
/// A session that is just starting has its lock before its record.
const SETTLING: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(20);

/// What became of a session that was to be ended.
#[derive(Debug)]
pub enum Stopped {
    /// It ended, after so long.
    Ended(SessionEntry, Duration),
    /// It had been killed before; what it left behind is removed.
    WasDead(SessionEntry),
    /// It was asked and has not ended.
    StillRuns(SessionEntry, Duration),
    Elsewhere(SessionEntry),
    Unknown,
}

/// Ends the session `name` in good order. Blocks until it has ended, at most 15 s or so.
///
/// # Errors
/// If the sessions cannot be looked through, or the guardian may not be signalled.
pub fn stop(places: &Paths, name: &str) -> io::Result<Stopped> {
    let begun = Instant::now();
    loop {
        let recorded = registry::recorded_at(places)?;
        let mut found = recorded.into_iter().filter(|(record, _)| record.name == name).collect::<Vec<_>>();
        // A home that came or went may have left one of the same name in the other folder.
        found.sort_by_key(|(_, life)| *life != Life::Running);
        match found.into_iter().next() {
            None => return Ok(Stopped::Unknown),
            Some((record, Life::Elsewhere)) => return Ok(Stopped::Elsewhere(record)),
            Some((record, Life::Stale)) => {
                registry::clean_up(places, name)?;
                return Ok(Stopped::WasDead(record));
            }
            Some((record, Life::Running)) => {
                if let Some(lock) = registry::lock_of(places, name)?
                    && let Some(guardian) = PidFd::open(Pid::from_raw(record.pid as i32))
                    && is_held_by(&lock, record.pid)
                {
                    return end(places, record, &guardian, &lock);
                }
                // It has just ended, or another has just begun.
                if begun.elapsed() > SETTLING {
                    return Err(io::Error::other(format!(
                        "somebody holds the session \"{name}\", but process {} is not it; try again",
                        record.pid
                    )));
                }
            }
        }
        std::thread::sleep(LOOK);
    }
}

fn end(places: &Paths, record: SessionEntry, guardian: &PidFd, lock: &Path) -> io::Result<Stopped> {
    let begun = Instant::now();
    guardian.signal(Signal::SIGTERM)?;
    // One that was suspended would not notice.
    guardian.signal(Signal::SIGCONT)?;
    while begun.elapsed() < PATIENCE {
        // It lets go of the name first, and of what else a session has a little later.
        if !is_held_by(lock, record.pid) && guardian.has_ended() {
            put_away(places, &record)?;
            return Ok(Stopped::Ended(record, begun.elapsed()));
        }
        std::thread::sleep(LOOK);
    }
    Ok(Stopped::StillRuns(record, begun.elapsed()))
}

/// One that was only just starting puts nothing away itself, and a child of it may have the lock for another instant.
fn put_away(places: &Paths, ended: &SessionEntry) -> io::Result<()> {
    let until = Instant::now() + SETTLING;
    while registry::recorded_at(places)?.iter().any(|(record, _)| record == ended) && Instant::now() < until {
        registry::clean_up(places, &ended.name)?;
        std::thread::sleep(LOOK / 10);
    }
    Ok(())
}
