//! How much is kept and for how long. What is in use is never removed; what is removed is set aside first: it stays in the
//! database for a week, out of sight, if there is room.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::intake;
use crate::domain::retention::Limits;
use crate::domain::{Timestamp, units};
use crate::session::SessionId;
use crate::session::discovery::session_lock;

const DAY: u64 = 24 * 3600 * 1000;
/// How long what is set aside can be brought back.
const WEEK: u64 = 7 * DAY;
/// Nothing is set aside in this part of a disk, nor in more than so many bytes.
const RESERVE: (u64, u64) = (20, 1_000_000_000);
/// Rows that are removed at once: a moment's work, between which others write.
const ROWS: u32 = 64;
/// Free pages handed back to the system at once.
const PAGES: u32 = 1024;

/// The limits that hold: the environment goes before `config.toml`.
#[must_use]
pub fn limits(mut configured: Limits) -> Limits {
    let read = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    if let Some(text) = read("FOURHANDS_JOURNAL_MAX") {
        configured.set_bytes("FOURHANDS_JOURNAL_MAX", &text);
    }
    if let Some(text) = read("FOURHANDS_JOURNAL_DAYS") {
        configured.set_days("FOURHANDS_JOURNAL_DAYS", &text);
    }
    configured
}

/// Where the whole output of a session lies that was too long to be kept in the database: one file per snippet.
pub fn spool(journal: &Path, id: &SessionId) -> PathBuf {
    state(journal).join("spool").join(id.as_str())
}

/// Where its variables were saved.
pub fn checkpoints(journal: &Path, id: &SessionId) -> PathBuf {
    state(journal).join("checkpoints").join(id.as_str())
}

pub fn state(journal: &Path) -> &Path {
    journal.parent().unwrap_or(journal)
}

/// A session that retention may concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    row: i64,
    pub id: SessionId,
    pub name: String,
    /// When it was last active, or brought back.
    pub used: Timestamp,
    /// What it takes on the disk.
    pub bytes: u64,
    set_aside: Option<Timestamp>,
}

/// What is due, and what follows from it.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Too long unused.
    pub old: Vec<Kept>,
    /// Too much, the longest unused first.
    pub much: Vec<Kept>,
    /// Of those set aside before, and of these: what is removed for good.
    pub gone: Vec<Kept>,
    /// Sessions whose saved variables are too much; the sessions stay.
    pub checkpoints: Vec<SessionId>,
    /// What all sessions take that are not set aside.
    pub total: u64,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.old.is_empty() && self.much.is_empty() && self.gone.is_empty() && self.checkpoints.is_empty()
    }
}

/// Looks for what is due; changes nothing.
pub fn plan(connection: &Connection, folder: &Path, limits: &Limits, now: Timestamp) -> rusqlite::Result<Plan> {
    if limits.refused.is_some() {
        return Ok(Plan::default());
    }
    let sessions = sessions(connection, folder)?;
    let (mut aside, mut kept): (Vec<_>, Vec<_>) = sessions.into_iter().partition(|kept| kept.set_aside.is_some());
    kept.sort_by_key(|kept| kept.used);
    let mut total: u64 = kept.iter().map(|kept| kept.bytes).sum();
    let mut plan = Plan { total, ..Plan::default() };
    plan.checkpoints = checkpoints_due(&kept, folder, limits.bytes);
    let oldest = now.saturating_sub(limits.days.saturating_mul(DAY));
    for session in kept {
        let is_old = session.used < oldest;
        if !is_old && total <= limits.bytes {
            break;
        }
        if !in_use(folder, &session.id) {
            total -= session.bytes;
            if is_old { &mut plan.old } else { &mut plan.much }.push(session);
        }
    }
    aside.sort_by_key(|kept| (kept.set_aside, kept.used));
    let (expired, rest) =
        aside.into_iter().partition(|kept| kept.set_aside.is_some_and(|at| now - at.min(now) >= WEEK));
    plan.gone = expired;
    let mut rest: Vec<Kept> = rest;
    rest.extend(plan.old.iter().chain(&plan.much).cloned());
    let mut bytes: u64 = rest.iter().map(|kept| kept.bytes).sum();
    // As much again as the setting allows, and no more than the disk has.
    let room = limits.bytes.min(bytes.saturating_sub(missing_on_disk(folder)));
    for session in rest {
        if bytes <= room {
            break;
        }
        bytes -= session.bytes;
        plan.gone.push(session);
    }
    Ok(plan)
}

/// Does what is due, as far as that takes a moment, and answers what the person must know of it. [`tidy`] does the rest.
pub fn prune(
    connection: &Connection,
    folder: &Path,
    limits: &Limits,
    now: Timestamp,
) -> rusqlite::Result<Option<String>> {
    let mut plan = plan(connection, folder, limits, now)?;
    let set_aside = |kept: &Kept| match session_lock::keep_out(state(folder), &kept.id) {
        // Nobody can begin with it meanwhile, and nobody has.
        Ok(Some(_kept_out)) if !intake::is_in_use(folder, &kept.id) => {
            connection.execute("UPDATE sessions SET set_aside = ? WHERE id = ?", params![now as i64, kept.row])
        }
        _ => Ok(0),
    };
    for due in [&mut plan.old, &mut plan.much] {
        let mut done = Vec::new();
        for kept in std::mem::take(due) {
            if set_aside(&kept)? > 0 {
                done.push(kept);
            }
        }
        *due = done;
    }
    let mut gone = Vec::new();
    for kept in std::mem::take(&mut plan.gone) {
        // Only while it is set aside: it may have been brought back.
        let doomed = connection
            .execute("UPDATE sessions SET set_aside = 0 WHERE id = ? AND set_aside IS NOT NULL", [kept.row])?;
        if doomed > 0 {
            remove_files(folder, &kept.id);
            gone.push(kept);
        }
    }
    plan.gone = gone;
    plan.checkpoints.retain(|id| {
        let kept_out = session_lock::keep_out(state(folder), id);
        matches!(kept_out, Ok(Some(_))) && !intake::is_in_use(folder, id) && {
            let _ = fs::remove_dir_all(checkpoints(folder, id));
            true
        }
    });
    Ok(sentence(&plan, limits))
}

/// In one sentence; `None` if there is nothing to be told.
fn sentence(plan: &Plan, limits: &Limits) -> Option<String> {
    /// Names that are told.
    const NAMES: usize = 3;
    let sessions = |kept: &[Kept]| {
        let names: Vec<&str> = kept.iter().take(NAMES).map(|kept| &*kept.name).collect();
        let more = if kept.len() > NAMES { ", …" } else { "" };
        format!("{} ({}{more})", units::count(kept.len(), "session"), names.join(", "))
    };
    let mut said = Vec::new();
    if !plan.old.is_empty() {
        said.push(format!("{} unused for {}", sessions(&plan.old), units::count(limits.days as usize, "day")));
    }
    if !plan.much.is_empty() {
        said.push(format!(
            "{}, the longest unused, because all took more than {}",
            sessions(&plan.much),
            units::bytes(limits.bytes)
        ));
    }
    let removed: Vec<_> = plan.old.iter().chain(&plan.much).collect();
    let without_room = plan.gone.iter().filter(|gone| removed.iter().any(|kept| kept.id == gone.id)).count();
    let mut sentences = Vec::new();
    if !said.is_empty() {
        let end = match removed.len() - without_room {
            0 => "there is no room to keep them for a week, so they are gone".to_owned(),
            kept => {
                let which = if without_room > 0 { format!("{kept} of them are") } else { "all are".to_owned() };
                format!("{which} kept for a week, `fourhands sessions --restore NAME` brings one back")
            }
        };
        sentences.push(format!("the journal let go of {}; {end}", said.join(" and ")));
    }
    if !plan.checkpoints.is_empty() {
        sentences.push(format!(
            "the saved variables (%checkpoint) of {} are removed, because all took more than {}",
            units::count(plan.checkpoints.len(), "session"),
            units::bytes(limits.bytes)
        ));
    }
    (!sentences.is_empty()).then(|| sentences.join(". "))
}

/// Removes some of what is to be removed, and hands back some of the room. A moment's work; `false` once nothing is left.
pub fn tidy(connection: &Connection) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached("SELECT id FROM sessions WHERE set_aside = 0 LIMIT 1")?;
    let doomed = select.query_map([], |row| row.get::<_, i64>(0))?.next().transpose()?;
    if let Some(row) = doomed {
        for table in ["displays", "output", "snippets", "marks"] {
            let some =
                format!("DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE session = ? LIMIT {ROWS})");
            if connection.prepare_cached(&some)?.execute([row])? > 0 {
                return Ok(true);
            }
        }
        connection.execute("DELETE FROM sessions WHERE id = ? AND set_aside = 0", [row])?;
        return Ok(true);
    }
    if pragma(connection, "freelist_count")? == 0 || pragma(connection, "auto_vacuum")? != 2 {
        return Ok(false);
    }
    let before = pragma(connection, "page_count")?;
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    Ok(pragma(connection, "page_count")? < before)
}

/// Makes a session one that [`tidy`] removes.
pub fn doom(connection: &Connection, id: &SessionId) -> rusqlite::Result<()> {
    connection.execute("UPDATE sessions SET set_aside = 0 WHERE uid = ?", [id.as_str()])?;
    Ok(())
}

/// Brings back what was set aside; it then counts as used at this time.
pub fn restore(connection: &Connection, id: &SessionId, now: Timestamp) -> rusqlite::Result<bool> {
    let restored = connection.execute(
        "UPDATE sessions SET set_aside = NULL, restored = ? WHERE uid = ? AND set_aside > 0",
        params![now as i64, id.as_str()],
    )?;
    Ok(restored > 0)
}

/// Removes what belongs to a session beside the database.
pub fn remove_files(folder: &Path, id: &SessionId) {
    let _ = fs::remove_dir_all(spool(folder, id));
    let _ = fs::remove_dir_all(checkpoints(folder, id));
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

/// Whether the session runs: its guardian holds it, also between two Pythons, or a process records it.
pub fn in_use(folder: &Path, id: &SessionId) -> bool {
    session_lock::is_held(state(folder), id) || intake::is_in_use(folder, id)
}

/// All sessions but those that are being removed, with what each takes.
fn sessions(connection: &Connection, folder: &Path) -> rusqlite::Result<Vec<Kept>> {
    // Sizes of texts and blobs stand in the rows, which are all that is read.
    let mut select = connection.prepare(
        "SELECT id, uid, name, max(active, coalesce(restored, 0)), set_aside,
         (SELECT count(*) * 100 + coalesce(sum(octet_length(code) + coalesce(octet_length(outcome), 0)), 0)
          FROM snippets WHERE session = s.id)
         + (SELECT count(*) * 40 + coalesce(sum(octet_length(text)), 0) FROM output WHERE session = s.id)
         + (SELECT count(*) * 60 + coalesce(sum(octet_length(data)), 0) FROM displays WHERE session = s.id)
         + (SELECT count(*) * 30 + coalesce(sum(octet_length(event)), 0) FROM marks WHERE session = s.id) + 300
         FROM sessions s WHERE set_aside IS NULL OR set_aside > 0",
    )?;
    let rows = select.query_map([], |row| {
        let Some(id) = SessionId::parse(&row.get::<_, String>(1)?) else { return Ok(None) };
        Ok(Some(Kept {
            row: row.get(0)?,
            id,
            name: row.get(2)?,
            used: row.get::<_, i64>(3)? as u64,
            set_aside: row.get::<_, Option<i64>>(4)?.map(|at| at as u64),
            bytes: row.get::<_, i64>(5)? as u64,
        }))
    })?;
    let mut found: Vec<Kept> = rows.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    // Pages are not full, and indexes take room as well.
    let (all, pages) = (found.iter().map(|kept| kept.bytes).sum::<u64>().max(1), used(connection)?);
    for kept in &mut found {
        let share = u128::from(kept.bytes) * u128::from(pages.max(all)) / u128::from(all);
        kept.bytes = share as u64 + bytes_below(&spool(folder, &kept.id));
    }
    Ok(found)
}

/// Variables that were saved may take as much again: a large one does not cost what happened in other sessions.
fn checkpoints_due(sessions: &[Kept], folder: &Path, limit: u64) -> Vec<SessionId> {
    let saved: Vec<_> = sessions.iter().map(|kept| (&kept.id, bytes_below(&checkpoints(folder, &kept.id)))).collect();
    let mut all: u64 = saved.iter().map(|(_, bytes)| bytes).sum();
    let mut due = Vec::new();
    for (id, bytes) in saved {
        if all > limit && bytes > 0 && !in_use(folder, id) {
            all -= bytes;
            due.push(id.clone());
        }
    }
    due
}

/// Bytes of the database that hold something.
fn used(connection: &Connection) -> rusqlite::Result<u64> {
    let pages = pragma(connection, "page_count")? - pragma(connection, "freelist_count")?;
    Ok((pages * pragma(connection, "page_size")?) as u64)
}

pub fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Bytes by which the disk has less than its reserve.
#[allow(clippy::unnecessary_cast, reason = "the types of these numbers differ between systems")]
fn missing_on_disk(folder: &Path) -> u64 {
    let Ok(disk) = nix::sys::statvfs::statvfs(folder) else { return 0 };
    let block = disk.fragment_size() as u64;
    let reserve = (disk.blocks() as u64 * block / RESERVE.0).min(RESERVE.1);
    reserve.saturating_sub(disk.blocks_available() as u64 * block)
}

fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|facts| facts.len()).sum()
}
