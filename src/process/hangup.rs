//! Noticing that the terminal is gone where no SIGHUP tells of it: it is ignored, or the terminal is not the session's own.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Calls `gone` once the terminal is gone. Costs nothing until then.
pub fn watch(terminal: OwnedFd, gone: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let wait = move || {
        while !has_hung_up(&terminal, PollTimeout::NONE)? {}
        gone();
        Ok::<(), Errno>(())
    };
    thread::Builder::new().name("terminal".to_owned()).spawn(wait).map(drop)
}

pub fn is_gone(terminal: &impl AsFd) -> bool {
    has_hung_up(terminal, PollTimeout::ZERO).unwrap_or(true)
}

fn has_hung_up(terminal: &impl AsFd, limit: PollTimeout) -> Result<bool, Errno> {
    let mut terminal = [PollFd::new(terminal.as_fd(), PollFlags::empty())];
    match poll(&mut terminal, limit) {
        Ok(0) | Err(Errno::EINTR) => return Ok(false),
        Ok(_) => {}
        Err(error) => return Err(error),
    }
    let told = terminal[0].revents().unwrap_or(PollFlags::empty());
    // A system that cannot watch terminals tells nothing of them.
    if told.contains(PollFlags::POLLNVAL) { Err(Errno::EBADF) } else { Ok(true) }
}
