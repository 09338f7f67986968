//! Wakers between Python's threads and the host: a byte in a pipe.
//!
//! Not a futex, nor tokio's own waker: the kernel runs the reader of a pipe at once on the core that the writer is
//! about to leave, which saves the tens of microseconds that it takes to wake an idle core. And tokio's descriptors are
//! not in Python's table.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;
use parking_lot::Mutex;

use crate::python::io::fd::move_high;
use crate::python::io::guarded::{Access, GuardedFd};

/// Wakes Python's main thread; used by the host.
#[derive(Debug)]
pub struct JobWaker(OwnedFd);

/// Where Python's main thread waits.
#[derive(Debug)]
pub struct JobWaiter(GuardedFd);

pub fn job_waker() -> io::Result<(JobWaker, JobWaiter)> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    Ok((JobWaker(move_high(write.as_fd())?), JobWaiter(GuardedFd::new(read.as_fd(), Access::Read)?)))
}

impl JobWaker {
    pub fn wake(&self) {
        let _ = nix::unistd::write(&self.0, &[0]);
    }

    pub fn descriptor(&self) -> &OwnedFd {
        &self.0
    }
}

impl JobWaiter {
    /// Waits for a wake-up since the last wait, or for a signal.
    pub fn wait(&mut self) -> io::Result<()> {
        match nix::unistd::read(self.0.get()?, &mut [0; 64]) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the descriptor that a wake-up makes readable.
    pub fn descriptor(&mut self) -> io::Result<RawFd> {
        Ok(self.0.get()?.as_raw_fd())
    }

    /// Like [`Self::wait`], but not for longer than `limit`.
    pub fn wait_for(&mut self, limit: Duration) -> io::Result<()> {
        let fd = self.0.get()?;
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], limit) {
            Ok(0) | Err(Errno::EINTR) => Ok(()),
            Ok(_) => self.wait(),
            Err(error) => Err(error.into()),
        }
    }

    /// See [`GuardedFd::backed_by`].
    #[cfg(target_os = "linux")]
    pub fn backed_by(&mut self, host: nix::unistd::Pid) {
        self.0.backed_by(host);
    }
}

/// Wakes the host; used by Python's threads. Wake-ups are merged until [`WakeFlag::clear`].
#[derive(Clone, Debug)]
pub struct EventWaker {
    fd: Arc<Mutex<GuardedFd>>,
    flag: WakeFlag,
}

/// Wakes the host's own thread; used by other threads of the host, which have a table of descriptors of their own.
#[derive(Debug)]
pub struct HostEventWaker {
    fd: OwnedFd,
    flag: WakeFlag,
}

/// Whether a wake-up is pending.
#[derive(Clone, Debug, Default)]
pub struct WakeFlag(Arc<AtomicBool>);

/// Makes both wakers, the flag that they share, and the end to read from (non-blocking).
pub fn event_waker() -> io::Result<(EventWaker, HostEventWaker, WakeFlag, OwnedFd)> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    let flag = WakeFlag::default();
    let fd = Arc::new(Mutex::new(GuardedFd::new(write.as_fd(), Access::Write)?));
    let host = HostEventWaker { fd: move_high(write.as_fd())?, flag: flag.clone() };
    Ok((EventWaker { fd, flag: flag.clone() }, host, flag, move_high(read.as_fd())?))
}

impl WakeFlag {
    /// Returns whether the flag was not set before.
    fn set(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }

    /// To be called before the events are taken.
    pub fn clear(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl EventWaker {
    /// Returns the descriptor.
    pub fn number(&self) -> io::Result<RawFd> {
        Ok(self.fd.lock().get()?.as_raw_fd())
    }

    pub fn wake(&self) {
        if self.flag.set()
            && let Ok(fd) = self.fd.lock().get()
        {
            let _ = nix::unistd::write(fd, &[0]);
        }
    }

    /// See [`GuardedFd::backed_by`].
    #[cfg(target_os = "linux")]
    pub fn backed_by(&self, host: nix::unistd::Pid) {
        self.fd.lock().backed_by(host);
    }
}

impl HostEventWaker {
    pub fn wake(&self) {
        if self.flag.set() {
            let _ = nix::unistd::write(&self.fd, &[0]);
        }
    }

    pub fn descriptor(&self) -> &OwnedFd {
        &self.fd
    }
}
