//! A handle to a process that cannot be mistaken for a later process of the same PID, where the system has pidfds.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[derive(Debug)]
pub struct PidFd {
    pid: Pid,
    fd: Option<OwnedFd>,
}

impl PidFd {
    /// Returns `None` if there is no such process.
    #[cfg(target_os = "linux")]
    #[allow(unsafe_code, reason = "neither the standard library nor nix opens processes")]
    pub fn open(pid: Pid) -> Option<Self> {
        use std::os::fd::FromRawFd;
        // SAFETY: two plain numbers go in, and a new descriptor of ours comes back.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
        if fd < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH) {
            return None;
        }
        // An old kernel or a container may forbid pidfds.
        // SAFETY: see above.
        let fd = (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd as i32) });
        Some(Self { pid, fd })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn open(pid: Pid) -> Option<Self> {
        Some(Self { pid, fd: None })
    }

    /// Returns whether the process has ended and released everything; `true` where the system cannot tell.
    pub fn has_ended(&self) -> bool {
        let Some(fd) = &self.fd else { return true };
        let mut ends = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        poll(&mut ends, PollTimeout::ZERO) != Ok(0)
    }

    /// Signals the process; does nothing if it has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let sent = match &self.fd {
            Some(fd) => send(fd, signal),
            None => kill(self.pid, signal).map_err(io::Error::from),
        };
        match sent {
            Err(error) if error.raw_os_error() != Some(libc::ESRCH) => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "as for opening them")]
fn send(process: &OwnedFd, signal: Signal) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: without `info` the kernel fills in what `kill` would.
    let sent = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal as libc::c_int, info, 0 as libc::c_uint)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(not(target_os = "linux"))]
fn send(_: &OwnedFd, _: Signal) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
