//! The journal's own thread: moves what the actor put into the intake into the database, about ten times per second
//! while something happens and never otherwise, and copes with whatever is wrong with the place.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::aside;
use super::complaints::Complaints;
use super::fold::Fold;
use super::frame::{self, Meta};
use super::intake::{self, Segment, Shared};
use super::recover;
use super::rescue;
use super::retention;
use super::schema::{self, Fault};
use super::store;
use crate::domain::retention::Limits;
use crate::session::SessionId;
use crate::session::discovery::paths::Paths;
use rusqlite::Connection;

/// From the first event to the moment when it and what followed are put into the database.
const PACE: Duration = Duration::from_millis(100);
/// How often a place that could not be used is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// What the end of a session may take when the database does not want it. It is then left in the intake.
const END: Duration = Duration::from_secs(1);
/// A file of the intake that has grown so large is followed by a new one.
const SEGMENT: u64 = 1 << 20;
/// Read from the intake at once, and folded without being stored, at most.
const READ: usize = 4 << 20;
const UNSTORED: usize = 32 << 20;
/// How often old sessions are looked for.
const PRUNE: Duration = Duration::from_secs(3600);
/// Between two pieces of work on what is removed, so that others can write.
const TIDY: Duration = Duration::from_millis(20);

pub struct Keeper {
    places: Paths,
    meta: Meta,
    limits: Limits,
    shared: Arc<Shared>,
    complaints: Complaints,
    /// Tells the files of this process from those of others of the same session, and is larger than theirs.
    run: u64,
    /// The files of this session's intake, oldest first; the first is read from `position` on.
    segments: VecDeque<Arc<Segment>>,
    state: State,
}

#[derive(Default)]
struct State {
    position: u64,
    /// Segments made so far.
    made: u64,
    database: Option<Database>,
    /// Device and number of the file that was opened last, or was to be.
    opened: Option<(u64, u64)>,
    fold: Fold,
    /// Read since the last store.
    read: u64,
    pruned: Option<Instant>,
    /// There is something left to be removed, or room to be given back.
    tidying: bool,
}

struct Database {
    connection: Connection,
    path: PathBuf,
    /// Device and number of the file.
    identity: (u64, u64),
    /// And of the index of its log, which is mapped as long as it is open.
    index: Option<(u64, u64)>,
}

const FROM_HERE: &str = "the new one has this session from here on";

fn index(database: &Path) -> PathBuf {
    database.with_extension("db-shm")
}

fn identity_of(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).map(|facts| (facts.dev(), facts.ino())).ok()
}

/// A number after those of all processes of a session that have recorded something.
fn next_run(places: &Paths, id: &SessionId) -> u64 {
    let Ok(folder) = places.journal() else { return 1 };
    let left = intake::list(&folder).unwrap_or_default().into_iter().filter(|(of, _)| of == id);
    let left = left.filter_map(|(_, path)| intake::run_of(path.file_name()?.to_str()?));
    let stored = match schema::open_to_read(&folder) {
        Ok(Some(connection)) => store::position(&connection, id).map_err(drop),
        Ok(None) => Ok(None),
        Err(_) => Err(()),
    };
    // Those that cannot be looked up are not so many.
    let step = if stored.is_err() { 1 << 40 } else { 1 };
    let stored = stored.ok().flatten().and_then(|(name, _)| intake::run_of(&name));
    left.chain(stored).max().unwrap_or(0).saturating_add(step)
}

impl Keeper {
    /// `goes_on`: another process has recorded the session before.
    pub fn new(
        places: Paths,
        meta: Meta,
        limits: Limits,
        shared: Arc<Shared>,
        complaints: Complaints,
        goes_on: bool,
    ) -> Self {
        let run = if goes_on { next_run(&places, &meta.id) } else { 1 };
        Self { places, meta, limits, shared, complaints, run, segments: VecDeque::new(), state: State::default() }
    }

    /// Until the recorder is dropped, and what it left is stored.
    pub fn run(mut self) {
        self.turn();
        loop {
            let shared = self.shared.clone();
            let is_ending = || shared.ending.load(Ordering::Acquire);
            while !is_ending() && !shared.called.load(Ordering::Acquire) {
                if self.complaints.is_waiting() {
                    std::thread::park_timeout(RETRY);
                    break;
                }
                if self.state.tidying {
                    std::thread::park_timeout(TIDY);
                    self.tidy();
                    continue;
                }
                std::thread::park();
            }
            let gathered = Instant::now() + PACE;
            while !is_ending() && Instant::now() < gathered {
                std::thread::park_timeout(gathered.saturating_duration_since(Instant::now()));
            }
            shared.called.store(false, Ordering::Release);
            let ending = is_ending();
            self.turn();
            if ending {
                return self.end();
            }
        }
    }

    fn end(mut self) {
        let deadline = Instant::now() + END;
        while self.complaints.has_trouble() && !self.is_off() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(100));
            self.turn();
        }
        self.shared.writing().segment = None;
        if !self.complaints.has_trouble() || self.is_off() {
            if let Some(database) = &self.state.database {
                let _ = retention::forget_if_empty(&database.connection, &self.meta.id);
            }
            self.segments.iter().for_each(|segment| segment.remove());
        }
        // Closing the last connection puts all that is in the write-ahead log into the database.
    }

    fn is_off(&self) -> bool {
        self.shared.off.load(Ordering::Relaxed)
    }

    fn turn(&mut self) {
        if self.is_off() {
            return;
        }
        self.watch_intake();
        let mut done = self.keep();
        if let Err(Fault::Corrupt(path)) = &done {
            // While it is open, no other file can have its number.
            let damaged = self.state.database.take();
            let told = aside::set_aside(path, self.state.opened);
            drop(damaged);
            self.state.fold.store_anew();
            match told {
                Ok(Some(aside)) => self.complaints.tell(format!(
                    "the journal was damaged, so a new one has begun; the old one was set aside as {}",
                    aside.display()
                )),
                // Somebody else has done it.
                Ok(None) => {}
                Err(error) => {
                    return self.on_fault(&Fault::Unusable(format!(
                        "{} is damaged and cannot be set aside ({error}); move it away",
                        path.display()
                    )));
                }
            }
            done = self.keep();
        }
        match done {
            Ok(()) => self.complaints.on_stored(),
            Err(fault) => self.on_fault(&fault),
        }
    }

    fn on_fault(&mut self, fault: &Fault) {
        if !fault.may_pass() {
            self.shared.off.store(true, Ordering::Relaxed);
            return self.complaints.tell(format!("this session is not recorded: {fault}"));
        }
        self.complaints.on_fault(fault, !self.segments.is_empty());
    }

    /// Begins a new file where one is due, writes what the actor could not, tells when it cannot, and when it can again.
    fn watch_intake(&mut self) {
        let is_gone = |segment: &Segment| segment.path.symlink_metadata().is_err();
        let due = self
            .segments
            .back()
            .is_none_or(|segment| segment.written.load(Ordering::Acquire) > SEGMENT || is_gone(segment));
        let unmade = if due { self.begin_segment().err() } else { None };
        loop {
            // In pieces, between which the actor has its turn.
            let mut writing = self.shared.writing();
            let written = if writing.is_behind() { writing.catch_up(intake::AT_ONCE) } else { 0 };
            self.shared.unread.fetch_add(written, Ordering::Relaxed);
            if written == 0 || !writing.is_behind() {
                break;
            }
        }
        let (missed, behind, fault) = {
            let mut writing = self.shared.writing();
            (writing.missed_in_all, writing.is_behind(), writing.fault.take())
        };
        let folder = self.segments.back().and_then(|segment| segment.path.parent());
        let fault = fault.zip(folder).map(|(error, folder)| Fault::of_io(folder, &error));
        let fault = unmade.filter(|_| self.segments.is_empty()).or(fault);
        self.complaints.on_missed(missed, behind, fault.as_ref(), folder);
    }

    /// From now on the actor writes to a new file.
    pub fn begin_segment(&mut self) -> Result<(), Fault> {
        let folder = self.places.journal().map_err(|error| Fault::Unusable(error.to_string()))?;
        self.state.made += 1;
        let next = Segment::create(&folder, &self.meta, self.run, self.state.made)
            .map_err(|error| Fault::of_io(&folder, &error))?;
        self.shared.unread.fetch_add(next.written.load(Ordering::Relaxed), Ordering::Relaxed);
        self.shared.writing().segment = Some(next.clone());
        self.segments.push_back(next);
        Ok(())
    }

    /// Stores all that is in the intake.
    fn keep(&mut self) -> Result<(), Fault> {
        let folder = self.places.journal().map_err(|error| Fault::Unusable(error.to_string()))?;
        self.open(&folder)?;
        loop {
            let has_more = self.read()?;
            self.store()?;
            if !has_more {
                break;
            }
        }
        self.prune(&folder)
    }

    /// Opens the database, unless it is open and still the one that lies there.
    fn open(&mut self, folder: &Path) -> Result<(), Fault> {
        let path = folder.join(schema::FILE);
        let identity = identity_of(&path);
        if let Some(open) = &self.state.database {
            if Some(open.identity) == identity {
                return Ok(());
            }
            self.state.fold.store_anew();
            if identity.is_none() {
                // A new database must never meet the index and the log of the one before.
                for file in [index(&path), path.with_extension("db-wal")] {
                    let _ = fs::remove_file(file);
                }
            }
        }
        self.state.opened = identity;
        let index_was = self.state.database.as_ref().and_then(|open| open.index);
        if index_was.is_some() && index_was == identity_of(&index(&path)) {
            // Somebody has begun with the index of the old one, which must not be read any more then.
            self.state.database = None;
            self.complaints.tell(format!("{} was replaced while it was in use; {FROM_HERE}", path.display()));
        }
        let mut connection = schema::open(folder)?;
        if let Some(gone) = self.state.database.take() {
            // Its file has no name any more, but as long as it is open it can be read.
            let told = match rescue::copy(&gone.connection, &mut connection, &self.meta.id) {
                Ok(()) => "a new one has begun, which has all of this session",
                Err(_) => FROM_HERE,
            };
            self.complaints.tell(format!("{} was removed while it was in use; {told}", path.display()));
        }
        let fault = |error: rusqlite::Error| Fault::of(&path, &error);
        recover::dead_sessions(folder, &mut connection)?;
        self.comes_next(folder, &path)?;
        store::take_up(&connection, &self.meta.id, &mut self.state.fold).map_err(fault)?;
        let facts = fs::metadata(&path).map_err(|error| Fault::of_io(&path, &error))?;
        let identity = (facts.dev(), facts.ino());
        self.state.opened = Some(identity);
        let index = identity_of(&index(&path));
        self.state.database = Some(Database { connection, path, identity, index });
        Ok(())
    }

    /// What a process before left of this session has to be stored first: from then on all that is older than what is
    /// stored counts as stored. It may still be dying, or another session may just be taking it in.
    fn comes_next(&self, folder: &Path, database: &Path) -> Result<(), Fault> {
        let left = intake::list(folder).map_err(|error| Fault::of_io(folder, &error))?;
        let is_before = |(id, path): &(SessionId, PathBuf)| {
            *id == self.meta.id && self.segments.iter().all(|own| own.path != *path) && fs::read(path).is_ok()
        };
        if left.iter().any(is_before) { Err(Fault::Locked(database.to_owned())) } else { Ok(()) }
    }

    /// Folds some of what the intake holds. Answers whether there is more.
    fn read(&mut self) -> Result<bool, Fault> {
        let State { fold, position, read, .. } = &mut self.state;
        if let Some(segment) = self.segments.front() {
            if fold.unstored() > UNSTORED {
                return Ok(true);
            }
            let fault = |error| Fault::of_io(&segment.path, &error);
            let written = segment.written.load(Ordering::Acquire);
            let mut most = READ;
            let (bytes, used) = loop {
                let bytes = segment.read(*position, most).map_err(fault)?;
                let whole = *position + bytes.len() as u64 >= written;
                let mut frames = Vec::new();
                let used = frame::decode_all(&bytes, |frame| frames.push(frame));
                // One frame may be larger than what is read at once.
                if used == 0 && !whole {
                    most *= 2;
                    continue;
                }
                for frame in frames {
                    fold.apply(frame);
                }
                break (bytes.len(), if whole { bytes.len() } else { used });
            };
            *position += used as u64;
            *read += used as u64;
            if bytes > used {
                return Ok(true);
            }
            // Where there is a later one, the actor writes to that, and this one goes as soon as it is stored.
            return Ok(self.segments.len() > 1 || *position < written);
        }
        Ok(false)
    }

    fn store(&mut self) -> Result<(), Fault> {
        let Some(segment) = self.segments.front().cloned() else { return Ok(()) };
        let State { fold, position, read, database: Some(database), .. } = &mut self.state else { return Ok(()) };
        if fold.dirty {
            store::store(&mut database.connection, fold, &(segment.name(), *position))
                .map_err(|error| Fault::of(&database.path, &error))?;
            fold.stored();
        }
        self.shared.unread.fetch_sub(std::mem::take(read), Ordering::Relaxed);
        let finished = segment.written.load(Ordering::Acquire) <= *position;
        if self.segments.len() > 1 && finished {
            segment.remove();
            self.segments.pop_front();
            *position = 0;
        }
        Ok(())
    }

    fn prune(&mut self, folder: &Path) -> Result<(), Fault> {
        if self.state.pruned.is_some_and(|at| at.elapsed() < PRUNE) {
            return Ok(());
        }
        self.state.pruned = Some(Instant::now());
        let Some(database) = &self.state.database else { return Ok(()) };
        let fault = |error: rusqlite::Error| Fault::of(&database.path, &error);
        let told = retention::prune(&database.connection, folder, &self.limits, super::now()).map_err(fault)?;
        if let Some(told) = told {
            self.complaints.tell(told);
        }
        self.state.tidying = true;
        Ok(())
    }

    /// One piece of work; if it fails, it is left to the next time.
    fn tidy(&mut self) {
        let database = self.state.database.as_ref();
        self.state.tidying = database.is_some_and(|database| retention::tidy(&database.connection).unwrap_or(false));
    }
}
