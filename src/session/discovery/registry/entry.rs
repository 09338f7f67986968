//! The record of a session: a JSON file beside the lock file of the session's name.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::name::check_name;
use crate::domain::Timestamp;
use crate::session::record::SessionId;

/// Longest record that is read, in bytes.
const MAX_RECORD_SIZE: u64 = 64 << 10;

/// The record of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEntry {
    pub name: String,
    /// PID of the guardian.
    pub pid: u32,
    /// Boot id of the machine: several machines may share a home folder.
    #[serde(default)]
    pub boot: String,
    /// Id of the machine: distinguishes a session before the last boot from a session on another machine.
    #[serde(default)]
    pub machine: String,
    /// Working directory, with links resolved.
    #[serde(with = "path_text")]
    pub cwd: PathBuf,
    pub socket: PathBuf,
    #[serde(default)]
    pub python: Option<String>,
    #[serde(default)]
    pub python_version: Option<String>,
    /// Whether the session has a dashboard; `None` until that is known.
    #[serde(default)]
    pub dashboard: Option<bool>,
    /// The session's id in the journal, if bridges hold the session for their clients.
    #[serde(default)]
    pub held: Option<SessionId>,
    /// Whether the session belongs to the client on stdin and stdout of its guardian. Others join only by name.
    #[serde(default)]
    pub private: bool,
    /// Why nobody can connect, in a sentence, while there is no Python.
    #[serde(default)]
    pub trouble: Option<String>,
    /// The session's id in the journal; `None` until that is known.
    #[serde(default)]
    pub id: Option<SessionId>,
    pub started_at: Timestamp,
}

pub fn record_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

pub fn lock_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.lock"))
}

pub fn read_record(folder: &Path, name: &str) -> Option<SessionEntry> {
    // Neither follow a link nor block on a pipe.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(record_path(folder, name)).ok()?;
    let mut text = Vec::new();
    file.take(MAX_RECORD_SIZE).read_to_end(&mut text).ok()?;
    let record: SessionEntry = serde_json::from_slice(&text).ok()?;
    (record.name == name).then_some(record)
}

/// Returns the names with a record, whether their sessions live or not.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
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

/// To be called only while the locks of both folders are held.
pub fn remove_files_of(record: &SessionEntry, folder: &Path) {
    // The socket, and the files of the session process beside it.
    if record.socket.extension().is_some_and(|extension| extension == "sock") {
        for extension in ["sock", "py", "draft"] {
            let _ = fs::remove_file(record.socket.with_extension(extension));
        }
    }
    let _ = fs::remove_file(record_path(folder, &record.name));
}

/// Returns the boot id, which unlike the host name never changes while a session runs. Empty if the system has none.
pub fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(|_| String::new(), |id| id.trim().to_owned())
}

/// Returns the machine id; empty if the system has none.
pub fn machine() -> String {
    fs::read_to_string("/etc/machine-id").map_or_else(|_| String::new(), |id| id.trim().to_owned())
}

/// Serializes a path as text, or as bytes if it is not UTF-8.
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
