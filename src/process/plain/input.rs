//! Line input from the terminal, a file or a pipe, read by a thread of its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::os::fd::OwnedFd;
use std::thread;

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use tokio::sync::mpsc::UnboundedSender;

use crate::process::hangup;

/// Bytes after which a line without an end is cut.
const MAX_LINE: u64 = 16 << 20;

#[derive(Debug, PartialEq, Eq)]
pub enum InputLine {
    /// Without its line end.
    Text(String),
    /// Ctrl-D, or the end of the file.
    End,
    /// No more lines can be read.
    Gone,
}

#[derive(Debug)]
pub struct LineInput {
    /// `None` if the input is no terminal.
    terminal: Option<File>,
    echoes: bool,
}

impl LineInput {
    pub fn open(stdin: OwnedFd, to: UnboundedSender<InputLine>) -> io::Result<Self> {
        let file = File::from(stdin);
        let terminal = if file.is_terminal() { Some(file.try_clone()?) } else { None };
        let is_terminal = terminal.is_some();
        thread::Builder::new().name("input".to_owned()).spawn(move || {
            let terminal = is_terminal.then(|| file.try_clone()).and_then(Result::ok);
            // A terminal goes on after Ctrl-D, unless it has hung up: then reading gives an end for ever.
            let goes_on = || terminal.as_ref().is_some_and(|terminal| !hangup::has_hung_up(terminal));
            read(BufReader::new(file), goes_on, &to);
        })?;
        Ok(Self { terminal, echoes: true })
    }

    pub fn is_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// Returns whether the terminal shows typed text.
    pub fn echoes(&self) -> bool {
        self.echoes && self.is_terminal()
    }

    /// Sets whether the terminal shows typed text. Returns whether it did before.
    pub fn set_echo(&mut self, echo: bool) -> bool {
        let before = std::mem::replace(&mut self.echoes, echo);
        if let Some(terminal) = &self.terminal
            && before != echo
            && let Ok(mut modes) = tcgetattr(terminal)
        {
            modes.local_flags.set(LocalFlags::ECHO, echo);
            let _ = tcsetattr(terminal, SetArg::TCSANOW, &modes);
        }
        before
    }
}

fn read(mut from: impl BufRead, goes_on: impl Fn() -> bool, to: &UnboundedSender<InputLine>) {
    loop {
        let mut bytes = Vec::new();
        let line = match io::Read::take(&mut from, MAX_LINE).read_until(b'\n', &mut bytes) {
            Ok(0) => InputLine::End,
            Ok(_) => {
                let text = String::from_utf8_lossy(&bytes);
                InputLine::Text(text.trim_end_matches(['\n', '\r']).to_owned())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => InputLine::Gone,
        };
        let is_last = line == InputLine::Gone || (line == InputLine::End && !goes_on());
        if to.send(line).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_are_read_and_then_the_end() {
        let (to, mut lines) = tokio::sync::mpsc::unbounded_channel();
        read(&b"x = 1\r\n\xff\nlast"[..], || false, &to);
        let text = |text: &str| Ok(InputLine::Text(text.to_owned()));
        assert_eq!(lines.try_recv(), text("x = 1"));
        assert_eq!(lines.try_recv(), text("\u{fffd}"));
        assert_eq!(lines.try_recv(), text("last"));
        assert_eq!(lines.try_recv(), Ok(InputLine::End));
        assert!(lines.try_recv().is_err());
    }
}
