//! Safe points: dormant copies of the session process, and how they talk with the guardian, which wakes the newest one
//! when Python has died.
//!
//! A copy tells the guardian of itself over a socket that all processes of a session share ([`PointMessage`]), and
//! hands over one end of a socket of its own. There it waits for the message that wakes it: the parameters of a session
//! process, with the descriptors that a session process inherits. If the socket is closed, the copy ends.

use std::ffi::CStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, sendmsg, socketpair,
};
use serde::{Deserialize, Serialize};

use crate::domain::SnippetId;

/// The name of a dormant copy in the process list, where it is no process that a snippet has started.
pub const PROCESS_NAME: &CStr = c"fh-safe-point";
/// Copies that are kept; the oldest go first.
pub const MAX_POINTS: usize = 3;
/// Bytes of the longest message.
const MAX_MESSAGE: usize = 128 << 10;
/// Descriptors that come with one message.
const MAX_DESCRIPTORS: usize = 8;

/// What the guardian hears about safe points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PointMessage {
    /// The process `pid` is a copy of the session as it was after `snippet`. Comes with the socket that wakes the copy.
    /// Variables may have changed since the copy before if it `has_changed`.
    Made { pid: i32, snippet: SnippetId, has_changed: bool },
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

/// Sends a message with descriptors. Does not wait for room.
pub fn send(socket: BorrowedFd<'_>, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    if message.len() > MAX_MESSAGE || descriptors.len() > MAX_DESCRIPTORS {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let raw: Vec<_> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let rights = if raw.is_empty() { &rights[..0] } else { &rights[..] };
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(message)], rights, flags, None)?;
    Ok(())
}

/// Receives a message with its descriptors, all close-on-exec; `None` once the other end is closed. Without `waits`, a
/// message that is not there yet is an error.
#[allow(unsafe_code, reason = "descriptors arrive as numbers")]
pub fn receive(socket: BorrowedFd<'_>, waits: bool) -> io::Result<Option<(Vec<u8>, Vec<OwnedFd>)>> {
    let mut bytes = vec![0; MAX_MESSAGE];
    let mut space = nix::cmsg_space!([i32; MAX_DESCRIPTORS]);
    let flags = if waits { MsgFlags::empty() } else { MsgFlags::MSG_DONTWAIT };
    let mut buffers = [IoSliceMut::new(&mut bytes)];
    let received = loop {
        match recvmsg::<()>(socket.as_raw_fd(), &mut buffers, Some(&mut space), flags) {
            Err(Errno::EINTR) => {}
            received => break received?,
        }
    };
    let mut descriptors = Vec::new();
    for control in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            // SAFETY: the kernel has just opened these descriptors for this process.
            descriptors.extend(numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }));
        }
    }
    for descriptor in &descriptors {
        nix::fcntl::fcntl(descriptor, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    }
    let length = received.bytes;
    if length == 0 {
        return Ok(None);
    }
    bytes.truncate(length);
    Ok(Some((bytes, descriptors)))
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
        assert!(send(theirs.as_fd(), &vec![0; MAX_MESSAGE + 1], &[]).is_err());
        drop(theirs);
        assert!(receive(ours.as_fd(), true).unwrap().is_none());
        assert!(send(ours.as_fd(), b"x", &[]).is_err(), "a copy that is gone is an error and no signal");
    }
}
