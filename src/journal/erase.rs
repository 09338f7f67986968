//! Erases one session on purpose: afterwards its text is in no file of the journal.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::intake::{self, Segment};
use super::retention;
use super::schema::{self, FILE, Fault};
use crate::session::SessionId;
use crate::session::discovery::session_lock;

/// Other sessions write meanwhile.
const BUSY: Duration = Duration::from_secs(10);
/// The log is empty once nobody reads or writes for a moment.
const MOMENT: Duration = Duration::from_secs(15);
/// What a session left that was killed a moment ago may just be taken in.
const TAKING_IN: Duration = Duration::from_secs(2);

/// A session that is gone.
#[derive(Debug)]
pub struct Erased {
    /// Databases that were set aside because they were damaged; they may hold its text, and nobody can tell.
    pub copies: Vec<PathBuf>,
    /// Why pieces of its text may remain in the database, where that is so.
    pub remains: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    #[error("the session is in use")]
    InUse,
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Erases the session `id` from the journal in `folder`, its whole outputs and its saved variables.
///
/// # Errors
/// If it is in use, or the journal cannot be written.
pub fn erase(folder: &Path, id: &SessionId) -> Result<Erased, EraseError> {
    let path = folder.join(FILE);
    let fault = |error: rusqlite::Error| Fault::of(&path, &error);
    let in_folder = |error: std::io::Error| Fault::of_io(folder, &error);
    let Some(_kept_out) = session_lock::keep_out(retention::state(folder), id).map_err(in_folder)? else {
        return Err(EraseError::InUse);
    };
    let taken_in = Instant::now() + TAKING_IN;
    while !remove_intake(folder, id).map_err(in_folder)? {
        if Instant::now() > taken_in {
            return Err(EraseError::InUse);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let connection = schema::open(folder)?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    connection.pragma_update(None, "secure_delete", "ON").map_err(fault)?;
    retention::doom(&connection, id).map_err(fault)?;
    while retention::tidy(&connection).map_err(fault)? {}
    retention::remove_files(folder, id);
    let remains = compact(&connection).err().map(|error| fault(error).to_string());
    Ok(Erased { copies: damaged(folder), remains })
}

/// Rewrites the database without its free room, where earlier states of what is in it may lie, and empties its log.
/// Others can read meanwhile, and what happens in sessions is kept in their intakes.
pub fn compact(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("VACUUM")?;
    let until = Instant::now() + MOMENT;
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

/// Answers whether nothing of it is left.
fn remove_intake(folder: &Path, id: &SessionId) -> std::io::Result<bool> {
    let mut all = true;
    for (_, path) in intake::list(folder)?.into_iter().filter(|(of, _)| of == id) {
        match Segment::adopt(&path) {
            Ok(Some(segment)) => segment.remove(),
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
