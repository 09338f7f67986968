//! The intake: a small file into which the actor appends each event by one write, before anybody hears of it. What is in
//! there survives the death of every process of ours. The journal's thread moves it into the database.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::frame::{self, Meta};
use crate::domain::Event;
use crate::domain::recorder::{Losses, Lost};
use crate::session::{EventSink, SessionId};

const SUFFIX: &str = ".intake";
/// Bytes that wait for the database at most; what only the eye wants (output, figures) is left out from the half on.
pub const MOST_UNREAD: u64 = 128 << 20;

/// Bytes that wait in memory for room on the disk at most; of what only the eye wants, up to the half.
const BACKLOG: usize = 8 << 20;
/// Bytes of it that are written at once: less than a millisecond's work.
pub const AT_ONCE: usize = 256 << 10;

/// One file of an intake. It is locked for as long as its session lives.
#[derive(Debug)]
pub struct Segment {
    pub path: PathBuf,
    pub file: Flock<File>,
    /// Bytes of whole frames.
    pub written: AtomicU64,
}

impl Segment {
    /// Makes the next file of a session, with its first frame.
    pub fn create(folder: &Path, meta: &Meta, run: u64, number: u64) -> io::Result<Arc<Self>> {
        let mut header = Vec::new();
        frame::encode_session(&mut header, meta);
        let name = format!("{}-{run:016x}-{number:08}", meta.id);
        // Under another name until it is locked, so that nobody takes it for a dead session's.
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

    /// Opens what a session left behind; `None` if it lives, or if somebody else has taken the file meanwhile.
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

    pub fn read(&self, from: u64, most: usize) -> io::Result<Vec<u8>> {
        let left = self.written.load(Ordering::Acquire).saturating_sub(from);
        let mut bytes = vec![0; (left as usize).min(most)];
        self.file.read_exact_at(&mut bytes, from)?;
        Ok(bytes)
    }

    pub fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The files of all intakes in `folder` with the sessions they belong to, oldest first.
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

/// The number of the process in the name of one of its files: no clock, which may be set back, orders the files of a session.
pub fn run_of(name: &str) -> Option<u64> {
    u64::from_str_radix(name.split('-').nth(1)?, 16).ok()
}

/// Removes what a process that died left half made.
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

/// Whether a session holds this file.
pub fn is_held(path: &Path) -> bool {
    let Ok(file) = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) else { return false };
    matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, Errno::EWOULDBLOCK)))
}

/// Whether a process records this session now.
pub fn is_in_use(folder: &Path, id: &SessionId) -> bool {
    list(folder).is_ok_and(|all| all.iter().any(|(other, path)| other == id && is_held(path)))
}

/// What the actor and the journal's thread share.
#[derive(Debug, Default)]
pub struct Shared {
    writing: Mutex<Writing>,
    /// Bytes that are not in the database yet.
    pub unread: AtomicU64,
    /// The thread has been woken and has not looked yet.
    pub called: AtomicBool,
    pub ending: AtomicBool,
    /// Nothing is to be recorded any more.
    pub off: AtomicBool,
    pub thread: OnceLock<Thread>,
}

#[derive(Debug, Default)]
pub struct Writing {
    pub segment: Option<Arc<Segment>>,
    /// What could not be written yet, oldest first, and its bytes.
    backlog: VecDeque<Waiting>,
    backlog_bytes: usize,
    /// What was lost since the last that was written.
    pub missed: Losses,
    /// And in all.
    pub missed_in_all: Losses,
    /// Why the last one could not be written; `None` if there was too much of it.
    pub fault: Option<io::Error>,
    /// Tells the guardian what would be lost with this process.
    pub lost: Option<&'static Lost>,
}

/// A frame that finds no room on the disk.
#[derive(Debug)]
struct Waiting {
    frame: Vec<u8>,
    is_submission: bool,
}

impl Shared {
    pub fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the thread, if it is not awake already.
    pub fn call(&self) {
        if !self.called.swap(true, Ordering::AcqRel)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }
}

impl Writing {
    fn miss(&mut self, is_submission: bool) {
        let one = Losses { events: 1, snippets: u64::from(is_submission) };
        self.missed = self.missed.plus(one);
        self.missed_in_all = self.missed_in_all.plus(one);
    }

    /// Something is not on the disk yet.
    pub fn is_behind(&self) -> bool {
        !self.backlog.is_empty() || !self.missed.is_nothing()
    }

    /// Takes a frame that cannot be written now. What only the eye wants has to leave room for what happened.
    fn put_off(&mut self, frame: &[u8], is_submission: bool, is_bulk: bool) {
        let most = if is_bulk { BACKLOG / 2 } else { BACKLOG };
        if self.backlog_bytes + frame.len() > most {
            return self.miss(is_submission);
        }
        self.backlog_bytes += frame.len();
        self.backlog.push_back(Waiting { frame: frame.to_vec(), is_submission });
    }

    /// Writes what waits, as far as there is room, but no more than `most` bytes or a frame. Answers how many were written.
    pub fn catch_up(&mut self, most: usize) -> u64 {
        let mut written = 0;
        if !self.missed.is_nothing() {
            let mut frame = Vec::new();
            frame::encode_missed(&mut frame, self.missed);
            match self.append(&frame) {
                Ok(()) => self.missed = Losses::default(),
                Err(error) => self.fault = Some(error),
            }
            written += if self.missed.is_nothing() { frame.len() as u64 } else { 0 };
        }
        while self.missed.is_nothing()
            && written < most as u64
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
        self.tell_guardian();
        written
    }

    fn tell_guardian(&self) {
        let Some(lost) = self.lost else { return };
        let snippets = self.backlog.iter().filter(|waiting| waiting.is_submission).count() as u64;
        lost.set(self.missed.plus(Losses { events: self.backlog.len() as u64, snippets }));
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(segment) = &self.segment else { return Err(io::ErrorKind::NotFound.into()) };
        let at = segment.written.load(Ordering::Relaxed);
        // What a failed write leaves behind is overwritten by the next.
        segment.file.write_all_at(bytes, at)?;
        segment.written.store(at + bytes.len() as u64, Ordering::Release);
        Ok(())
    }
}

/// The actor's end. Dropping it ends the recording.
#[derive(Debug)]
pub struct Recorder {
    pub shared: Arc<Shared>,
    pub buffer: Vec<u8>,
}

impl EventSink for Recorder {
    fn event(&mut self, event: &Event) {
        if !frame::is_kept(event) || self.shared.off.load(Ordering::Relaxed) {
            return;
        }
        let is_bulk = matches!(event, Event::Output { .. } | Event::Displayed { .. });
        let full = if is_bulk { MOST_UNREAD / 2 } else { MOST_UNREAD };
        let is_submission = matches!(event, Event::Submitted { .. });
        let mut writing = self.shared.writing();
        if self.shared.unread.load(Ordering::Relaxed) > full {
            writing.fault = None;
            writing.miss(is_submission);
            return writing.tell_guardian();
        }
        self.buffer.clear();
        frame::encode_event(&mut self.buffer, event);
        let mut written = if writing.is_behind() { writing.catch_up(AT_ONCE) } else { 0 };
        if writing.is_behind() {
            writing.put_off(&self.buffer, is_submission, is_bulk);
            writing.tell_guardian();
        } else if let Err(error) = writing.append(&self.buffer) {
            writing.fault = Some(error);
            writing.put_off(&self.buffer, is_submission, is_bulk);
            writing.tell_guardian();
        } else {
            written += self.buffer.len() as u64;
        }
        self.shared.unread.fetch_add(written, Ordering::Relaxed);
        drop(writing);
        self.buffer.shrink_to(1 << 20);
        self.shared.call();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        if let Some(thread) = self.shared.thread.get() {
            thread.unpark();
        }
    }
}
