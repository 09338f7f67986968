//! Erasure of one session: afterwards no file of the journal contains its text.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::intake::{self, IntakeFile};
use super::retention;
use super::schema::{self, FILE, JournalError};
use crate::session::SessionId;
use crate::session::discovery::session_lock;

/// Other sessions may write meanwhile.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The write-ahead log can be emptied once nobody reads or writes for a moment.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(15);
/// Another process may just be recovering a session that was killed.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(2);

/// The result of an erasure.
#[derive(Debug)]
pub struct Erased {
    /// Damaged databases that were set aside. They may contain the session's text; that cannot be checked.
    pub copies: Vec<PathBuf>,
    /// Why parts of the text may remain in the database, if they may.
    pub remains: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error("the session is in use")]
    InUse,
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Erases the session `id` from the journal in `folder`, with its whole outputs and saved variables.
///
/// # Errors
/// If the session is in use, or the journal cannot be written.
pub fn erase(folder: &Path, id: &SessionId) -> Result<Erased, EraseError> {
    let path = folder.join(FILE);
    let fault = |error: rusqlite::Error| JournalError::of(&path, &error);
    let in_folder = |error: std::io::Error| JournalError::of_io(folder, &error);
    let Some(_kept_out) = session_lock::keep_out(retention::state_folder(folder), id).map_err(in_folder)? else {
        return Err(EraseError::InUse);
    };
    let taken_in = Instant::now() + RECOVERY_TIMEOUT;
    while !remove_intake(folder, id).map_err(in_folder)? {
        if Instant::now() > taken_in {
            return Err(EraseError::InUse);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let connection = schema::open(folder)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fault)?;
    connection.pragma_update(None, "secure_delete", "ON").map_err(fault)?;
    retention::mark_for_removal(&connection, id).map_err(fault)?;
    while retention::tidy(&connection).map_err(fault)? {}
    retention::remove_files(folder, id);
    let remains = compact(&connection).err().map(|error| fault(error).to_string());
    Ok(Erased { copies: damaged(folder), remains })
}

/// Rewrites the database without its free pages, which may contain older data, and empties its log. Meanwhile others
/// can read, and events wait in the intakes.
pub fn compact(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("VACUUM")?;
    let until = Instant::now() + CHECKPOINT_TIMEOUT;
    loop {
        let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY), None));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Returns whether all files of the intake are gone.
fn remove_intake(folder: &Path, id: &SessionId) -> std::io::Result<bool> {
    let mut all = true;
    for (_, path) in intake::list(folder)?.into_iter().filter(|(of, _)| of == id) {
        match IntakeFile::adopt(&path) {
            Ok(Some(intake_file)) => intake_file.remove(),
            _ => all &= path.symlink_metadata().is_err(),
        }
    }
    Ok(all)
}

fn damaged(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<_> = entries.filter(|path| path.to_string_lossy().contains(".damaged-")).collect();
    found.sort();
    found
}
