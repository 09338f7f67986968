//! The spool: the whole output of each snippet, however large. Small outputs stay in memory, large ones go to disk.
//!
//! Writers only fill a queue of bounded size. A thread of the host ([`Spool::work`]) empties the queue into the
//! [`shelf`], because user code could close files that are opened in its descriptor table. A writer that is faster than
//! the disk waits a little, then its output is counted as lost: user code never waits without limit.

mod queue;
mod shelf;
mod whole;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use self::queue::{SpoolQueue, TextRun, WAKE_SIZE};
use super::history::RecordedSnippets;
use crate::domain::{Display, Output, Snippet, SnippetId, Stream};

pub use shelf::{Limits, remove_old};
use shelf::{Shelf, ShelfWriter};
pub use whole::{Missing, Whole};

/// Bytes that the queue may hold.
const QUEUE_CAPACITY: usize = 1 << 20;
/// How long a writer waits for room. After a wait in vain, writers wait no more until there is room.
const ROOM_TIMEOUT: Duration = Duration::from_millis(500);
/// How long less than [`WAKE_SIZE`] may wait in the queue after a write to disk.
const REST_AFTER_WRITE: Duration = Duration::from_secs(1);

/// Usable from any thread, without the GIL.
#[derive(Debug)]
pub struct Spool {
    queue: Mutex<SpoolQueue>,
    /// Notified when there is work for the thread.
    filled: Condvar,
    /// Notified when the thread has taken the queue, and when it has written what it took.
    emptied: Condvar,
    full: AtomicBool,
    shelf: Mutex<Shelf>,
    recorded: OnceLock<Box<dyn RecordedSnippets>>,
}

impl Default for Spool {
    /// A spool without files.
    fn default() -> Self {
        Self::new(None, Limits::default())
    }
}

impl Spool {
    /// The `folder` is created when the first output outgrows memory.
    pub fn new(folder: Option<PathBuf>, limits: Limits) -> Self {
        Self {
            queue: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            full: AtomicBool::new(false),
            shelf: Mutex::new(Shelf::new(folder, limits)),
            recorded: OnceLock::new(),
        }
    }

    /// The folder with the files of this session.
    #[must_use]
    pub fn folder(&self) -> Option<PathBuf> {
        self.shelf.lock().folder()
    }

    /// Sets the source of what neither the transcript nor the spool holds.
    pub fn set_recorded_snippets(&self, recorded: Box<dyn RecordedSnippets>) {
        let _ = self.recorded.set(recorded);
    }

    /// Returns everything that was recorded of a snippet.
    #[must_use]
    pub fn recorded(&self, id: SnippetId) -> Option<Snippet> {
        self.recorded.get()?.snippet(id)
    }

    /// Returns a display that the transcript holds no longer, by its number.
    #[must_use]
    pub fn display(&self, snippet: SnippetId, number: usize) -> Option<Display> {
        self.recorded.get()?.display(snippet, number)
    }

    /// Waits until there is room for output, for [`ROOM_TIMEOUT`] at most. Call this before the output gets its place
    /// in the order, because of the wait.
    pub fn wait_for_room(&self) {
        if !self.full.load(Ordering::Relaxed) {
            return;
        }
        let mut queue = self.queue.lock();
        if queue.stalled {
            return;
        }
        let is_full = |queue: &mut SpoolQueue| queue.size() >= QUEUE_CAPACITY;
        let waited = self.emptied.wait_while_for(&mut queue, is_full, ROOM_TIMEOUT);
        queue.stalled = waited.timed_out();
    }

    /// Adds a piece of output. Without room, the piece is counted as lost.
    pub fn push(&self, snippet: SnippetId, stream: Stream, text: &str) {
        let mut queue = self.queue.lock();
        let before = queue.size();
        if before >= QUEUE_CAPACITY {
            let length = text.len() as u64;
            match queue.lost.iter_mut().find(|(lost, _)| *lost == snippet) {
                Some((_, bytes)) => *bytes += length,
                None => queue.lost.push((snippet, length)),
            }
            return;
        }
        queue.text.push_str(text);
        match queue.runs.last_mut() {
            Some(last) if last.snippet == snippet && last.stream == stream => last.length += text.len(),
            _ => queue.runs.push(TextRun { snippet, stream, length: text.len() }),
        }
        let after = queue.size();
        if after >= QUEUE_CAPACITY {
            self.full.store(true, Ordering::Relaxed);
        }
        drop(queue);
        if before < WAKE_SIZE && after >= WAKE_SIZE {
            self.filled.notify_one();
        }
    }

    /// Writes what comes into the queue, until [`Spool::close`]. To be run on a thread of its own, which has
    /// descriptors of its own. Calls `report` for the first problem with the disk.
    pub fn work(&self, report: impl FnOnce(String)) {
        let mut writer = ShelfWriter::default();
        let mut report = Some(report);
        let mut batch = SpoolQueue::default();
        let mut resting = false;
        loop {
            let mut queue = self.queue.lock();
            let waits = |queue: &mut SpoolQueue| !queue.is_due();
            if resting {
                self.filled.wait_while_for(&mut queue, waits, REST_AFTER_WRITE);
            } else {
                self.filled.wait_while(&mut queue, waits);
            }
            if queue.closed && queue.is_empty() {
                return;
            }
            queue.take_into(&mut batch);
            self.full.store(false, Ordering::Relaxed);
            drop(queue);
            self.emptied.notify_all();
            resting = writer.write(&self.shelf, &batch);
            batch.clear();
            if let Some(why) = writer.problem.take()
                && let Some(report) = report.take()
            {
                report(format!("only the beginning and the end of large outputs are kept: {why}"));
            }
            self.queue.lock().written += 1;
            self.emptied.notify_all();
        }
    }

    /// Ends [`Spool::work`] once the queue is written.
    pub fn close(&self) {
        self.queue.lock().closed = true;
        self.filled.notify_one();
    }

    /// Waits until the output so far can be read, for at most `limit`.
    pub fn settle(&self, limit: Duration) {
        let mut queue = self.queue.lock();
        let mut goal = queue.taken;
        if !queue.is_empty() {
            goal += 1;
            queue.has_reader = true;
            self.filled.notify_one();
        }
        let waits = |queue: &mut SpoolQueue| queue.written < goal;
        self.emptied.wait_while_for(&mut queue, waits, limit);
    }

    /// Returns the whole output of `snippet`, as far as it is kept; `None` if there is none.
    ///
    /// # Errors
    /// If its file cannot be opened.
    pub fn whole(&self, snippet: SnippetId) -> std::io::Result<Option<Whole>> {
        let found = self.shelf.lock().find(snippet);
        found.map(shelf::LocatedOutput::open).transpose()
    }

    /// Returns as much as there is of an output: from the spool, else from the journal, else `None` if neither has more
    /// than `output`, which is in the transcript.
    ///
    /// # Errors
    /// If its file cannot be opened.
    pub fn whole_of(&self, snippet: SnippetId, output: &Output) -> std::io::Result<Option<Whole>> {
        let spooled = self.whole(snippet);
        let is_spooled = matches!(&spooled, Ok(Some(whole)) if whole.length() > 0);
        if is_spooled || output.omitted() == 0 {
            return spooled;
        }
        match self.recorded(snippet) {
            Some(recorded) if recorded.output.omitted() < output.omitted() => {
                // The spool knows why the rest is missing.
                let why = match spooled {
                    Ok(whole) => whole.and_then(|whole| Some(whole.missing()?.why.clone())),
                    Err(error) => Some(format!("the file with the whole output cannot be read: {error}").into()),
                };
                let bytes = recorded.output.omitted();
                let missing = (bytes > 0).then(|| Missing { bytes, why: why.unwrap_or_else(|| "not kept".into()) });
                Ok(Some(Whole::of(&recorded.output).lacking(missing)))
            }
            _ => spooled,
        }
    }

    /// Has the output so far written soon, without waiting.
    pub fn flush(&self) {
        let mut queue = self.queue.lock();
        if !queue.is_empty() {
            queue.has_reader = true;
            self.filled.notify_one();
        }
    }

    /// Returns how many bytes of the output of `snippet` are kept so far.
    pub fn length(&self, snippet: SnippetId) -> u64 {
        self.shelf.lock().length(snippet)
    }

    /// Returns what is missing of the output of `snippet`, and why.
    pub fn missing(&self, snippet: SnippetId) -> Option<Missing> {
        self.shelf.lock().missing(snippet)
    }
}

#[cfg(test)]
mod tests;
