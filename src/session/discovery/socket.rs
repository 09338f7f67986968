//! The two ends of a session's socket. Each end accepts only processes of the same user.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen as start_listening, socket};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::Uid;
use tokio::net::{UnixListener, UnixStream};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 512;

/// Why a socket was not connected to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the socket {} is served by another user (uid {owner}); not connecting to it", .path.display())]
    NotOurs { path: PathBuf, owner: u32 },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Listens at `path`, for our own user alone. Removes a file there: the caller holds the lock of the session's name, so
/// nobody uses the file. Must be called within a tokio runtime.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    #[cfg(target_os = "linux")]
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    #[cfg(not(target_os = "linux"))]
    let flags = SockFlag::empty();
    let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    #[cfg(not(target_os = "linux"))]
    nix::fcntl::fcntl(&socket, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    // On Linux the file gets the mode of the socket, so others can never open it, whatever the umask is.
    let _ = fchmod(&socket, Mode::S_IRUSR | Mode::S_IWUSR);
    bind(std::os::fd::AsRawFd::as_raw_fd(&socket), &UnixAddr::new(path)?)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    start_listening(&socket, Backlog::new(BACKLOG)?)?;
    let listener = std::os::unix::net::UnixListener::from(socket);
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Connects to a session, and checks its user: somebody who can write to the folder could put a socket there.
pub async fn connect(path: &Path) -> Result<UnixStream, ConnectError> {
    let stream = UnixStream::connect(path).await?;
    let owner = stream.peer_cred()?.uid();
    if is_us(owner) { Ok(stream) } else { Err(ConnectError::NotOurs { path: path.to_owned(), owner }) }
}

/// Returns the process at the other end; `None` if it belongs to another user.
pub fn peer(stream: &UnixStream) -> Option<Peer> {
    let credentials = stream.peer_cred().ok().filter(|peer| is_us(peer.uid()))?;
    Some(Peer { pid: credentials.pid().and_then(|pid| u32::try_from(pid).ok()) })
}

/// A process of our user; the PID is unknown on some systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub pid: Option<u32>,
}

fn is_us(uid: u32) -> bool {
    uid == Uid::effective().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_socket_is_private_and_replaces_a_file_at_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.sock");
        let precious = folder.path().join("precious");
        fs::write(&precious, "kept").unwrap();
        std::os::unix::fs::symlink(&precious, &path).unwrap();

        let listener = listen(&path).unwrap();
        assert_eq!(fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_to_string(&precious).unwrap(), "kept", "a link is not followed");
        let client = connect(&path).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        for stream in [&client, &server] {
            assert_eq!(peer(stream), Some(Peer { pid: Some(std::process::id()) }));
        }

        drop(listener);
        drop(listen(&path).unwrap());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(listen(&path).is_err(), "a folder is not removed");
    }
}
