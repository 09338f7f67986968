//! The store of the spool: small outputs in memory, large ones in two files each, the text and the places where it
//! changes between stdout and stderr. The folder of a session is named by its id.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use nix::fcntl::{Flock, FlockArg};
use parking_lot::Mutex;

use super::queue::SpoolQueue;
use super::whole::{Missing, Source, Whole, encode_change};
use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::{Output, SnippetId, Stream, units};
use crate::session::SessionId;
use crate::session::discovery::paths::make_private;
use crate::session::discovery::session_lock;

/// Limits of the spool, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one snippet. Less than 2 GB, because a change of stream has its offset in 31 bits.
    pub snippet: u64,
    /// Of one session on disk; beyond that the oldest outputs are removed.
    pub session: u64,
    /// Of one snippet in memory: as much as [`Output`] keeps need not be on disk.
    pub memory: usize,
    /// Of all snippets in memory; beyond that the oldest outputs go to disk.
    pub memories: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { snippet: 256 << 20, session: 1 << 30, memory: Output::HEAD + Output::TAIL, memories: 4 << 20 }
    }
}

/// Bytes that the outputs of past sessions may take on disk together.
const MAX_PAST_SIZE: u64 = 2 << 30;

#[derive(Debug)]
pub struct Shelf {
    folder: Option<PathBuf>,
    limits: Limits,
    outputs: BTreeMap<SnippetId, StoredOutput>,
    /// Bytes in memory and on disk.
    memories: usize,
    on_disk: u64,
}

#[derive(Debug, Default)]
struct StoredOutput {
    /// Empty once the output is on disk.
    text: Vec<u8>,
    changes: Vec<u8>,
    on_disk: bool,
    removed: bool,
    length: u64,
    changes_length: u64,
    last: Option<Stream>,
    /// Set once no more of the output is kept.
    missing: Option<Missing>,
}

impl StoredOutput {
    fn size(&self) -> u64 {
        self.length + self.changes_length
    }
}

/// Bytes of an output, in memory or in a file.
enum Bytes {
    Memory(Vec<u8>),
    File(PathBuf),
}

impl Bytes {
    fn open(self, length: u64) -> io::Result<Source> {
        match self {
            Self::Memory(bytes) => Ok(Source::Memory(bytes)),
            Self::File(_) if length == 0 => Ok(Source::Memory(Vec::new())),
            Self::File(path) => File::open(path).map(Source::File),
        }
    }
}

/// A stored output: looked up under the lock, opened without it.
pub struct LocatedOutput {
    text: Bytes,
    changes: Bytes,
    length: u64,
    changes_length: u64,
    missing: Option<Missing>,
}

impl LocatedOutput {
    pub fn open(self) -> io::Result<Whole> {
        let text = self.text.open(self.length)?;
        let changes = self.changes.open(self.changes_length)?;
        Ok(Whole::new(text, self.length, changes, self.changes_length, self.missing))
    }
}

impl Shelf {
    pub fn new(folder: Option<PathBuf>, limits: Limits) -> Self {
        Self { folder, limits, outputs: BTreeMap::new(), memories: 0, on_disk: 0 }
    }

    pub fn folder(&self) -> Option<PathBuf> {
        self.folder.clone()
    }

    pub fn find(&self, snippet: SnippetId) -> Option<LocatedOutput> {
        let Some(output) = self.outputs.get(&snippet) else { return self.find_of_earlier_process(snippet) };
        let place = |memory: &Vec<u8>, kind: &str| match &self.folder {
            Some(folder) if output.on_disk => Bytes::File(path(folder, snippet, kind)),
            _ => Bytes::Memory(memory.clone()),
        };
        Some(LocatedOutput {
            text: place(&output.text, TEXT),
            changes: place(&output.changes, CHANGES),
            length: output.length,
            changes_length: output.changes_length,
            missing: output.missing.clone(),
        })
    }

    /// Finds the output of an earlier process of the session.
    fn find_of_earlier_process(&self, snippet: SnippetId) -> Option<LocatedOutput> {
        let place = |kind| self.folder.as_ref().map(|folder| path(folder, snippet, kind));
        let (text, changes) = (place(TEXT)?, place(CHANGES)?);
        let length = fs::metadata(&text).ok()?.len();
        let changes_length = fs::metadata(&changes).map_or(0, |facts| facts.len());
        Some(LocatedOutput {
            text: Bytes::File(text),
            changes: Bytes::File(changes),
            length,
            changes_length,
            missing: None,
        })
    }

    pub fn length(&self, snippet: SnippetId) -> u64 {
        self.outputs.get(&snippet).map_or(0, |output| output.length)
    }

    pub fn missing(&self, snippet: SnippetId) -> Option<Missing> {
        self.outputs.get(&snippet)?.missing.clone()
    }

    /// Returns the oldest output in memory, if memory holds too much.
    fn oldest_in_memory(&self) -> Option<SnippetId> {
        if self.memories <= self.limits.memories {
            return None;
        }
        self.outputs.iter().find(|(_, output)| !output.on_disk && !output.text.is_empty()).map(|(id, _)| *id)
    }

    /// Drops the oldest output on disk but `writing`, if the disk holds too much. Returns the snippet and the folder.
    fn drop_oldest_on_disk(&mut self, writing: SnippetId) -> Option<(SnippetId, PathBuf)> {
        if self.on_disk <= self.limits.session {
            return None;
        }
        let (id, output) =
            self.outputs.iter_mut().find(|(id, output)| output.on_disk && !output.removed && **id != writing)?;
        self.on_disk -= output.size();
        output.removed = true;
        let lost = output.length + output.missing.take().map_or(0, |missing| missing.bytes);
        output.missing = Some(Missing { bytes: lost, why: "removed to make room for newer output".into() });
        (output.length, output.changes_length) = (0, 0);
        Some((*id, self.folder.clone()?))
    }
}

const TEXT: &str = "out";
const CHANGES: &str = "streams";

fn path(folder: &Path, snippet: SnippetId, kind: &str) -> PathBuf {
    folder.join(format!("{snippet}.{kind}"))
}

/// The side of the thread: the files that are being written.
#[derive(Debug, Default)]
pub struct ShelfWriter {
    open: Option<OpenFiles>,
    /// Held as long as the session lives, so that its folder is not removed as an old one.
    lock: Option<Flock<File>>,
    /// Why something could not be written.
    pub(super) problem: Option<Arc<str>>,
}

#[derive(Debug)]
struct OpenFiles {
    snippet: SnippetId,
    text: File,
    changes: File,
}

impl ShelfWriter {
    /// Stores a batch of the queue. Returns whether some of it went to disk. The lock is never held during a write.
    pub(super) fn write(&mut self, shared: &Mutex<Shelf>, batch: &SpoolQueue) -> bool {
        let mut to_disk = false;
        let mut at = 0;
        for run in &batch.runs {
            let text = &batch.text[at..at + run.length];
            at += run.length;
            to_disk |= self.add(shared, run.snippet, run.stream, text);
        }
        for (snippet, bytes) in &batch.lost {
            if let Some(missing) = shared.lock().outputs.get_mut(snippet).and_then(|output| output.missing.as_mut()) {
                missing.bytes += bytes;
                continue;
            }
            let mark = format!("\n[... {bytes} bytes were not kept: the disk was too slow ...]\n");
            to_disk |= self.add(shared, *snippet, Stream::Stderr, &mark);
        }
        loop {
            let oldest = shared.lock().oldest_in_memory();
            match oldest {
                Some(oldest) => self.move_to_disk(shared, oldest),
                None => return to_disk,
            }
        }
    }

    fn add(&mut self, shared: &Mutex<Shelf>, snippet: SnippetId, stream: Stream, text: &str) -> bool {
        let mut locked = shared.lock();
        let limits = locked.limits;
        let output = locked.outputs.entry(snippet).or_default();
        if let Some(missing) = &mut output.missing {
            missing.bytes += text.len() as u64;
            return false;
        }
        let room = limits.snippet.saturating_sub(output.size()).try_into().unwrap_or(usize::MAX);
        let part = &text[..floor_char_boundary(text, room)];
        let mark = (output.last.unwrap_or(Stream::Stdout) != stream).then(|| encode_change(output.length, stream));
        if !output.on_disk && output.text.len() + part.len() > limits.memory {
            drop(locked);
            self.move_to_disk(shared, snippet);
            locked = shared.lock();
        }
        let Some(output) = locked.outputs.get_mut(&snippet) else { return false };
        let mut fault = None;
        let on_disk = output.on_disk;
        if let Some(missing) = &mut output.missing {
            // No more than memory may hold.
            let fits = floor_char_boundary(part, limits.memory.saturating_sub(output.text.len()));
            output.text.extend_from_slice(&part.as_bytes()[..fits]);
            output.changes.extend(mark.iter().flatten());
            missing.bytes += (text.len() - fits) as u64;
            let size = fits + mark.map_or(0, |mark| mark.len());
            output.length += fits as u64;
            output.changes_length = output.changes.len() as u64;
            locked.memories += size;
            return false;
        }
        if on_disk {
            let folder = locked.folder.clone().unwrap_or_default();
            drop(locked);
            fault = self.append(&folder, snippet, part, mark.as_ref()).err();
            locked = shared.lock();
        } else {
            output.text.extend_from_slice(part.as_bytes());
            output.changes.extend(mark.iter().flatten());
        }
        let size = (part.len() + mark.map_or(0, |mark| mark.len())) as u64;
        let folder = locked.folder.clone().unwrap_or_default();
        if fault.is_none() {
            if on_disk {
                locked.on_disk += size;
            } else {
                locked.memories += size as usize;
            }
        }
        let Some(output) = locked.outputs.get_mut(&snippet) else { return on_disk };
        if let Some(fault) = fault {
            let why = unwritable(&folder, &fault);
            output.missing = Some(Missing { bytes: text.len() as u64, why: why.clone() });
            self.problem = Some(why);
            self.open = None;
            return true;
        }
        output.length += part.len() as u64;
        output.changes_length += mark.map_or(0, |mark| mark.len()) as u64;
        output.last = Some(stream);
        if part.len() < text.len() {
            let why = format!("the limit for one snippet is {}", units::bytes(limits.snippet));
            output.missing = Some(Missing { bytes: (text.len() - part.len()) as u64, why: why.into() });
            self.open = None;
        }
        while let Some((oldest, folder)) = locked.drop_oldest_on_disk(snippet) {
            drop(locked);
            for kind in [TEXT, CHANGES] {
                let _ = fs::remove_file(path(&folder, oldest, kind));
            }
            locked = shared.lock();
        }
        on_disk
    }

    /// Moves an output from memory into files. If that fails, it stays in memory and gets nothing more.
    fn move_to_disk(&mut self, shared: &Mutex<Shelf>, snippet: SnippetId) {
        let locked = shared.lock();
        let Some(output) = locked.outputs.get(&snippet) else { return };
        let (text, changes) = (output.text.clone(), output.changes.clone());
        let folder = locked.folder.clone();
        drop(locked);
        let written = match &folder {
            None => Err("there is no folder for the file".into()),
            Some(folder) => self
                .open(folder, snippet, true)
                .and_then(|open| {
                    open.text.write_all(&text)?;
                    open.changes.write_all(&changes)
                })
                .map_err(|fault| unwritable(folder, &fault)),
        };
        let mut locked = shared.lock();
        let Some(output) = locked.outputs.get_mut(&snippet) else { return };
        match written {
            Ok(()) => {
                output.on_disk = true;
                let size = output.size();
                (output.text, output.changes) = (Vec::new(), Vec::new());
                locked.memories -= size as usize;
                locked.on_disk += size;
            }
            Err(why) => {
                self.open = None;
                self.problem = Some(why.clone());
                let in_vain = locked.memories > locked.limits.memories;
                let Some(output) = locked.outputs.get_mut(&snippet) else { return };
                let missing = output.missing.get_or_insert(Missing { bytes: 0, why });
                if in_vain {
                    missing.bytes += output.length;
                    let size = output.size();
                    (output.text, output.changes) = (Vec::new(), Vec::new());
                    (output.length, output.changes_length) = (0, 0);
                    locked.memories -= size as usize;
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

    fn open(&mut self, folder: &Path, snippet: SnippetId, is_new: bool) -> io::Result<&mut OpenFiles> {
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
        let open = OpenFiles { snippet, text: file(TEXT)?, changes: file(CHANGES)? };
        Ok(self.open.insert(open))
    }
}

fn unwritable(folder: &Path, fault: &io::Error) -> Arc<str> {
    format!("{} cannot be written: {fault}", folder.display()).into()
}

/// Removes the outputs of past sessions from `spools`, the oldest first, until the rest takes no more than
/// [`MAX_PAST_SIZE`]. Returns the number of removed sessions.
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
        if total <= MAX_PAST_SIZE {
            break;
        }
        // A session process holds a lock on its folder. Its guardian holds the session, also between two processes.
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
