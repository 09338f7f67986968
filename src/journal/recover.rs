//! Recovery: moves the events that dead sessions left in their intakes into the database.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::frame::{self, IntakeFrame, SessionMeta};
use super::intake::{self, IntakeFile};
use super::pending_changes::PendingChanges;
use super::schema::{FILE, JournalError};
use super::store;
use crate::session::SessionId;

/// Bytes that are searched for the first frame.
const MAX_HEADER: usize = 1 << 16;
/// Bytes read and stored at once.
const MAX_READ: usize = 4 << 20;

/// Returns whether dead sessions have left events.
pub fn is_due(folder: &Path) -> bool {
    intake::list(folder).is_ok_and(|found| found.iter().any(|(_, path)| !intake::is_locked(path)))
}

/// Recovers the intakes of all dead sessions.
pub fn dead_sessions(folder: &Path, connection: &mut Connection) -> Result<(), JournalError> {
    let database = folder.join(FILE);
    let mut sessions: BTreeMap<SessionId, Vec<IntakeFile>> = BTreeMap::new();
    let mut held = None;
    for (id, path) in intake::list(folder).map_err(|error| JournalError::of_io(folder, &error))? {
        // A file that cannot be opened stays for later. So do the files after a locked one: another process may be
        // recovering them.
        match IntakeFile::adopt(&path) {
            Ok(Some(intake_file)) if held.as_ref() != Some(&id) => sessions.entry(id).or_default().push(intake_file),
            Ok(None) => held = Some(id),
            _ => {}
        }
    }
    intake::sweep_drafts(folder);
    for (id, intake_files) in sessions {
        if !take_in(connection, &id, &intake_files).map_err(|error| JournalError::of(&database, &error))? {
            continue;
        }
        // Another process may have taken over the session.
        let lives =
            intake::list(folder).is_ok_and(|all| all.iter().any(|(i, path)| *i == id && intake::is_locked(path)));
        intake_files.iter().for_each(IntakeFile::remove);
        if !lives {
            store::mark_dead(connection, &id).map_err(|error| JournalError::of(&database, &error))?;
        }
    }
    Ok(())
}

/// Returns whether everything could be read. If not, the rest stays for later.
fn take_in(connection: &mut Connection, id: &SessionId, intake_files: &[IntakeFile]) -> rusqlite::Result<bool> {
    let mut changes = PendingChanges::default();
    store::load_unfinished(connection, id, &mut changes)?;
    let position = store::position(connection, id)?;
    for intake_file in intake_files {
        let name = intake_file.name();
        let from = position.as_ref().filter(|(file, _)| *file == name).map_or(0, |(_, position)| *position);
        // The database has this file; only its removal failed.
        if position.as_ref().is_some_and(|(file, _)| name < *file) {
            continue;
        }
        let Ok(bytes) = intake_file.read(0, MAX_HEADER) else { return Ok(false) };
        // The first frame has the session's data, which is needed even if the whole file was stored.
        let mut header = None;
        frame::decode_all(&bytes, |frame| {
            if let IntakeFrame::Session(meta) = frame {
                header.get_or_insert(meta);
            }
        });
        if changes.meta.is_none() {
            changes.apply(IntakeFrame::Session(header.filter(|meta| meta.id == *id).unwrap_or_else(|| unknown(id))));
        }
        let (mut at, end) = (from, intake_file.written.load(Ordering::Relaxed));
        let mut portion = MAX_READ;
        // In portions, since the intake may be large.
        while at < end {
            let Ok(bytes) = intake_file.read(at, portion) else { return Ok(false) };
            let is_last = at + bytes.len() as u64 >= end;
            let mut frames = Vec::new();
            let used = frame::decode_all(&bytes, |frame| frames.push(frame));
            if used == 0 && !is_last {
                portion *= 2;
                continue;
            }
            frames
                .into_iter()
                .filter(|frame| !matches!(frame, IntakeFrame::Session(_)))
                .for_each(|frame| changes.apply(frame));
            at = if is_last { end } else { at + used as u64 };
            portion = MAX_READ;
            store::store(connection, &changes, &(name.clone(), at))?;
            changes.mark_stored();
        }
    }
    Ok(true)
}

/// The header of an intake whose beginning is damaged.
fn unknown(id: &SessionId) -> SessionMeta {
    SessionMeta {
        id: id.clone(),
        name: "unknown".to_owned(),
        cwd: String::new(),
        python: String::new(),
        python_version: String::new(),
        venv: None,
        pid: 0,
        boot: String::new(),
        started_at: 0,
    }
}
