//! How much is kept and for how long. What is in use is never removed.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::intake;
use crate::domain::Timestamp;
use crate::session::SessionId;

const DAY: u64 = 24 * 3600 * 1000;
/// Free pages handed back to the system at once.
const PAGES: u32 = 4096;

/// What the journal may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes on the disk, spools included; 0 if nothing shall be recorded at all.
    pub bytes: u64,
    /// Days since something last happened in a session.
    pub days: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1_000_000_000, days: 90 }
    }
}

impl Limits {
    /// From `FOURHANDS_JOURNAL_MAX` (such as `500MB`, `2GB`, `0`) and `FOURHANDS_JOURNAL_DAYS`.
    ///
    /// # Errors
    /// Where one of them cannot be understood, a sentence about it beside the limits that hold then.
    pub fn of_environment() -> Result<Self, (Self, String)> {
        let read = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        Self::parse(read("FOURHANDS_JOURNAL_MAX").as_deref(), read("FOURHANDS_JOURNAL_DAYS").as_deref())
    }

    fn parse(max: Option<&str>, days: Option<&str>) -> Result<Self, (Self, String)> {
        let mut limits = Self::default();
        let mut wrong = None;
        match max.map(|text| (text, size(text))) {
            Some((_, Some(bytes))) => limits.bytes = bytes,
            Some((text, None)) => {
                wrong = Some(format!("FOURHANDS_JOURNAL_MAX is {text:?}, but must be a size such as 500MB; 1GB holds"));
            }
            None => {}
        }
        match days.map(|text| (text, text.trim().parse())) {
            Some((_, Ok(days))) => limits.days = days,
            Some((text, Err(_))) => {
                wrong = Some(format!("FOURHANDS_JOURNAL_DAYS is {text:?}, but must be a number of days; 90 holds"));
            }
            None => {}
        }
        wrong.map_or(Ok(limits.clone()), |wrong| Err((limits, wrong)))
    }
}

fn size(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_uppercase();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[digits..].trim() {
        "" | "B" => 1,
        "KB" | "K" => 1_000,
        "MB" | "M" => 1_000_000,
        "GB" | "G" => 1_000_000_000,
        "TB" | "T" => 1_000_000_000_000,
        _ => return None,
    };
    text[..digits].parse::<u64>().ok()?.checked_mul(unit)
}

/// Where the whole output of a session lies that was too long to be kept in the database: one file per snippet.
pub fn spool(journal: &Path, id: &SessionId) -> PathBuf {
    journal.parent().unwrap_or(journal).join("spool").join(id.as_str())
}

/// Where its variables were saved.
fn checkpoints(journal: &Path, id: &SessionId) -> PathBuf {
    journal.parent().unwrap_or(journal).join("checkpoints").join(id.as_str())
}

/// Removes sessions, the longest unused first, until the limits are kept.
pub fn prune(connection: &Connection, folder: &Path, limits: &Limits, now: Timestamp) -> rusqlite::Result<()> {
    let mut select = connection.prepare("SELECT uid, active FROM sessions ORDER BY active")?;
    let sessions: Vec<(String, i64)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    drop(select);
    let sessions: Vec<(SessionId, u64, u64)> = sessions
        .into_iter()
        .filter_map(|(uid, active)| {
            let id = SessionId::parse(&uid)?;
            let spooled = bytes_below(&spool(folder, &id));
            Some((id, active as u64, spooled))
        })
        .collect();
    let mut spooled: u64 = sessions.iter().map(|(_, _, bytes)| bytes).sum();
    let ids = sessions.iter().map(|(id, ..)| id);
    prune_checkpoints(ids, folder, limits.bytes);
    let oldest = now.saturating_sub(limits.days.saturating_mul(DAY));
    for (id, active, its_spool) in sessions {
        if active >= oldest && used(connection)? + spooled <= limits.bytes {
            break;
        }
        if !in_use(folder, &id) {
            remove(connection, folder, &id)?;
            spooled -= its_spool;
        }
    }
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    Ok(())
}

/// Variables that were saved may take as much again: a large one shall not cost what happened in other sessions.
fn prune_checkpoints<'a>(sessions: impl Iterator<Item = &'a SessionId>, folder: &Path, limit: u64) {
    let saved: Vec<_> = sessions.map(|id| (id, bytes_below(&checkpoints(folder, id)))).collect();
    let mut all: u64 = saved.iter().map(|(_, bytes)| bytes).sum();
    for (id, bytes) in saved {
        if all > limit && bytes > 0 && !in_use(folder, id) {
            let _ = fs::remove_dir_all(checkpoints(folder, id));
            all -= bytes;
        }
    }
}

/// Removes a session with all that belongs to it.
pub fn remove(connection: &Connection, folder: &Path, id: &SessionId) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM sessions WHERE uid = ?", [id.as_str()])?;
    let _ = fs::remove_dir_all(spool(folder, id));
    let _ = fs::remove_dir_all(checkpoints(folder, id));
    Ok(())
}

/// A session in which nothing was ever done is not worth keeping.
pub fn forget_if_empty(connection: &Connection, id: &SessionId) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM sessions WHERE uid = ? AND id NOT IN (SELECT session FROM snippets)
         AND id NOT IN (SELECT session FROM output)
         AND id NOT IN (SELECT session FROM marks WHERE event NOT LIKE '{\"Client%')",
        [id.as_str()],
    )?;
    Ok(())
}

/// Whether a process records this session now.
pub fn in_use(folder: &Path, id: &SessionId) -> bool {
    intake::list(folder).is_ok_and(|all| all.iter().any(|(other, path)| other == id && intake::is_held(path)))
}

/// Bytes of the database that hold something.
fn used(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    Ok(((number("page_count")? - number("freelist_count")?) * number("page_size")?) as u64)
}

fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|facts| facts.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let parse = |max, days| Limits::parse(max, days);
        assert_eq!(parse(None, None).unwrap(), Limits::default());
        assert_eq!(parse(Some("500MB"), Some("7")).unwrap(), Limits { bytes: 500_000_000, days: 7 });
        assert_eq!(parse(Some(" 2 gb "), None).unwrap().bytes, 2_000_000_000);
        assert_eq!(parse(Some("0"), None).unwrap().bytes, 0);
        for wrong in ["much", "-1", "1.5GB", "99999999999999999999", "20000000000TB"] {
            let (limits, told) = parse(Some(wrong), None).unwrap_err();
            assert!(limits == Limits::default() && told.contains("FOURHANDS_JOURNAL_MAX"), "{wrong}: {told}");
        }
        assert!(parse(None, Some("soon")).unwrap_err().1.contains("FOURHANDS_JOURNAL_DAYS"));
    }

    #[test]
    fn no_text_makes_a_limit_of_nonsense() {
        let pieces = ["1", "0", "99999999999999999999", "GB", "kb", " ", "-", ".", "é", "T", "\u{1b}", "\u{130}"];
        for mut random in Random::rounds(11, 5_000) {
            let (max, days) = (random.text(&pieces, 4), random.text(&pieces, 3));
            if let Err((limits, told)) = Limits::parse(Some(&max), Some(&days)) {
                assert!(limits.bytes == Limits::default().bytes || limits.days == Limits::default().days);
                assert!(told.contains("FOURHANDS_JOURNAL_") && !told.contains(char::is_control), "{told:?}");
            }
        }
    }
}
