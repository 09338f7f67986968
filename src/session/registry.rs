//! Which sessions exist: a record and a lock file each. Whether one lives is told by its lock, never by guess.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::places::{FolderError, Places};
use crate::domain::Timestamp;

/// Longest name of a session.
const NAME_LIMIT: usize = 64;
/// A bridge that looks whether a lock is held takes it for an instant: a refusal counts only if it lasts.
const PATIENCE: Duration = Duration::from_millis(10);
const ATTEMPTS: usize = 10;

/// What is known of a session that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub name: String,
    /// Of the guardian.
    pub pid: u32,
    /// Which start of which machine it runs on: a home folder may be shared by several machines.
    #[serde(default)]
    pub boot: String,
    /// Working directory, without links.
    #[serde(with = "path_text")]
    pub cwd: PathBuf,
    pub socket: PathBuf,
    #[serde(default)]
    pub python: Option<String>,
    #[serde(default)]
    pub python_version: Option<String>,
    pub started_at: Timestamp,
}

/// Why a name could not be had. Displays as one sentence with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    #[error("session \"{name}\" is already running in {} (pid {pid}). Use that one, or start another beside it with --session NAME", .cwd.display())]
    Taken { name: String, pid: u32, cwd: PathBuf },
    #[error(
        "session \"{0}\" is running on another machine that shares this home folder. Choose another name with \
         --session NAME"
    )]
    Elsewhere(String),
    #[error(
        "session \"{0}\" is just being started by another process. Try again, or choose another name with --session NAME"
    )]
    Starting(String),
    #[error(
        "\"{0}\" cannot be the name of a session: use 1 to 64 of the characters A-Z a-z 0-9 . _ - and begin with none of . and -"
    )]
    BadName(String),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("the session cannot be recorded in {}: {error}", .folder.display())]
    Io { folder: PathBuf, error: io::Error },
}

/// A session's name, held for as long as this value lives.
#[derive(Debug)]
pub struct Claim {
    record: Record,
    folder: PathBuf,
    /// With their paths; the first is the one that tells that the session lives.
    locks: Vec<(PathBuf, Flock<File>)>,
    owner: u32,
}

/// Claims `name` for a session in `cwd`.
pub fn claim(name: &str, cwd: &Path) -> Result<Claim, ClaimError> {
    claim_at(&Places::of_this_process(), name, cwd)
}

/// Claims a name made from the folder `cwd`: with a number if a session of another folder has it.
pub fn claim_default(cwd: &Path) -> Result<Claim, ClaimError> {
    claim_default_at(&Places::of_this_process(), cwd)
}

/// The sessions that run on this machine.
pub fn running() -> io::Result<Vec<Record>> {
    running_at(&Places::of_this_process())
}

/// The name a session in `cwd` has unless told otherwise.
pub fn default_name(cwd: &Path) -> String {
    let Some(base) = cwd.file_name() else { return "root".to_owned() };
    let base = base.to_string_lossy();
    let legal = base.chars().map(|c| if is_name_char(c) { c } else { '-' });
    let legal: String = legal.skip_while(|c| matches!(c, '.' | '-')).take(NAME_LIMIT).collect();
    if legal.is_empty() { "session".to_owned() } else { legal }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn is_name(name: &str) -> bool {
    (1..=NAME_LIMIT).contains(&name.len()) && name.chars().all(is_name_char) && !name.starts_with(['.', '-'])
}

pub(crate) fn claim_at(places: &Places, name: &str, cwd: &Path) -> Result<Claim, ClaimError> {
    if !is_name(name) {
        return Err(ClaimError::BadName(name.to_owned()));
    }
    let cwd = fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned());
    let folder = places.records()?;
    let failed = |error| ClaimError::Io { folder: folder.clone(), error };
    let path = lock_path(&folder, name);
    let Some(lock) = lock_patiently(&path).map_err(failed)? else {
        return Err(match read_record(&folder, name) {
            Some(record) if record.boot != boot() => ClaimError::Elsewhere(record.name),
            Some(Record { pid, cwd, .. }) => ClaimError::Taken { name: name.to_owned(), pid, cwd },
            None => ClaimError::Starting(name.to_owned()),
        });
    };
    // What is left of a session that was killed.
    let _ = fs::remove_file(record_path(&folder, name));
    let mut locks = vec![(path, lock)];
    let socket = claim_socket(places, &folder, name, &mut locks).map_err(failed)?;
    let started_at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Timestamp);
    let pid = std::process::id();
    let record = Record {
        name: name.to_owned(),
        pid,
        boot: boot(),
        cwd,
        socket,
        python: None,
        python_version: None,
        started_at,
    };
    let claim = Claim { record, folder: folder.clone(), locks, owner: pid };
    claim.write().map_err(failed)?;
    sweep(&folder, name);
    Ok(claim)
}

pub(crate) fn claim_default_at(places: &Places, cwd: &Path) -> Result<Claim, ClaimError> {
    let real = fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned());
    let base = default_name(&real);
    let numbered = |number: usize| {
        let end = if number == 1 { String::new() } else { format!("-{number}") };
        format!("{}{end}", &base[..base.len().min(NAME_LIMIT - end.len())])
    };
    // The first may have ended while the second, of this very folder, still runs.
    let alive = running_at(places).unwrap_or_default();
    let mine = alive.into_iter().find(|record| record.cwd == real && (1..=9).any(|n| numbered(n) == record.name));
    if let Some(Record { name, pid, cwd, .. }) = mine {
        return Err(ClaimError::Taken { name, pid, cwd });
    }
    let mut number = 1;
    loop {
        match claim_at(places, &numbered(number), &real) {
            Err(ClaimError::Taken { cwd, .. }) if cwd != real && number < 999 => number += 1,
            Err(ClaimError::Elsewhere(_)) if number < 999 => number += 1,
            done => return done,
        }
    }
}

pub(crate) fn running_at(places: &Places) -> io::Result<Vec<Record>> {
    let mut found = Vec::new();
    let boot = boot();
    for folder in places.all_records().map_err(io::Error::other)? {
        for name in names(&folder)? {
            if is_held(&lock_path(&folder, &name))
                && let Some(record) = read_record(&folder, &name)
                && record.boot == boot
            {
                found.push(record);
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

impl Claim {
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// Where to listen. What lies there may be removed: nobody else uses this path while the claim lives.
    pub fn socket(&self) -> &Path {
        &self.record.socket
    }

    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Adds to the record which Python the session runs.
    pub fn describe_python(&mut self, python: &Path, version: &str) -> io::Result<()> {
        self.record.python = Some(python.to_string_lossy().into_owned());
        self.record.python_version = Some(version.to_owned());
        self.write()
    }

    fn write(&self) -> io::Result<()> {
        // No session's name begins with a dot, so this is nobody's record.
        let draft = self.folder.join(format!(".{}.new", self.record.name));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        serde_json::to_writer(options.open(&draft)?, &self.record)?;
        fs::rename(&draft, record_path(&self.folder, &self.record.name))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // A forked child holds a copy of this value, but the name is not its own.
        if std::process::id() != self.owner {
            return;
        }
        let _ = fs::remove_file(&self.record.socket);
        let _ = fs::remove_file(record_path(&self.folder, &self.record.name));
        // Removed while locked: whoever opened one meanwhile finds another file at its path and opens anew.
        for (path, _lock) in self.locks.drain(..) {
            let _ = fs::remove_file(path);
        }
    }
}

/// A socket path that is ours alone. Sessions of another HOME may share the folder, so it has its own lock there.
fn claim_socket(
    places: &Places,
    records: &Path,
    name: &str,
    locks: &mut Vec<(PathBuf, Flock<File>)>,
) -> io::Result<PathBuf> {
    let file = format!("{name}.sock");
    for folder in places.sockets(records, &file) {
        if folder != records {
            let path = lock_path(&folder, name);
            match lock_patiently(&path) {
                Ok(Some(lock)) => locks.push((path, lock)),
                _ => continue,
            }
        }
        return Ok(folder.join(file));
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidFilename,
        "there is no folder where a socket of that name could lie: set XDG_RUNTIME_DIR to a private folder with a \
         short path, or choose a shorter name with --session NAME",
    ))
}

/// Removes what killed sessions left behind. Not those of another machine, whose locks not every network folder shows.
fn sweep(folder: &Path, except: &str) {
    let boot = boot();
    for name in names(folder).unwrap_or_default() {
        if name != except
            && read_record(folder, &name).is_some_and(|record| record.boot == boot)
            && !is_held(&lock_path(folder, &name))
            && let Ok(Some(_lock)) = lock(&lock_path(folder, &name))
            && let Some(record) = read_record(folder, &name)
        {
            // In another folder the path may be in use by a session of another HOME by now.
            if record.socket.parent() == Some(folder) {
                let _ = fs::remove_file(record.socket);
            }
            let _ = fs::remove_file(record_path(folder, &name));
            let _ = fs::remove_file(lock_path(folder, &name));
        }
    }
}

fn record_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

fn lock_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.lock"))
}

fn read_record(folder: &Path, name: &str) -> Option<Record> {
    let record: Record = serde_json::from_slice(&fs::read(record_path(folder, name)).ok()?).ok()?;
    (record.name == name).then_some(record)
}

/// Names that have a record, whether they live or not.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.file_name();
        if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".json"))
            && is_name(name)
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn lock_patiently(path: &Path) -> io::Result<Option<Flock<File>>> {
    for _ in 1..ATTEMPTS {
        if let Some(lock) = lock(path)? {
            return Ok(Some(lock));
        }
        std::thread::sleep(PATIENCE);
    }
    lock(path)
}

/// Takes the lock; `None` if somebody else has it.
fn lock(path: &Path) -> io::Result<Option<Flock<File>>> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        match Flock::lock(options.open(path)?, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => {
                // Its last holder may have removed the file between our opening and locking it.
                let same = |other: fs::Metadata| {
                    lock.metadata().is_ok_and(|mine| (mine.dev(), mine.ino()) == (other.dev(), other.ino()))
                };
                if path.symlink_metadata().is_ok_and(same) {
                    return Ok(Some(lock));
                }
            }
            Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
            Err((_, Errno::EINTR)) => {}
            Err((_, errno)) => return Err(errno.into()),
        }
    }
}

fn is_held(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, Errno::EWOULDBLOCK)))
}

/// Unlike the host's name, this does not change while a session runs. Empty where the system does not tell.
pub fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(|_| String::new(), |id| id.trim().to_owned())
}

/// A path as text, or as its bytes where it is not UTF-8.
mod path_text {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(PathBuf),
        Bytes(Vec<u8>),
    }

    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        match path.to_str() {
            Some(text) => text.serialize(serializer),
            None => path.as_os_str().as_bytes().serialize(serializer),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        Ok(match Form::deserialize(deserializer)? {
            Form::Text(path) => path,
            Form::Bytes(bytes) => OsString::from_vec(bytes).into(),
        })
    }
}

#[cfg(test)]
#[path = "registry_tests.rs"]
mod tests;
