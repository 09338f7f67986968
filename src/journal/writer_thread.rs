//! The writer thread: moves events from the intake into the database, about ten times per second while events come. It
//! handles damaged, locked, full and replaced databases.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::frame::{self, SessionMeta};
use super::intake::{self, IntakeFile, SharedIntake};
use super::pending_changes::PendingChanges;
use super::schema::{self, JournalError};
use super::warnings::Warnings;
use super::{quarantine, recover, rescue, retention, store};
use crate::domain::retention::RetentionLimits;
use crate::session::SessionId;
use crate::session::clock::now;
use crate::session::discovery::paths::Paths;

/// The delay between the first event and its transaction, for more events to join.
const STORE_DELAY: Duration = Duration::from_millis(100);
/// The interval between attempts to use the database.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The time that the end of a session waits for the database. Then the events stay in the intake.
const END_TIMEOUT: Duration = Duration::from_secs(1);
/// A file of the intake that exceeds this size is followed by a new one.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The most bytes read from the intake at once, and the most memory of changes that are not stored.
const MAX_READ: usize = 4 << 20;
const MAX_PENDING: usize = 32 << 20;
/// The interval between checks for old sessions.
const PRUNE_INTERVAL: Duration = Duration::from_secs(3600);
/// The pause between portions of removal, for other writers.
const TIDY_INTERVAL: Duration = Duration::from_millis(20);

pub struct WriterThread {
    paths: Paths,
    meta: SessionMeta,
    limits: RetentionLimits,
    shared: Arc<SharedIntake>,
    warnings: Warnings,
    /// The run number in the names of this process's intake files; larger than those of earlier processes.
    run: u64,
    /// The files of the intake, oldest first. The first is read from `position` on.
    intake_files: VecDeque<Arc<IntakeFile>>,
    state: WriterState,
}

#[derive(Default)]
struct WriterState {
    position: u64,
    /// The number of intake files made.
    made: u64,
    database: Option<OpenDatabase>,
    /// The device and inode of the file last opened, or tried.
    opened: Option<(u64, u64)>,
    changes: PendingChanges,
    /// Bytes read since the last store.
    read: u64,
    pruned: Option<Instant>,
    /// Rows are left to be removed, or free pages to be returned.
    tidying: bool,
}

struct OpenDatabase {
    connection: Connection,
    path: PathBuf,
    /// The device and inode of the file.
    identity: (u64, u64),
    /// The same for the index of its log, which stays mapped while it is open.
    index: Option<(u64, u64)>,
}

const FROM_HERE: &str = "the new journal has this session from here on";

fn index(database: &Path) -> PathBuf {
    database.with_extension("db-shm")
}

fn identity_of(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).map(|facts| (facts.dev(), facts.ino())).ok()
}

/// Returns a run number larger than those of all earlier processes of the session.
fn next_run(paths: &Paths, id: &SessionId) -> u64 {
    let Ok(folder) = paths.journal() else { return 1 };
    let left = intake::list(&folder).unwrap_or_default().into_iter().filter(|(of, _)| of == id);
    let left = left.filter_map(|(_, path)| intake::run_of(path.file_name()?.to_str()?));
    let stored = match schema::open_to_read(&folder) {
        Ok(Some(connection)) => store::position(&connection, id).map_err(drop),
        Ok(None) => Ok(None),
        Err(_) => Err(()),
    };
    // Earlier numbers that cannot be read are smaller than this.
    let step = if stored.is_err() { 1 << 40 } else { 1 };
    let stored = stored.ok().flatten().and_then(|(name, _)| intake::run_of(&name));
    left.chain(stored).max().unwrap_or(0).saturating_add(step)
}

impl WriterThread {
    /// `goes_on`: another process has recorded the session before.
    pub fn new(
        paths: Paths,
        meta: SessionMeta,
        limits: RetentionLimits,
        shared: Arc<SharedIntake>,
        warnings: Warnings,
        goes_on: bool,
    ) -> Self {
        let run = if goes_on { next_run(&paths, &meta.id) } else { 1 };
        Self {
            paths,
            meta,
            limits,
            shared,
            warnings,
            run,
            intake_files: VecDeque::new(),
            state: WriterState::default(),
        }
    }

    /// Runs until the recorder is dropped and its events are stored.
    pub fn run(mut self) {
        self.run_once();
        loop {
            let shared = self.shared.clone();
            let is_ending = || shared.ending.load(Ordering::Acquire);
            while !is_ending() && !shared.woken.load(Ordering::Acquire) {
                if self.warnings.is_waiting() {
                    std::thread::park_timeout(RETRY_INTERVAL);
                    break;
                }
                if self.state.tidying {
                    std::thread::park_timeout(TIDY_INTERVAL);
                    self.tidy();
                    continue;
                }
                std::thread::park();
            }
            let gathered = Instant::now() + STORE_DELAY;
            while !is_ending() && Instant::now() < gathered {
                std::thread::park_timeout(gathered.saturating_duration_since(Instant::now()));
            }
            shared.woken.store(false, Ordering::Release);
            let ending = is_ending();
            self.run_once();
            if ending {
                return self.end();
            }
        }
    }

    fn end(mut self) {
        let deadline = Instant::now() + END_TIMEOUT;
        while self.warnings.has_trouble() && !self.is_off() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(100));
            self.run_once();
        }
        self.shared.writing().intake_file = None;
        if !self.warnings.has_trouble() || self.is_off() {
            if let Some(database) = &self.state.database {
                let _ = retention::forget_if_empty(&database.connection, &self.meta.id);
            }
            self.intake_files.iter().for_each(|intake_file| intake_file.remove());
        }
        // Closing the last connection moves the write-ahead log into the database.
    }

    fn is_off(&self) -> bool {
        self.shared.off.load(Ordering::Relaxed)
    }

    fn run_once(&mut self) {
        if self.is_off() {
            return;
        }
        self.watch_intake();
        let mut done = self.store_all();
        if let Err(JournalError::Corrupt(path)) = &done {
            // While the file is open, no other file can get its inode number.
            let damaged = self.state.database.take();
            let renamed = quarantine::set_aside(path, self.state.opened);
            drop(damaged);
            self.state.changes.mark_unstored();
            match renamed {
                Ok(Some(aside)) => self.warnings.send(format!(
                    "the journal was damaged and a new one was started; the old one was moved to {}",
                    aside.display()
                )),
                // Another process has set it aside.
                Ok(None) => {}
                Err(error) => {
                    return self.on_fault(&JournalError::Unusable(format!(
                        "{} is damaged and cannot be moved ({error}); move it away",
                        path.display()
                    )));
                }
            }
            done = self.store_all();
        }
        match done {
            Ok(()) => self.warnings.on_stored(),
            Err(fault) => self.on_fault(&fault),
        }
    }

    fn on_fault(&mut self, fault: &JournalError) {
        if !fault.may_pass() {
            self.shared.off.store(true, Ordering::Relaxed);
            return self.warnings.send(format!("this session is not recorded: {fault}"));
        }
        self.warnings.on_fault(fault, !self.intake_files.is_empty());
    }

    /// Begins a new intake file where one is due, writes the actor's backlog, and reports losses and their end.
    fn watch_intake(&mut self) {
        let is_gone = |intake_file: &IntakeFile| intake_file.path.symlink_metadata().is_err();
        let is_due = self.intake_files.back().is_none_or(|intake_file| {
            intake_file.written.load(Ordering::Acquire) > MAX_FILE_BYTES || is_gone(intake_file)
        });
        let begin_error = if is_due { self.begin_intake_file().err() } else { None };
        loop {
            // In portions, so that the actor can write in between.
            let mut writing = self.shared.writing();
            let written = if writing.is_behind() { writing.catch_up(intake::MAX_WRITE) } else { 0 };
            self.shared.unread.fetch_add(written, Ordering::Relaxed);
            if written == 0 || !writing.is_behind() {
                break;
            }
        }
        let (missed, behind, fault) = {
            let mut writing = self.shared.writing();
            (writing.missed_in_all, writing.is_behind(), writing.fault.take())
        };
        let folder = self.intake_files.back().and_then(|intake_file| intake_file.path.parent());
        let fault = fault.zip(folder).map(|(error, folder)| JournalError::of_io(folder, &error));
        let fault = begin_error.filter(|_| self.intake_files.is_empty()).or(fault);
        self.warnings.on_missed(missed, behind, fault.as_ref(), folder);
    }

    /// Begins a new intake file for the actor.
    pub fn begin_intake_file(&mut self) -> Result<(), JournalError> {
        let folder = self.paths.journal().map_err(|error| JournalError::Unusable(error.to_string()))?;
        self.state.made += 1;
        let next = IntakeFile::create(&folder, &self.meta, self.run, self.state.made)
            .map_err(|error| JournalError::of_io(&folder, &error))?;
        self.shared.unread.fetch_add(next.written.load(Ordering::Relaxed), Ordering::Relaxed);
        self.shared.writing().intake_file = Some(next.clone());
        self.intake_files.push_back(next);
        Ok(())
    }

    /// Stores everything in the intake.
    fn store_all(&mut self) -> Result<(), JournalError> {
        let folder = self.paths.journal().map_err(|error| JournalError::Unusable(error.to_string()))?;
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

    /// Opens the database, unless it is open and its file was not replaced.
    fn open(&mut self, folder: &Path) -> Result<(), JournalError> {
        let path = folder.join(schema::FILE);
        let identity = identity_of(&path);
        if let Some(open) = &self.state.database {
            if Some(open.identity) == identity {
                return Ok(());
            }
            self.state.changes.mark_unstored();
            if identity.is_none() {
                // A new database must never meet an old index or log.
                for file in [index(&path), path.with_extension("db-wal")] {
                    let _ = fs::remove_file(file);
                }
            }
        }
        self.state.opened = identity;
        let index_was = self.state.database.as_ref().and_then(|open| open.index);
        if index_was.is_some() && index_was == identity_of(&index(&path)) {
            // Another process uses the old index for its own database, so it must not be read any more.
            self.state.database = None;
            self.warnings.send(format!("{} was replaced while in use; {FROM_HERE}", path.display()));
        }
        let mut connection = schema::open(folder)?;
        if let Some(gone) = self.state.database.take() {
            // The deleted file is still readable while it is open.
            let outcome = match rescue::copy(&gone.connection, &mut connection, &self.meta.id) {
                Ok(()) => "the new journal has all of this session",
                Err(_) => FROM_HERE,
            };
            self.warnings.send(format!("{} was removed while in use; {outcome}", path.display()));
        }
        let fault = |error: rusqlite::Error| JournalError::of(&path, &error);
        recover::dead_sessions(folder, &mut connection)?;
        self.check_predecessor(folder, &path)?;
        store::load_unfinished(&connection, &self.meta.id, &mut self.state.changes).map_err(fault)?;
        let facts = fs::metadata(&path).map_err(|error| JournalError::of_io(&path, &error))?;
        let identity = (facts.dev(), facts.ino());
        self.state.opened = Some(identity);
        let index = identity_of(&index(&path));
        self.state.database = Some(OpenDatabase { connection, path, identity, index });
        Ok(())
    }

    /// Returns an error while events of a predecessor are not stored: from the first store on, everything older counts
    /// as stored. The predecessor may be dying, or another session may be recovering it.
    fn check_predecessor(&self, folder: &Path, database: &Path) -> Result<(), JournalError> {
        let left = intake::list(folder).map_err(|error| JournalError::of_io(folder, &error))?;
        let is_before = |(id, path): &(SessionId, PathBuf)| {
            *id == self.meta.id && self.intake_files.iter().all(|own| own.path != *path) && fs::read(path).is_ok()
        };
        if left.iter().any(is_before) { Err(JournalError::Locked(database.to_owned())) } else { Ok(()) }
    }

    /// Folds a portion of the intake. Returns whether there is more.
    fn read(&mut self) -> Result<bool, JournalError> {
        let WriterState { changes, position, read, .. } = &mut self.state;
        if let Some(intake_file) = self.intake_files.front() {
            if changes.memory() > MAX_PENDING {
                return Ok(true);
            }
            let fault = |error| JournalError::of_io(&intake_file.path, &error);
            let written = intake_file.written.load(Ordering::Acquire);
            let mut portion = MAX_READ;
            let (bytes, used) = loop {
                let bytes = intake_file.read(*position, portion).map_err(fault)?;
                let whole = *position + bytes.len() as u64 >= written;
                let mut frames = Vec::new();
                let used = frame::decode_all(&bytes, |frame| frames.push(frame));
                // A frame may be larger than one portion.
                if used == 0 && !whole {
                    portion *= 2;
                    continue;
                }
                for frame in frames {
                    changes.apply(frame);
                }
                break (bytes.len(), if whole { bytes.len() } else { used });
            };
            *position += used as u64;
            *read += used as u64;
            if bytes > used {
                return Ok(true);
            }
            // Once there is a newer file, this one is complete, and goes after it is stored.
            return Ok(self.intake_files.len() > 1 || *position < written);
        }
        Ok(false)
    }

    fn store(&mut self) -> Result<(), JournalError> {
        let Some(intake_file) = self.intake_files.front().cloned() else { return Ok(()) };
        let WriterState { changes, position, read, database: Some(database), .. } = &mut self.state else {
            return Ok(());
        };
        if changes.dirty {
            store::store(&mut database.connection, changes, &(intake_file.name(), *position))
                .map_err(|error| JournalError::of(&database.path, &error))?;
            changes.mark_stored();
        }
        self.shared.unread.fetch_sub(std::mem::take(read), Ordering::Relaxed);
        let finished = intake_file.written.load(Ordering::Acquire) <= *position;
        if self.intake_files.len() > 1 && finished {
            intake_file.remove();
            self.intake_files.pop_front();
            *position = 0;
        }
        Ok(())
    }

    fn prune(&mut self, folder: &Path) -> Result<(), JournalError> {
        if self.state.pruned.is_some_and(|at| at.elapsed() < PRUNE_INTERVAL) {
            return Ok(());
        }
        self.state.pruned = Some(Instant::now());
        let Some(database) = &self.state.database else { return Ok(()) };
        let fault = |error: rusqlite::Error| JournalError::of(&database.path, &error);
        let summary = retention::prune(&database.connection, folder, &self.limits, now()).map_err(fault)?;
        if let Some(summary) = summary {
            self.warnings.send(summary);
        }
        self.state.tidying = true;
        Ok(())
    }

    /// Does one portion of removal. After a failure it continues the next time.
    fn tidy(&mut self) {
        let database = self.state.database.as_ref();
        self.state.tidying = database.is_some_and(|database| retention::tidy(&database.connection).unwrap_or(false));
    }
}
