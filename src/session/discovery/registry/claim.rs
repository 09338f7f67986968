//! The claim of a session's name.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::entry::{SessionEntry, lock_path, record_path, remove_files_of};
use super::name::BadName;
use crate::session::SessionId;
use crate::session::discovery::lock::{Lock, is_at, lock_patiently};
use crate::session::discovery::paths::{self, FolderError, Paths};

/// Why a name could not be claimed. Displays as one sentence with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    #[error(
        "session \"{name}\" is already running in {} (pid {pid}). {}, connect an AI client with \
         `fourhands bridge --session {name}`, or end it with `fourhands stop {name}`. To start a second session, give \
         it another name: --session NAME",
        .cwd.display(), dashboard(name, *has_dashboard)
    )]
    Taken { name: String, pid: u32, cwd: PathBuf, has_dashboard: bool },
    #[error(
        "session \"{0}\" is running on another machine that shares this home folder. Choose another name with \
         --session NAME"
    )]
    Elsewhere(String),
    #[error("another process is starting session \"{0}\". Try again, or choose another name with --session NAME")]
    Starting(String),
    #[error(transparent)]
    BadName(#[from] BadName),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(
        "the session cannot be registered in {}: {error}. Free some space there, or set XDG_RUNTIME_DIR to a private \
         folder with free space",
        .folder.display()
    )]
    Io { folder: PathBuf, error: io::Error },
}

impl ClaimError {
    pub(super) fn taken(record: SessionEntry) -> Self {
        let SessionEntry { name, pid, cwd, dashboard, .. } = record;
        Self::Taken { name, pid, cwd, has_dashboard: dashboard != Some(false) }
    }
}

/// Where the person finds the dashboard of a running session.
fn dashboard(name: &str, has_dashboard: bool) -> String {
    if has_dashboard {
        "Use its terminal".to_owned()
    } else {
        format!("Open its dashboard with `fourhands --session {name}`")
    }
}

/// A session's name, claimed as long as this value lives.
#[derive(Debug)]
pub struct Claim {
    pub(super) record: SessionEntry,
    pub(super) folder: PathBuf,
    /// The locks of the name, of the record if that is in another folder, and of the socket; with their paths.
    pub(super) locks: Vec<(PathBuf, Lock)>,
    owner: u32,
    published: PublishedEntry,
}

/// The record of the session that this process guards, for other threads.
#[derive(Clone, Debug)]
pub struct PublishedEntry(Arc<Mutex<SessionEntry>>);

impl PublishedEntry {
    pub fn record(&self) -> SessionEntry {
        self.0.lock().clone()
    }
}

impl Claim {
    pub(super) fn new(record: SessionEntry, folder: PathBuf, locks: Vec<(PathBuf, Lock)>) -> Self {
        let published = PublishedEntry(Arc::new(Mutex::new(record.clone())));
        Self { owner: record.pid, record, folder, locks, published }
    }

    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// The path of the socket. A file there may be removed: nobody else uses the path while the claim lives.
    pub fn socket(&self) -> &Path {
        &self.record.socket
    }

    pub fn record(&self) -> &SessionEntry {
        &self.record
    }

    /// Returns a view of the record that follows its changes.
    pub fn published(&self) -> PublishedEntry {
        self.published.clone()
    }

    /// Adds to the record the Python, whether there is a dashboard, the session id, and whether bridges hold the
    /// session.
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

    /// Sets in the record why nobody can connect; `None` once clients can.
    pub fn set_trouble(&mut self, trouble: Option<String>) -> io::Result<()> {
        if self.record.trouble == trouble {
            return Ok(());
        }
        self.record.trouble = trouble;
        self.write()
    }

    /// Moves the record to the first of these folders that has room. The lock of the name stays where it is.
    pub(super) fn move_to(&mut self, folders: Vec<PathBuf>) -> Option<()> {
        let before = self.folder.clone();
        for folder in folders {
            let path = lock_path(&folder, &self.record.name);
            // The claim has the lock already if the socket is there.
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
        self.published.0.lock().clone_from(&self.record);
        // No name begins with a dot, so this is no record of a session.
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
        // A forked child has a copy of this value, but does not own the name.
        if std::process::id() != self.owner {
            return;
        }
        remove_files_of(&self.record, &self.folder);
        // Removed while locked, so that a process that has just opened the file notices and opens the new one.
        for (path, _lock) in self.locks.drain(..) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Returns a socket path of our own. Sessions of another HOME may share its folder, so the path has a lock there.
pub fn claim_socket(
    paths: &Paths,
    records: &Path,
    name: &str,
    locks: &mut Vec<(PathBuf, Lock)>,
) -> io::Result<PathBuf> {
    let file = format!("{name}.sock");
    for folder in paths.sockets(records, &file) {
        if folder != records && !hold(locks, lock_path(&folder, name)).unwrap_or(false) {
            continue;
        }
        return Ok(folder.join(file));
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidFilename,
        "every path for the socket of that session is too long: set XDG_RUNTIME_DIR to a private folder with a short \
         path, or choose a shorter name with --session NAME",
    ))
}

/// Returns whether the lock at `path` is among `locks`.
pub fn is_held_at(locks: &[(PathBuf, Lock)], path: &Path) -> bool {
    locks.iter().any(|(held, lock)| held == path && is_at(lock, path))
}

/// Takes the lock at `path` unless it is among `locks`. Returns whether the lock is held now.
pub fn hold(locks: &mut Vec<(PathBuf, Lock)>, path: PathBuf) -> io::Result<bool> {
    if is_held_at(locks, &path) {
        return Ok(true);
    }
    locks.retain(|(held, _)| *held != path);
    let Some(lock) = lock_patiently(&path)? else { return Ok(false) };
    locks.push((path, lock));
    Ok(true)
}
