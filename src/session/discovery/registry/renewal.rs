//! Putting back what a running session has lost of its files: the record, the locks, the folder of the socket. A logout
//! removes the runtime folder, and some clean up what they take for rubbish.

use std::io;
use std::path::{Path, PathBuf};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Claim, ClaimError, SessionEntry, claim_socket, lock_of, lock_path, read_record, record_path};
use crate::session::discovery::lock::{Lock, is_at, is_held_by, lock_patiently};
use crate::session::discovery::paths::{Paths, is_private};

/// Asks the guardian of a session without a Python to start one again. One with a Python looks after its socket.
pub fn ask_for_another_try(places: &Paths, record: &SessionEntry) -> io::Result<()> {
    let is_guardian = lock_of(places, &record.name)?.is_some_and(|lock| is_held_by(&lock, record.pid));
    if is_guardian {
        kill(Pid::from_raw(record.pid as i32), Signal::SIGUSR1)?;
    }
    Ok(())
}

impl Claim {
    /// Puts back what is missing. Answers whether anything was; the socket itself is made by who listens.
    ///
    /// # Errors
    /// If there is no place for it, or another session has taken the name meanwhile.
    pub fn renew(&mut self) -> Result<bool, ClaimError> {
        self.renew_at(&Paths::of_this_process())
    }

    pub(crate) fn renew_at(&mut self, places: &Paths) -> Result<bool, ClaimError> {
        let name = self.record.name.clone();
        let folder = places.records()?;
        let failed = |error| ClaimError::Io { folder: folder.clone(), error };
        let before = self.record.clone();
        let lock = lock_path(&folder, &name);
        let mut was_missing = !self.holds(&lock);
        if !hold(&mut self.locks, lock).map_err(failed)? {
            return Err(match read_record(&folder, &name).filter(|record| record.pid != self.record.pid) {
                Some(other) => ClaimError::Taken { name, pid: other.pid, cwd: other.cwd },
                None => ClaimError::Starting(name),
            });
        }
        // One that found no room there lies elsewhere.
        if self.folder != folder && !self.is_safe(&self.folder) {
            was_missing = true;
            self.folder.clone_from(&folder);
        }
        if !self.socket_has_a_place() {
            was_missing = true;
            self.record.socket = claim_socket(places, &folder, &name, &mut self.locks).map_err(failed)?;
        }
        // Of a folder that was removed.
        self.locks.retain(|(path, lock)| is_at(lock, path));
        if was_missing || self.record != before || !record_path(&self.folder, &name).is_file() {
            if let Err(error) = self.write() {
                self.move_to(places.other_records(&folder)).ok_or_else(|| failed(error))?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether all is there but for the socket, which is not made by the holder of the name.
    pub fn is_whole(&self) -> bool {
        self.locks.iter().all(|(path, lock)| is_at(lock, path))
            && self.is_safe(&self.folder)
            && record_path(&self.folder, &self.record.name).is_file()
            && self.socket_has_a_place()
    }

    /// Folders and names of files that must stay.
    pub fn files(&self) -> Vec<(PathBuf, String)> {
        let mut paths: Vec<PathBuf> = self.locks.iter().map(|(path, _)| path.clone()).collect();
        paths.extend([record_path(&self.folder, &self.record.name), self.record.socket.clone()]);
        let part = |path: PathBuf| Some((path.parent()?.to_owned(), path.file_name()?.to_str()?.to_owned()));
        paths.into_iter().filter_map(part).collect()
    }

    fn holds(&self, path: &Path) -> bool {
        is_held_at(&self.locks, path)
    }

    fn socket_has_a_place(&self) -> bool {
        self.record.socket.parent().is_some_and(|folder| self.is_safe(folder))
    }

    fn is_safe(&self, folder: &Path) -> bool {
        is_private(folder) && self.holds(&lock_path(folder, &self.record.name))
    }
}

fn is_held_at(locks: &[(PathBuf, Lock)], path: &Path) -> bool {
    locks.iter().any(|(held, lock)| held == path && is_at(lock, path))
}

/// Whether the lock at `path` is among `locks`, taken now if need be.
pub(super) fn hold(locks: &mut Vec<(PathBuf, Lock)>, path: PathBuf) -> io::Result<bool> {
    if is_held_at(locks, &path) {
        return Ok(true);
    }
    locks.retain(|(held, _)| *held != path);
    let Some(lock) = lock_patiently(&path)? else { return Ok(false) };
    locks.push((path, lock));
    Ok(true)
}
