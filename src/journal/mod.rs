//! The journal: the record of all sessions, in one SQLite database.
//!
//! An event takes three steps. The actor appends it to the session's *intake* (`intake`, `frame`), a small file, before
//! anybody hears of it. That write takes about a microsecond, and from then on no death of a process can lose the
//! event. The writer thread (`writer_thread`) folds events to changes (`pending_changes`) and stores them in the
//! database (`store`), about ten times per second. If a process dies in between, the next one that opens the journal
//! stores what the intake still holds (`recover`). While the database cannot be written, readers read the intake
//! (`pending`). Nothing is synced to the disk on its way: a power failure may lose the last seconds.
//!
//! To write, [`start`] gives the actor its [`JournalRecorder`]. To read, any process uses a [`JournalReader`]. Nothing
//! here knows Python, clients or the dashboard.

mod archive;
mod erase;
mod frame;
mod history;
mod intake;
mod load;
pub(in crate::journal) mod pending;
pub(in crate::journal) mod pending_changes;
pub(in crate::journal) mod quarantine;
mod reader;
mod recover;
mod rescue;
mod retention;
mod saved_variables;
mod schema;
mod store;
mod tally;
#[cfg(test)]
mod tests;
pub(in crate::journal) mod warnings;
pub(in crate::journal) mod writer_thread;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use archive::JournalArchive;
pub use erase::{EraseError, Erased, erase};
pub use history::JournalHistory;
pub use intake::JournalRecorder;
pub use load::RecordedSession;
pub use reader::{JournalReader, SessionEnd, SessionSummary};
pub use retention::{RetentionPlan, StoredSession, effective_limits, is_in_use, spool_folder};
pub use schema::JournalError;
pub use tally::Tally;

use self::pending::PendingEvents;
use self::warnings::Warnings;
use self::writer_thread::WriterThread;
use crate::domain::flight_recorder::SharedLosses;
use crate::domain::retention::RetentionLimits;
use crate::domain::{SessionInfo, Timestamp};
use crate::session::SessionId;
use crate::session::discovery::paths::Paths;
use intake::SharedIntake;

/// A killed process is gone by then.
const TAKE_OVER_TIMEOUT: Duration = Duration::from_secs(2);

/// The recording of a running session.
#[derive(Debug)]
pub struct Journal {
    done: mpsc::Receiver<()>,
}

impl Journal {
    /// Waits up to `limit` until the database has all events that the [`JournalRecorder`] took, which must have been
    /// dropped. Events left over are recovered by the next process that opens the journal.
    pub fn finish(self, limit: Duration) {
        let _ = self.done.recv_timeout(limit);
    }
}

/// Loads a session whose process has died, for the process that takes over; `None` if nothing was recorded. Must be
/// called before [`start`].
///
/// # Errors
/// If the journal cannot be read.
pub fn resume(paths: &Paths, id: &SessionId) -> Result<Option<RecordedSession>, JournalError> {
    let folder = paths.journal().map_err(|error| JournalError::Unusable(error.to_string()))?;
    let deadline = Instant::now() + TAKE_OVER_TIMEOUT;
    loop {
        let reader = match JournalReader::open_now(&folder) {
            Err(JournalError::Locked(_)) if Instant::now() < deadline => continue,
            opened => opened?,
        };
        let Some(reader) = reader else { return Ok(None) };
        let recorded = reader.load(id)?;
        // The dead process may still hold its intake, or another session may be recovering it.
        if !intake::is_in_use(&folder, id) || Instant::now() > deadline {
            return Ok(recorded);
        }
        drop(reader);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Loads what is not in the database yet, for when the database cannot be read; `None` if there is nothing.
#[must_use]
pub fn resume_end(paths: &Paths, id: &SessionId) -> Option<RecordedSession> {
    let pending = PendingEvents::open(&paths.journal().ok()?, id).after(None);
    let mut session = pending::summary(pending.meta.clone()?);
    pending.add_to(&mut session);
    let mut recorded = RecordedSession::of(session);
    pending.events.iter().for_each(|event| recorded.apply(event));
    Some(recorded)
}

/// Begins to record the session `id`, or continues its record (`goes_on`) after another process has ended. Never fails:
/// the receiver gets warnings for the person. `lost` outlives this process. Must be called on a thread that has the
/// host's descriptor table.
#[must_use]
pub fn start(
    paths: Paths,
    id: SessionId,
    info: &SessionInfo,
    limits: RetentionLimits,
    lost: Option<&'static SharedLosses>,
    goes_on: bool,
) -> (JournalRecorder, Journal, UnboundedReceiver<String>) {
    let (notices, received) = unbounded_channel();
    if let Some(why) = &limits.refused {
        let _ = notices.send(format!("{why}. Until that is fixed, no session is removed from the journal"));
    }
    let shared = Arc::new(SharedIntake::default());
    if let Some(lost) = lost {
        // Losses of earlier processes.
        let mut writing = shared.writing();
        (writing.missed, writing.missed_in_all, writing.lost) = (lost.get(), lost.get(), Some(lost));
    }
    shared.off.store(limits.bytes == 0, Ordering::Relaxed);
    let meta = frame::SessionMeta::new(id, info, crate::session::discovery::registry::boot());
    let warnings = Warnings::new(notices.clone(), lost.map(SharedLosses::get).unwrap_or_default());
    let mut writer_thread = WriterThread::new(paths, meta, limits, shared.clone(), warnings, goes_on);
    if !shared.off.load(Ordering::Relaxed) {
        // If this fails, the thread meets the same error and reports it.
        let _ = writer_thread.begin_intake_file();
    }
    let (end, done) = mpsc::channel();
    let spawned = std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
        writer_thread.run();
        drop(end);
    });
    match spawned {
        Ok(thread) => {
            let _ = shared.thread.set(thread.thread().clone());
            // The first wake-up may have come before the thread was set.
            thread.thread().unpark();
        }
        Err(error) => {
            shared.off.store(true, Ordering::Relaxed);
            let _ = notices.send(format!(
                "this session is not recorded: the journal's thread could not start \
                ({error})"
            ));
        }
    }
    (JournalRecorder { shared, buffer: Vec::new() }, Journal { done }, received)
}

/// Returns what the limits remove from the journal in `folder`; `None` if there is no journal.
///
/// # Errors
/// If the journal cannot be read.
pub fn preview(folder: &Path, limits: &RetentionLimits, now: Timestamp) -> Result<Option<RetentionPlan>, JournalError> {
    let Some(reader) = JournalReader::open(folder)? else { return Ok(None) };
    retention::plan(&reader.connection, folder, limits, now).map(Some).map_err(|error| reader.fault(&error))
}

/// Removes what the limits ask, and returns the free space to the system. Returns a summary.
///
/// # Errors
/// If the journal cannot be written.
pub fn prune_now(folder: &Path, limits: &RetentionLimits, now: Timestamp) -> Result<Option<String>, JournalError> {
    let connection = schema::open(folder)?;
    let fault = |error: rusqlite::Error| JournalError::of(&folder.join(schema::FILE), &error);
    let summary = retention::prune(&connection, folder, limits, now).map_err(fault)?;
    while retention::tidy(&connection).map_err(fault)? {}
    erase::compact(&connection).map_err(fault)?;
    Ok(summary)
}

/// Returns whether saved variables of a session were set aside.
#[must_use]
pub fn has_variables_aside(folder: &Path, id: &SessionId) -> bool {
    saved_variables::set_aside_at(retention::state_folder(folder), id).is_some()
}

/// Restores a session that was set aside, or its saved variables; `false` if neither is.
///
/// # Errors
/// If the journal cannot be written.
pub fn restore(folder: &Path, id: &SessionId, now: Timestamp) -> Result<bool, JournalError> {
    let connection = schema::open(folder)?;
    let saved = saved_variables::restore(retention::state_folder(folder), id);
    let restored = retention::restore(&connection, id, now);
    Ok(restored.map_err(|error| JournalError::of(&folder.join(schema::FILE), &error))? || saved)
}
