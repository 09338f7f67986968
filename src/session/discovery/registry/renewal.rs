//! The restoration of files that a running session has lost: the record, the locks, the folder of the socket. A logout
//! removes the runtime folder, and cleaners remove what they take for rubbish.

use std::path::{Path, PathBuf};

use super::claim::{Claim, ClaimError, claim_socket, hold, is_held_at};
use super::entry::{lock_path, read_record, record_path};
use crate::session::discovery::lock::is_at;
use crate::session::discovery::paths::{Paths, is_private};

impl Claim {
    /// Restores missing files, except the socket itself, which the listener makes. Returns whether any were missing.
    ///
    /// # Errors
    /// If there is no folder for them, or another session has taken the name meanwhile.
    pub fn renew(&mut self) -> Result<bool, ClaimError> {
        self.renew_at(&Paths::of_this_process())
    }

    pub(crate) fn renew_at(&mut self, paths: &Paths) -> Result<bool, ClaimError> {
        let name = self.record.name.clone();
        let folder = paths.records()?;
        let failed = |error| ClaimError::Io { folder: folder.clone(), error };
        let before = self.record.clone();
        let lock = lock_path(&folder, &name);
        let mut was_missing = !self.holds(&lock);
        if !hold(&mut self.locks, lock).map_err(failed)? {
            return Err(match read_record(&folder, &name).filter(|record| record.pid != self.record.pid) {
                Some(other) => ClaimError::taken(other),
                None => ClaimError::Starting(name),
            });
        }
        // A record in another folder stays there while that is safe.
        if self.folder != folder && !self.is_safe(&self.folder) {
            was_missing = true;
            self.folder.clone_from(&folder);
        }
        if !self.socket_has_a_place() {
            was_missing = true;
            self.record.socket = claim_socket(paths, &folder, &name, &mut self.locks).map_err(failed)?;
        }
        // Forget locks in folders that were removed.
        self.locks.retain(|(path, lock)| is_at(lock, path));
        if was_missing || self.record != before || !record_path(&self.folder, &name).is_file() {
            if let Err(error) = self.write() {
                self.move_to(paths.other_records(&folder)).ok_or_else(|| failed(error))?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Returns whether all files are there, except the socket itself.
    pub fn is_whole(&self) -> bool {
        self.locks.iter().all(|(path, lock)| is_at(lock, path))
            && self.is_safe(&self.folder)
            && record_path(&self.folder, &self.record.name).is_file()
            && self.socket_has_a_place()
    }

    /// Returns the folder and the name of each file that must stay.
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
