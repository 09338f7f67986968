//! Descriptors that the engine needs in Python's table, where user code can close or replace them at any time.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::stat::fstat;

use crate::python::io::fd::move_high;

/// How many descriptors user code has closed or replaced so far.
static LOSSES: AtomicU64 = AtomicU64::new(0);

/// Returns how many descriptors were found closed or replaced so far. Code that closes one often closes others.
pub fn losses() -> u64 {
    LOSSES.load(Ordering::Relaxed)
}

/// Takes in that a descriptor was found closed or replaced.
pub fn note_loss() {
    LOSSES.fetch_add(1, Ordering::Relaxed);
}

/// A descriptor that is checked before each use, and opened again if user code has closed or replaced it.
#[derive(Debug)]
pub struct GuardedFd {
    fd: OwnedFd,
    identity: FileIdentity,
    access: Access,
    /// Where to open the file again.
    source: Option<PathBuf>,
}

/// The end of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// Device and inode; every pipe has an inode of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileIdentity(libc::dev_t, libc::ino_t);

impl FileIdentity {
    pub fn of(fd: BorrowedFd<'_>) -> io::Result<Self> {
        let stat = fstat(fd)?;
        Ok(Self(stat.st_dev, stat.st_ino))
    }
}

impl GuardedFd {
    pub fn new(fd: BorrowedFd<'_>, access: Access) -> io::Result<Self> {
        let fd = move_high(fd)?;
        Ok(Self { identity: FileIdentity::of(fd.as_fd())?, access, source: None, fd })
    }

    /// Makes it possible to open the file again: the thread `host` has the same descriptor in a table of its own,
    /// beyond the reach of user code, and Linux opens pipes and devices by such a descriptor.
    #[cfg(target_os = "linux")]
    pub fn backed_by(&mut self, host: nix::unistd::Pid) {
        self.source = Some(format!("/proc/self/task/{host}/fd/{}", self.fd.as_raw_fd()).into());
    }

    pub fn identity(&self) -> FileIdentity {
        self.identity
    }

    /// Returns the descriptor as it was checked last.
    pub fn unchecked(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Returns the descriptor, opened again if necessary.
    pub fn get(&mut self) -> io::Result<BorrowedFd<'_>> {
        if FileIdentity::of(self.fd.as_fd()).ok() != Some(self.identity) {
            note_loss();
            let lost = || io::Error::other("a descriptor of the session was closed by user code");
            let source = self.source.as_ref().ok_or_else(lost)?;
            let write = self.access == Access::Write;
            let reopened = OpenOptions::new().read(!write).write(write).open(source)?;
            let lost = std::mem::replace(&mut self.fd, move_high(reopened.as_fd())?);
            // The number may belong to user code now, so it is not closed.
            let _ = lost.into_raw_fd();
        }
        Ok(self.fd.as_fd())
    }
}
