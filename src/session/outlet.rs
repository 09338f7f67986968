//! Writing to what nobody may read: a pipe that is full, a terminal that is stopped. A thread writes, so that nobody else
//! waits for longer than agreed; lines that there is no room for are counted, and told when there is some again.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow};

use crate::domain::units;

/// Bytes of lines that wait to be written.
const MOST: usize = 256 << 10;

/// Writes `text`, for as long as `limit`. What is left then is still written if it can be before the process ends.
///
/// # Errors
/// If it could not be written, or not in time.
pub fn write_within(out: impl AsFd, text: &[u8], limit: Duration) -> io::Result<()> {
    let Ok(own) = out.as_fd().try_clone_to_owned() else { return write_now(out, text, limit) };
    let out = File::from(own);
    let text = text.to_vec();
    let (done, written) = std::sync::mpsc::channel();
    without_signals("words", move || drop(done.send(write_all(&out, &text))))?;
    written.recv_timeout(limit).map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Without a descriptor or a thread to spare: as much as is written without waiting, once there is room.
fn write_now(out: impl AsFd, text: &[u8], limit: Duration) -> io::Result<()> {
    let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::ZERO);
    if poll(&mut [PollFd::new(out.as_fd(), PollFlags::POLLOUT)], limit)? == 0 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let sure = text.len().min(libc::PIPE_BUF);
    nix::unistd::write(out, &text[..sure])?;
    Ok(())
}

/// Such a thread may stay for as long as the process: a signal is for those that wait for it.
fn without_signals(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    before.thread_set_mask()?;
    spawned.map(drop)
}

/// Waits for as long as it takes.
pub fn write_all(mut out: &File, mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        match out.write(text) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => text = &text[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Another process may have made it non-blocking.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(out.as_fd(), PollFlags::POLLOUT)], PollTimeout::NONE)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A place for lines.
#[derive(Debug)]
pub struct Outlet(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<String>,
    /// Of those that wait.
    bytes: usize,
    /// Lines that there was no room for, since the last that there was.
    lost: usize,
    writing: bool,
    /// No line follows.
    closed: bool,
    /// Nobody will ever read again.
    gone: bool,
}

impl Outlet {
    pub fn new(out: OwnedFd) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let writer = shared.clone();
        let out = File::from(out);
        without_signals("lines", move || writer.write(&out))?;
        Ok(Self(shared))
    }

    /// Never waits.
    pub fn line(&self, line: String) {
        let mut state = self.0.lock();
        if state.gone {
            return;
        }
        if state.lost > 0 || state.bytes + line.len() > MOST {
            // Also when there is room for this one: the count comes first.
            state.lost += 1;
        } else {
            state.bytes += line.len();
            state.waiting.push_back(line);
        }
        self.0.changed.notify_all();
    }

    /// Waits until all is written, but not for longer than `limit`. Whether it is.
    pub fn wait(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut state = self.0.lock();
        while !state.gone && (state.writing || state.lost > 0 || !state.waiting.is_empty()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        !state.gone
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, out: &File) {
        while let Some((line, told)) = self.next() {
            let written = write_all(out, (line + "\n").as_bytes());
            let mut state = self.lock();
            state.writing = false;
            match written {
                Ok(()) => {}
                // The reader has closed its end, or the terminal is gone.
                Err(error) if matches!(error.raw_os_error(), Some(libc::EPIPE | libc::EIO | libc::EBADF)) => {
                    *state = State { gone: true, ..State::default() };
                    self.changed.notify_all();
                    return;
                }
                // A disk that is full may have room again.
                Err(_) => {
                    let lost = state.lost + told.max(1) + state.waiting.len();
                    *state = State { lost, closed: state.closed, ..State::default() };
                    // The next line is the next try.
                    if state.closed {
                        return;
                    }
                    drop(self.changed.wait(state));
                    continue;
                }
            }
            self.changed.notify_all();
        }
    }

    /// Waits for what is to be written next: a line, or how many were lost; the second is that number.
    fn next(&self) -> Option<(String, usize)> {
        let mut state = self.lock();
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
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use nix::unistd::pipe;

    use super::*;

    /// Long enough for any machine; nothing here takes it unless it fails.
    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn what_nobody_reads_is_counted_and_told_once_somebody_does() {
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
        assert!(outlet.wait(PATIENCE));
        outlet.line("the last".to_owned());
        assert!(outlet.wait(PATIENCE));
        drop(outlet);
        let text = reader.join().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let (told, last) = (lines[lines.len() - 2], lines[lines.len() - 1]);
        let whole = lines.len() - 2;
        assert!((1..100).contains(&whole), "{whole}");
        assert_eq!(told, format!("({} lines could not be written here)", 100 - whole));
        assert_eq!(last, "the last");
        assert!(lines[..whole].iter().enumerate().all(|(n, line)| line.starts_with(&format!("{n} "))));
    }

    #[test]
    fn an_end_that_is_closed_is_the_end() {
        let (read, write) = pipe().unwrap();
        drop(read);
        let outlet = Outlet::new(write).unwrap();
        outlet.line("for nobody".to_owned());
        assert!(!outlet.wait(PATIENCE));
        outlet.line("as little".to_owned());
        assert!(!outlet.wait(PATIENCE));
    }

    #[test]
    fn nobody_waits_for_a_pipe_that_is_full() {
        let (_read, write) = pipe().unwrap();
        assert!(write_within(&write, b"short", PATIENCE).is_ok());
        let error = write_within(&write, "x".repeat(1 << 20).as_bytes(), Duration::from_millis(10)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
