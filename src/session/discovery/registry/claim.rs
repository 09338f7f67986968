//! A session's name, for as long as the session has it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{SessionEntry, lock_path, record_path, remove_files_of};
use crate::session::SessionId;
use crate::session::discovery::lock::{Lock, lock_patiently};
use crate::session::discovery::paths;

/// A session's name, held for as long as this value lives.
#[derive(Debug)]
pub struct Claim {
    pub(super) record: SessionEntry,
    pub(super) folder: PathBuf,
    /// With their paths: of the name, of the record where that found no room beside it, of the socket.
    pub(super) locks: Vec<(PathBuf, Lock)>,
    owner: u32,
    published: Published,
}

/// The record of the session that this process guards, for its other threads.
#[derive(Clone, Debug)]
pub struct Published(Arc<Mutex<SessionEntry>>);

impl Published {
    pub fn record(&self) -> SessionEntry {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Claim {
    pub(super) fn new(record: SessionEntry, folder: PathBuf, locks: Vec<(PathBuf, Lock)>) -> Self {
        let published = Published(Arc::new(Mutex::new(record.clone())));
        Self { owner: record.pid, record, folder, locks, published }
    }

    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// Where to listen. What lies there may be removed: nobody else uses this path while the claim lives.
    pub fn socket(&self) -> &Path {
        &self.record.socket
    }

    pub fn record(&self) -> &SessionEntry {
        &self.record
    }

    /// Follows what becomes of the record.
    pub fn published(&self) -> Published {
        self.published.clone()
    }

    /// Adds to the record which Python the session runs, whether a person has it on a terminal, its id, and whether
    /// bridges hold it.
    pub fn describe(
        &mut self,
        python: &Path,
        version: &str,
        dashboard: bool,
        id: &SessionId,
        is_held: bool,
    ) -> io::Result<()> {
        self.record.python = Some(python.to_string_lossy().into_owned());
        self.record.python_version = Some(version.to_owned());
        self.record.dashboard = Some(dashboard);
        self.record.id = Some(id.clone());
        self.record.held = is_held.then(|| id.clone());
        self.write()
    }

    /// Says in the record why nobody can connect, or that this is over.
    pub fn set_trouble(&mut self, trouble: Option<String>) -> io::Result<()> {
        if self.record.trouble == trouble {
            return Ok(());
        }
        self.record.trouble = trouble;
        self.write()
    }

    /// Keeps the record in the first of these folders that takes it, if one does. The name stays locked where it was.
    pub(super) fn move_to(&mut self, folders: Vec<PathBuf>) -> Option<()> {
        let before = self.folder.clone();
        for folder in folders {
            let path = lock_path(&folder, &self.record.name);
            // The socket may lie there as well.
            let is_ours = self.locks.iter().any(|(ours, _)| *ours == path);
            let Some(lock) = (if is_ours { Some(None) } else { lock_patiently(&path).ok().flatten().map(Some) }) else {
                continue;
            };
            self.folder.clone_from(&folder);
            if self.write().is_ok() {
                self.locks.extend(lock.map(|lock| (path, lock)));
                let _ = fs::remove_file(record_path(&before, &self.record.name));
                return Some(());
            }
        }
        self.folder = before;
        None
    }

    pub(super) fn write(&self) -> io::Result<()> {
        self.published.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.record);
        // No session's name begins with a dot, so this is nobody's record.
        let draft = self.folder.join(format!(".{}.new", self.record.name));
        let written = paths::draft(&draft, 0o600)
            .and_then(|file| serde_json::to_writer(file, &self.record).map_err(io::Error::from))
            .and_then(|()| fs::rename(&draft, record_path(&self.folder, &self.record.name)));
        if written.is_err() {
            let _ = fs::remove_file(draft);
        }
        written
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // A forked child holds a copy of this value, but the name is not its own.
        if std::process::id() != self.owner {
            return;
        }
        remove_files_of(&self.record, &self.folder);
        // Removed while locked: whoever opened one meanwhile finds another file at its path and opens that.
        for (path, _lock) in self.locks.drain(..) {
            let _ = fs::remove_file(path);
        }
    }
}
