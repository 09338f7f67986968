//! The session process as a child: its start in a process group of its own, and its end.

use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getpid, getppid, setpgid, setsid, tcsetpgrp};

/// A change of a child process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Nothing,
    Stopped(i32),
    Ended(ExitStatus),
}

/// Starts `command` with default signals in a process group of its own. A `detached` process has no controlling
/// terminal, so that snippets cannot use the person's terminal or be stopped by it. Otherwise the group becomes the
/// foreground job of the terminal with the descriptor `terminal`.
#[allow(unsafe_code, reason = "what a child does between fork and exec is unsafe in principle")]
pub fn spawn(mut command: Command, detached: bool, terminal: RawFd) -> io::Result<Pid> {
    let guardian = getpid();
    // SAFETY: only async-signal-safe calls, and no allocation. The terminal is open until the child has been started.
    unsafe {
        command.pre_exec(move || prepare(detached, guardian, BorrowedFd::borrow_raw(terminal)));
    }
    let child = command.spawn()?;
    Ok(Pid::from_raw(child.id() as i32))
}

fn prepare(detached: bool, guardian: Pid, terminal: BorrowedFd<'_>) -> io::Result<()> {
    // Blocked again after the standard library, because SIGTTOU would stop a process that is not in the foreground yet.
    SigSet::all().thread_set_mask()?;
    if detached {
        setsid()?;
    } else {
        setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
        // Fails without job control, and then is not needed.
        let _ = tcsetpgrp(terminal, getpid());
    }
    for signal in Signal::iterator() {
        reset(signal);
    }
    die_with(guardian)?;
    SigSet::empty().thread_set_mask()?;
    Ok(())
}

/// Ends the child with the guardian. The end of the link does that as well, but only once the child reads the link; the
/// signal also ends an interpreter that is still starting.
#[cfg(target_os = "linux")]
fn die_with(guardian: Pid) -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
    // The guardian may have died before the call.
    if getppid() == guardian { Ok(()) } else { Err(io::Error::from(io::ErrorKind::BrokenPipe)) }
}

#[cfg(not(target_os = "linux"))]
fn die_with(guardian: Pid) -> io::Result<()> {
    if getppid() == guardian { Ok(()) } else { Err(io::Error::from(io::ErrorKind::BrokenPipe)) }
}

#[allow(unsafe_code, reason = "nix calls every change of a disposition unsafe; the default one has no handler")]
fn reset(signal: Signal) {
    // SAFETY: no handler is installed. SIGKILL and SIGSTOP refuse, harmlessly.
    unsafe {
        libc::signal(signal as libc::c_int, libc::SIG_DFL);
    }
}

/// Prevents a core dump by the signal that makes Python write its stack.
#[allow(unsafe_code, reason = "nix sets limits of this process only")]
pub fn leave_no_core(child: Pid) {
    #[cfg(target_os = "linux")]
    // SAFETY: reads the limit and writes nothing.
    unsafe {
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::prlimit(child.as_raw(), libc::RLIMIT_CORE, &raw const none, std::ptr::null_mut());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = child;
}

/// Returns what happened to `child` since the last call. The end is returned once.
#[allow(unsafe_code, reason = "nix's waitpid loses an end by a real-time signal")]
pub fn poll(child: Pid) -> io::Result<Change> {
    let mut status = 0;
    // SAFETY: `status` is a valid place to write to.
    match unsafe { libc::waitpid(child.as_raw(), &raw mut status, libc::WNOHANG | libc::WUNTRACED) } {
        0 => Ok(Change::Nothing),
        -1 => Err(io::Error::last_os_error()),
        _ => {
            let status = ExitStatus::from_raw(status);
            Ok(status.stopped_signal().map_or(Change::Ended(status), Change::Stopped))
        }
    }
}

/// Reaps orphans that this process has adopted. `known` are children of its own.
#[cfg(target_os = "linux")]
pub fn reap_adopted(known: [Option<Pid>; 2]) {
    use nix::sys::wait::{WaitPidFlag, waitpid};
    for child in adopted(known) {
        let _ = waitpid(child, Some(WaitPidFlag::WNOHANG));
    }
}

/// Elsewhere init adopts orphans.
#[cfg(not(target_os = "linux"))]
pub fn reap_adopted(_: [Option<Pid>; 2]) {}

#[cfg(target_os = "linux")]
pub fn has_adopted(known: [Option<Pid>; 2]) -> bool {
    !adopted(known).is_empty()
}

#[cfg(target_os = "linux")]
fn adopted(known: [Option<Pid>; 2]) -> Vec<Pid> {
    let mut adopted = Vec::new();
    for thread in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let list = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        adopted.extend(list.split_whitespace().filter_map(|child| child.parse().ok()).map(Pid::from_raw));
    }
    adopted.retain(|child| !known.contains(&Some(*child)));
    adopted
}

/// Makes this process adopt the orphans of its descendants, so that it can end and report them.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    // Fails only on kernels older than any Python that fits.
    let _ = nix::sys::prctl::set_child_subreaper(true);
}
