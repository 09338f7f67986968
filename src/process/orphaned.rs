//! The end of a session whose guardian has died: within a second, whatever Python does, and with all processes that it
//! has started. Nobody is left to start another Python for the session.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Once;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{getpgrp, getpid};

use crate::python::{forbid_forks, is_guardian_dead};
use crate::session::processes::Leader;

/// How long the running snippet may take to end by an interrupt. After that its clients get their answers without its
/// end.
pub const ANSWER_GRACE: Duration = Duration::from_millis(250);
/// How long an orderly end may take, including the answers.
const ORDERLY_END_GRACE: Duration = Duration::from_millis(600);
/// The time between SIGTERM and SIGKILL for processes that were started.
const KILL_GRACE: Duration = Duration::from_millis(150);

/// Ends this process soon after the other end of `link` was closed. With `keep_processes`, processes that it has
/// started go on.
pub fn watch(link: &OwnedFd, keep_processes: bool) -> io::Result<()> {
    let link = link.try_clone()?;
    thread::Builder::new().name("guardian".to_owned()).spawn(move || {
        wait_for_hangup(&link);
        thread::sleep(ORDERLY_END_GRACE);
        end_processes(keep_processes);
        exit(keep_processes);
    })?;
    Ok(())
}

/// To be called before the process ends by itself. Ends the processes that it has started, if the guardian cannot do
/// that.
pub fn before_exit(keep_processes: bool) {
    if is_guardian_dead() {
        end_processes(keep_processes);
    }
}

fn wait_for_hangup(link: &OwnedFd) {
    let closed = PollFlags::POLLHUP | PollFlags::POLLERR | PollFlags::POLLNVAL;
    loop {
        let mut link = [PollFd::new(link.as_fd(), PollFlags::empty())];
        match poll(&mut link, PollTimeout::NONE) {
            Ok(_) if link[0].revents().is_some_and(|seen| seen.intersects(closed)) => return,
            Ok(_) | Err(Errno::EINTR) => {}
            // The end of the link is also noticed where the link is read.
            Err(_) => loop {
                thread::park();
            },
        }
    }
}

/// Ends the processes once. A second caller waits until that is done.
fn end_processes(keep_processes: bool) {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        if let Some(leader) = Leader::find(getpid()).filter(|_| !keep_processes) {
            forbid_forks();
            leader.end(KILL_GRACE, || leader.own());
        }
    });
}

#[allow(unsafe_code, reason = "nothing may hold up this end, not even the clean-up of std::process::exit")]
fn exit(keep_processes: bool) -> ! {
    // Where processes are only known by their group, this process ends with its group.
    if cfg!(not(target_os = "linux")) && !keep_processes && getpgrp() == getpid() {
        let _ = killpg(getpgrp(), Signal::SIGKILL);
    }
    // SAFETY: does not return and runs nothing.
    unsafe { libc::_exit(1) }
}
