//! The folders of the saved variables (`%checkpoint`) of sessions, and of those set aside, in the state folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;
use crate::session::SessionId;

/// Returns the folder with a session's saved variables.
pub fn folder(state: &Path, id: &SessionId) -> PathBuf {
    state.join("checkpoints").join(id.as_str())
}

/// Returns the folder with those that were set aside.
fn aside(state: &Path, id: &SessionId) -> PathBuf {
    state.join("checkpoints").join(format!("{}.aside", id.as_str()))
}

/// Sets a session's saved variables aside.
pub fn set_aside(state: &Path, id: &SessionId, now: Timestamp) -> std::io::Result<()> {
    let aside = aside(state, id);
    // Of two, the later one is worth more.
    let _ = fs::remove_dir_all(&aside);
    fs::rename(folder(state, id), &aside)?;
    File::open(aside)?.set_modified(UNIX_EPOCH + Duration::from_millis(now))
}

/// Returns when a session's saved variables were set aside, if they were.
pub fn set_aside_at(state: &Path, id: &SessionId) -> Option<Timestamp> {
    let modified = aside(state, id).symlink_metadata().ok()?.modified().ok()?;
    let at = modified.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(at.as_millis() as Timestamp)
}

/// Brings saved variables back that were set aside. Files saved under the same names since then stay.
pub fn restore(state: &Path, id: &SessionId) -> bool {
    let (from, to) = (aside(state, id), folder(state, id));
    if fs::rename(&from, &to).is_ok() {
        return true;
    }
    let entries = fs::read_dir(&from).into_iter().flatten().flatten();
    let moved = entries.filter(|entry| {
        let to = to.join(entry.file_name());
        !to.exists() && fs::rename(entry.path(), to).is_ok()
    });
    let is_any = moved.count() > 0;
    is_any && fs::remove_dir_all(from).is_ok()
}

/// Deletes saved variables, also those that were set aside.
pub fn remove(state: &Path, id: &SessionId) {
    let _ = fs::remove_dir_all(folder(state, id));
    remove_aside(state, id);
}

/// Deletes saved variables that were set aside.
pub fn remove_aside(state: &Path, id: &SessionId) -> bool {
    fs::remove_dir_all(aside(state, id)).is_ok()
}
