//! Safe points: dormant copies of the session process, and how they talk with the guardian, which wakes the newest one
//! when Python has died.
//!
//! A copy tells the guardian of itself over a socket that all processes of a session share ([`PointMessage`]), and
//! hands over one end of a socket of its own. There it waits for the message that wakes it: the parameters of a session
//! process, with the descriptors that a session process inherits. If the socket is closed, the copy ends.

use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use serde::{Deserialize, Serialize};

pub use super::descriptor_passing::{receive, send};
use crate::domain::SnippetId;

/// The name of a dormant copy in the process list, where it is no process that a snippet has started.
pub const PROCESS_NAME: &CStr = c"fh-safe-point";
/// Copies that are kept; the oldest go first.
pub const MAX_POINTS: usize = 3;

/// What the guardian hears about safe points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PointMessage {
    /// The process `pid` is a copy of the session process `of` as that was after `snippet`. Comes with the socket that
    /// wakes the copy. Variables may have changed since the copy before if it `has_changed`.
    Made { pid: i32, of: i32, snippet: SnippetId, has_changed: bool },
    /// No copy so far is to be woken any more.
    Forget,
}

/// Returns both ends of a socket that keeps messages apart.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::empty())?;
    for end in [&ours, &theirs] {
        nix::fcntl::fcntl(end, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    }
    Ok((ours, theirs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsFd;

    #[test]
    fn descriptors_travel_with_a_message_and_the_end_is_seen() {
        let (ours, theirs) = pair().unwrap();
        assert!(receive(ours.as_fd(), false).is_err(), "nothing has come yet");
        let (reader, writer) = io::pipe().unwrap();
        send(theirs.as_fd(), b"wake", &[writer.as_fd()]).unwrap();
        drop(writer);
        let (message, mut descriptors) = receive(ours.as_fd(), false).unwrap().unwrap();
        assert_eq!((&*message, descriptors.len()), (&b"wake"[..], 1));
        nix::unistd::write(&descriptors[0], b"x").unwrap();
        descriptors.clear();
        let mut text = String::new();
        File::from(OwnedFd::from(reader)).read_to_string(&mut text).unwrap();
        assert_eq!(text, "x");
        drop(theirs);
        assert!(receive(ours.as_fd(), true).unwrap().is_none());
        assert!(send(ours.as_fd(), b"x", &[]).is_err(), "a copy that is gone is an error and no signal");
    }
}
