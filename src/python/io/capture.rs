//! The capture of user code's output, from Python and from below it, in order and within bounds.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use parking_lot::{Condvar, Mutex};

use super::descriptors::PipeReaders;
use super::diversion::Diversion;
use super::pending::PendingQueue;
use super::unread::UnreadOutput;
use super::writer::{OutputWriter, ThreadId};
use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::terminal_text::CLEAR;
use crate::domain::{Display, SnippetId, Stream};
use crate::python::effects::EffectCollector;
use crate::session::{EngineOutput, Spool};

/// How long a writer waits for the drain to take earlier output from below Python. Only needed when a child or C code
/// has just written; the limit is for descriptors that user code turned into something else.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes of text that are put in order at once.
const CHUNK_SIZE: usize = 128 << 10;

/// A thread of user code.
#[derive(Clone, Copy)]
pub struct UserThread {
    pub ident: ThreadId,
    /// It waits for work that others give to it, as the threads of pools do.
    pub waits: bool,
}

/// The capture, shared by all writers and the drain.
pub struct Capture {
    state: Mutex<CaptureState>,
    effects: Mutex<EffectCollector>,
    /// Signals each read of the drain.
    drained: Condvar,
    unread: UnreadOutput,
    /// Called by a writer when there was no pending output before.
    announce: Box<dyn Fn() + Send + Sync>,
    /// Receives all output of snippets.
    spool: Arc<Spool>,
}

#[derive(Default)]
struct CaptureState {
    pending: PendingQueue,
    current: Option<SnippetId>,
    /// Threads of user code that have outlived a snippet, with the snippet that they work for: the one that started
    /// them, or that gave them their last work.
    threads: HashMap<ThreadId, SnippetId>,
    /// Threads that waited for work when the running snippet began: what they do now, they do for it.
    serving: HashSet<ThreadId>,
    /// Whose output is cleared when more of it comes.
    to_clear: HashSet<Option<SnippetId>>,
    /// There is output of the running snippet.
    has_written: bool,
    /// The thread and the stream of the last text, if that has not ended its line.
    open_line: Option<(ThreadId, Stream)>,
    /// Where output of the running snippet goes instead.
    diversion: Option<Diversion>,
    /// A wait for the drain has timed out, and is not repeated before the next snippet.
    drain_timed_out: bool,
    /// How often the drain has read the pipes.
    passes: u64,
    /// For each stream, the beginning of a character whose rest has not been read yet.
    partial: [Vec<u8>; 2],
}

impl Capture {
    pub fn new(spool: Arc<Spool>, unread: UnreadOutput, announce: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            state: Mutex::default(),
            effects: Mutex::default(),
            drained: Condvar::new(),
            unread,
            announce: Box::new(announce),
            spool,
        }
    }

    /// Makes `snippet` the owner of later output. Nothing orders it after what others write below Python at that
    /// moment.
    pub fn begin(&self, snippet: SnippetId) {
        self.set_owner(Some(snippet));
    }

    /// Makes no snippet the owner of later output. Earlier output from below Python is drained first.
    pub fn end(&self) {
        self.wait_for_drain();
        self.set_owner(None);
    }

    fn set_owner(&self, snippet: Option<SnippetId>) {
        let mut state = self.state.lock();
        state.current = snippet;
        state.to_clear.clear();
        state.diversion = None;
        state.has_written = false;
        state.open_line = None;
        state.drain_timed_out = false;
    }

    /// Adds text that Python code writes.
    pub fn write(&self, writer: OutputWriter, stream: Stream, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(floor_char_boundary(rest, CHUNK_SIZE));
            rest = after;
            self.spool.wait_for_room();
            // `print` writes each separator and the end of a line by a call of their own. As at a terminal, code that
            // writes below Python within a line of its own flushes first.
            let may_continue = matches!(chunk, "\n" | " ");
            if !may_continue {
                self.wait_for_drain();
            }
            let mut state = self.state.lock();
            let line = Some((writer.thread, stream));
            if may_continue && state.open_line != line {
                drop(state);
                self.wait_for_drain();
                state = self.state.lock();
            }
            let owner = state.owner(writer);
            let first = self.append(&mut state, owner, stream, chunk);
            state.open_line = line.filter(|_| !chunk.ends_with('\n'));
            drop(state);
            self.announce_if(first);
        }
    }

    /// Adds bytes that Python code writes; a character may be cut between two writes.
    pub fn write_bytes(&self, writer: OutputWriter, stream: Stream, bytes: &[u8]) {
        for chunk in bytes.chunks(CHUNK_SIZE) {
            self.wait_for_drain();
            self.spool.wait_for_room();
            let mut state = self.state.lock();
            let owner = state.owner(writer);
            let first = self.append_bytes(&mut state, owner, stream, chunk);
            drop(state);
            self.announce_if(first);
        }
    }

    /// Puts what comes next in order after what others have written below Python, even within a line.
    pub fn flush(&self) {
        self.state.lock().open_line = None;
    }

    /// Lets threads that wait for work serve the snippet that begins.
    pub fn begin_serving(&self, threads: &[UserThread]) {
        let mut state = self.state.lock();
        state.forget_ended(threads);
        state.serving = threads.iter().filter(|thread| thread.waits).map(|thread| thread.ident).collect();
    }

    /// Makes the snippet that ends the owner of what threads write from now on: of the threads that it started, and of
    /// those that still work for it.
    pub fn adopt(&self, threads: &[UserThread], snippet: SnippetId) {
        let mut state = self.state.lock();
        state.forget_ended(threads);
        let serving = std::mem::take(&mut state.serving);
        for thread in threads {
            if serving.contains(&thread.ident) && !thread.waits {
                state.threads.insert(thread.ident, snippet);
            } else {
                state.threads.entry(thread.ident).or_insert(snippet);
            }
        }
    }

    /// Makes `snippet` the owner of what a thread writes, which a thread of that snippet has started.
    pub fn inherit(&self, thread: ThreadId, snippet: SnippetId) {
        self.state.lock().threads.insert(thread, snippet);
    }

    /// Returns the earlier snippet that a thread works for; `None` if it works for the running one.
    pub fn earlier_snippet(&self, thread: ThreadId) -> Option<SnippetId> {
        self.state.lock().earlier_snippet(thread)
    }

    fn announce_if(&self, first: bool) {
        if first {
            (self.announce)();
        }
    }

    /// Adds a display by Python code.
    pub fn display(&self, writer: OutputWriter, display: Display, replaces: bool) {
        self.wait_for_drain();
        let mut state = self.state.lock();
        let owner = state.owner(writer);
        let mut first = state.to_clear.contains(&owner) && self.clear_output(&mut state, owner);
        if let Some(diversion) = state.diverted(owner).filter(|diversion| diversion.takes_displays) {
            diversion.push_display(display, replaces);
            return;
        }
        first |= state.pending.push_display(owner, display, replaces);
        drop(state);
        self.announce_if(first);
    }

    /// Clears what the snippet of a writer has written and displayed so far; with `waits`, once it writes or displays
    /// more.
    pub fn clear(&self, writer: OutputWriter, waits: bool) {
        self.wait_for_drain();
        let mut state = self.state.lock();
        let owner = state.owner(writer);
        if waits {
            state.to_clear.insert(owner);
            return;
        }
        let first = self.clear_output(&mut state, owner);
        drop(state);
        self.announce_if(first);
    }

    pub fn is_diverted(&self) -> bool {
        self.state.lock().diversion.is_some()
    }

    /// Diverts output of the running snippet, or ends that; returns the diversion before.
    pub fn divert(&self, diversion: Option<Diversion>) -> Option<Diversion> {
        self.wait_for_drain();
        std::mem::replace(&mut self.state.lock().diversion, diversion)
    }

    fn clear_output(&self, state: &mut CaptureState, owner: Option<SnippetId>) -> bool {
        state.to_clear.remove(&owner);
        let mut first = state.pending.clear_displays(owner);
        if owner != state.current || state.has_written {
            for stream in [Stream::Stdout, Stream::Stderr] {
                first |= self.append(state, owner, stream, CLEAR);
            }
        }
        first
    }

    /// Returns the snippet that a writer belongs to.
    pub fn owner(&self, writer: OutputWriter) -> Option<SnippetId> {
        self.state.lock().owner(writer)
    }

    /// Changes the effects of snippets.
    pub fn change_effects(&self, change: impl FnOnce(&mut EffectCollector)) {
        change(&mut self.effects.lock());
        let first = self.state.lock().pending.mark_announced();
        self.announce_if(first);
    }

    /// Takes all pending output, in order, and the effects that have changed.
    pub fn take(&self) -> Vec<(Option<SnippetId>, EngineOutput)> {
        let mut taken = self.state.lock().pending.take();
        let effects = self.effects.lock().take();
        taken.extend(effects.into_iter().map(|(snippet, effects)| (Some(snippet), EngineOutput::Effects(effects))));
        taken
    }

    /// Returns the descriptor that this has in Python's table.
    pub fn number(&self) -> Option<RawFd> {
        self.unread.number()
    }

    /// Waits until the drain has taken the output of C code and children so far. The drain never needs the GIL.
    fn wait_for_drain(&self) {
        if !self.unread.exists() {
            return;
        }
        let mut state = self.state.lock();
        if state.drain_timed_out {
            return;
        }
        // A pass reads more than a pipe holds, and the one under way may have begun before the last write. Whoever
        // writes all the time is not waited for any longer.
        let last = state.passes + 2;
        let has_unread = |state: &mut CaptureState| state.passes < last && self.unread.exists();
        let result = self.drained.wait_while_for(&mut state, has_unread, DRAIN_TIMEOUT);
        state.drain_timed_out = result.timed_out();
    }
}

impl CaptureState {
    fn owner(&self, writer: OutputWriter) -> Option<SnippetId> {
        writer.snippet.or_else(|| self.earlier_snippet(writer.thread)).or(self.current)
    }

    fn diverted(&mut self, owner: Option<SnippetId>) -> Option<&mut Diversion> {
        let is_current = owner == self.current;
        self.diversion.as_mut().filter(|_| is_current)
    }

    fn earlier_snippet(&self, thread: ThreadId) -> Option<SnippetId> {
        let serves = self.current.is_some() && self.serving.contains(&thread);
        self.threads.get(&thread).copied().filter(|_| !serves)
    }

    fn forget_ended(&mut self, alive: &[UserThread]) {
        self.threads.retain(|ident, _| alive.iter().any(|thread| thread.ident == *ident));
    }
}

impl Capture {
    /// Appends text of `owner`. Returns whether output must be announced.
    fn append(&self, state: &mut CaptureState, owner: Option<SnippetId>, stream: Stream, text: &str) -> bool {
        if state.to_clear.contains(&owner) {
            let first = self.clear_output(state, owner);
            return self.append(state, owner, stream, text) || first;
        }
        state.has_written |= owner == state.current;
        state.open_line = None;
        if let Some(diversion) = state.diverted(owner).filter(|diversion| diversion.streams[stream as usize]) {
            diversion.push_text(stream, text);
            return false;
        }
        if let Some(snippet) = owner {
            self.spool.push(snippet, stream, text);
        }
        state.pending.push_text(owner, stream, text)
    }

    fn append_bytes(&self, state: &mut CaptureState, owner: Option<SnippetId>, stream: Stream, bytes: &[u8]) -> bool {
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

/// Returns the length of the longest prefix that does not end within a UTF-8 character.
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

/// Reads the pipes for as long as the process lives. Must not run on a thread that ever holds the GIL. `announce` has
/// the meaning of the capture's own, for a thread of the host.
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
        // Reading under the lock keeps the order: a writer that finds the pipes empty also finds their content
        // appended.
        let mut state = capture.state.lock();
        let out = read_into(capture, &mut state, Stream::Stdout, &readers.stdout, &mut buffer);
        let err = read_into(capture, &mut state, Stream::Stderr, &readers.stderr, &mut buffer);
        state.passes += 1;
        drop(state);
        capture.drained.notify_all();
        if out || err {
            announce();
        }
    }
}

fn read_into(capture: &Capture, state: &mut CaptureState, stream: Stream, reader: &OwnedFd, buffer: &mut [u8]) -> bool {
    match nix::unistd::read(reader, buffer) {
        Ok(count @ 1..) => {
            // The writer below Python is not known; most likely it is the running snippet.
            let owner = state.current;
            capture.append_bytes(state, owner, stream, &buffer[..count])
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
