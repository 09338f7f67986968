//! Quarantine of a damaged database, so that a new one can begin. Nothing is deleted.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

use crate::session::clock::now;

/// Renames the database at `path` and its log. Returns `None` if another process was quicker, so that the file is not
/// the damaged one (`identity`: its device and inode).
pub fn set_aside(path: &Path, identity: Option<(u64, u64)>) -> io::Result<Option<PathBuf>> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let lock = options.open(path.with_extension("lock"))?;
    let _lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| io::Error::from(errno))?;
    let facts = match path.symlink_metadata() {
        Ok(facts) => facts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let found = (facts.dev(), facts.ino());
    if identity.is_some_and(|identity| identity != found) {
        return Ok(None);
    }
    let aside = free_name(path);
    // The log goes first: a new database must never meet an old log.
    for end in ["-wal", "-shm"] {
        match fs::rename(with_end(path, end), with_end(&aside, end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, &aside)?;
    Ok(Some(aside))
}

/// Returns a name such as `journal.db.damaged-2026-11-23`, with a number if it exists.
fn free_name(path: &Path) -> PathBuf {
    let date = date(now() / 1000 / 86_400);
    let mut number = 1;
    loop {
        let end = if number == 1 { format!(".damaged-{date}") } else { format!(".damaged-{date}-{number}") };
        let name = with_end(path, &end);
        if name.symlink_metadata().is_err() {
            return name;
        }
        number += 1;
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Formats days since 1970 as a date.
fn date(days: u64) -> String {
    // Years begin in March, so that the leap day is the last (after Howard Hinnant).
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + u64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_correct() {
        assert_eq!([0, 11_016, 11_017, 20_780].map(date), ["1970-01-01", "2000-02-29", "2000-03-01", "2026-11-23"]);
    }

    #[test]
    fn only_the_damaged_database_is_renamed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        fs::write(&path, "bad").unwrap();
        fs::write(with_end(&path, "-wal"), "log").unwrap();
        let facts = fs::metadata(&path).unwrap();
        assert_eq!(set_aside(&path, Some((facts.dev(), facts.ino() + 1))).unwrap(), None);
        let first = set_aside(&path, Some((facts.dev(), facts.ino()))).unwrap().unwrap();
        assert_eq!(fs::read_to_string(&first).unwrap(), "bad");
        assert_eq!(fs::read_to_string(with_end(&first, "-wal")).unwrap(), "log");
        fs::write(&path, "bad again").unwrap();
        let second = set_aside(&path, None).unwrap().unwrap();
        assert!(second != first && !path.exists());
        assert_eq!(set_aside(&path, None).unwrap(), None);
    }
}
