//! The whole output of each snippet, however large: kept in memory while it is small, on disk beyond that.
//!
//! Writers only fill a queue of bounded size; a thread of the host ([`Spool::work`]) empties it into the [`shelf`],
//! because files must not be opened where user code can close them. A writer that outruns the disk waits a little, then
//! what it writes is counted as lost: user code never waits for ever.

mod shelf;
mod whole;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::history::Older;
use crate::domain::{Display, Output, Snippet, SnippetId, Stream};

pub use shelf::{Limits, remove_old};
use shelf::{Shelf, Writer};
pub use whole::{Missing, Whole};

/// What the queue may hold, in bytes.
const ROOM: usize = 1 << 20;
/// How much is worth waking the thread for.
const WORTH: usize = 64 << 10;
/// How long a writer waits for room at the most. One that waited in vain does not wait again until there is room.
const PATIENCE: Duration = Duration::from_millis(500);
/// After something was written to disk, less than [`WORTH`] may lie in the queue for so long.
const REST: Duration = Duration::from_secs(1);

/// Usable from any thread; nothing here needs the GIL.
#[derive(Debug)]
pub struct Spool {
    queue: Mutex<Queue>,
    /// Told when there is work for the thread.
    filled: Condvar,
    /// Told when the thread has taken the queue, and when it has written it.
    emptied: Condvar,
    full: AtomicBool,
    shelf: Mutex<Shelf>,
    older: OnceLock<Box<dyn Older>>,
}

#[derive(Debug, Default)]
struct Queue {
    text: String,
    runs: Vec<Run>,
    /// Bytes that found no room.
    missed: Vec<(SnippetId, u64)>,
    /// Somebody waited for room in vain.
    stalled: bool,
    /// Somebody wants to read.
    wanted: bool,
    closed: bool,
    /// How often the queue was taken, and how often what was taken has been written.
    taken: u64,
    written: u64,
}

/// A piece of the queue's text.
#[derive(Clone, Copy, Debug)]
struct Run {
    snippet: SnippetId,
    stream: Stream,
    length: usize,
}

impl Queue {
    fn size(&self) -> usize {
        self.text.len() + self.runs.len() * size_of::<Run>()
    }

    fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.missed.is_empty()
    }

    fn is_worth_it(&self) -> bool {
        self.size() >= WORTH || self.wanted || self.closed
    }
}

impl Default for Spool {
    /// One that keeps no more than memory allows.
    fn default() -> Self {
        Self::new(None, Limits::default())
    }
}

impl Spool {
    /// `folder` is made when the first output outgrows memory.
    pub fn new(folder: Option<PathBuf>, limits: Limits) -> Self {
        Self {
            queue: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            full: AtomicBool::new(false),
            shelf: Mutex::new(Shelf::new(folder, limits)),
            older: OnceLock::new(),
        }
    }

    /// Where files of this session lie.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).folder()
    }

    /// Where that is read which is not kept here.
    pub fn set_older(&self, older: Box<dyn Older>) {
        let _ = self.older.set(older);
    }

    /// All that was recorded of a snippet, of which the transcript has only a part.
    #[must_use]
    pub fn recorded(&self, id: SnippetId) -> Option<Snippet> {
        self.older.get()?.snippet(id)
    }

    /// Something that a snippet displayed and that the transcript has no longer, by its number.
    #[must_use]
    pub fn display(&self, snippet: SnippetId, number: usize) -> Option<Display> {
        self.older.get()?.display(snippet, number)
    }

    /// Waits until there is room for a piece of output, for a short time at the most. To be called before what is
    /// written is put in its order, since it may wait.
    pub fn wait_for_room(&self) {
        if !self.full.load(Ordering::Relaxed) {
            return;
        }
        let queue = self.lock();
        if queue.stalled {
            return;
        }
        let waits = |queue: &mut Queue| queue.size() >= ROOM;
        let (mut queue, timeout) =
            self.emptied.wait_timeout_while(queue, PATIENCE, waits).unwrap_or_else(PoisonError::into_inner);
        queue.stalled = timeout.timed_out();
    }

    /// Adds a piece of output; one that finds no room is counted as lost.
    pub fn push(&self, snippet: SnippetId, stream: Stream, text: &str) {
        let mut queue = self.lock();
        let before = queue.size();
        if before >= ROOM {
            let length = text.len() as u64;
            match queue.missed.iter_mut().find(|(missed, _)| *missed == snippet) {
                Some((_, bytes)) => *bytes += length,
                None => queue.missed.push((snippet, length)),
            }
            return;
        }
        queue.text.push_str(text);
        match queue.runs.last_mut() {
            Some(last) if last.snippet == snippet && last.stream == stream => last.length += text.len(),
            _ => queue.runs.push(Run { snippet, stream, length: text.len() }),
        }
        let after = queue.size();
        if after >= ROOM {
            self.full.store(true, Ordering::Relaxed);
        }
        drop(queue);
        if before < WORTH && after >= WORTH {
            self.filled.notify_one();
        }
    }

    /// Writes what the queue gets, until [`Spool::close`]. For a thread of its own, with descriptors of its own.
    /// Trouble with the disk is told, once.
    pub fn work(&self, tell: impl FnOnce(String)) {
        let mut writer = Writer::default();
        let mut tell = Some(tell);
        let mut batch = Queue::default();
        let mut resting = false;
        loop {
            let mut queue = self.lock();
            if resting {
                let waits = |queue: &mut Queue| !queue.is_worth_it();
                queue = self.filled.wait_timeout_while(queue, REST, waits).unwrap_or_else(PoisonError::into_inner).0;
            } else {
                let waits = |queue: &mut Queue| !queue.is_worth_it();
                queue = self.filled.wait_while(queue, waits).unwrap_or_else(PoisonError::into_inner);
            }
            if queue.closed && queue.is_empty() {
                return;
            }
            std::mem::swap(&mut queue.text, &mut batch.text);
            std::mem::swap(&mut queue.runs, &mut batch.runs);
            std::mem::swap(&mut queue.missed, &mut batch.missed);
            queue.stalled = false;
            queue.wanted = false;
            queue.taken += 1;
            self.full.store(false, Ordering::Relaxed);
            drop(queue);
            self.emptied.notify_all();
            resting = writer.write(&self.shelf, &batch);
            batch.text.clear();
            batch.runs.clear();
            batch.missed.clear();
            if let Some(why) = writer.trouble.take()
                && let Some(tell) = tell.take()
            {
                tell(format!("large outputs are not kept whole, but their beginning and end: {why}"));
            }
            self.lock().written += 1;
            self.emptied.notify_all();
        }
    }

    /// Ends [`Spool::work`], after it has written what there is.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// Waits until what has been pushed so far can be read; at most for `limit`.
    pub fn settle(&self, limit: Duration) {
        let mut queue = self.lock();
        let mut goal = queue.taken;
        if !queue.is_empty() {
            goal += 1;
            queue.wanted = true;
            self.filled.notify_one();
        }
        let waits = |queue: &mut Queue| queue.written < goal;
        drop(self.emptied.wait_timeout_while(queue, limit, waits));
    }

    /// What is kept of the output of `snippet`; `None` if it has written nothing.
    ///
    /// # Errors
    /// If its file cannot be opened.
    pub fn whole(&self, snippet: SnippetId) -> std::io::Result<Option<Whole>> {
        let found = self.shelf.lock().unwrap_or_else(PoisonError::into_inner).find(snippet);
        found.map(shelf::Found::open).transpose()
    }

    /// What is kept of an output that the transcript has `output` of: here, in the journal, or no more than that.
    ///
    /// # Errors
    /// If its file cannot be opened.
    pub fn whole_of(&self, snippet: SnippetId, output: &Output) -> std::io::Result<Option<Whole>> {
        let kept = self.whole(snippet);
        let is_kept = matches!(&kept, Ok(Some(whole)) if whole.length() > 0);
        if is_kept || output.omitted() == 0 {
            return kept;
        }
        match self.recorded(snippet) {
            Some(recorded) if recorded.output.omitted() < output.omitted() => {
                // Why there is no more of it is known here.
                let why = match kept {
                    Ok(whole) => whole.and_then(|whole| Some(whole.missing()?.why.clone())),
                    Err(error) => Some(format!("the file with the whole output cannot be read: {error}").into()),
                };
                let bytes = recorded.output.omitted();
                let missing = (bytes > 0).then(|| Missing { bytes, why: why.unwrap_or_else(|| "not kept".into()) });
                Ok(Some(Whole::of(&recorded.output).lacking(missing)))
            }
            _ => kept,
        }
    }

    /// Lets what has been pushed be written soon, without waiting for that.
    pub fn flush(&self) {
        let mut queue = self.lock();
        if !queue.is_empty() {
            queue.wanted = true;
            self.filled.notify_one();
        }
    }

    /// Bytes kept of the output of `snippet`: grows with it.
    pub fn length(&self, snippet: SnippetId) -> u64 {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).length(snippet)
    }

    /// Why not all of it is kept, where that is so.
    pub fn missing(&self, snippet: SnippetId) -> Option<Missing> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).missing(snippet)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
