//! Line input from the terminal, a file or a pipe, read by a thread of its own or by another process.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::thread;

use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use tokio::sync::mpsc::UnboundedSender;

use crate::session::typed_lines::{self, InputLine};

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
        let read = move || typed_lines::read(file, |line| to.send(line).is_ok());
        thread::Builder::new().name("input".to_owned()).spawn(read)?;
        Ok(Self { terminal, echoes: true })
    }

    /// Input that another process reads, so that this one takes nothing of what is typed for others later.
    pub fn read_elsewhere(stdin: OwnedFd) -> Self {
        Self { terminal: stdin.is_terminal().then(|| File::from(stdin)), echoes: true }
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
