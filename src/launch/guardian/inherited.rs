//! What a session process gets at its start.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::process::Command;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::launch::startup_output::StartupOutput;

/// What the session process inherits: descriptors by number.
#[derive(Clone, Copy, Debug)]
pub struct Inherited<'a> {
    pub link: RawFd,
    pub recorder: Option<RawFd>,
    pub safe_points: Option<RawFd>,
    /// See [`StartupOutput::streams`].
    pub streams: Option<[RawFd; 3]>,
    pub startup_output: Option<&'a StartupOutput>,
    /// Whether a copy is woken and no process started. Then the numbers are places among the descriptors that it gets.
    pub wakes: bool,
}

/// How a session process comes to be.
#[derive(Debug)]
pub enum ProcessSource {
    Process(Command),
    /// A safe point is woken, with parameters in JSON and an engine that it can load.
    Copy {
        boot: Vec<u8>,
        engine: OwnedFd,
    },
}

impl Inherited<'_> {
    /// Returns all descriptors.
    pub(super) fn numbers(&self) -> Vec<RawFd> {
        let streams = self.streams.into_iter().flatten();
        [self.link].into_iter().chain(self.safe_points).chain(streams).chain(self.recorder).collect()
    }

    /// Replaces each descriptor by its place in [`Self::numbers`].
    pub(super) fn places(mut self) -> Self {
        let numbers = self.numbers();
        let place = |number: RawFd| numbers.iter().position(|known| *known == number).map_or(-1, |at| at as RawFd);
        // The first of them.
        self.link = 0;
        self.safe_points = self.safe_points.map(place);
        self.streams = self.streams.map(|streams| streams.map(place));
        self.recorder = self.recorder.map(place);
        self.wakes = true;
        self
    }
}

/// Copies a descriptor such that each new process inherits it.
pub(super) fn inheritable(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let copy = fd.try_clone_to_owned()?;
    fcntl(&copy, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_gets_places_for_numbers() {
        let inherited = Inherited {
            link: 20,
            recorder: Some(9),
            safe_points: Some(11),
            streams: Some([5, 6, 7]),
            startup_output: None,
            wakes: false,
        };
        assert_eq!(inherited.numbers(), [20, 11, 5, 6, 7, 9]);
        let places = inherited.places();
        assert_eq!((places.link, places.safe_points, places.streams), (0, Some(1), Some([2, 3, 4])));
        assert_eq!((places.recorder, places.wakes), (Some(5), true));
    }
}
