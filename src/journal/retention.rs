//! Retention: which sessions are kept, and for how long. A session in use is never removed. A removed session is first
//! set aside: hidden, it stays in the database for a week, unless the disk is nearly full.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::intake;
use super::saved_variables;
use crate::domain::retention::RetentionLimits;
use crate::domain::{Timestamp, units};
use crate::session::SessionId;
use crate::session::discovery::session_lock;

const DAY: u64 = 24 * 3600 * 1000;
/// How long a session that was set aside can be restored.
const RESTORE_PERIOD: u64 = 7 * DAY;
/// The part of the disk that sessions set aside leave free ...
const RESERVE_FRACTION: u64 = 20;
/// ... up to this many bytes.
const MAX_RESERVE: u64 = 1_000_000_000;
/// Rows removed at once, so that others can write in between.
const MAX_ROWS: u32 = 64;
/// Free pages returned to the system at once.
const MAX_PAGES: u32 = 1024;

/// Returns the limits in force. The environment overrides `config.toml`.
#[must_use]
pub fn effective_limits(mut configured: RetentionLimits) -> RetentionLimits {
    let read = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    if let Some(text) = read("FOURHANDS_JOURNAL_MAX") {
        configured.set_bytes("FOURHANDS_JOURNAL_MAX", &text);
    }
    if let Some(text) = read("FOURHANDS_JOURNAL_DAYS") {
        configured.set_days("FOURHANDS_JOURNAL_DAYS", &text);
    }
    configured
}

/// Returns the folder with the whole outputs of a session, a file for each snippet.
pub fn spool_folder(journal: &Path, id: &SessionId) -> PathBuf {
    state_folder(journal).join("spool").join(id.as_str())
}

pub fn state_folder(journal: &Path) -> &Path {
    journal.parent().unwrap_or(journal)
}

/// A session as retention sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    row: i64,
    pub id: SessionId,
    pub name: String,
    /// When it was last active or restored.
    pub used: Timestamp,
    /// Bytes on the disk.
    pub bytes: u64,
    set_aside: Option<Timestamp>,
}

/// What the limit asks to be done with saved variables. They have a limit of their own, so that large ones do not cost
/// the records of other sessions.
#[derive(Clone, Debug, Default)]
pub struct SavedVariablesPlan {
    /// Sessions whose saved variables are set aside.
    pub over_limit: Vec<StoredSession>,
    /// Sessions whose saved variables, set aside before or now, are deleted.
    pub removed: Vec<StoredSession>,
}

impl SavedVariablesPlan {
    fn of(sessions: &[StoredSession], folder: &Path, limit: u64, now: Timestamp, is_disk_full: bool) -> Self {
        let mut plan = Self::default();
        let state = state_folder(folder);
        let saved: Vec<_> =
            sessions.iter().map(|session| bytes_below(&saved_variables::folder(state, &session.id))).collect();
        let mut all: u64 = saved.iter().sum();
        for (session, bytes) in sessions.iter().zip(saved) {
            if all > limit && bytes > 0 && !is_in_use(folder, &session.id) {
                all -= bytes;
                plan.over_limit.push(session.clone());
            }
        }
        let is_due = |at: Timestamp| is_disk_full || now.saturating_sub(at) >= RESTORE_PERIOD;
        let aside = |session: &&StoredSession| saved_variables::set_aside_at(state, &session.id).is_some_and(is_due);
        plan.removed = sessions.iter().filter(aside).cloned().collect();
        if is_disk_full {
            let now_aside: Vec<_> = plan.over_limit.iter().filter(|due| !plan.removed.contains(due)).cloned().collect();
            plan.removed.extend(now_aside);
        }
        plan
    }

    fn is_empty(&self) -> bool {
        self.over_limit.is_empty() && self.removed.is_empty()
    }

    /// Does what is due, but for sessions that have come into use.
    fn carry_out(&mut self, folder: &Path, now: Timestamp) {
        let state = state_folder(folder);
        self.over_limit.retain(|session| {
            let kept_out = session_lock::keep_out(state, &session.id);
            matches!(kept_out, Ok(Some(_)))
                && !intake::is_in_use(folder, &session.id)
                && saved_variables::set_aside(state, &session.id, now).is_ok()
        });
        self.removed.retain(|session| saved_variables::remove_aside(state, &session.id));
    }
}

/// What the limits ask to be removed.
#[derive(Clone, Debug, Default)]
pub struct RetentionPlan {
    /// Sessions unused for too long.
    pub expired: Vec<StoredSession>,
    /// Sessions beyond the size limit, the longest unused first.
    pub over_limit: Vec<StoredSession>,
    /// Sessions, set aside before or now, that are removed for good.
    pub removed: Vec<StoredSession>,
    pub saved_variables: SavedVariablesPlan,
    /// The bytes of all sessions that are not set aside.
    pub total: u64,
}

impl RetentionPlan {
    pub fn is_empty(&self) -> bool {
        self.expired.is_empty()
            && self.over_limit.is_empty()
            && self.removed.is_empty()
            && self.saved_variables.is_empty()
    }
}

/// Computes what is due, without changing anything.
pub fn plan(
    connection: &Connection,
    folder: &Path,
    limits: &RetentionLimits,
    now: Timestamp,
) -> rusqlite::Result<RetentionPlan> {
    plan_for(connection, folder, limits, now, missing_on_disk(folder))
}

/// The same, where the disk lacks `missing` bytes.
fn plan_for(
    connection: &Connection,
    folder: &Path,
    limits: &RetentionLimits,
    now: Timestamp,
    missing: u64,
) -> rusqlite::Result<RetentionPlan> {
    if limits.refused.is_some() {
        return Ok(RetentionPlan::default());
    }
    let sessions = sessions(connection, folder)?;
    let (mut aside, mut current): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(|session| session.set_aside.is_some());
    current.sort_by_key(|session| session.used);
    let mut total: u64 = current.iter().map(|session| session.bytes).sum();
    let mut plan = RetentionPlan { total, ..RetentionPlan::default() };
    plan.saved_variables = SavedVariablesPlan::of(&current, folder, limits.bytes, now, missing > 0);
    let oldest = now.saturating_sub(limits.days.saturating_mul(DAY));
    for session in current {
        let is_old = session.used < oldest;
        if !is_old && total <= limits.bytes {
            break;
        }
        if !is_in_use(folder, &session.id) {
            total -= session.bytes;
            if is_old { &mut plan.expired } else { &mut plan.over_limit }.push(session);
        }
    }
    aside.sort_by_key(|session| (session.set_aside, session.used));
    let (expired, rest) =
        aside.into_iter().partition(|session| session.set_aside.is_some_and(|at| now - at.min(now) >= RESTORE_PERIOD));
    plan.removed = expired;
    let mut rest: Vec<StoredSession> = rest;
    rest.extend(plan.expired.iter().chain(&plan.over_limit).cloned());
    // A lower limit is no wish to lose what was recorded: only a full disk ends the week early.
    let mut freed = 0;
    for session in rest {
        if freed >= missing {
            break;
        }
        freed += session.bytes;
        plan.removed.push(session);
    }
    Ok(plan)
}

/// Removes what is due, as far as that is quick, and returns a sentence for the person. [`tidy`] does the rest.
pub fn prune(
    connection: &Connection,
    folder: &Path,
    limits: &RetentionLimits,
    now: Timestamp,
) -> rusqlite::Result<Option<String>> {
    prune_for(connection, folder, limits, now, missing_on_disk(folder))
}

/// The same, where the disk lacks `missing` bytes.
pub(super) fn prune_for(
    connection: &Connection,
    folder: &Path,
    limits: &RetentionLimits,
    now: Timestamp,
    missing: u64,
) -> rusqlite::Result<Option<String>> {
    let mut plan = plan_for(connection, folder, limits, now, missing)?;
    let set_aside = |session: &StoredSession| match session_lock::keep_out(state_folder(folder), &session.id) {
        // The lock keeps others from taking the session up.
        Ok(Some(_kept_out)) if !intake::is_in_use(folder, &session.id) => {
            connection.execute("UPDATE sessions SET set_aside = ? WHERE id = ?", params![now as i64, session.row])
        }
        _ => Ok(0),
    };
    for due in [&mut plan.expired, &mut plan.over_limit] {
        let mut done = Vec::new();
        for session in std::mem::take(due) {
            if set_aside(&session)? > 0 {
                done.push(session);
            }
        }
        *due = done;
    }
    let mut removed = Vec::new();
    for session in std::mem::take(&mut plan.removed) {
        // The session may have been restored meanwhile.
        let doomed = connection
            .execute("UPDATE sessions SET set_aside = 0 WHERE id = ? AND set_aside IS NOT NULL", [session.row])?;
        if doomed > 0 {
            remove_files(folder, &session.id);
            removed.push(session);
        }
    }
    plan.removed = removed;
    plan.saved_variables.carry_out(folder, now);
    Ok(sentence(&plan, limits, now))
}

/// Describes the plan in a sentence; `None` if there is nothing to say.
fn sentence(plan: &RetentionPlan, limits: &RetentionLimits, now: Timestamp) -> Option<String> {
    /// Names in a sentence.
    const NAMES: usize = 3;
    let names = |sessions: &[&StoredSession]| {
        let names: Vec<&str> = sessions.iter().take(NAMES).map(|session| &*session.name).collect();
        format!("{}{}", names.join(", "), if sessions.len() > NAMES { ", …" } else { "" })
    };
    let sessions = |sessions: &[StoredSession]| {
        let all: Vec<_> = sessions.iter().collect();
        format!("{} ({})", units::count(all.len(), "session"), names(&all))
    };
    let mut reasons = Vec::new();
    if !plan.expired.is_empty() {
        reasons.push(format!("{} unused for {}", sessions(&plan.expired), units::count(limits.days as usize, "day")));
    }
    if !plan.over_limit.is_empty() {
        reasons.push(format!(
            "{}, the longest unused, because all sessions exceeded {}",
            sessions(&plan.over_limit),
            units::bytes(limits.bytes)
        ));
    }
    let due: Vec<_> = plan.expired.iter().chain(&plan.over_limit).collect();
    let is_gone = |session: &&StoredSession| plan.removed.iter().any(|gone| gone.id == session.id);
    let (gone, kept): (Vec<&StoredSession>, Vec<_>) = due.into_iter().partition(is_gone);
    let mut sentences = Vec::new();
    if !reasons.is_empty() {
        let end = match (gone.is_empty(), kept.is_empty()) {
            (false, true) => "the disk is nearly full, so they are deleted and not kept for a week".to_owned(),
            (true, _) => format!(
                "all are kept for a week ({}); `fourhands sessions --restore NAME` restores one",
                units::bytes(kept.iter().map(|session| session.bytes).sum())
            ),
            (false, false) => format!(
                "the disk is nearly full, so {} ({}) are deleted; the others ({}) are kept for a week, and \
                 `fourhands sessions --restore NAME` restores one",
                gone.len(),
                names(&gone),
                names(&kept)
            ),
        };
        sentences.push(format!("the journal removed {}; {end}", reasons.join(" and ")));
    }
    let is_early = |gone: &&StoredSession| gone.set_aside.is_some_and(|at| now.saturating_sub(at) < RESTORE_PERIOD);
    let early: Vec<_> = plan.removed.iter().filter(is_early).collect();
    if !early.is_empty() {
        sentences.push(format!(
            "{} ({}) that could still be restored {} deleted before the week was over, because the disk is nearly full",
            units::count(early.len(), "session"),
            names(&early),
            if early.len() == 1 { "is" } else { "are" }
        ));
    }
    let SavedVariablesPlan { over_limit, removed } = &plan.saved_variables;
    if !over_limit.is_empty() {
        let end = if over_limit.iter().any(|session| removed.contains(session)) {
            "the disk is nearly full, so they are deleted and not kept for a week"
        } else {
            "they are kept for a week; `fourhands sessions --restore NAME` restores them"
        };
        sentences.push(format!(
            "the saved variables (%checkpoint) of {} were set aside, because all of them exceeded {}; {end}",
            sessions(over_limit),
            units::bytes(limits.bytes)
        ));
    }
    (!sentences.is_empty()).then(|| sentences.join(". "))
}

/// Removes a portion of the rows to be removed, then returns free pages to the system. Returns `false` once nothing is
/// left.
pub fn tidy(connection: &Connection) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached("SELECT id FROM sessions WHERE set_aside = 0 LIMIT 1")?;
    let doomed = select.query_map([], |row| row.get::<_, i64>(0))?.next().transpose()?;
    if let Some(row) = doomed {
        for table in ["displays", "output", "snippets", "marks"] {
            let some =
                format!("DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE session = ? LIMIT {MAX_ROWS})");
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
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({MAX_PAGES})"))?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    Ok(pragma(connection, "page_count")? < before)
}

/// Marks a session for [`tidy`] to remove.
pub fn mark_for_removal(connection: &Connection, id: &SessionId) -> rusqlite::Result<()> {
    connection.execute("UPDATE sessions SET set_aside = 0 WHERE uid = ?", [id.as_str()])?;
    Ok(())
}

/// Restores a session that was set aside. It then counts as used at `now`.
pub fn restore(connection: &Connection, id: &SessionId, now: Timestamp) -> rusqlite::Result<bool> {
    let restored = connection.execute(
        "UPDATE sessions SET set_aside = NULL, restored = ? WHERE uid = ? AND set_aside > 0",
        params![now as i64, id.as_str()],
    )?;
    Ok(restored > 0)
}

/// Removes the files of a session outside the database.
pub fn remove_files(folder: &Path, id: &SessionId) {
    let _ = fs::remove_dir_all(spool_folder(folder, id));
    saved_variables::remove(state_folder(folder), id);
}

/// Removes a session in which nothing was done.
pub fn forget_if_empty(connection: &Connection, id: &SessionId) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM sessions WHERE uid = ? AND id NOT IN (SELECT session FROM snippets)
         AND id NOT IN (SELECT session FROM output)
         AND id NOT IN (SELECT session FROM marks WHERE event NOT LIKE '{\"Client%')",
        [id.as_str()],
    )?;
    Ok(())
}

/// Returns whether the session runs: its guardian holds it, also between two processes, or a process records it.
pub fn is_in_use(folder: &Path, id: &SessionId) -> bool {
    session_lock::is_held(state_folder(folder), id) || intake::is_in_use(folder, id)
}

/// Returns all sessions that are not being removed, with their sizes.
fn sessions(connection: &Connection, folder: &Path) -> rusqlite::Result<Vec<StoredSession>> {
    // Rows contain the sizes of their texts and blobs, so only rows are read.
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
        Ok(Some(StoredSession {
            row: row.get(0)?,
            id,
            name: row.get(2)?,
            used: row.get::<_, i64>(3)? as u64,
            set_aside: row.get::<_, Option<i64>>(4)?.map(|at| at as u64),
            bytes: row.get::<_, i64>(5)? as u64,
        }))
    })?;
    let mut found: Vec<StoredSession> = rows.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    // Distributes unused space in pages, and the indexes, over the sessions.
    let (all, pages) = (found.iter().map(|session| session.bytes).sum::<u64>().max(1), used(connection)?);
    for session in &mut found {
        let share = u128::from(session.bytes) * u128::from(pages.max(all)) / u128::from(all);
        session.bytes = share as u64 + bytes_below(&spool_folder(folder, &session.id));
    }
    Ok(found)
}

/// Returns the bytes of all used pages.
fn used(connection: &Connection) -> rusqlite::Result<u64> {
    let pages = pragma(connection, "page_count")? - pragma(connection, "freelist_count")?;
    Ok((pages * pragma(connection, "page_size")?) as u64)
}

pub fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

/// Returns how many bytes the disk lacks to its reserve.
#[allow(clippy::unnecessary_cast, reason = "the types of these numbers differ between systems")]
fn missing_on_disk(folder: &Path) -> u64 {
    let Ok(disk) = nix::sys::statvfs::statvfs(folder) else { return 0 };
    let block = disk.fragment_size() as u64;
    let reserve = (disk.blocks() as u64 * block / RESERVE_FRACTION).min(MAX_RESERVE);
    reserve.saturating_sub(disk.blocks_available() as u64 * block)
}

fn bytes_below(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|facts| facts.len()).sum()
}
