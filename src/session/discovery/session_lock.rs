//! A session has one holder at a time, by its id: two processes never go on with the same one. The guardian holds it from
//! before its first Python to after its last, so this tells whether a session is in use, whatever becomes of its Python.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::lock;
use super::lock::Lock;
use super::paths::{Paths, make_private};
use crate::session::SessionId;

/// A session, held for as long as this value lives.
#[derive(Debug)]
pub struct SessionLock {
    path: PathBuf,
    _lock: Lock,
    owner: u32,
}

/// Holds the session `id`. Answers within which process holds it, where another one does (0 if that is not known).
///
/// # Errors
/// If there is no place for the lock.
pub fn hold(places: &Paths, id: &SessionId) -> io::Result<Result<SessionLock, u32>> {
    let folder = folder(&places.state().map_err(io::Error::other)?);
    make_private(&folder).map_err(io::Error::other)?;
    let path = folder.join(id.as_str());
    let Some(lock) = lock::lock_patiently(&path)? else {
        let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        return Ok(Err(pid.unwrap_or(0)));
    };
    let owner = std::process::id();
    // What counts is the lock: on a full disk the number is missing.
    let _ = lock.set_len(0).and_then(|()| (&*lock).write_all(owner.to_string().as_bytes()));
    // What killed ones left.
    for entry in fs::read_dir(&folder)?.flatten() {
        if entry.path() != path
            && let Ok(Some(_stale)) = lock::lock(&entry.path())
        {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(Ok(SessionLock { path, _lock: lock, owner }))
}

fn folder(state: &Path) -> PathBuf {
    state.join("held")
}

/// Whether a process holds the session. `state`: see [`Paths::state`].
#[must_use]
pub fn is_held(state: &Path, id: &SessionId) -> bool {
    lock::is_held(&folder(state).join(id.as_str()))
}

/// Keeps others from going on with a session that nobody holds, for as long as the value lives; `None` if somebody does.
/// Others wait no longer than the blink of an eye for it.
///
/// # Errors
/// If there is no place for the lock.
pub fn keep_out(state: &Path, id: &SessionId) -> io::Result<Option<SessionLock>> {
    let folder = folder(state);
    make_private(&folder).map_err(io::Error::other)?;
    let path = folder.join(id.as_str());
    Ok(lock::lock(&path)?.map(|lock| SessionLock { path, _lock: lock, owner: std::process::id() }))
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        // A forked child holds a copy of this value.
        if std::process::id() == self.owner {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let state = Some(root.path().to_owned());
        let places = Paths { home: None, state, runtime: None, shared: root.path().join("tmp") };
        let (id, other) = (SessionId::new(1), SessionId::new(2));
        let held = hold(&places, &id).unwrap().unwrap();
        assert_eq!(hold(&places, &id).unwrap().unwrap_err(), std::process::id());
        let _other = hold(&places, &other).unwrap().unwrap();
        let state = root.path().join("fourhands");
        assert!(is_held(&state, &id) && keep_out(&state, &id).unwrap().is_none());
        drop(held);
        let kept_out = keep_out(&state, &id).unwrap().unwrap();
        assert_eq!(hold(&places, &id).unwrap().unwrap_err(), 0);
        drop(kept_out);
        assert!(!is_held(&state, &id));
        // What a killed one left is removed by the next.
        fs::write(root.path().join("fourhands/held/stale"), "").unwrap();
        let _again = hold(&places, &id).unwrap().unwrap();
        assert!(!root.path().join("fourhands/held/stale").exists());
        assert!(root.path().join("fourhands/held").join(other.as_str()).exists());
    }
}
