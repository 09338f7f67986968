//! Everything that is written by user code, from Python or below it, in order and within bounds.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::descriptors::{PipeReaders, unread};
use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::{Display, Output, SnippetId, Stream};
use crate::session::{Shown, Spool};

/// How long a writer waits for the drain to take what was written below Python before it. Only ever needed when a
/// child or C code wrote just now; the bound is for descriptors that user code turned into something else.
const DRAIN_WAIT: Duration = Duration::from_millis(50);
/// Bytes of displays that may wait to be taken.
const DISPLAYS_PENDING: usize = 32 << 20;

/// What is put into its order at once, in bytes.
const PIECE: usize = 128 << 10;
/// Beyond so many pieces that wait, one of the same owner is looked for: the order of two owners has no meaning.
const PIECES: usize = 32;

/// What Python calls a thread's `ident`.
pub type ThreadId = u64;

/// Who writes from Python code.
#[derive(Clone, Copy)]
pub struct Writer {
    pub thread: ThreadId,
    /// The snippet that it was started by, where its context tells.
    pub snippet: Option<SnippetId>,
}

pub struct Capture {
    state: Mutex<State>,
    /// Told after each read of the drain.
    drained: Condvar,
    /// Called by writers when output waits and did not before.
    announce: Box<dyn Fn() + Send + Sync>,
    /// Gets all that snippets write.
    spool: Arc<Spool>,
}

enum Pending {
    Text(Output),
    Display { display: Display, replaces: bool },
    Cleared,
}

#[derive(Default)]
struct State {
    /// What was written and not yet taken, by the snippet it belongs to.
    pending: VecDeque<(Option<SnippetId>, Pending)>,
    /// Bytes of the displays among it.
    displays: usize,
    announced: bool,
    current: Option<SnippetId>,
    /// Threads of user code that outlived the snippet that started them.
    threads: HashMap<ThreadId, SnippetId>,
    /// A wait for the drain that ran out is not repeated before the next snippet.
    unordered: bool,
    /// The beginning of a character whose rest has not been read yet, for either stream.
    partial: [Vec<u8>; 2],
}

impl Capture {
    pub fn new(spool: Arc<Spool>, announce: impl Fn() + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), drained: Condvar::new(), announce: Box::new(announce), spool }
    }

    /// What is written from now on belongs to `snippet`; what was written before is taken in first.
    pub fn switch_to(&self, snippet: Option<SnippetId>) {
        self.settle();
        let mut state = self.lock();
        state.current = snippet;
        state.unordered = false;
    }

    /// Text written by Python code.
    pub fn write(&self, writer: Writer, stream: Stream, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(floor_char_boundary(rest, PIECE));
            rest = after;
            self.settle();
            self.spool.wait_for_room();
            let mut state = self.lock();
            let owner = state.owner(writer);
            let first = self.append(&mut state, owner, stream, piece);
            drop(state);
            self.announce_if(first);
        }
    }

    /// Bytes written by Python code; a character may be cut between two writes.
    pub fn write_bytes(&self, writer: Writer, stream: Stream, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE) {
            self.settle();
            self.spool.wait_for_room();
            let mut state = self.lock();
            let owner = state.owner(writer);
            let first = self.append_bytes(&mut state, owner, stream, piece);
            drop(state);
            self.announce_if(first);
        }
    }

    /// What these threads write from now on belongs to `snippet`, unless they are an earlier one's. Others have ended.
    pub fn adopt(&self, threads: &[ThreadId], snippet: SnippetId) {
        self.release_all_but(threads);
        let mut state = self.lock();
        for thread in threads {
            state.threads.entry(*thread).or_insert(snippet);
        }
    }

    /// Whether a thread has outlived the snippet that started it.
    pub fn is_left(&self, thread: ThreadId) -> bool {
        self.lock().threads.contains_key(&thread)
    }

    fn announce_if(&self, first: bool) {
        if first {
            (self.announce)();
        }
    }

    /// Threads that are not among these have ended, or wait for new work.
    pub fn release_all_but(&self, busy: &[ThreadId]) {
        self.lock().threads.retain(|thread, _| busy.contains(thread));
    }

    /// Something displayed by Python code.
    pub fn display(&self, writer: Writer, display: Display, replaces: bool) {
        self.settle();
        let mut state = self.lock();
        let owner = state.owner(writer);
        let first = state.display(owner, display, replaces);
        drop(state);
        self.announce_if(first);
    }

    /// Python code takes back what it displayed so far.
    pub fn clear_displays(&self, writer: Writer) {
        let mut state = self.lock();
        let owner = state.owner(writer);
        let first = state.clear_displays(owner);
        drop(state);
        self.announce_if(first);
    }

    pub fn take(&self) -> Vec<(Option<SnippetId>, Shown)> {
        let mut state = self.lock();
        state.announced = false;
        state.displays = 0;
        let shown = |pending| match pending {
            Pending::Text(output) => Shown::Text(output.into_chunk()),
            Pending::Display { display, replaces } => Shown::Display { display, replaces },
            Pending::Cleared => Shown::Cleared,
        };
        state.pending.drain(..).map(|(snippet, pending)| (snippet, shown(pending))).collect()
    }

    /// Waits until the drain has taken what C code and children wrote so far. The drain never needs the GIL.
    fn settle(&self) {
        if unread(Stream::Stdout) == 0 && unread(Stream::Stderr) == 0 {
            return;
        }
        let state = self.lock();
        if state.unordered {
            return;
        }
        let waits = |_: &mut State| unread(Stream::Stdout) > 0 || unread(Stream::Stderr) > 0;
        let (mut state, timeout) =
            self.drained.wait_timeout_while(state, DRAIN_WAIT, waits).unwrap_or_else(PoisonError::into_inner);
        state.unordered = timeout.timed_out();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// Bytes of a display.
    fn displayed(&self) -> usize {
        if let Self::Display { display, .. } = self { display.bytes_kept() } else { 0 }
    }
}

impl State {
    fn owner(&self, writer: Writer) -> Option<SnippetId> {
        writer.snippet.or_else(|| self.threads.get(&writer.thread).copied()).or(self.current)
    }

    /// What waits of that owner, to add to.
    fn waiting(&mut self, owner: Option<SnippetId>) -> Option<&mut Output> {
        let looked_at = if self.pending.len() < PIECES { 1 } else { self.pending.len() };
        let mut waiting = self.pending.iter_mut().rev().take(looked_at);
        match waiting.find(|(snippet, _)| *snippet == owner) {
            Some((_, Pending::Text(output))) => Some(output),
            // What comes after a display is a piece of its own.
            _ => None,
        }
    }

    fn display(&mut self, owner: Option<SnippetId>, display: Display, replaces: bool) -> bool {
        self.displays += display.bytes_kept();
        self.pending.push_back((owner, Pending::Display { display, replaces }));
        // Code that displays faster than anybody takes it loses the oldest pictures, not the memory.
        for (_, pending) in &mut self.pending {
            if self.displays <= DISPLAYS_PENDING {
                break;
            }
            if let Pending::Display { display, .. } = pending {
                self.displays -= display.bytes_kept();
                *display = display.dropped();
            }
        }
        !std::mem::replace(&mut self.announced, true)
    }

    fn clear_displays(&mut self, owner: Option<SnippetId>) -> bool {
        let before = self.pending.len();
        self.pending.retain(|(snippet, pending)| *snippet != owner || matches!(pending, Pending::Text(_)));
        if self.pending.len() < before {
            self.displays = self.pending.iter().map(|(_, pending)| pending.displayed()).sum();
        }
        self.pending.push_back((owner, Pending::Cleared));
        !std::mem::replace(&mut self.announced, true)
    }
}

impl Capture {
    /// Whether nobody knows yet that output waits.
    fn append(&self, state: &mut State, owner: Option<SnippetId>, stream: Stream, text: &str) -> bool {
        if let Some(snippet) = owner {
            self.spool.push(snippet, stream, text);
        }
        if let Some(output) = state.waiting(owner) {
            output.push_text(stream, text);
        } else {
            let mut output = Output::default();
            output.push_text(stream, text);
            state.pending.push_back((owner, Pending::Text(output)));
        }
        !std::mem::replace(&mut state.announced, true)
    }

    fn append_bytes(&self, state: &mut State, owner: Option<SnippetId>, stream: Stream, bytes: &[u8]) -> bool {
        let mut joined = std::mem::take(&mut state.partial[stream as usize]);
        let bytes = if joined.is_empty() {
            bytes
        } else {
            joined.extend_from_slice(bytes);
            &joined
        };
        let whole = whole_characters(bytes);
        let text = String::from_utf8_lossy(&bytes[..whole]);
        let first = !text.is_empty() && self.append(state, owner, stream, &text);
        state.partial[stream as usize] = bytes[whole..].to_vec();
        first
    }
}

/// Length of the longest prefix that does not end within a UTF-8 character.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let start = bytes.len() - back;
        let needed = match bytes[start] {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            0x80..=0xBF => continue,
            _ => return bytes.len(),
        };
        return if back < needed { start } else { bytes.len() };
    }
    bytes.len()
}

/// Reads the pipes for as long as the process lives. Must not run on a thread that ever holds the GIL. `announce` is
/// what the capture's own is, for a thread of the host.
pub fn drain(capture: &Arc<Capture>, readers: &PipeReaders, announce: impl Fn()) -> io::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        let mut ready = [
            PollFd::new(readers.stdout.as_fd(), PollFlags::POLLIN),
            PollFd::new(readers.stderr.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        capture.spool.wait_for_room();
        // Reading under the lock keeps the order: whoever finds the pipes empty also finds their content appended.
        let mut state = capture.lock();
        let out = read_into(capture, &mut state, Stream::Stdout, &readers.stdout, &mut buffer);
        let err = read_into(capture, &mut state, Stream::Stderr, &readers.stderr, &mut buffer);
        drop(state);
        capture.drained.notify_all();
        if out || err {
            announce();
        }
    }
}

fn read_into(capture: &Capture, state: &mut State, stream: Stream, reader: &OwnedFd, buffer: &mut [u8]) -> bool {
    match nix::unistd::read(reader, buffer) {
        // Who writes below Python is not known: whoever runs then.
        Ok(count @ 1..) => {
            let owner = state.current;
            capture.append_bytes(state, owner, stream, &buffer[..count])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(thread: ThreadId) -> Writer {
        Writer { thread, snippet: None }
    }

    fn text(capture: &Capture) -> String {
        let mut output = Output::default();
        for (_, shown) in capture.take() {
            if let Shown::Text(chunk) = shown {
                output.push(&chunk);
            }
        }
        output.text(None)
    }

    #[test]
    fn a_character_cut_between_two_writes_comes_out_whole() {
        let capture = Capture::new(Arc::default(), || {});
        for byte in "aé漢🎹b".as_bytes() {
            capture.write_bytes(on(1), Stream::Stdout, &[*byte]);
        }
        assert_eq!(text(&capture), "aé漢🎹b");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_lose_nothing_else() {
        let capture = Capture::new(Arc::default(), || {});
        capture.write_bytes(on(1), Stream::Stdout, b"a\xff\xfe b \xe6");
        capture.write_bytes(on(1), Stream::Stdout, b"c");
        assert_eq!(text(&capture), "a\u{fffd}\u{fffd} b \u{fffd}c");
    }

    #[test]
    fn output_belongs_to_the_snippet_that_ran() {
        let capture = Capture::new(Arc::default(), || {});
        capture.write(on(1), Stream::Stdout, "before");
        capture.switch_to(Some(SnippetId(1)));
        capture.write(on(1), Stream::Stdout, "one");
        capture.switch_to(None);
        capture.write(on(1), Stream::Stderr, "after");
        let owners: Vec<_> = capture.take().into_iter().map(|(snippet, _)| snippet).collect();
        assert_eq!(owners, [None, Some(SnippetId(1)), None]);
    }

    #[test]
    fn a_thread_that_outlives_its_snippet_keeps_writing_to_it() {
        let capture = Capture::new(Arc::default(), || {});
        capture.switch_to(Some(SnippetId(1)));
        capture.adopt(&[1, 7], SnippetId(1));
        capture.switch_to(Some(SnippetId(2)));
        capture.write(on(7), Stream::Stdout, "late");
        capture.write(on(8), Stream::Stdout, "new");
        capture.adopt(&[8], SnippetId(2));
        capture.write(on(7), Stream::Stdout, "the number is another thread's by now");
        let owners: Vec<_> = capture.take().into_iter().map(|(snippet, _)| snippet.unwrap().0).collect();
        assert_eq!(owners, [1, 2]);
    }

    #[test]
    fn waiting_output_is_announced_once() {
        let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let seen = count.clone();
        let capture = Capture::new(Arc::default(), move || {
            seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        capture.write(on(1), Stream::Stdout, "a");
        capture.write(on(1), Stream::Stdout, "b");
        assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 1);
        capture.take();
        capture.write(on(1), Stream::Stdout, "c");
        assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 2);
    }
}
