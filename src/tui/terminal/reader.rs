//! The reader of what the terminal sends. It reads only while somebody waits for input, so that an editor or the shell
//! can have the terminal meanwhile.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;

use crossterm::event::Event;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::read;
use signal_hook::SigId;
use signal_hook::consts::SIGWINCH;
use signal_hook::low_level::{pipe, unregister};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, Interest};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep_until};

use super::decoder::{Decoder, Input};

const BUFFER_BYTES: usize = 16 << 10;

pub struct InputReader {
    terminal: AsyncFd<OwnedFd>,
    window_changes: WindowChanges,
    decoder: Decoder,
    decoded: VecDeque<Input>,
    last_read: Instant,
}

impl InputReader {
    /// Must be called within a tokio runtime. Reads from `terminal` if that is one, else from /dev/tty.
    pub fn new(terminal: OwnedFd) -> io::Result<Self> {
        let terminal = if terminal.is_terminal() { terminal } else { File::open("/dev/tty")?.into() };
        Ok(Self {
            terminal: register(terminal)?,
            window_changes: WindowChanges::watch()?,
            decoder: Decoder::default(),
            decoded: VecDeque::new(),
            last_read: Instant::now(),
        })
    }

    /// Resolves to the next input. Nothing is lost if the future is dropped before.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub async fn next(&mut self) -> io::Result<Input> {
        loop {
            if let Some(input) = self.decoded.pop_front() {
                return Ok(input);
            }
            let due = self.decoder.patience().map(|patience| self.last_read + patience);
            tokio::select! {
                biased;
                ready = self.terminal.readable() => {
                    let mut ready = ready?;
                    match read_now(ready.get_inner())? {
                        None => ready.clear_ready(),
                        Some(bytes) => {
                            self.last_read = Instant::now();
                            self.decoder.feed(&bytes, &mut self.decoded);
                        }
                    }
                }
                // The event loop reads the size itself.
                _ = self.window_changes.next() => return Ok(Input::Event(Event::Resize(0, 0))),
                () = sleep_until(due.unwrap_or(self.last_read)), if due.is_some() => self.decoder.expire(&mut self.decoded),
            }
        }
    }
}

/// Changes of the window's size. tokio's own signals would panic in every process of ours that has no descriptors left.
struct WindowChanges {
    stream: UnixStream,
    registration: SigId,
}

impl WindowChanges {
    fn watch() -> io::Result<Self> {
        let (stream, writer) = StdUnixStream::pair()?;
        stream.set_nonblocking(true)?;
        let stream = UnixStream::from_std(stream)?;
        Ok(Self { stream, registration: pipe::register(SIGWINCH, writer)? })
    }

    /// Resolves after a change, or several.
    async fn next(&mut self) -> io::Result<usize> {
        self.stream.read(&mut [0; 64]).await
    }
}

impl Drop for WindowChanges {
    fn drop(&mut self) {
        unregister(self.registration);
    }
}

#[allow(unsafe_code, reason = "tokio cannot know that the descriptor stays open")]
fn register(terminal: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is one open descriptor until it is dropped.
    Ok(unsafe { AsyncFd::register_with_interest(terminal, Interest::READABLE) }?)
}

/// Reads what has come; `None` if nothing has. The descriptor stays blocking, because other programs share it.
fn read_now(terminal: &OwnedFd) -> io::Result<Option<Vec<u8>>> {
    match poll(&mut [PollFd::new(terminal.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO) {
        Ok(0) | Err(Errno::EINTR) => return Ok(None),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut buffer = vec![0; BUFFER_BYTES];
    match read(terminal, &mut buffer) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(count) => {
            buffer.truncate(count);
            Ok(Some(buffer))
        }
        Err(Errno::EINTR | Errno::EAGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
