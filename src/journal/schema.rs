//! The database file: where it lies, how it is opened, and its schema with every version it ever had.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

pub const FILE: &str = "journal.db";

/// Marks the file as ours ("4hJ1").
const APPLICATION: i32 = 0x3468_4a31;
/// Whoever else writes is done within that, or holds the lock for ever.
const BUSY: Duration = Duration::from_millis(500);

/// Step N brings a database of version N - 1 to version N. A step is never changed once it has been released.
const STEPS: [&str; 4] = [
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
    // When it was set aside (0: it is being removed), when it was brought back, snippets that could not be recorded.
    "ALTER TABLE sessions ADD COLUMN set_aside INTEGER;
    ALTER TABLE sessions ADD COLUMN restored INTEGER;
    ALTER TABLE sessions ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;",
    // The call that submitted it.
    "ALTER TABLE snippets ADD COLUMN call TEXT;",
];

/// The version that this program reads and writes.
pub const VERSION: usize = STEPS.len();

/// What keeps the journal from being written or read. Displays as a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{0} is damaged")]
    Corrupt(PathBuf),
    #[error(
        "{path} was written by a newer fourhands (its format is {found}, this program knows {VERSION}); update this one"
    )]
    Newer { path: PathBuf, found: i64 },
    #[error("{0} is not fourhands's; move it away")]
    Foreign(PathBuf),
    #[error("another program has locked {0}")]
    Locked(PathBuf),
    #[error("the disk with {0} is full")]
    Full(PathBuf),
    #[error("{0} may not grow, by a limit on the size of files (ulimit -f)")]
    TooLarge(PathBuf),
    #[error("{0}")]
    Unusable(String),
}

impl Fault {
    /// Of something done with the database at `path`.
    pub fn of(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked(path),
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::SystemIoFailure) if is_limited() => Self::TooLarge(path),
            // The version was right, so what does not fit the schema is damage as well.
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

    /// Whether it may pass by itself, or by what the person does.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Newer { .. } | Self::Foreign(_) | Self::Corrupt(_))
    }
}

/// `SQLite` does not say why it cannot write.
fn is_limited() -> bool {
    use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
    getrlimit(Resource::RLIMIT_FSIZE).is_ok_and(|(limit, _)| limit != RLIM_INFINITY)
}

/// Opens the database of `folder` for writing; makes it if there is none, and brings an older one up to date.
pub fn open(folder: &Path) -> Result<Connection, Fault> {
    let path = folder.join(FILE);
    let fault = |error: rusqlite::Error| Fault::of(&path, &error);
    check_links(&path)?;
    prepare_file(&path)?;
    let mut connection =
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(fault)?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    let version = check_version(&connection, &path)?;
    if version == 0 {
        // Only an empty database can still be told this.
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

/// Opens the database of `folder` for reading; `None` if there is none.
pub fn open_to_read(folder: &Path) -> Result<Option<Connection>, Fault> {
    let path = folder.join(FILE);
    if path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    check_links(&path)?;
    let fault = |error: rusqlite::Error| Fault::of(&path, &error);
    // One that may write clears the log away when it is the last to close; where it may not, it reads all the same.
    let connection =
        Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(fault)?;
    connection.busy_timeout(BUSY).map_err(fault)?;
    connection.pragma_update(None, "query_only", true).map_err(fault)?;
    let version = check_version(&connection, &path)?;
    // One that was never finished, or of a version that only a writer brings up to date.
    Ok((version == VERSION).then_some(connection))
}

/// `SQLite` would follow links, and of its log and index nobody else asks.
fn check_links(path: &Path) -> Result<(), Fault> {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let file = PathBuf::from(name);
        if file.symlink_metadata().is_ok_and(|facts| !facts.is_file()) {
            return Err(Fault::Foreign(file));
        }
    }
    Ok(())
}

/// A plain file of ours that nobody else may read.
fn prepare_file(path: &Path) -> Result<(), Fault> {
    let fault = |error: io::Error| Fault::of_io(path, &error);
    match path.symlink_metadata() {
        Ok(facts) if facts.uid() != nix::unistd::geteuid().as_raw() => {
            Err(Fault::Unusable(format!("{} belongs to another user (uid {})", path.display(), facts.uid())))
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

/// 0 for an empty database.
fn check_version(connection: &Connection, path: &Path) -> Result<usize, Fault> {
    let fault = |error: rusqlite::Error| Fault::of(path, &error);
    // One moment for all: another process may just be making it.
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
        // It has lost its mark.
        _ if application != i64::from(APPLICATION) && count("name IN ('sessions', 'snippets')")? == 2 => {
            Err(Fault::Corrupt(path.to_owned()))
        }
        _ if application != i64::from(APPLICATION) => Err(Fault::Foreign(path.to_owned())),
        Ok(0) => Err(Fault::Corrupt(path.to_owned())),
        Ok(version) if version <= VERSION => Ok(version),
        _ => Err(Fault::Newer { path: path.to_owned(), found: version }),
    }
}

/// All steps at once: half a migration is none.
fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    let done: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for step in STEPS.iter().skip(done as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", done.max(VERSION as u32))?;
    transaction.commit()
}
