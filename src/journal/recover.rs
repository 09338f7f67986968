//! Puts into the database what sessions that died have left in their intakes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;

use rusqlite::Connection;

use super::fold::Fold;
use super::frame::{self, Frame, Meta};
use super::intake::{self, Segment};
use super::schema::{FILE, Fault};
use super::store;
use crate::session::SessionId;

/// Where the first frame is looked for, in bytes.
const HEADER: usize = 1 << 16;
/// Read and stored at once, in bytes.
const READ: usize = 4 << 20;

/// Whether sessions that died have left something.
pub fn is_due(folder: &Path) -> bool {
    intake::list(folder).is_ok_and(|found| found.iter().any(|(_, path)| !intake::is_held(path)))
}

/// Takes in every intake whose session is dead.
pub fn dead_sessions(folder: &Path, connection: &mut Connection) -> Result<(), Fault> {
    let database = folder.join(FILE);
    let mut sessions: BTreeMap<SessionId, Vec<Segment>> = BTreeMap::new();
    let mut held = None;
    for (id, path) in intake::list(folder).map_err(|error| Fault::of_io(folder, &error))? {
        // One that cannot be opened is left for another time, and with one that is held what came after it: somebody else
        // may just be taking it in.
        match Segment::adopt(&path) {
            Ok(Some(segment)) if held.as_ref() != Some(&id) => sessions.entry(id).or_default().push(segment),
            Ok(None) => held = Some(id),
            _ => {}
        }
    }
    intake::sweep_drafts(folder);
    for (id, segments) in sessions {
        if !take_in(connection, &id, &segments).map_err(|error| Fault::of(&database, &error))? {
            continue;
        }
        // Its process may have been followed by one that lives.
        let lives = intake::list(folder).is_ok_and(|all| all.iter().any(|(i, path)| *i == id && intake::is_held(path)));
        segments.iter().for_each(Segment::remove);
        if !lives {
            store::mark_dead(connection, &id).map_err(|error| Fault::of(&database, &error))?;
        }
    }
    Ok(())
}

/// Answers whether all could be read; if not, what is left is for another time.
fn take_in(connection: &mut Connection, id: &SessionId, segments: &[Segment]) -> rusqlite::Result<bool> {
    let mut fold = Fold::default();
    store::take_up(connection, id, &mut fold)?;
    let position = store::position(connection, id)?;
    for segment in segments {
        let name = segment.name();
        let from = position.as_ref().filter(|(file, _)| *file == name).map_or(0, |(_, position)| *position);
        // Stored before, and its file could not be removed then.
        if position.as_ref().is_some_and(|(file, _)| name < *file) {
            continue;
        }
        let Ok(bytes) = segment.read(0, HEADER) else { return Ok(false) };
        // The first frame tells which session it is; it is needed even if all of it has been stored.
        let mut header = None;
        frame::decode_all(&bytes, |frame| {
            if let Frame::Session(meta) = frame {
                header.get_or_insert(meta);
            }
        });
        if fold.meta.is_none() {
            fold.apply(Frame::Session(header.filter(|meta| meta.id == *id).unwrap_or_else(|| unknown(id))));
        }
        let (mut at, end) = (from, segment.written.load(Ordering::Relaxed));
        let mut most = READ;
        // A little at a time: what was told in a hurry may be much.
        while at < end {
            let Ok(bytes) = segment.read(at, most) else { return Ok(false) };
            let is_last = at + bytes.len() as u64 >= end;
            let mut frames = Vec::new();
            let used = frame::decode_all(&bytes, |frame| frames.push(frame));
            if used == 0 && !is_last {
                most *= 2;
                continue;
            }
            frames.into_iter().filter(|frame| !matches!(frame, Frame::Session(_))).for_each(|frame| fold.apply(frame));
            at = if is_last { end } else { at + used as u64 };
            most = READ;
            store::store(connection, &fold, &(name.clone(), at))?;
            fold.stored();
        }
    }
    Ok(true)
}

/// The beginning of the intake was overwritten.
fn unknown(id: &SessionId) -> Meta {
    Meta {
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
