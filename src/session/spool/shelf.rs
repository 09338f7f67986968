//! Where whole outputs lie: small ones in memory, large ones in two files each: the text as it was written, and where
//! it changes between the streams. The folder of a session has its id for a name.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use nix::fcntl::{Flock, FlockArg};

use super::Queue;
use super::whole::{Missing, Source, Whole, change};
use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::{Output, SnippetId, Stream, units};
use crate::session::SessionId;
use crate::session::discovery::paths::make_private;
use crate::session::discovery::session_lock;

/// How much is kept, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one snippet. Less than 2 GB, for the marks of the streams.
    pub snippet: u64,
    /// Of one session on disk; beyond it the oldest go.
    pub session: u64,
    /// Of one snippet in memory: what [`Output`] keeps need not be on disk.
    pub memory: usize,
    /// Of all snippets in memory; beyond it the oldest go to disk.
    pub memories: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { snippet: 256 << 20, session: 1 << 30, memory: Output::HEAD + Output::TAIL, memories: 4 << 20 }
    }
}

/// Bytes that sessions of the past may take on disk together.
const PAST: u64 = 2 << 30;

#[derive(Debug)]
pub struct Shelf {
    folder: Option<PathBuf>,
    limits: Limits,
    records: BTreeMap<SnippetId, Record>,
    /// What memory and disk hold.
    memories: usize,
    on_disk: u64,
}

#[derive(Debug, Default)]
struct Record {
    /// Empty once it is on disk.
    text: Vec<u8>,
    changes: Vec<u8>,
    on_disk: bool,
    removed: bool,
    length: u64,
    changes_length: u64,
    last: Option<Stream>,
    /// Set when no more of it is kept.
    missing: Option<Missing>,
}

impl Record {
    fn size(&self) -> u64 {
        self.length + self.changes_length
    }
}

/// What a reader needs, taken under the lock and opened without it.
pub struct Found {
    text: Result<Vec<u8>, PathBuf>,
    changes: Result<Vec<u8>, PathBuf>,
    length: u64,
    changes_length: u64,
    missing: Option<Missing>,
}

impl Found {
    pub fn open(self) -> io::Result<Whole> {
        let source = |place: Result<Vec<u8>, PathBuf>, length: u64| match place {
            Ok(memory) => Ok(Source::Memory(memory)),
            Err(_) if length == 0 => Ok(Source::Memory(Vec::new())),
            Err(path) => File::open(path).map(Source::File),
        };
        Ok(Whole::new(
            source(self.text, self.length)?,
            self.length,
            source(self.changes, self.changes_length)?,
            self.changes_length,
            self.missing,
        ))
    }
}

impl Shelf {
    pub fn new(folder: Option<PathBuf>, limits: Limits) -> Self {
        Self { folder, limits, records: BTreeMap::new(), memories: 0, on_disk: 0 }
    }

    pub fn folder(&self) -> Option<PathBuf> {
        self.folder.clone()
    }

    pub fn find(&self, snippet: SnippetId) -> Option<Found> {
        let Some(record) = self.records.get(&snippet) else { return self.find_of_before(snippet) };
        let place = |memory: &Vec<u8>, kind: &str| match &self.folder {
            Some(folder) if record.on_disk => Err(path(folder, snippet, kind)),
            _ => Ok(memory.clone()),
        };
        Some(Found {
            text: place(&record.text, TEXT),
            changes: place(&record.changes, CHANGES),
            length: record.length,
            changes_length: record.changes_length,
            missing: record.missing.clone(),
        })
    }

    /// Of a process that held the session before this one.
    fn find_of_before(&self, snippet: SnippetId) -> Option<Found> {
        let place = |kind| self.folder.as_ref().map(|folder| path(folder, snippet, kind));
        let (text, changes) = (place(TEXT)?, place(CHANGES)?);
        let length = fs::metadata(&text).ok()?.len();
        let changes_length = fs::metadata(&changes).map_or(0, |facts| facts.len());
        Some(Found { text: Err(text), changes: Err(changes), length, changes_length, missing: None })
    }

    pub fn length(&self, snippet: SnippetId) -> u64 {
        self.records.get(&snippet).map_or(0, |record| record.length)
    }

    pub fn missing(&self, snippet: SnippetId) -> Option<Missing> {
        self.records.get(&snippet)?.missing.clone()
    }

    /// The oldest that is in memory.
    fn oldest_in_memory(&self) -> Option<SnippetId> {
        if self.memories <= self.limits.memories {
            return None;
        }
        self.records.iter().find(|(_, record)| !record.on_disk && !record.text.is_empty()).map(|(id, _)| *id)
    }

    /// The oldest on disk but `writing`, if there is too much.
    fn oldest_on_disk(&mut self, writing: SnippetId) -> Option<(SnippetId, PathBuf)> {
        if self.on_disk <= self.limits.session {
            return None;
        }
        let (id, record) =
            self.records.iter_mut().find(|(id, record)| record.on_disk && !record.removed && **id != writing)?;
        self.on_disk -= record.size();
        record.removed = true;
        let lost = record.length + record.missing.take().map_or(0, |missing| missing.bytes);
        record.missing = Some(Missing { bytes: lost, why: "removed to make room for newer output".into() });
        (record.length, record.changes_length) = (0, 0);
        Some((*id, self.folder.clone()?))
    }
}

const TEXT: &str = "out";
const CHANGES: &str = "streams";

fn path(folder: &Path, snippet: SnippetId, kind: &str) -> PathBuf {
    folder.join(format!("{snippet}.{kind}"))
}

/// The thread's side: the files that are being written.
#[derive(Debug, Default)]
pub struct Writer {
    open: Option<Open>,
    /// Held for as long as the session lives, so that its folder is not removed as an old one.
    lock: Option<Flock<File>>,
    /// Why something could not be written, for whoever tells it.
    pub(super) trouble: Option<Arc<str>>,
}

#[derive(Debug)]
struct Open {
    snippet: SnippetId,
    text: File,
    changes: File,
}

fn guard(shared: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    /// Puts away what was queued. Answers whether some of it went to disk. The lock is never held over a write.
    pub(super) fn write(&mut self, shared: &Mutex<Shelf>, batch: &Queue) -> bool {
        let mut to_disk = false;
        let mut at = 0;
        for run in &batch.runs {
            let text = &batch.text[at..at + run.length];
            at += run.length;
            to_disk |= self.add(shared, run.snippet, run.stream, text);
        }
        for (snippet, bytes) in &batch.missed {
            if let Some(missing) = guard(shared).records.get_mut(snippet).and_then(|record| record.missing.as_mut()) {
                missing.bytes += bytes;
                continue;
            }
            let mark = format!("\n[... {bytes} bytes were not kept: the disk was too slow ...]\n");
            to_disk |= self.add(shared, *snippet, Stream::Stderr, &mark);
        }
        loop {
            let oldest = guard(shared).oldest_in_memory();
            match oldest {
                Some(oldest) => self.move_to_disk(shared, oldest),
                None => return to_disk,
            }
        }
    }

    fn add(&mut self, shared: &Mutex<Shelf>, snippet: SnippetId, stream: Stream, text: &str) -> bool {
        let mut held = guard(shared);
        let limits = held.limits;
        let record = held.records.entry(snippet).or_default();
        if let Some(missing) = &mut record.missing {
            missing.bytes += text.len() as u64;
            return false;
        }
        let room = limits.snippet.saturating_sub(record.size()).try_into().unwrap_or(usize::MAX);
        let kept = &text[..floor_char_boundary(text, room)];
        let mark = (record.last.unwrap_or(Stream::Stdout) != stream).then(|| change(record.length, stream));
        if !record.on_disk && record.text.len() + kept.len() > limits.memory {
            drop(held);
            self.move_to_disk(shared, snippet);
            held = guard(shared);
        }
        let Some(record) = held.records.get_mut(&snippet) else { return false };
        let mut fault = None;
        let on_disk = record.on_disk;
        if let Some(missing) = &mut record.missing {
            // As much as memory may hold.
            let fits = floor_char_boundary(kept, limits.memory.saturating_sub(record.text.len()));
            record.text.extend_from_slice(&kept.as_bytes()[..fits]);
            record.changes.extend(mark.iter().flatten());
            missing.bytes += (text.len() - fits) as u64;
            let size = fits + mark.map_or(0, |mark| mark.len());
            record.length += fits as u64;
            record.changes_length = record.changes.len() as u64;
            held.memories += size;
            return false;
        }
        if on_disk {
            let folder = held.folder.clone().unwrap_or_default();
            drop(held);
            fault = self.append(&folder, snippet, kept, mark.as_ref()).err();
            held = guard(shared);
        } else {
            record.text.extend_from_slice(kept.as_bytes());
            record.changes.extend(mark.iter().flatten());
        }
        let size = (kept.len() + mark.map_or(0, |mark| mark.len())) as u64;
        let folder = held.folder.clone().unwrap_or_default();
        if fault.is_none() {
            if on_disk {
                held.on_disk += size;
            } else {
                held.memories += size as usize;
            }
        }
        let Some(record) = held.records.get_mut(&snippet) else { return on_disk };
        if let Some(fault) = fault {
            let why = unwritable(&folder, &fault);
            record.missing = Some(Missing { bytes: text.len() as u64, why: why.clone() });
            self.trouble = Some(why);
            self.open = None;
            return true;
        }
        record.length += kept.len() as u64;
        record.changes_length += mark.map_or(0, |mark| mark.len()) as u64;
        record.last = Some(stream);
        if kept.len() < text.len() {
            let why = format!("no more than {} of one snippet is kept", units::bytes(limits.snippet));
            record.missing = Some(Missing { bytes: (text.len() - kept.len()) as u64, why: why.into() });
            self.open = None;
        }
        while let Some((oldest, folder)) = held.oldest_on_disk(snippet) {
            drop(held);
            for kind in [TEXT, CHANGES] {
                let _ = fs::remove_file(path(&folder, oldest, kind));
            }
            held = guard(shared);
        }
        on_disk
    }

    /// Moves what memory holds of a snippet into files. Where that fails it stays, and nothing is added to it.
    fn move_to_disk(&mut self, shared: &Mutex<Shelf>, snippet: SnippetId) {
        let held = guard(shared);
        let Some(record) = held.records.get(&snippet) else { return };
        let (text, changes) = (record.text.clone(), record.changes.clone());
        let folder = held.folder.clone();
        drop(held);
        let written = match &folder {
            None => Err("there is no folder for it".into()),
            Some(folder) => self
                .open(folder, snippet, true)
                .and_then(|open| {
                    open.text.write_all(&text)?;
                    open.changes.write_all(&changes)
                })
                .map_err(|fault| unwritable(folder, &fault)),
        };
        let mut held = guard(shared);
        let Some(record) = held.records.get_mut(&snippet) else { return };
        match written {
            Ok(()) => {
                record.on_disk = true;
                let size = record.size();
                (record.text, record.changes) = (Vec::new(), Vec::new());
                held.memories -= size as usize;
                held.on_disk += size;
            }
            Err(why) => {
                self.open = None;
                self.trouble = Some(why.clone());
                let in_vain = held.memories > held.limits.memories;
                let Some(record) = held.records.get_mut(&snippet) else { return };
                let missing = record.missing.get_or_insert(Missing { bytes: 0, why });
                if in_vain {
                    missing.bytes += record.length;
                    let size = record.size();
                    (record.text, record.changes) = (Vec::new(), Vec::new());
                    (record.length, record.changes_length) = (0, 0);
                    held.memories -= size as usize;
                }
            }
        }
    }

    fn append(&mut self, folder: &Path, snippet: SnippetId, text: &str, mark: Option<&[u8; 4]>) -> io::Result<()> {
        let open = self.open(folder, snippet, false)?;
        open.text.write_all(text.as_bytes())?;
        if let Some(mark) = mark {
            open.changes.write_all(mark)?;
        }
        Ok(())
    }

    fn open(&mut self, folder: &Path, snippet: SnippetId, is_new: bool) -> io::Result<&mut Open> {
        if let Some(open) = self.open.take_if(|open| open.snippet == snippet) {
            return Ok(self.open.insert(open));
        }
        if self.lock.is_none() {
            for folder in folder.parent().into_iter().chain([folder]) {
                make_private(folder).map_err(io::Error::other)?;
            }
            let lock = Flock::lock(File::open(folder)?, FlockArg::LockSharedNonblock);
            self.lock = Some(lock.map_err(|(_, errno)| io::Error::from(errno))?);
        }
        let file = |kind| {
            let mut options = OpenOptions::new();
            options.append(true).create(is_new).mode(0o600).custom_flags(libc::O_CLOEXEC | libc::O_NOFOLLOW);
            let file = options.open(path(folder, snippet, kind))?;
            if is_new {
                file.set_len(0)?;
            }
            Ok::<_, io::Error>(file)
        };
        let open = Open { snippet, text: file(TEXT)?, changes: file(CHANGES)? };
        Ok(self.open.insert(open))
    }
}

fn unwritable(folder: &Path, fault: &io::Error) -> Arc<str> {
    format!("{} cannot be written: {fault}", folder.display()).into()
}

/// Removes what sessions of the past left in `spools`, the oldest first, until the rest takes no more than [`PAST`].
/// Answers of how many sessions.
pub fn remove_old(spools: &Path) -> usize {
    let Ok(folders) = fs::read_dir(spools) else { return 0 };
    let mut past: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for folder in folders.flatten() {
        let size = fs::read_dir(folder.path()).into_iter().flatten().flatten();
        let size = size.filter_map(|file| file.metadata().ok()).map(|facts| facts.len()).sum();
        let written = folder.metadata().and_then(|facts| facts.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        past.push((written, size, folder.path()));
    }
    past.sort();
    let mut total: u64 = past.iter().map(|(_, size, _)| size).sum();
    let mut removed = 0;
    for (_, size, folder) in past {
        if total <= PAST {
            break;
        }
        // A session process holds a lock on its folder, and its guardian the session, also between two of them.
        let id = folder.file_name().and_then(|name| SessionId::parse(name.to_str()?));
        let state = spools.parent().unwrap_or(spools);
        let kept_out = id.map(|id| session_lock::keep_out(state, &id));
        if matches!(kept_out, Some(Ok(None) | Err(_))) {
            continue;
        }
        let Ok(file) = File::open(&folder) else { continue };
        if Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok() && fs::remove_dir_all(&folder).is_ok() {
            total -= size;
            removed += 1;
        }
    }
    removed
}
