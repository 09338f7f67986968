//! Lines from the terminal, a file or a pipe, read by a thread of its own.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::os::fd::OwnedFd;
use std::thread;

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use tokio::sync::mpsc::UnboundedSender;

use crate::process::hangup;

/// Longer lines are no lines that somebody typed; bytes.
const LONGEST: u64 = 16 << 20;

#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Without its line end.
    Text(String),
    /// Ctrl-D, or the end of the file.
    End,
    /// Nothing can be read any more.
    Gone,
}

#[derive(Debug)]
pub struct Input {
    /// `None` if it is no terminal.
    terminal: Option<File>,
    echoes: bool,
}

impl Input {
    pub fn open(stdin: OwnedFd, to: UnboundedSender<Line>) -> io::Result<Self> {
        let file = File::from(stdin);
        let terminal = if file.is_terminal() { Some(file.try_clone()?) } else { None };
        let is_terminal = terminal.is_some();
        thread::Builder::new().name("lines".to_owned()).spawn(move || {
            let terminal = is_terminal.then(|| file.try_clone()).and_then(Result::ok);
            // A terminal goes on after Ctrl-D; not one that is gone, which says the same for ever.
            read(BufReader::new(file), || terminal.as_ref().is_some_and(|terminal| !hangup::is_gone(terminal)), &to);
        })?;
        Ok(Self { terminal, echoes: true })
    }

    pub fn is_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// Whether the terminal shows what is typed.
    pub fn echoes(&self) -> bool {
        self.echoes && self.is_terminal()
    }

    /// Whether what is typed can be seen. Answers whether it could be before.
    pub fn echo(&mut self, echo: bool) -> bool {
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

fn read(mut from: impl BufRead, goes_on: impl Fn() -> bool, to: &UnboundedSender<Line>) {
    loop {
        let mut bytes = Vec::new();
        let line = match io::Read::take(&mut from, LONGEST).read_until(b'\n', &mut bytes) {
            Ok(0) => Line::End,
            Ok(_) => {
                let text = String::from_utf8_lossy(&bytes);
                Line::Text(text.trim_end_matches(['\n', '\r']).to_owned())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => Line::Gone,
        };
        let is_last = line == Line::Gone || (line == Line::End && !goes_on());
        if to.send(line).is_err() || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_then_the_end() {
        let (to, mut lines) = tokio::sync::mpsc::unbounded_channel();
        read(&b"x = 1\r\n\xff\nlast"[..], || false, &to);
        let text = |text: &str| Ok(Line::Text(text.to_owned()));
        assert_eq!(lines.try_recv(), text("x = 1"));
        assert_eq!(lines.try_recv(), text("\u{fffd}"));
        assert_eq!(lines.try_recv(), text("last"));
        assert_eq!(lines.try_recv(), Ok(Line::End));
        assert!(lines.try_recv().is_err());
    }
}
