//! The session's socket, which is made again after somebody has removed it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::session::{self, SessionHandle};

/// The socket at its path.
pub struct SessionSocket {
    path: PathBuf,
    /// Device and inode of the listener's file.
    identity: Option<(u64, u64)>,
    listeners: UnboundedSender<UnixListener>,
    session: SessionHandle,
}

impl SessionSocket {
    /// Opens the socket. The returned receiver has its listener, and another one whenever the socket was made again.
    pub fn open(path: &Path, session: SessionHandle) -> io::Result<(Self, UnboundedReceiver<UnixListener>)> {
        let (listeners, opened) = unbounded_channel();
        let mut socket = Self { path: path.to_owned(), identity: None, listeners, session };
        socket.listen().map_err(|error| io::Error::other(format!("cannot listen on {}: {error}", path.display())))?;
        Ok((socket, opened))
    }

    /// Makes the socket. The guardian holds the lock of the session's name, so nobody else uses the path.
    fn listen(&mut self) -> io::Result<()> {
        let listener = session::discovery::socket::listen(&self.path)?;
        self.identity = identity(&self.path);
        let _ = self.listeners.send(listener);
        Ok(())
    }

    /// Makes the socket again, unless it is at `path`.
    pub fn ensure_at(&mut self, path: &Path) {
        if self.path == path && self.identity.is_some() && self.identity == identity(path) {
            return;
        }
        path.clone_into(&mut self.path);
        let place = path.display();
        let notice = match self.listen() {
            Ok(()) => format!("the session's socket was removed; the new socket is {place}"),
            Err(error) => format!("the session's socket was removed and cannot be created at {place}: {error}"),
        };
        self.session.notice(notice);
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|facts| (facts.dev(), facts.ino()))
}
