//! The fork of a dormant copy, and its sleep. The copy has the main thread alone: everything of the host is dead in it,
//! so it touches nothing of that, and frees nothing.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, getpid, getppid, pipe2, read, setsid, write};
use pyo3::ffi;

use super::process;
use crate::domain::SnippetId;
use crate::python::isolation::children;
use crate::session::safe_point::{self, PointMessage};

/// How long a copy waits for its adoption by the guardian.
const ADOPTION_TIMEOUT: Duration = Duration::from_secs(2);
/// How often it looks.
const ADOPTION_INTERVAL: Duration = Duration::from_micros(200);

/// Which process the fork has returned in.
pub enum Forked {
    /// In the session's own.
    Session(ForkHelper),
    /// In the copy, when the guardian has woken it.
    Copy(Awakening),
}

/// A copy that is being made, by a process between the session and the copy. Once that process has ended, the guardian
/// has adopted the copy.
pub struct ForkHelper {
    pid: Pid,
    /// The copy writes a byte when the guardian knows of it.
    announced: OwnedFd,
    /// The last snippet of the copy.
    pub snippet: SnippetId,
    /// How long the fork has held up the session.
    pub pause: Duration,
}

impl ForkHelper {
    /// Returns whether the copy was made, once that is known, and takes the process in between away. With `waits`,
    /// waits for that.
    pub fn result(&self, waits: bool) -> Option<bool> {
        let limit = if waits { PollTimeout::NONE } else { PollTimeout::ZERO };
        let is_known = loop {
            match poll(&mut [PollFd::new(self.announced.as_fd(), PollFlags::POLLIN)], limit) {
                Err(Errno::EINTR) => {}
                known => break known != Ok(0),
            }
        };
        if !is_known {
            return None;
        }
        let is_made = read(&self.announced, &mut [0]) == Ok(1);
        while waitpid(self.pid, None) == Err(Errno::EINTR) {}
        Some(is_made)
    }
}

/// What the guardian gives to a copy that it wakes.
pub struct Awakening {
    /// The parameters of a session process, as JSON.
    pub boot: String,
    /// The first is the engine.
    pub descriptors: Vec<OwnedFd>,
}

/// Forks a copy of the session as it is after `snippet`; `has_changed` if variables may have changed since the last
/// copy. `check` decides afterwards whether the copy is good. The copy has the guardian for its parent, so that user
/// code never waits for it.
#[allow(unsafe_code, reason = "a fork of the interpreter")]
pub fn fork(
    guardian: BorrowedFd<'_>,
    snippet: SnippetId,
    has_changed: bool,
    check: impl FnOnce() -> Result<(), String>,
) -> Result<Forked, String> {
    let failed = |error: nix::Error| format!("the system refused: {error}");
    let (permission, permit) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    let (announced, announce) = pipe2(OFlag::O_CLOEXEC).map_err(failed)?;
    let began = Instant::now();
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).map_err(failed)?;
    let original = getpid().as_raw();
    // SAFETY: the calling thread is Python's main one and holds the GIL.
    unsafe { ffi::PyOS_BeforeFork() };
    // SAFETY: the child only forks again; the copy touches only what belongs to Python and to itself.
    let first = unsafe { nix::unistd::fork() };
    if matches!(first, Ok(ForkResult::Child)) {
        // SAFETY: as above.
        match unsafe { nix::unistd::fork() } {
            Ok(ForkResult::Child) => {}
            Ok(ForkResult::Parent { .. }) => leave(0),
            Err(_) => leave(1),
        }
        drop((permit, announced));
        let made = PointMessage::Made { pid: getpid().as_raw(), of: original, snippet, has_changed };
        let Ok(awakening) = sleep(guardian, permission, announce, made) else { leave(0) };
        // SAFETY: the only thread of this process is the one that called `PyOS_BeforeFork`.
        unsafe { ffi::PyOS_AfterFork_Child() };
        let _ = before.thread_set_mask();
        return Ok(Forked::Copy(awakening));
    }
    // SAFETY: after `PyOS_BeforeFork`, on the same thread.
    unsafe { ffi::PyOS_AfterFork_Parent() };
    let pause = began.elapsed();
    let _ = before.thread_set_mask();
    let pid = match first.map_err(failed)? {
        ForkResult::Parent { child } => child,
        ForkResult::Child => leave(0),
    };
    drop(announce);
    let helper = ForkHelper { pid, announced, snippet, pause };
    if let Err(reason) = check().and_then(|()| write(&permit, &[1]).map(drop).map_err(failed)) {
        drop(permit);
        helper.result(true);
        return Err(reason);
    }
    Ok(Forked::Session(helper))
}

/// Sleeps until the guardian wakes this copy. An error means that it never will.
fn sleep(
    guardian: BorrowedFd<'_>,
    permission: OwnedFd,
    announce: OwnedFd,
    made: PointMessage,
) -> io::Result<Awakening> {
    // Signals to the group or the session of the original are not for the copy.
    setsid()?;
    let original = process::become_dormant();
    if read(&permission, &mut [0])? != 1 {
        return Err(io::ErrorKind::Interrupted.into());
    }
    drop(permission);
    let parent = children::guardian();
    let deadline = Instant::now() + ADOPTION_TIMEOUT;
    while getppid() != parent {
        if Instant::now() > deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        std::thread::sleep(ADOPTION_INTERVAL);
    }
    let (ours, theirs) = safe_point::pair()?;
    safe_point::send(guardian, &serde_json::to_vec(&made)?, &[theirs.as_fd()])?;
    drop(theirs);
    write(&announce, &[1])?;
    drop(announce);
    let (message, descriptors) = safe_point::receive(ours.as_fd(), true)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    process::rise(&original, parent)?;
    let boot = String::from_utf8(message).map_err(io::Error::other)?;
    Ok(Awakening { boot, descriptors })
}

/// Ends this process, and runs nothing of what belongs to the session.
#[allow(unsafe_code, reason = "std::process::exit would run clean-up that belongs to the session")]
pub fn leave(code: i32) -> ! {
    // SAFETY: _exit does not return and runs nothing.
    unsafe { libc::_exit(code) }
}
