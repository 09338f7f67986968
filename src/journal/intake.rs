//! The intake: a small file to which the actor appends each event with one write, before it publishes the event. The
//! file survives the death of every process. The writer thread moves its events into the database.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use parking_lot::{Mutex, MutexGuard};

use super::frame::{self, SessionMeta};
use crate::domain::Event;
use crate::domain::flight_recorder::{Losses, SharedLosses};
use crate::session::{EventSink, SessionId};

const SUFFIX: &str = ".intake";
/// The most bytes that wait for the database. From half of it on, output and displays are dropped.
pub const MAX_UNREAD: u64 = 128 << 20;

/// The most bytes that wait in memory for space on the disk. Output and displays may take half of it.
const MAX_BACKLOG: usize = 8 << 20;
/// Bytes of the backlog written at once: less than a millisecond's work.
pub const MAX_WRITE: usize = 256 << 10;

/// A file of an intake. It is locked while its session lives.
#[derive(Debug)]
pub struct IntakeFile {
    pub path: PathBuf,
    pub file: Flock<File>,
    /// The bytes of complete frames.
    pub written: AtomicU64,
}

impl IntakeFile {
    /// Creates the next file of a session, with its first frame.
    pub fn create(folder: &Path, meta: &SessionMeta, run: u64, number: u64) -> io::Result<Arc<Self>> {
        let mut header = Vec::new();
        frame::encode_session(&mut header, meta);
        let name = format!("{}-{run:016x}-{number:08}", meta.id);
        // The file has another name until it is locked, so that nobody takes it for a dead session's.
        let draft = folder.join(format!("{name}.draft"));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        let file = options.open(&draft)?;
        let path = folder.join(format!("{name}{SUFFIX}"));
        let made = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file.write_all_at(&header, 0).and_then(|()| fs::rename(&draft, &path)).map(|()| file),
            Err((_, errno)) => Err(errno.into()),
        };
        match made {
            Ok(file) => Ok(Arc::new(Self { path, file, written: AtomicU64::new(header.len() as u64) })),
            Err(error) => {
                let _ = fs::remove_file(draft);
                Err(error)
            }
        }
    }

    /// Opens a file that a dead session left; `None` if the session lives, or another process has taken the file.
    pub fn adopt(path: &Path) -> io::Result<Option<Self>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = match Flock::lock(options.open(path)?, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
            Err((_, errno)) => return Err(errno.into()),
        };
        let (mine, there) = (file.metadata()?, path.symlink_metadata()?);
        let same = mine.is_file() && (mine.dev(), mine.ino()) == (there.dev(), there.ino());
        Ok(same.then(|| Self { path: path.to_owned(), written: AtomicU64::new(mine.len()), file }))
    }

    pub fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    pub fn read(&self, from: u64, max: usize) -> io::Result<Vec<u8>> {
        let left = self.written.load(Ordering::Acquire).saturating_sub(from);
        let mut bytes = vec![0; (left as usize).min(max)];
        self.file.read_exact_at(&mut bytes, from)?;
        Ok(bytes)
    }

    pub fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Returns the files of all intakes in `folder` with their sessions, oldest first.
pub fn list(folder: &Path) -> io::Result<Vec<(SessionId, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let id = name.filter(|name| name.ends_with(SUFFIX)).and_then(|name| SessionId::parse(name.split('-').next()?));
        found.extend(id.map(|id| (id, path)));
    }
    found.sort();
    Ok(found)
}

/// Returns the run number in the name of an intake file. It orders a session's files, since the clock may be set back.
pub fn run_of(name: &str) -> Option<u64> {
    u64::from_str_radix(name.split('-').nth(1)?, 16).ok()
}

/// Removes unfinished files of processes that died.
pub fn sweep_drafts(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_draft = path.extension().is_some_and(|extension| extension == "draft");
        let old =
            |facts: fs::Metadata| facts.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age.as_secs() > 60));
        if is_draft && path.symlink_metadata().is_ok_and(old) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Returns whether a process has locked the file.
pub fn is_locked(path: &Path) -> bool {
    let Ok(file) = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) else { return false };
    matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, Errno::EWOULDBLOCK)))
}

/// Returns whether a process records the session now.
pub fn is_in_use(folder: &Path, id: &SessionId) -> bool {
    list(folder).is_ok_and(|all| all.iter().any(|(other, path)| other == id && is_locked(path)))
}

/// The state that the actor and the writer thread share.
#[derive(Debug, Default)]
pub struct SharedIntake {
    writing: Mutex<IntakeWriter>,
    /// Bytes that are not in the database yet.
    pub unread: AtomicU64,
    /// The thread was woken and has not reacted yet.
    pub woken: AtomicBool,
    pub ending: AtomicBool,
    /// Recording has stopped for good.
    pub off: AtomicBool,
    pub thread: OnceLock<Thread>,
}

#[derive(Debug, Default)]
pub struct IntakeWriter {
    pub intake_file: Option<Arc<IntakeFile>>,
    /// The frames that could not be written yet, oldest first.
    backlog: VecDeque<DelayedFrame>,
    backlog_bytes: usize,
    /// Events lost since the last written frame.
    pub missed: Losses,
    /// All events lost.
    pub missed_in_all: Losses,
    /// Why the last write failed; `None` if the backlog was full.
    pub fault: Option<io::Error>,
    /// Where the guardian reads what would be lost with this process.
    pub lost: Option<&'static SharedLosses>,
}

/// A frame that waits for space on the disk.
#[derive(Debug)]
struct DelayedFrame {
    frame: Vec<u8>,
    is_submission: bool,
}

impl SharedIntake {
    pub fn writing(&self) -> MutexGuard<'_, IntakeWriter> {
        self.writing.lock()
    }

    /// Wakes the writer thread, unless it was woken already.
    pub fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

impl IntakeWriter {
    fn miss(&mut self, is_submission: bool) {
        let one = Losses { events: 1, snippets: u64::from(is_submission) };
        self.missed = self.missed.plus(one);
        self.missed_in_all = self.missed_in_all.plus(one);
    }

    /// Returns whether events are not on the disk yet.
    pub fn is_behind(&self) -> bool {
        !self.backlog.is_empty() || !self.missed.is_nothing()
    }

    /// Puts a frame into the backlog. Output and displays leave room for other events.
    fn delay(&mut self, frame: &[u8], is_submission: bool, is_bulk: bool) {
        let max = if is_bulk { MAX_BACKLOG / 2 } else { MAX_BACKLOG };
        if self.backlog_bytes + frame.len() > max {
            return self.miss(is_submission);
        }
        self.backlog_bytes += frame.len();
        self.backlog.push_back(DelayedFrame { frame: frame.to_vec(), is_submission });
    }

    /// Writes the backlog as far as there is space, up to `max` bytes or one frame. Returns the number of bytes
    /// written.
    pub fn catch_up(&mut self, max: usize) -> u64 {
        let mut written = 0;
        if !self.missed.is_nothing() {
            let mut frame = Vec::new();
            frame::encode_losses(&mut frame, self.missed);
            match self.append(&frame) {
                Ok(()) => self.missed = Losses::default(),
                Err(error) => self.fault = Some(error),
            }
            written += if self.missed.is_nothing() { frame.len() as u64 } else { 0 };
        }
        while self.missed.is_nothing()
            && written < max as u64
            && let Some(waiting) = self.backlog.pop_front()
        {
            if let Err(error) = self.append(&waiting.frame) {
                self.fault = Some(error);
                self.backlog.push_front(waiting);
                break;
            }
            self.backlog_bytes -= waiting.frame.len();
            written += waiting.frame.len() as u64;
        }
        if self.backlog.is_empty() {
            self.backlog = VecDeque::new();
        }
        self.report_losses();
        written
    }

    fn report_losses(&self) {
        let Some(lost) = self.lost else { return };
        let snippets = self.backlog.iter().filter(|waiting| waiting.is_submission).count() as u64;
        lost.set(self.missed.plus(Losses { events: self.backlog.len() as u64, snippets }));
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(intake_file) = &self.intake_file else { return Err(io::ErrorKind::NotFound.into()) };
        let at = intake_file.written.load(Ordering::Relaxed);
        // The next write overwrites what a failed one left behind.
        intake_file.file.write_all_at(bytes, at)?;
        intake_file.written.store(at + bytes.len() as u64, Ordering::Release);
        Ok(())
    }
}

/// The actor's end of the journal. Dropping it ends the recording.
#[derive(Debug)]
pub struct JournalRecorder {
    pub shared: Arc<SharedIntake>,
    pub buffer: Vec<u8>,
}

impl EventSink for JournalRecorder {
    fn event(&mut self, event: &Event) {
        self.record(event);
    }

    /// Records the events with one write, where nothing is in the way.
    fn events(&mut self, events: &[Arc<Event>]) {
        let mut writing = self.shared.writing();
        let is_plain = !writing.is_behind() && self.shared.unread.load(Ordering::Relaxed) <= MAX_UNREAD / 2;
        if is_plain && !self.shared.off.load(Ordering::Relaxed) {
            self.buffer.clear();
            for event in events.iter().filter(|event| frame::is_recorded(event)) {
                frame::encode_event(&mut self.buffer, event);
            }
            if writing.append(&self.buffer).is_ok() {
                self.shared.unread.fetch_add(self.buffer.len() as u64, Ordering::Relaxed);
                drop(writing);
                self.buffer.shrink_to(1 << 20);
                return self.shared.wake();
            }
        }
        drop(writing);
        for event in events {
            self.record(event);
        }
    }
}

impl JournalRecorder {
    fn record(&mut self, event: &Event) {
        if !frame::is_recorded(event) || self.shared.off.load(Ordering::Relaxed) {
            return;
        }
        let is_bulk = matches!(event, Event::Output { .. } | Event::Displayed { .. });
        let full = if is_bulk { MAX_UNREAD / 2 } else { MAX_UNREAD };
        let is_submission = matches!(event, Event::Submitted { .. });
        let mut writing = self.shared.writing();
        if self.shared.unread.load(Ordering::Relaxed) > full {
            writing.fault = None;
            writing.miss(is_submission);
            return writing.report_losses();
        }
        self.buffer.clear();
        frame::encode_event(&mut self.buffer, event);
        let mut written = if writing.is_behind() { writing.catch_up(MAX_WRITE) } else { 0 };
        if writing.is_behind() {
            writing.delay(&self.buffer, is_submission, is_bulk);
            writing.report_losses();
        } else if let Err(error) = writing.append(&self.buffer) {
            writing.fault = Some(error);
            writing.delay(&self.buffer, is_submission, is_bulk);
            writing.report_losses();
        } else {
            written += self.buffer.len() as u64;
        }
        self.shared.unread.fetch_add(written, Ordering::Relaxed);
        drop(writing);
        self.buffer.shrink_to(1 << 20);
        self.shared.wake();
    }
}

impl Drop for JournalRecorder {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        if let Some(thread) = self.shared.thread.get() {
            thread.unpark();
        }
    }
}
