//! The session's socket, which is made again where somebody has removed it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::session::{self, SessionHandle};

pub struct Door {
    path: PathBuf,
    /// Of the file that the listener made.
    identity: Option<(u64, u64)>,
    listeners: UnboundedSender<UnixListener>,
    session: SessionHandle,
}

/// Opens it. The first listener comes at once, and another one whenever the socket had to be made again.
pub fn open(path: &Path, session: SessionHandle) -> io::Result<(Door, UnboundedReceiver<UnixListener>)> {
    let (listeners, opened) = unbounded_channel();
    let mut door = Door { path: path.to_owned(), identity: None, listeners, session };
    door.listen().map_err(|error| io::Error::other(format!("cannot listen on {}: {error}", path.display())))?;
    Ok((door, opened))
}

impl Door {
    /// The guardian holds the lock of the session's name there.
    fn listen(&mut self) -> io::Result<()> {
        let listener = session::discovery::socket::listen(&self.path)?;
        self.identity = identity(&self.path);
        let _ = self.listeners.send(listener);
        Ok(())
    }

    pub fn must_be_at(&mut self, path: &Path) {
        if self.path == path && self.identity.is_some() && self.identity == identity(path) {
            return;
        }
        path.clone_into(&mut self.path);
        let place = path.display();
        let told = match self.listen() {
            Ok(()) => format!("the session's socket was removed; there is a new one, {place}"),
            Err(error) => format!("the session's socket was removed, and none can be made at {place}: {error}"),
        };
        self.session.notice(told);
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|facts| (facts.dev(), facts.ino()))
}
