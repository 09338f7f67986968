//! The guardian's end of the link to the session process.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::boot::{ToGuardian, ToSession};
use crate::domain::{Author, Gate, Rewind, SafePoint};

#[derive(Debug)]
pub struct Link {
    stream: UnixStream,
    unread: Vec<u8>,
    screen_up: bool,
    /// Whether this session process has taken the screen.
    entered: bool,
    begun: bool,
    ready: bool,
    ended: bool,
    restart_by: Option<Author>,
    rewind: Option<Rewind>,
    edit: Option<PathBuf>,
    gate: Option<Gate>,
    known_points: Option<Vec<SafePoint>>,
}

impl Link {
    /// Returns both ends of a link. Until the end of the session process is dropped, every new process inherits it.
    /// With `screen_up`, the process before has left the screen up.
    pub fn pair(screen_up: bool) -> io::Result<(Self, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        fcntl(&theirs, FcntlArg::F_SETFD(FdFlag::empty()))?;
        let link = Self {
            stream: ours,
            unread: Vec::new(),
            screen_up,
            entered: false,
            begun: false,
            ready: false,
            ended: false,
            restart_by: None,
            rewind: None,
            edit: None,
            gate: None,
            known_points: None,
        };
        Ok((link, theirs))
    }

    /// # Errors
    /// If the session process has closed its end, or does not read.
    pub fn send(&mut self, message: &ToSession) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.stream.write_all(&line)
    }

    /// Returns whether the dashboard has the terminal.
    pub fn screen_is_up(&mut self) -> bool {
        self.read();
        self.screen_up
    }

    /// Returns whether this session process has ever had the terminal.
    pub fn has_entered(&mut self) -> bool {
        self.read();
        self.entered
    }

    /// Notes that the kept screen was taken down.
    pub fn on_screen_taken_down(&mut self) {
        self.screen_up = false;
    }

    /// Returns whether Python has reached the engine.
    pub fn has_begun(&mut self) -> bool {
        self.read();
        self.begun
    }

    /// Returns whether the session is ready.
    pub fn is_ready(&mut self) -> bool {
        self.read();
        self.ready
    }

    /// Returns whether the session has reported its end.
    pub fn has_ended(&mut self) -> bool {
        self.read();
        self.ended
    }

    /// Returns who requested another process.
    pub fn restart_by(&mut self) -> Option<Author> {
        self.read();
        self.restart_by.clone()
    }

    /// Returns the rewind that was requested.
    pub fn rewind(&mut self) -> Option<Rewind> {
        self.read();
        self.rewind
    }

    /// Returns the safe points among which the session process chooses, as far as that has told.
    pub fn known_points(&mut self) -> Option<&[SafePoint]> {
        self.read();
        self.known_points.as_deref()
    }

    /// Returns the gate after its last change.
    pub fn gate(&mut self) -> Option<Gate> {
        self.read();
        self.gate.clone()
    }

    /// Takes the file that the person wants to edit.
    pub fn take_edit(&mut self) -> Option<PathBuf> {
        self.read();
        self.edit.take()
    }

    /// Reads the messages so far.
    fn read(&mut self) {
        let mut chunk = [0; 1024];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => self.unread.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        while let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(ToGuardian::TerminalEntered) => (self.screen_up, self.entered) = (true, true),
                Ok(ToGuardian::TerminalLeft) => self.screen_up = false,
                Ok(ToGuardian::Begun) => self.begun = true,
                Ok(ToGuardian::Ready) => self.ready = true,
                Ok(ToGuardian::Ended) => self.ended = true,
                Ok(ToGuardian::Restart(by)) => self.restart_by = Some(by),
                Ok(ToGuardian::Rewind(by, rewind)) => (self.restart_by, self.rewind) = (Some(by), Some(rewind)),
                Ok(ToGuardian::SafePointsKnown(points)) => self.known_points = Some(points),
                Ok(ToGuardian::Edit(file)) => self.edit = Some(file),
                Ok(ToGuardian::Gate(gate)) => self.gate = Some(gate),
                // A snippet may write anything into the descriptor.
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    #[test]
    fn the_last_message_about_the_screen_counts() {
        let (mut link, mut theirs) = Link::pair(false).unwrap();
        assert!(!link.screen_is_up());
        theirs.write_all(b"\"TerminalEntered\"\n").unwrap();
        assert!(link.screen_is_up());
        theirs.write_all(b"\"TerminalLeft\"\nrubbish\n\"TerminalEnt").unwrap();
        assert!(!link.screen_is_up());
        theirs.write_all(b"ered\"\n").unwrap();
        drop(theirs);
        assert!(link.screen_is_up(), "what was said before the end still counts");
    }

    #[test]
    fn messages_are_lines_of_json() {
        let (mut link, mut theirs) = Link::pair(false).unwrap();
        link.send(&ToSession::Terminate).unwrap();
        drop(link);
        let mut text = String::new();
        theirs.read_to_string(&mut text).unwrap();
        assert_eq!(text, "\"Terminate\"\n");
    }

    #[test]
    fn a_closed_link_is_an_error_and_no_signal() {
        let (mut link, theirs) = Link::pair(false).unwrap();
        drop(theirs);
        assert!(link.send(&ToSession::Terminate).is_err());
    }

    /// A snippet can find the descriptor and write to it.
    #[test]
    fn garbage_on_the_link_is_ignored() {
        let good = b"\"TerminalEntered\"\n{\"Restart\":{\"Client\":{\"id\":1,\"name\":\"x\"}}}\n\"Ready\"\n";
        for mut random in Random::rounds(10, 500) {
            let (mut link, mut theirs) = Link::pair(false).unwrap();
            let mut bytes = good.to_vec();
            random.spoil(&mut bytes);
            theirs.write_all(&bytes).unwrap();
            link.screen_is_up();
            theirs.write_all(b"\n\"TerminalEntered\"\n").unwrap();
            assert!(link.screen_is_up(), "{}", String::from_utf8_lossy(&bytes));
        }
    }
}
