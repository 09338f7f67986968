//! Which sessions exist: a record and a lock file each. Whether one lives is told by its lock, never by guess.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::lock::{Lock, is_held, lock, lock_patiently};
use super::paths::{FolderError, Paths};
use crate::domain::Timestamp;
use crate::domain::terminal_text::visible;
use crate::session::SessionId;
use crate::session::clock::now;

mod claim;
mod renewal;

pub use self::claim::{Claim, Published};
pub use self::renewal::ask_for_another_try;

/// Longest name of a session.
const NAME_LIMIT: usize = 64;
/// Longest record that is read.
const RECORD_LIMIT: u64 = 64 << 10;

/// What is known of a session that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEntry {
    pub name: String,
    /// Of the guardian.
    pub pid: u32,
    /// Which start of which machine it runs on: a home folder may be shared by several machines.
    #[serde(default)]
    pub boot: String,
    /// The machine, to tell a session of before its last start from one of another machine.
    #[serde(default)]
    pub machine: String,
    /// Working directory, without links.
    #[serde(with = "path_text")]
    pub cwd: PathBuf,
    pub socket: PathBuf,
    #[serde(default)]
    pub python: Option<String>,
    #[serde(default)]
    pub python_version: Option<String>,
    /// Whether a person has it on a terminal; `None` until that is settled.
    #[serde(default)]
    pub dashboard: Option<bool>,
    /// Bridges hold it for their clients, and a dashboard may take it over: the session's id in the journal.
    #[serde(default)]
    pub held: Option<SessionId>,
    /// It belongs to the client on stdin and stdout of its guardian; others join it only by its name.
    #[serde(default)]
    pub private: bool,
    /// Why nobody can connect, in a sentence, for as long as that lasts: its Python could not be started again.
    #[serde(default)]
    pub trouble: Option<String>,
    /// Its id in the journal; `None` until that is settled.
    #[serde(default)]
    pub id: Option<SessionId>,
    pub started_at: Timestamp,
}

/// Whether a session of which there is a record lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// Its guardian holds the lock of its name.
    Running,
    /// It was killed, or its machine was: nobody holds the lock.
    Stale,
    /// It belongs to another machine that shares this home folder; whether it lives is not known here, for not every
    /// network folder shows the locks of others.
    Elsewhere,
}

/// Why a name could not be had. Displays as one sentence with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    #[error(
        "session \"{name}\" is already running in {} (pid {pid}). Go on in its own terminal, connect an AI client to it by \
         `fourhands bridge --session {name}`, or end it by `fourhands stop {name}`. To start another beside it, choose \
         another name: --session NAME",
        .cwd.display()
    )]
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
    #[error(transparent)]
    BadName(#[from] BadName),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(
        "the session cannot be noted in {}: {error}. Make room there, or set XDG_RUNTIME_DIR to a private folder that \
         has room",
        .folder.display()
    )]
    Io { folder: PathBuf, error: io::Error },
}

/// What cannot be the name of a session. Displays as one sentence with the rule.
#[derive(Debug, thiserror::Error)]
#[error(
    "\"{}\" cannot be the name of a session: use 1 to 64 of the characters A-Z a-z 0-9 . _ - and begin with none of . and -",
    shown(.0)
)]
pub struct BadName(String);

/// One line of bounded length, whatever the text holds.
fn shown(text: &str) -> String {
    let line = visible(text).replace(['\n', '\t'], " ");
    if line.chars().count() > NAME_LIMIT { line.chars().take(NAME_LIMIT).collect::<String>() + "…" } else { line }
}

/// Claims `name` for a session in `cwd`.
pub fn claim(name: &str, cwd: &Path) -> Result<Claim, ClaimError> {
    claim_at(&Paths::of_this_process(), name, cwd)
}

/// Claims a name made from the folder `cwd`: with a number if a session of another folder has it.
pub fn claim_default(cwd: &Path) -> Result<Claim, ClaimError> {
    claim_default_at(&Paths::of_this_process(), cwd)
}

/// Claims a name made from the folder `cwd` for a session that is the only client's own: as many as there are clients.
pub fn claim_private(cwd: &Path) -> Result<Claim, ClaimError> {
    claim_private_at(&Paths::of_this_process(), cwd)
}

/// The same under a `name` that was asked for.
pub fn claim_private_as(name: &str, cwd: &Path) -> Result<Claim, ClaimError> {
    claim_as(&Paths::of_this_process(), name, cwd, true)
}

/// The sessions that run on this machine.
pub fn running() -> io::Result<Vec<SessionEntry>> {
    running_at(&Paths::of_this_process())
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

/// Only names that are safe as the name of a file, on a command line and on a screen.
pub fn check_name(name: &str) -> Result<(), BadName> {
    let fits =
        (1..=NAME_LIMIT).contains(&name.len()) && name.chars().all(is_name_char) && !name.starts_with(['.', '-']);
    if fits { Ok(()) } else { Err(BadName(name.to_owned())) }
}

pub(crate) fn claim_at(places: &Paths, name: &str, cwd: &Path) -> Result<Claim, ClaimError> {
    claim_as(places, name, cwd, false)
}

fn claim_as(places: &Paths, name: &str, cwd: &Path, private: bool) -> Result<Claim, ClaimError> {
    check_name(name)?;
    let cwd = fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned());
    let folder = places.records()?;
    let failed = |error| ClaimError::Io { folder: folder.clone(), error };
    let path = lock_path(&folder, name);
    let Some(lock) = lock_patiently(&path).map_err(failed)? else {
        return Err(match read_record(&folder, name) {
            Some(record) if record.boot != boot() => ClaimError::Elsewhere(record.name),
            Some(SessionEntry { pid, cwd, .. }) => ClaimError::Taken { name: name.to_owned(), pid, cwd },
            None => taken_elsewhere(places, &folder, name)?.unwrap_or_else(|| ClaimError::Starting(name.to_owned())),
        });
    };
    if let Some(taken) = taken_elsewhere(places, &folder, name)? {
        return Err(taken);
    }
    // What is left of a session that was killed.
    let _ = fs::remove_file(record_path(&folder, name));
    let mut locks = vec![(path, lock)];
    let socket = claim_socket(places, &folder, name, &mut locks).map_err(failed)?;
    let started_at = now();
    let pid = std::process::id();
    let record = SessionEntry {
        name: name.to_owned(),
        pid,
        boot: boot(),
        machine: machine(),
        cwd,
        socket,
        python: None,
        python_version: None,
        dashboard: None,
        held: None,
        private,
        trouble: None,
        id: None,
        started_at,
    };
    let mut claim = Claim::new(record, folder.clone(), locks);
    if let Err(error) = claim.write() {
        claim.move_to(places.other_records(&folder)).ok_or_else(|| failed(error))?;
    }
    sweep(&folder, name);
    Ok(claim)
}

/// By a session whose record found no room in `folder` and lies elsewhere.
fn taken_elsewhere(places: &Paths, folder: &Path, name: &str) -> Result<Option<ClaimError>, FolderError> {
    let others = places.all_records()?.into_iter().filter(|other| other != folder);
    let held = others.filter(|other| is_held(&lock_path(other, name))).filter_map(|other| read_record(&other, name));
    Ok(held
        .filter(|record| record.boot == boot())
        .map(|SessionEntry { pid, cwd, .. }| ClaimError::Taken { name: name.to_owned(), pid, cwd })
        .next())
}

pub(crate) fn claim_default_at(places: &Paths, cwd: &Path) -> Result<Claim, ClaimError> {
    let real = fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned());
    let base = default_name(&real);
    let numbered = |number| numbered(&base, "", number);
    // The first may have ended while the second, of this very folder, still runs.
    let alive = running_at(places).unwrap_or_default();
    let mine = alive.into_iter().find(|record| record.cwd == real && (1..=9).any(|n| numbered(n) == record.name));
    if let Some(SessionEntry { name, pid, cwd, .. }) = mine {
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

pub(crate) fn claim_private_at(places: &Paths, cwd: &Path) -> Result<Claim, ClaimError> {
    let base = default_name(&fs::canonicalize(cwd).unwrap_or_else(|_| cwd.to_owned()));
    let mut number = 1;
    loop {
        match claim_as(places, &numbered(&base, "-stdio", number), cwd, true) {
            Err(ClaimError::Taken { .. } | ClaimError::Elsewhere(_) | ClaimError::Starting(_)) if number < 999 => {
                number += 1;
            }
            done => return done,
        }
    }
}

/// `base`, cut to make room for what follows.
fn numbered(base: &str, suffix: &str, number: usize) -> String {
    let end = if number == 1 { suffix.to_owned() } else { format!("{suffix}-{number}") };
    format!("{}{end}", &base[..base.len().min(NAME_LIMIT - end.len())])
}

pub(crate) fn running_at(places: &Paths) -> io::Result<Vec<SessionEntry>> {
    let running = recorded_at(places)?.into_iter().filter(|(_, life)| *life == Life::Running);
    Ok(running.map(|(record, _)| record).collect())
}

/// All sessions of which there is a readable record, by name.
pub fn recorded_at(places: &Paths) -> io::Result<Vec<(SessionEntry, Life)>> {
    let mut found = Vec::new();
    for folder in places.all_records().map_err(io::Error::other)? {
        for name in names(&folder)? {
            // The lock first: one that ends in between takes its record along.
            let held = is_held(&lock_path(&folder, &name));
            if let Some(record) = read_record(&folder, &name) {
                let life = life_of(&record, held);
                found.push((record, life));
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(found)
}

fn life_of(record: &SessionEntry, held: bool) -> Life {
    let here = record.boot == boot();
    match held {
        true if here => Life::Running,
        false if here || (!record.machine.is_empty() && record.machine == machine()) => Life::Stale,
        _ => Life::Elsewhere,
    }
}

/// The file whose lock tells that the session of this name lives.
pub fn lock_of(places: &Paths, name: &str) -> io::Result<Option<PathBuf>> {
    let folders = places.all_records().map_err(io::Error::other)?;
    Ok(folders.into_iter().map(|folder| lock_path(&folder, name)).find(|path| is_held(path)))
}

/// Removes what a session that was killed has left behind. Does nothing to one that lives.
pub fn clean_up(places: &Paths, name: &str) -> io::Result<()> {
    for folder in places.all_records().map_err(io::Error::other)? {
        remove_leftovers(&folder, name);
    }
    Ok(())
}

/// A socket path that is ours alone. Sessions of another HOME may share the folder, so it has its own lock there.
fn claim_socket(places: &Paths, records: &Path, name: &str, locks: &mut Vec<(PathBuf, Lock)>) -> io::Result<PathBuf> {
    let file = format!("{name}.sock");
    for folder in places.sockets(records, &file) {
        if folder != records && !renewal::hold(locks, lock_path(&folder, name)).unwrap_or(false) {
            continue;
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
    for name in names(folder).unwrap_or_default() {
        if name != except {
            remove_leftovers(folder, &name);
        }
    }
}

fn remove_leftovers(folder: &Path, name: &str) {
    let path = lock_path(folder, name);
    let stale = |held| read_record(folder, name).filter(|record| life_of(record, held) == Life::Stale);
    if stale(is_held(&path)).is_none() {
        return;
    }
    // Read again under the lock: a session of this name may have come and gone.
    let Ok(Some(_lock)) = lock(&path) else { return };
    let Some(record) = stale(false) else { return };
    // In another folder the path may be in use by a session of another HOME by now.
    match record.socket.parent() {
        Some(elsewhere) if elsewhere != folder => {
            let path = lock_path(elsewhere, name);
            if path.exists()
                && let Ok(Some(_lock)) = lock(&path)
            {
                remove_files_of(&record, folder);
                let _ = fs::remove_file(path);
            }
        }
        _ => remove_files_of(&record, folder),
    }
    let _ = fs::remove_file(record_path(folder, name));
    let _ = fs::remove_file(path);
}

/// Only while the locks of both folders are held.
fn remove_files_of(record: &SessionEntry, folder: &Path) {
    // The socket, and what the session process keeps beside it.
    if record.socket.extension().is_some_and(|extension| extension == "sock") {
        for extension in ["sock", "py", "draft"] {
            let _ = fs::remove_file(record.socket.with_extension(extension));
        }
    }
    let _ = fs::remove_file(record_path(folder, &record.name));
}

fn record_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

fn lock_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.lock"))
}

fn read_record(folder: &Path, name: &str) -> Option<SessionEntry> {
    // Neither a link nor a pipe, whatever lies there.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(record_path(folder, name)).ok()?;
    let mut text = Vec::new();
    file.take(RECORD_LIMIT).read_to_end(&mut text).ok()?;
    let record: SessionEntry = serde_json::from_slice(&text).ok()?;
    (record.name == name).then_some(record)
}

/// Names that have a record, whether they live or not.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.file_name();
        if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".json"))
            && check_name(name).is_ok()
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Unlike the host's name, this does not change while a session runs. Empty where the system does not tell.
pub fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(|_| String::new(), |id| id.trim().to_owned())
}

/// Empty where the system does not tell.
fn machine() -> String {
    fs::read_to_string("/etc/machine-id").map_or_else(|_| String::new(), |id| id.trim().to_owned())
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
mod tests;
