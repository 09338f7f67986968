//! The registry of sessions: a record and a lock file for each. A session runs if and only if its lock is held.

mod claim;
mod entry;
mod name;
mod renewal;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use self::claim::claim_socket;
pub use self::claim::{Claim, ClaimError, PublishedEntry};
pub use self::entry::{SessionEntry, boot};
use self::entry::{lock_path, machine, names, read_record, record_path, remove_files_of};
use self::name::numbered;
pub use self::name::{BadName, check_name, default_name};
use super::lock::{is_held, is_held_by, lock, lock_patiently};
use super::paths::{FolderError, Paths};
use crate::session::clock::now;

/// Whether a recorded session lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// The guardian holds the lock of the session's name.
    Running,
    /// Nobody holds the lock: the session was killed, or the machine went down.
    Stale,
    /// The session belongs to another machine that shares this home folder. Whether the session lives is unknown,
    /// because not every network folder shows the locks of other machines.
    Elsewhere,
}

/// Claims `name` for a session in `cwd`.
pub fn claim(name: &str, cwd: &Path) -> Result<Claim, ClaimError> {
    claim_at(&Paths::of_this_process(), name, cwd)
}

/// Claims a name made from the folder `cwd`, with a number if a session of another folder has the name.
pub fn claim_default(cwd: &Path) -> Result<Claim, ClaimError> {
    claim_default_at(&Paths::of_this_process(), cwd)
}

/// Claims a name made from the folder `cwd` for the private session of one client. Each client gets a name.
pub fn claim_private(cwd: &Path) -> Result<Claim, ClaimError> {
    claim_private_at(&Paths::of_this_process(), cwd)
}

/// Claims `name` for the private session of one client.
pub fn claim_private_as(name: &str, cwd: &Path) -> Result<Claim, ClaimError> {
    claim_as(&Paths::of_this_process(), name, cwd, true)
}

/// Returns the running session that has its name from the folder `cwd`.
pub fn of_folder(cwd: &Path) -> Option<SessionEntry> {
    of_folder_at(&Paths::of_this_process(), cwd)
}

/// Returns the sessions that run on this machine.
pub fn running() -> io::Result<Vec<SessionEntry>> {
    running_at(&Paths::of_this_process())
}

pub(crate) fn claim_at(paths: &Paths, name: &str, cwd: &Path) -> Result<Claim, ClaimError> {
    claim_as(paths, name, cwd, false)
}

fn claim_as(paths: &Paths, name: &str, cwd: &Path, private: bool) -> Result<Claim, ClaimError> {
    check_name(name)?;
    let cwd = fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned());
    let folder = paths.records()?;
    let failed = |error| ClaimError::Io { folder: folder.clone(), error };
    let path = lock_path(&folder, name);
    let Some(lock) = lock_patiently(&path).map_err(failed)? else {
        return Err(match read_record(&folder, name) {
            Some(record) if record.boot != boot() => ClaimError::Elsewhere(record.name),
            Some(record) => ClaimError::taken(record),
            None => taken_elsewhere(paths, &folder, name)?.unwrap_or_else(|| ClaimError::Starting(name.to_owned())),
        });
    };
    if let Some(taken) = taken_elsewhere(paths, &folder, name)? {
        return Err(taken);
    }
    // Left by a killed session.
    let _ = fs::remove_file(record_path(&folder, name));
    let mut locks = vec![(path, lock)];
    let socket = claim_socket(paths, &folder, name, &mut locks).map_err(failed)?;
    let started_at = now();
    let pid = std::process::id();
    let record = SessionEntry {
        name: name.to_owned(),
        pid,
        boot: boot(),
        machine: machine(),
        cwd,
        socket,
        python: None,
        python_version: None,
        dashboard: None,
        held: None,
        private,
        trouble: None,
        id: None,
        started_at,
    };
    let mut claim = Claim::new(record, folder.clone(), locks);
    if let Err(error) = claim.write() {
        claim.move_to(paths.other_records(&folder)).ok_or_else(|| failed(error))?;
    }
    sweep(&folder, name);
    Ok(claim)
}

/// Returns an error if a session whose record is not in `folder`, for want of room, has the name.
fn taken_elsewhere(paths: &Paths, folder: &Path, name: &str) -> Result<Option<ClaimError>, FolderError> {
    let others = paths.all_records()?.into_iter().filter(|other| other != folder);
    let held = others.filter(|other| is_held(&lock_path(other, name))).filter_map(|other| read_record(&other, name));
    Ok(held.filter(|record| record.boot == boot()).map(ClaimError::taken).next())
}

fn of_folder_at(paths: &Paths, cwd: &Path) -> Option<SessionEntry> {
    let real = fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned());
    let base = default_name(&real);
    // The session with the plain name may have ended while a numbered one of this very folder still runs.
    let is_default = |name: &str| (1..=9).any(|number| numbered(&base, "", number) == name);
    let alive = running_at(paths).unwrap_or_default();
    alive.into_iter().find(|record| record.cwd == real && is_default(&record.name))
}

pub(crate) fn claim_default_at(paths: &Paths, cwd: &Path) -> Result<Claim, ClaimError> {
    if let Some(taken) = of_folder_at(paths, cwd) {
        return Err(ClaimError::taken(taken));
    }
    let real = fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned());
    let base = default_name(&real);
    let mut number = 1;
    loop {
        match claim_at(paths, &numbered(&base, "", number), &real) {
            Err(ClaimError::Taken { cwd, .. }) if cwd != real && number < 999 => number += 1,
            Err(ClaimError::Elsewhere(_)) if number < 999 => number += 1,
            done => return done,
        }
    }
}

pub(crate) fn claim_private_at(paths: &Paths, cwd: &Path) -> Result<Claim, ClaimError> {
    let base = default_name(&fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned()));
    let mut number = 1;
    loop {
        match claim_as(paths, &numbered(&base, "-stdio", number), cwd, true) {
            Err(ClaimError::Taken { .. } | ClaimError::Elsewhere(_) | ClaimError::Starting(_)) if number < 999 => {
                number += 1;
            }
            done => return done,
        }
    }
}

pub(crate) fn running_at(paths: &Paths) -> io::Result<Vec<SessionEntry>> {
    let running = recorded_at(paths)?.into_iter().filter(|(_, liveness)| *liveness == Liveness::Running);
    Ok(running.map(|(record, _)| record).collect())
}

/// Returns all sessions with a readable record, sorted by name.
pub fn recorded_at(paths: &Paths) -> io::Result<Vec<(SessionEntry, Liveness)>> {
    let mut found = Vec::new();
    for folder in paths.all_records().map_err(io::Error::other)? {
        for name in names(&folder)? {
            // The lock is read first: a session that ends in between removes its record.
            let held = is_held(&lock_path(&folder, &name));
            if let Some(record) = read_record(&folder, &name) {
                let liveness = liveness_of(&record, held);
                found.push((record, liveness));
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(found)
}

fn liveness_of(record: &SessionEntry, held: bool) -> Liveness {
    let here = record.boot == boot();
    match held {
        true if here => Liveness::Running,
        false if here || (!record.machine.is_empty() && record.machine == machine()) => Liveness::Stale,
        _ => Liveness::Elsewhere,
    }
}

/// Returns the lock file of a session of this name, if the lock is held.
pub fn lock_of(paths: &Paths, name: &str) -> io::Result<Option<PathBuf>> {
    let folders = paths.all_records().map_err(io::Error::other)?;
    Ok(folders.into_iter().map(|folder| lock_path(&folder, name)).find(|path| is_held(path)))
}

/// Asks the guardian of a session without a Python for another start. A guardian with a Python restores the socket.
pub fn request_another_start(paths: &Paths, record: &SessionEntry) -> io::Result<()> {
    let is_guardian = lock_of(paths, &record.name)?.is_some_and(|lock| is_held_by(&lock, record.pid));
    if is_guardian {
        kill(Pid::from_raw(record.pid as i32), Signal::SIGUSR1)?;
    }
    Ok(())
}

/// Removes the files of a killed session. Does nothing to a session that lives.
pub fn clean_up(paths: &Paths, name: &str) -> io::Result<()> {
    for folder in paths.all_records().map_err(io::Error::other)? {
        remove_leftovers(&folder, name);
    }
    Ok(())
}

/// Removes the files of killed sessions, but not those of another machine, whose locks may be invisible here.
fn sweep(folder: &Path, except: &str) {
    for name in names(folder).unwrap_or_default() {
        if name != except {
            remove_leftovers(folder, &name);
        }
    }
}

fn remove_leftovers(folder: &Path, name: &str) {
    let path = lock_path(folder, name);
    let stale = |held| read_record(folder, name).filter(|record| liveness_of(record, held) == Liveness::Stale);
    if stale(is_held(&path)).is_none() {
        return;
    }
    // Read again under the lock, since a session of this name may have come and gone.
    let Ok(Some(_lock)) = lock(&path) else { return };
    let Some(record) = stale(false) else { return };
    // By now, a session of another HOME may use the path in that folder.
    match record.socket.parent() {
        Some(elsewhere) if elsewhere != folder => {
            let path = lock_path(elsewhere, name);
            if path.exists()
                && let Ok(Some(_lock)) = lock(&path)
            {
                remove_files_of(&record, folder);
                let _ = fs::remove_file(path);
            }
        }
        _ => remove_files_of(&record, folder),
    }
    let _ = fs::remove_file(record_path(folder, name));
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests;
