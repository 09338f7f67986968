//! A session has one holder at a time, by its id: two processes never go on with the same one.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::SessionId;
use super::lock::{self, Lock};
use super::places::{Places, make_private};

/// A session, held for as long as this value lives.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    _lock: Lock,
    owner: u32,
}

/// Holds the session `id`. Answers within which process holds it, where another one does (0 if that is not known).
///
/// # Errors
/// If there is no place for the lock.
pub fn hold(places: &Places, id: &SessionId) -> io::Result<Result<Held, u32>> {
    let folder = places.state().map_err(io::Error::other)?.join("held");
    make_private(&folder).map_err(io::Error::other)?;
    let path = folder.join(id.as_str());
    let Some(lock) = lock::lock_patiently(&path)? else {
        let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        return Ok(Err(pid.unwrap_or(0)));
    };
    let owner = std::process::id();
    lock.set_len(0)?;
    (&*lock).write_all(owner.to_string().as_bytes())?;
    // What killed ones left.
    for entry in fs::read_dir(&folder)?.flatten() {
        if entry.path() != path
            && let Ok(Some(_stale)) = lock::lock(&entry.path())
        {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(Ok(Held { path, _lock: lock, owner }))
}

impl Drop for Held {
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
        let places = Places { home: None, state, runtime: None, shared: root.path().join("tmp") };
        let (id, other) = (SessionId::new(1), SessionId::new(2));
        let held = hold(&places, &id).unwrap().unwrap();
        assert_eq!(hold(&places, &id).unwrap().unwrap_err(), std::process::id());
        let _other = hold(&places, &other).unwrap().unwrap();
        drop(held);
        // What a killed one left is removed by the next.
        fs::write(root.path().join("fourhands/held/stale"), "").unwrap();
        let _again = hold(&places, &id).unwrap().unwrap();
        assert!(!root.path().join("fourhands/held/stale").exists());
        assert!(root.path().join("fourhands/held").join(other.as_str()).exists());
    }
}
