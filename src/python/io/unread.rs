//! A look at whether the pipes on 1 and 2 hold output that the drain has not read yet.

#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::os::fd::RawFd;

use super::descriptors::{PipeReaders, unread};
use crate::domain::Stream;

/// Tells whether C code or a child has written something that the drain has not read. Each line that Python prints asks
/// for that, so the answer must cost next to nothing.
#[derive(Debug, Default)]
pub struct UnreadOutput {
    /// Watches both pipes, and locks neither: a look costs a fifth of asking each pipe for its size.
    #[cfg(target_os = "linux")]
    pipes: Option<nix::sys::epoll::Epoll>,
}

impl UnreadOutput {
    /// Must be called before the host has its own table of descriptors: the look is Python's.
    #[cfg(target_os = "linux")]
    pub fn of(readers: &PipeReaders) -> Self {
        use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
        use std::os::fd::AsFd;

        let watch = || {
            let pipes = Epoll(super::fd::move_high(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?.0.as_fd())?);
            for reader in [&readers.stdout, &readers.stderr] {
                pipes.add(reader, EpollEvent::new(EpollFlags::EPOLLIN, 0))?;
            }
            std::io::Result::Ok(pipes)
        };
        Self { pipes: watch().ok() }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn of(_readers: &PipeReaders) -> Self {
        Self {}
    }

    /// Returns the descriptor in Python's table, unless user code has closed it.
    pub fn number(&self) -> Option<RawFd> {
        #[cfg(target_os = "linux")]
        {
            use nix::sys::epoll::{EpollEvent, EpollTimeout};

            let pipes = self.pipes.as_ref()?;
            pipes.wait(&mut [EpollEvent::empty()], EpollTimeout::ZERO).ok()?;
            Some(pipes.0.as_raw_fd())
        }
        #[cfg(not(target_os = "linux"))]
        None
    }

    /// Returns whether there is any.
    pub fn exists(&self) -> bool {
        #[cfg(target_os = "linux")]
        if let Some(pipes) = &self.pipes {
            use nix::sys::epoll::{EpollEvent, EpollFlags, EpollTimeout};

            let mut ready = [EpollEvent::empty(); 2];
            // This fails if user code has closed the descriptor.
            if let Ok(count) = pipes.wait(&mut ready, EpollTimeout::ZERO) {
                return ready.iter().take(count).any(|event| event.events().contains(EpollFlags::EPOLLIN));
            }
        }
        unread(Stream::Stdout) > 0 || unread(Stream::Stderr) > 0
    }
}
