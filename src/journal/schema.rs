//! The database file: its path, opening it, and the migrations of its schema.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

pub const FILE: &str = "journal.db";

/// Marks the file as fourhands's ("4hJ1").
const APPLICATION_ID: i32 = 0x3468_4a31;
/// Other writers finish within this time, unless they never release the lock.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);

/// Migration N turns version N - 1 into version N. Released migrations never change.
const MIGRATIONS: [&str; 6] = [
    "CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        uid TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        cwd TEXT NOT NULL,
        python TEXT NOT NULL,
        python_version TEXT NOT NULL,
        venv TEXT,
        pid INTEGER NOT NULL,
        boot TEXT NOT NULL,
        started INTEGER NOT NULL,
        ended INTEGER,
        ending TEXT,
        active INTEGER NOT NULL,
        intake TEXT NOT NULL DEFAULT '',
        position INTEGER NOT NULL DEFAULT 0,
        places INTEGER NOT NULL DEFAULT 0,
        bytes INTEGER NOT NULL DEFAULT 0,
        missed INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE snippets (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
        number INTEGER NOT NULL,
        place INTEGER NOT NULL,
        client INTEGER,
        author TEXT NOT NULL,
        code TEXT NOT NULL,
        submitted INTEGER NOT NULL,
        started INTEGER,
        ended INTEGER,
        status TEXT NOT NULL,
        outcome TEXT,
        UNIQUE (session, number)
    ) STRICT;
    CREATE INDEX snippets_by_time ON snippets (submitted);
    CREATE TABLE output (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
        snippet INTEGER NOT NULL,
        place INTEGER NOT NULL,
        stream INTEGER NOT NULL,
        text TEXT NOT NULL,
        skipped INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX output_by_snippet ON output (session, snippet, place);
    CREATE TABLE marks (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
        place INTEGER NOT NULL,
        event TEXT NOT NULL
    ) STRICT;
    CREATE INDEX marks_by_place ON marks (session, place);",
    "CREATE TABLE displays (
        id INTEGER PRIMARY KEY,
        session INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
        snippet INTEGER NOT NULL,
        place INTEGER NOT NULL,
        at INTEGER NOT NULL,
        after INTEGER NOT NULL,
        name TEXT,
        mime TEXT NOT NULL,
        size INTEGER NOT NULL,
        data BLOB NOT NULL
    ) STRICT;
    CREATE INDEX displays_by_snippet ON displays (session, snippet, place);",
    // When it was set aside (0: being removed), when it was restored, the number of lost snippets.
    "ALTER TABLE sessions ADD COLUMN set_aside INTEGER;
    ALTER TABLE sessions ADD COLUMN restored INTEGER;
    ALTER TABLE sessions ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;",
    // The call that submitted the snippet.
    "ALTER TABLE snippets ADD COLUMN call TEXT;",
    // What the snippet did beyond Python's variables.
    "ALTER TABLE snippets ADD COLUMN effects TEXT;",
    // The person's review of the snippet.
    "ALTER TABLE snippets ADD COLUMN review TEXT;",
];

/// The version that this program reads and writes.
pub const VERSION: usize = MIGRATIONS.len();

/// Why the journal cannot be written or read. Displays as a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("{0} is damaged")]
    Corrupt(PathBuf),
    #[error(
        "{path} was written by a newer fourhands (format {found}; this version supports {VERSION}); update fourhands"
    )]
    Newer { path: PathBuf, found: i64 },
    #[error("{0} was not created by fourhands; move it away")]
    Foreign(PathBuf),
    #[error("another program has locked {0}")]
    Locked(PathBuf),
    #[error("the disk with {0} is full")]
    Full(PathBuf),
    #[error("{0} cannot grow: the file size limit (ulimit -f) is reached")]
    TooLarge(PathBuf),
    #[error("{0}")]
    Unusable(String),
}

impl JournalError {
    /// Classifies an error of the database at `path`.
    pub fn of(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked(path),
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::SystemIoFailure) if is_limited() => Self::TooLarge(path),
            // The version was checked, so data that does not fit the schema is damage as well.
            Some(
                ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch,
            )
            | None => Self::Corrupt(path),
            Some(ErrorCode::Unknown)
                if ["no such", "malformed", "no column"].iter().any(|words| error.to_string().contains(words)) =>
            {
                Self::Corrupt(path)
            }
            _ => Self::Unusable(format!("{} cannot be used: {error}", path.display())),
        }
    }

    pub fn of_io(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(path.to_owned()),
            io::ErrorKind::FileTooLarge => Self::TooLarge(path.to_owned()),
            _ => Self::Unusable(format!("{} cannot be used: {error}", path.display())),
        }
    }

    /// Returns whether the error may end by itself, or by an action of the person.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Newer { .. } | Self::Foreign(_) | Self::Corrupt(_))
    }
}

/// Returns whether files have a size limit. `SQLite` does not say that it is the cause.
fn is_limited() -> bool {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
    getrlimit(Resource::RLIMIT_FSIZE).is_ok_and(|(limit, _)| limit != RLIM_INFINITY)
}

/// Opens the database of `folder` for writing. Creates it if it is missing, and migrates an older one.
pub fn open(folder: &Path) -> Result<Connection, JournalError> {
    let path = folder.join(FILE);
    let fault = |error: rusqlite::Error| JournalError::of(&path, &error);
    check_links(&path)?;
    prepare_file(&path)?;
    let mut connection =
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(fault)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fault)?;
    let version = check_version(&connection, &path)?;
    if version == 0 {
        // Only an empty database accepts this.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(fault)?;
    }
    connection.pragma_update(None, "journal_mode", "WAL").map_err(fault)?;
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(fault)?;
    connection.pragma_update(None, "journal_size_limit", 8 << 20).map_err(fault)?;
    if version < VERSION {
        migrate(&mut connection).map_err(fault)?;
    }
    Ok(connection)
}

/// Opens the database of `folder` for reading; `None` if it is missing.
pub fn open_to_read(folder: &Path) -> Result<Option<Connection>, JournalError> {
    let path = folder.join(FILE);
    if path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    check_links(&path)?;
    let fault = |error: rusqlite::Error| JournalError::of(&path, &error);
    // Opened for writing, so that the last connection to close removes the log. `SQLite` falls back to reading where it
    // may not write.
    let connection =
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(fault)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fault)?;
    connection.pragma_update(None, "query_only", true).map_err(fault)?;
    let version = check_version(&connection, &path)?;
    // An unfinished database, or an older version, needs a writer first.
    Ok((version == VERSION).then_some(connection))
}

/// Refuses links, which `SQLite` would follow, in the database and its log and index.
fn check_links(path: &Path) -> Result<(), JournalError> {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let file = PathBuf::from(name);
        if file.symlink_metadata().is_ok_and(|facts| !facts.is_file()) {
            return Err(JournalError::Foreign(file));
        }
    }
    Ok(())
}

/// Creates the file, or checks that it belongs to the user and is private.
fn prepare_file(path: &Path) -> Result<(), JournalError> {
    let fault = |error: io::Error| JournalError::of_io(path, &error);
    match path.symlink_metadata() {
        Ok(facts) if facts.uid() != nix::unistd::geteuid().as_raw() => {
            Err(JournalError::Unusable(format!("{} belongs to another user (uid {})", path.display(), facts.uid())))
        }
        Ok(facts) if facts.mode() & 0o077 != 0 => {
            fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(fault)
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut options = OpenOptions::new();
            match options.write(true).create_new(true).mode(0o600).open(path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(fault(error)),
                _ => Ok(()),
            }
        }
        Err(error) => Err(fault(error)),
    }
}

/// Returns the version; 0 for an empty database.
fn check_version(connection: &Connection, path: &Path) -> Result<usize, JournalError> {
    let fault = |error: rusqlite::Error| JournalError::of(path, &error);
    // One snapshot, since another process may be creating the database.
    let moment = connection.unchecked_transaction().map_err(fault)?;
    let number = |pragma| moment.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(fault);
    let (version, application) = (number("user_version")?, number("application_id")?);
    let count = |which: &str| {
        let select = format!("SELECT count(*) FROM sqlite_schema WHERE {which}");
        moment.query_row(&select, [], |row| row.get::<_, i64>(0)).map_err(fault)
    };
    let is_empty = application == 0 && version == 0 && count("TRUE")? == 0;
    match usize::try_from(version) {
        _ if is_empty => Ok(0),
        // The file has lost its mark.
        _ if application != i64::from(APPLICATION_ID) && count("name IN ('sessions', 'snippets')")? == 2 => {
            Err(JournalError::Corrupt(path.to_owned()))
        }
        _ if application != i64::from(APPLICATION_ID) => Err(JournalError::Foreign(path.to_owned())),
        Ok(0) => Err(JournalError::Corrupt(path.to_owned())),
        Ok(version) if version <= VERSION => Ok(version),
        _ => Err(JournalError::Newer { path: path.to_owned(), found: version }),
    }
}

/// All migrations in one transaction.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    let done: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for step in MIGRATIONS.iter().skip(done as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", done.max(VERSION as u32))?;
    transaction.commit()
}
