//! Writing to streams that nobody may read, such as a full pipe or a stopped terminal. A thread writes, so that callers
//! wait no longer than they want. Lines without room are counted, and the count is written once there is room.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow};
use parking_lot::{Condvar, Mutex};

use crate::domain::units;

/// Bytes of lines that may wait to be written.
const MAX_WAITING: usize = 256 << 10;

/// Writes `text` and waits for that for at most `limit`. The rest is still written if the process lives long enough.
///
/// # Errors
/// If `text` could not be written in time.
pub fn write_within(out: impl AsFd, text: &[u8], limit: Duration) -> io::Result<()> {
    let Ok(own) = out.as_fd().try_clone_to_owned() else { return write_now(out, text, limit) };
    let out = File::from(own);
    let text = text.to_vec();
    let (done, written) = std::sync::mpsc::channel();
    spawn_without_signals("words", move || drop(done.send(write_all(&out, &text))))?;
    written.recv_timeout(limit).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Writes without another descriptor or thread: as much as fits without waiting, once there is room.
fn write_now(out: impl AsFd, text: &[u8], limit: Duration) -> io::Result<()> {
    let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::ZERO);
    if poll(&mut [PollFd::new(out.as_fd(), PollFlags::POLLOUT)], limit)? == 0 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let fits = text.len().min(libc::PIPE_BUF);
    nix::unistd::write(out, &text[..fits])?;
    Ok(())
}

/// Spawns a thread that blocks all signals, because it may live as long as the process.
fn spawn_without_signals(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    before.thread_set_mask()?;
    spawned.map(drop)
}

/// Writes all of `text`, however long that takes.
pub fn write_all(mut out: &File, mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        match out.write(text) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => text = &text[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Another process may have made the descriptor non-blocking.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(out.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A stream that takes lines without blocking.
#[derive(Debug)]
pub struct Outlet(Arc<SharedOutlet>);

#[derive(Debug, Default)]
struct SharedOutlet {
    state: Mutex<OutletState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct OutletState {
    waiting: VecDeque<String>,
    /// Bytes in `waiting`.
    bytes: usize,
    /// Lines without room since the last line with room.
    lost: usize,
    writing: bool,
    /// No more lines follow.
    closed: bool,
    /// The reader is gone for good.
    gone: bool,
}

impl Outlet {
    pub fn new(out: OwnedFd) -> io::Result<Self> {
        let shared = Arc::new(SharedOutlet::default());
        let writer = shared.clone();
        let out = File::from(out);
        spawn_without_signals("lines", move || writer.write(&out))?;
        Ok(Self(shared))
    }

    /// Adds a line, without waiting.
    pub fn line(&self, line: String) {
        let mut state = self.0.state.lock();
        if state.gone {
            return;
        }
        if state.lost > 0 || state.bytes + line.len() > MAX_WAITING {
            // Even if this line has room: the count of lost lines comes first.
            state.lost += 1;
        } else {
            state.bytes += line.len();
            state.waiting.push_back(line);
        }
        self.0.changed.notify_all();
    }

    /// Waits until all lines are written, for at most `limit`. Returns whether they are.
    pub fn wait(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut state = self.0.state.lock();
        while !state.gone && (state.writing || state.lost > 0 || !state.waiting.is_empty()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.0.changed.wait_for(&mut state, left);
        }
        !state.gone
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.state.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl SharedOutlet {
    fn write(&self, out: &File) {
        while let Some((line, lost_lines)) = self.next() {
            let written = write_all(out, (line + "\n").as_bytes());
            let mut state = self.state.lock();
            state.writing = false;
            match written {
                Ok(()) => {}
                // The reader has closed its end, or the terminal is gone.
                Err(error) if matches!(error.raw_os_error(), Some(libc::EPIPE | libc::EIO | libc::EBADF)) => {
                    *state = OutletState { gone: true, ..OutletState::default() };
                    self.changed.notify_all();
                    return;
                }
                // A full disk may have room later.
                Err(_) => {
                    let lost = state.lost + lost_lines.max(1) + state.waiting.len();
                    *state = OutletState { lost, closed: state.closed, ..OutletState::default() };
                    // The next line starts the next try.
                    if state.closed {
                        return;
                    }
                    self.changed.wait(&mut state);
                    continue;
                }
            }
            self.changed.notify_all();
        }
    }

    /// Waits for the next line. The number is that of the lost lines, if the line reports them.
    fn next(&self) -> Option<(String, usize)> {
        let mut state = self.state.lock();
        loop {
            if let Some(line) = state.waiting.pop_front() {
                state.bytes -= line.len();
                state.writing = true;
                return Some((line, 0));
            }
            if state.lost > 0 {
                let lost = std::mem::take(&mut state.lost);
                state.writing = true;
                return Some((format!("({} could not be written here)", units::count(lost, "line")), lost));
            }
            if state.closed {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use nix::unistd::pipe;

    use super::*;

    /// Long enough for any machine. No test takes so long unless it fails.
    const TIMEOUT: Duration = Duration::from_secs(60);

    #[test]
    fn lines_without_room_are_counted_and_the_count_is_written_later() {
        let (read, write) = pipe().unwrap();
        let outlet = Outlet::new(write).unwrap();
        let long = "x".repeat(10_000);
        for number in 0..100 {
            outlet.line(format!("{number} {long}"));
        }
        assert!(!outlet.wait(Duration::from_millis(1)), "nobody has read");
        let mut read = File::from(read);
        let reader = thread::spawn(move || {
            let mut text = String::new();
            read.read_to_string(&mut text).unwrap();
            text
        });
        assert!(outlet.wait(TIMEOUT));
        outlet.line("the last".to_owned());
        assert!(outlet.wait(TIMEOUT));
        drop(outlet);
        let text = reader.join().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (count, last) = (lines[lines.len() - 2], lines[lines.len() - 1]);
        let whole = lines.len() - 2;
        assert!((1..100).contains(&whole), "{whole}");
        assert_eq!(count, format!("({} lines could not be written here)", 100 - whole));
        assert_eq!(last, "the last");
        assert!(lines[..whole].iter().enumerate().all(|(n, line)| line.starts_with(&format!("{n} "))));
    }

    #[test]
    fn a_closed_reader_ends_the_outlet() {
        let (read, write) = pipe().unwrap();
        drop(read);
        let outlet = Outlet::new(write).unwrap();
        outlet.line("for nobody".to_owned());
        assert!(!outlet.wait(TIMEOUT));
        outlet.line("nor this".to_owned());
        assert!(!outlet.wait(TIMEOUT));
    }

    #[test]
    fn a_full_pipe_blocks_no_writer() {
        let (_read, write) = pipe().unwrap();
        assert!(write_within(&write, b"short", TIMEOUT).is_ok());
        let error = write_within(&write, "x".repeat(1 << 20).as_bytes(), Duration::from_millis(10)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
