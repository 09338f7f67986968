//! The lock of a session's id: one process at a time holds a session. The guardian holds it from before the first
//! Python to after the last, so the lock shows whether a session is in use, whatever happens to its Python.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::lock;
use super::lock::Lock;
use super::paths::{Paths, make_private};
use crate::session::SessionId;

/// A session, held as long as this value lives.
#[derive(Debug)]
pub struct SessionLock {
    path: PathBuf,
    _lock: Lock,
    owner: u32,
}

/// Why a session cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    #[error("process {0} holds the session")]
    HeldBy(u32),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Holds the session `id`.
///
/// # Errors
/// [`HoldError::HeldBy`] has the process that holds the session, or 0 if its PID is unknown. Else the folder of the
/// locks cannot be created.
pub fn hold(paths: &Paths, id: &SessionId) -> Result<SessionLock, HoldError> {
    let folder = folder(&paths.state().map_err(io::Error::other)?);
    make_private(&folder).map_err(io::Error::other)?;
    let path = folder.join(id.as_str());
    let Some(lock) = lock::lock_patiently(&path)? else {
        let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        return Err(HoldError::HeldBy(pid.unwrap_or(0)));
    };
    let owner = std::process::id();
    // Only the lock counts: on a full disk the PID is missing.
    let _ = lock.set_len(0).and_then(|()| (&*lock).write_all(owner.to_string().as_bytes()));
    // Remove the files of killed processes.
    for entry in fs::read_dir(&folder)?.flatten() {
        if entry.path() != path
            && let Ok(Some(_stale)) = lock::lock(&entry.path())
        {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(SessionLock { path, _lock: lock, owner })
}

fn folder(state: &Path) -> PathBuf {
    state.join("held")
}

/// Returns whether a process holds the session. For `state` see [`Paths::state`].
#[must_use]
pub fn is_held(state: &Path, id: &SessionId) -> bool {
    lock::is_held(&folder(state).join(id.as_str()))
}

/// Locks a session so that nobody resumes it, without waiting. Returns `None` if a process holds the session. Drop the
/// lock soon: a process that wants to resume the session waits only briefly.
///
/// # Errors
/// If the folder of the locks cannot be created.
pub fn keep_out(state: &Path, id: &SessionId) -> io::Result<Option<SessionLock>> {
    let folder = folder(state);
    make_private(&folder).map_err(io::Error::other)?;
    let path = folder.join(id.as_str());
    Ok(lock::lock(&path)?.map(|lock| SessionLock { path, _lock: lock, owner: std::process::id() }))
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        // A forked child has a copy of this value.
        if std::process::id() == self.owner {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_holds_a_session() {
        let root = tempfile::tempdir().unwrap();
        let state = Some(root.path().to_owned());
        let paths = Paths { home: None, state, runtime: None, shared: root.path().join("tmp"), creates: true };
        let (id, other) = (SessionId::new(1), SessionId::new(2));
        let held = hold(&paths, &id).unwrap();
        assert!(matches!(hold(&paths, &id), Err(HoldError::HeldBy(pid)) if pid == std::process::id()));
        let _other = hold(&paths, &other).unwrap();
        let state = root.path().join("fourhands");
        assert!(is_held(&state, &id) && keep_out(&state, &id).unwrap().is_none());
        drop(held);
        let kept_out = keep_out(&state, &id).unwrap().unwrap();
        assert!(matches!(hold(&paths, &id), Err(HoldError::HeldBy(0))));
        drop(kept_out);
        assert!(!is_held(&state, &id));
        // The next holder removes the file of a killed one.
        fs::write(root.path().join("fourhands/held/stale"), "").unwrap();
        let _next = hold(&paths, &id).unwrap();
        assert!(!root.path().join("fourhands/held/stale").exists());
        assert!(root.path().join("fourhands/held").join(other.as_str()).exists());
    }
}
