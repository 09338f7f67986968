//! Standard input and output, without another thread where possible.
//!
//! Python clients give pipes, most Node.js clients give socket pairs. The handles of rmcp avoid the thread only if both
//! streams are pipes.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::sys::socket::{SockType, getsockopt, sockopt};
use nix::sys::stat::{SFlag, fstat};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{UnixStream, unix::pipe};

pub type InputStream = Box<dyn AsyncRead + Send + Unpin>;
pub type OutputStream = Box<dyn AsyncWrite + Send + Unpin>;

/// Must be called within a tokio runtime.
pub fn input() -> InputStream {
    // Open the pipe once more, because other processes share the flags of our descriptor.
    if cfg!(target_os = "linux")
        && let Ok(pipe) = pipe::OpenOptions::new().open_receiver("/proc/self/fd/0")
    {
        return Box::new(pipe);
    }
    match socket(io::stdin().as_fd()) {
        Ok(socket) => Box::new(socket),
        Err(_) => Box::new(tokio::io::stdin()),
    }
}

/// Must be called within a tokio runtime.
pub fn output() -> OutputStream {
    if cfg!(target_os = "linux")
        && let Ok(pipe) = pipe::OpenOptions::new().open_sender("/proc/self/fd/1")
    {
        return Box::new(pipe);
    }
    match socket(io::stdout().as_fd()) {
        Ok(socket) => Box::new(socket),
        Err(_) => Box::new(tokio::io::stdout()),
    }
}

fn socket(fd: impl AsFd) -> io::Result<UnixStream> {
    let is_socket = fstat(&fd)?.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFSOCK.bits();
    if !is_socket || getsockopt(&fd, sockopt::SockType)? != SockType::Stream {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let own: OwnedFd = fd.as_fd().try_clone_to_owned()?;
    let stream = std::os::unix::net::UnixStream::from(own);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}
