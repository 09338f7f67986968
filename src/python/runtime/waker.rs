//! Waking the other side: a byte in a pipe.
//!
//! Not a futex, nor tokio's own waker: the kernel runs the reader of a pipe at once on the core that the writer is about
//! to leave, which saves the tens of microseconds that it takes to wake an idle core. And descriptors of tokio are not
//! in Python's table.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::pipe2;

use crate::python::io::fd::move_high;
use crate::python::io::guarded::{Access, Guarded};

/// Rung by the host, waited for by Python's main thread.
#[derive(Debug)]
pub struct JobBell(OwnedFd);

/// Where Python's main thread waits.
#[derive(Debug)]
pub struct JobWaiter(Guarded);

pub fn job_bell() -> io::Result<(JobBell, JobWaiter)> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    Ok((JobBell(move_high(write.as_fd())?), JobWaiter(Guarded::new(read.as_fd(), Access::Read)?)))
}

impl JobBell {
    pub fn ring(&self) {
        let _ = nix::unistd::write(&self.0, &[0]);
    }

    pub fn descriptor(&self) -> &OwnedFd {
        &self.0
    }
}

impl JobWaiter {
    /// Returns when the bell has been rung since the last time, or a signal came.
    pub fn wait(&mut self) -> io::Result<()> {
        match nix::unistd::read(self.0.get()?, &mut [0; 64]) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The same, or until `limit` is over.
    pub fn wait_for(&mut self, limit: Duration) -> io::Result<()> {
        let fd = self.0.get()?;
        let limit = PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], limit) {
            Ok(0) | Err(Errno::EINTR) => Ok(()),
            Ok(_) => self.wait(),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(target_os = "linux")]
    pub fn backed_by(&mut self, host: nix::unistd::Pid) {
        self.0.backed_by(host);
    }
}

/// Rung by Python's threads; the host reads the other end. Rings are merged until [`WakeFlag::clear`].
#[derive(Clone, Debug)]
pub struct EventBell {
    guarded: Arc<Mutex<Guarded>>,
    rung: WakeFlag,
}

/// The same for threads of the host, which have a table of their own.
#[derive(Debug)]
pub struct HostEventBell {
    fd: OwnedFd,
    rung: WakeFlag,
}

#[derive(Clone, Debug, Default)]
pub struct WakeFlag(Arc<AtomicBool>);

/// The two ways to ring, what clears it, and the end to read from (non-blocking).
pub fn event_bell() -> io::Result<(EventBell, HostEventBell, WakeFlag, OwnedFd)> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
    let rung = WakeFlag::default();
    let guarded = Arc::new(Mutex::new(Guarded::new(write.as_fd(), Access::Write)?));
    let host = HostEventBell { fd: move_high(write.as_fd())?, rung: rung.clone() };
    Ok((EventBell { guarded, rung: rung.clone() }, host, rung, move_high(read.as_fd())?))
}

impl WakeFlag {
    fn set(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }

    /// To be called before looking for what the ring was about.
    pub fn clear(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

impl EventBell {
    pub fn ring(&self) {
        if self.rung.set()
            && let Ok(fd) = self.guarded.lock().unwrap_or_else(PoisonError::into_inner).get()
        {
            let _ = nix::unistd::write(fd, &[0]);
        }
    }

    #[cfg(target_os = "linux")]
    pub fn backed_by(&self, host: nix::unistd::Pid) {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner).backed_by(host);
    }
}

impl HostEventBell {
    pub fn ring(&self) {
        if self.rung.set() {
            let _ = nix::unistd::write(&self.fd, &[0]);
        }
    }

    pub fn descriptor(&self) -> &OwnedFd {
        &self.fd
    }
}
