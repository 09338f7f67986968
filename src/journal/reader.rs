//! The reader of the journal: lists sessions and loads them.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Row};

use super::schema::{self, FILE, JournalError};
use super::{intake, recover, retention, store};
use crate::domain::Timestamp;
use crate::session::SessionId;

/// How long a reader waits for a program that has locked the journal.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// The session is in use.
    Running,
    Closed,
    /// The process was killed, or died by itself.
    Died,
}

/// The summary of a session.
#[derive(Clone, Debug)]
pub struct SessionSummary {
    pub id: SessionId,
    pub name: String,
    pub cwd: PathBuf,
    pub python: PathBuf,
    pub python_version: String,
    pub venv: Option<PathBuf>,
    /// The last session process.
    pub pid: u32,
    /// The boot id of the machine at that time.
    pub boot: String,
    pub started: Timestamp,
    pub last_active: Timestamp,
    pub ending: SessionEnd,
    pub snippets: u32,
    /// How many of the snippets ended by an error.
    pub failed: u32,
    /// The authors of snippets, the person ("you") included.
    pub authors: Vec<String>,
    /// Bytes in the journal, roughly, without the spool.
    pub bytes: u64,
    /// The number of events that could not be recorded.
    pub missed: u64,
    /// How many of these events were submissions.
    pub lost: u64,
    /// When retention set the session aside, if it did.
    pub set_aside: Option<Timestamp>,
}

/// A connection for reading, which never blocks writers.
#[derive(Debug)]
pub struct JournalReader {
    pub(super) connection: Connection,
    path: PathBuf,
    folder: PathBuf,
}

impl JournalReader {
    /// Opens the journal in `folder` and recovers dead sessions first; `None` if there is no journal. Waits for a
    /// program that has locked the journal, such as a session that creates it on a busy disk.
    ///
    /// # Errors
    /// If the journal exists and cannot be read.
    pub fn open(folder: &Path) -> Result<Option<Self>, JournalError> {
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match Self::open_now(folder) {
                Err(JournalError::Locked(_)) if Instant::now() < deadline => thread::sleep(LOCK_RETRY_INTERVAL),
                opened => return opened,
            }
        }
    }

    /// Like [`JournalReader::open`], but does not wait for a lock.
    ///
    /// # Errors
    /// If the journal exists and cannot be read.
    pub(super) fn open_now(folder: &Path) -> Result<Option<Self>, JournalError> {
        recover_dead_sessions(folder);
        let connection = match schema::open_to_read(folder)? {
            Some(connection) => connection,
            None if folder.join(FILE).exists() => schema::open(folder)?,
            None => return Ok(None),
        };
        Ok(Some(Self { connection, path: folder.join(FILE), folder: folder.to_owned() }))
    }

    /// Opens the journal in `folder` as it is, if it can be read.
    pub(super) fn open_existing(folder: &Path) -> Option<Self> {
        let connection = schema::open_to_read(folder).ok().flatten()?;
        Some(Self { connection, path: folder.join(FILE), folder: folder.to_owned() })
    }

    /// Returns the path of the database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until the database has everything that running sessions had recorded at the call: about 100 ms, at most
    /// `limit`.
    pub fn catch_up(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let held =
            intake::list(&self.folder).unwrap_or_default().into_iter().filter(|(_, path)| intake::is_locked(path));
        let written: Vec<_> = held
            .filter_map(|(id, path)| {
                let size = path.metadata().ok()?.len();
                Some((id, path.file_name()?.to_string_lossy().into_owned(), size))
            })
            .collect();
        let is_stored = |(id, file, size): &(SessionId, String, u64)| {
            let stored = store::position(&self.connection, id).ok().flatten();
            stored.is_some_and(|(name, place)| name > *file || (name == *file && place >= *size))
        };
        while !written.iter().all(is_stored) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn fault(&self, error: &rusqlite::Error) -> JournalError {
        JournalError::of(&self.path, error)
    }

    /// Returns all sessions, the last active first.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn sessions(&self) -> Result<Vec<SessionSummary>, JournalError> {
        self.summaries("1", "").map_err(|error| self.fault(&error))
    }

    /// Reads every page of the database.
    ///
    /// # Errors
    /// If pages are damaged or cannot be read.
    pub fn check(&self) -> Result<(), JournalError> {
        match self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
            Ok(found) if found == "ok" => Ok(()),
            Ok(_) => Err(JournalError::Corrupt(self.path.clone())),
            Err(error) => Err(self.fault(&error)),
        }
    }

    /// Returns the session of that id, or the last active of that name.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn find(&self, name_or_id: &str) -> Result<Option<SessionSummary>, JournalError> {
        let found = self
            .summaries("uid = ?1", name_or_id)
            .and_then(|found| if found.is_empty() { self.summaries("name = ?1", name_or_id) } else { Ok(found) });
        found.map(|found| found.into_iter().next()).map_err(|error| self.fault(&error))
    }

    fn summaries(&self, condition: &str, value: &str) -> rusqlite::Result<Vec<SessionSummary>> {
        let mut select = self.connection.prepare(&format!(
            "SELECT uid, name, cwd, python, python_version, venv, pid, boot, started, active, ending, bytes, missed,
             (SELECT count(*) FROM snippets WHERE session = s.id),
             (SELECT count(*) FROM snippets WHERE session = s.id AND status = 'error'),
             (SELECT group_concat(author, char(10)) FROM (SELECT DISTINCT author FROM snippets WHERE session = s.id)),
             set_aside, lost
             FROM sessions s WHERE {condition} AND ?1 IS NOT NULL AND (set_aside IS NULL OR set_aside > 0) ORDER BY active DESC, id DESC"
        ))?;
        let rows = select.query_map([value], |row| self.summary(row))?;
        rows.filter_map(Result::transpose).collect()
    }

    fn summary(&self, row: &Row<'_>) -> rusqlite::Result<Option<SessionSummary>> {
        let Some(id) = SessionId::parse(&row.get::<_, String>(0)?) else { return Ok(None) };
        let path = |at| row.get::<_, String>(at).map(PathBuf::from);
        let closed = row.get::<_, Option<String>>(10)?.is_some_and(|ending| ending == "closed");
        let ending = match (retention::is_in_use(&self.folder, &id), closed) {
            (true, _) => SessionEnd::Running,
            (false, true) => SessionEnd::Closed,
            (false, false) => SessionEnd::Died,
        };
        Ok(Some(SessionSummary {
            id,
            name: row.get(1)?,
            cwd: path(2)?,
            python: path(3)?,
            python_version: row.get(4)?,
            venv: row.get::<_, Option<String>>(5)?.map(PathBuf::from),
            pid: row.get(6)?,
            boot: row.get(7)?,
            started: row.get::<_, i64>(8)? as u64,
            last_active: row.get::<_, i64>(9)? as u64,
            ending,
            bytes: row.get::<_, i64>(11)? as u64,
            missed: row.get::<_, i64>(12)? as u64,
            snippets: row.get(13)?,
            failed: row.get(14)?,
            authors: row
                .get::<_, Option<String>>(15)?
                .map(|authors| authors.lines().map(str::to_owned).collect())
                .unwrap_or_default(),
            set_aside: row.get::<_, Option<i64>>(16)?.map(|at| at as u64),
            lost: row.get::<_, i64>(17)? as u64,
        }))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Recovers dead sessions, if there are any. A journal that cannot be written is still readable without.
pub(super) fn recover_dead_sessions(folder: &Path) {
    if recover::is_due(folder)
        && let Ok(mut connection) = schema::open(folder)
    {
        let _ = recover::dead_sessions(folder, &mut connection);
    }
}
