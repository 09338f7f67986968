//! The journal: what happened in every session, in one SQLite database for all of them.
//!
//! An event goes three steps. The actor appends it to the session's *intake* (`intake`, `frame`), a small file, by one
//! write that takes about a microsecond, before anybody hears of it: from then on no death of a process can lose it. The
//! journal's thread (`keeper`) folds what came (`fold`) and puts it into the database (`store`), about ten times per
//! second. When a process died in between, the next one that opens the journal takes in what its intake still holds
//! (`recover`); where the database cannot be written, it is read where it lies (`unstored`). Nothing is synced to the
//! disk on its way: a loss of power may take the last seconds.
//!
//! Writing: [`start`] gives the actor its [`Recorder`]. Reading, in whatever process: [`Reader`].

mod archive;
mod aside;
mod complaints;
mod erase;
mod fold;
mod frame;
mod history;
mod intake;
mod keeper;
mod load;
mod reader;
mod recover;
mod rescue;
mod retention;
mod schema;
mod store;
mod tally;
#[cfg(test)]
mod tests;
mod unstored;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub use archive::Archive;
pub use erase::{EraseError, Erased, erase};
pub use history::Elsewhere;
pub use intake::Recorder;
pub use load::Recorded;
pub use reader::{Ending, Reader, SessionSummary};
pub use retention::{Kept, Plan, limits, spool};
pub use schema::Fault;
pub use tally::Tally;

use crate::domain::recorder::Lost;
use crate::domain::retention::Limits;
use crate::domain::{SessionInfo, Timestamp};
use crate::session::SessionId;
use crate::session::discovery::paths::Paths;
use complaints::Complaints;
use intake::Shared;
use keeper::Keeper;
use unstored::Unstored;

/// A process that was killed is gone by then.
const TAKE_OVER: Duration = Duration::from_secs(2);

/// The journal of a session that runs.
#[derive(Debug)]
pub struct Journal {
    done: mpsc::Receiver<()>,
}

impl Journal {
    /// Waits until what the [`Recorder`] took is in the database; it has to be dropped before. Not for longer than
    /// `limit`: what is not, is left to the next one that opens the journal.
    pub fn finish(self, limit: Duration) {
        let _ = self.done.recv_timeout(limit);
    }
}

/// What was recorded of a session whose process has died, for the one that takes it over; `None` if there is nothing.
/// Call it before [`start`], for [`Recorded::transcript`].
///
/// # Errors
/// If the journal cannot be read.
pub fn resume(places: &Paths, id: &SessionId) -> Result<Option<Recorded>, Fault> {
    let folder = places.journal().map_err(|error| Fault::Unusable(error.to_string()))?;
    let patience = Instant::now() + TAKE_OVER;
    loop {
        let Some(reader) = Reader::open(&folder)? else { return Ok(None) };
        let recorded = reader.load(id)?;
        // The dead process may hold its intake for a moment yet, or another session may just be taking it in.
        if !intake::is_in_use(&folder, id) || Instant::now() > patience {
            return Ok(recorded);
        }
        drop(reader);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The end of what was recorded of it, where the database cannot be read: what lies beside that. `None` if that is nothing.
#[must_use]
pub fn resume_end(places: &Paths, id: &SessionId) -> Option<Recorded> {
    let told = Unstored::open(&places.journal().ok()?, id).after(None);
    let mut session = unstored::summary(told.meta.clone()?);
    told.join(&mut session);
    let mut recorded = Recorded::of(session);
    told.events.iter().for_each(|event| recorded.apply(event));
    Some(recorded)
}

/// Begins to record the session `id`, or (`goes_on`) goes on with it where another process has ended. Never fails: what is
/// wrong comes as sentences for the person. A new session waits for nobody. `lost` outlives this process. Must be called on
/// a thread whose descriptors are the host's own.
#[must_use]
pub fn start(
    places: Paths,
    id: SessionId,
    info: &SessionInfo,
    limits: Limits,
    lost: Option<&'static Lost>,
    goes_on: bool,
) -> (Recorder, Journal, UnboundedReceiver<String>) {
    let (notices, told) = unbounded_channel();
    if let Some(why) = &limits.refused {
        let _ = notices.send(format!("{why}. Until that is mended no session is removed from the journal"));
    }
    let shared = Arc::new(Shared::default());
    if let Some(lost) = lost {
        // What could not be recorded of the processes before.
        let mut writing = shared.writing();
        (writing.missed, writing.missed_in_all, writing.lost) = (lost.get(), lost.get(), Some(lost));
    }
    shared.off.store(limits.bytes == 0, Ordering::Relaxed);
    let meta = frame::Meta::new(id, info, crate::session::discovery::registry::boot());
    let complaints = Complaints::new(notices.clone(), lost.map(Lost::get).unwrap_or_default());
    let mut keeper = Keeper::new(places, meta, limits, shared.clone(), complaints, goes_on);
    if !shared.off.load(Ordering::Relaxed) {
        // If this fails, the thread finds the same fault and tells it.
        let _ = keeper.begin_segment();
    }
    let (end, done) = mpsc::channel();
    let spawned = std::thread::Builder::new().name("journal".to_owned()).spawn(move || {
        keeper.run();
        drop(end);
    });
    match spawned {
        Ok(thread) => {
            let _ = shared.thread.set(thread.thread().clone());
            // It may have been called before it could be.
            thread.thread().unpark();
        }
        Err(error) => {
            shared.off.store(true, Ordering::Relaxed);
            let _ = notices.send(format!("this session is not recorded: its journal got no thread ({error})"));
        }
    }
    (Recorder { shared, buffer: Vec::new() }, Journal { done }, told)
}

/// What the limits ask to be removed from the journal in `folder`; `None` if there is none.
///
/// # Errors
/// If the journal cannot be read.
pub fn preview(folder: &Path, limits: &Limits, now: Timestamp) -> Result<Option<Plan>, Fault> {
    let Some(reader) = Reader::open(folder)? else { return Ok(None) };
    retention::plan(&reader.connection, folder, limits, now).map(Some).map_err(|error| reader.fault(&error))
}

/// Does that, and gives all free room back to the system. Answers what was done.
///
/// # Errors
/// If the journal cannot be written.
pub fn prune_now(folder: &Path, limits: &Limits, now: Timestamp) -> Result<Option<String>, Fault> {
    let connection = schema::open(folder)?;
    let fault = |error: rusqlite::Error| Fault::of(&folder.join(schema::FILE), &error);
    let told = retention::prune(&connection, folder, limits, now).map_err(fault)?;
    while retention::tidy(&connection).map_err(fault)? {}
    erase::compact(&connection).map_err(fault)?;
    Ok(told)
}

/// Brings back a session that was set aside; `false` if it is not.
///
/// # Errors
/// If the journal cannot be written.
pub fn restore(folder: &Path, id: &SessionId, now: Timestamp) -> Result<bool, Fault> {
    let connection = schema::open(folder)?;
    retention::restore(&connection, id, now).map_err(|error| Fault::of(&folder.join(schema::FILE), &error))
}

fn now() -> Timestamp {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Timestamp)
}
