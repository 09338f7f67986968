//! The terminal of the guardian: its modes at the start, and how they are restored.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, killpg};
use nix::sys::termios::{FlowArg, FlushArg, SetArg, Termios, tcflow, tcflush, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use super::signals;
use crate::domain::terminal_caps::TerminalCaps;

/// Undoes everything that a dead dashboard may have left on: synchronized update, kitty keys, scroll region, mouse,
/// focus events, bracketed paste, character set, colours, no wrapping; then the alternate screen, cursor shape, hidden
/// cursor.
const LEAVE_SCREEN: &[u8] =
    b"\x1b[?2026l\x1b[<1u\x1b[r\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\
\x1b[?1004l\x1b[?2004l\x1b(B\x0f\x1b[0m\x1b[?7h\x1b[?1049l\x1b[0 q\x1b[?25h\x1b[0m";

/// The part of [`LEAVE_SCREEN`] that is needed between two dashboards.
const KEEP_SCREEN: &[u8] = b"\x1b[?2026l\x1b[<1u\x1b[r\x1b(B\x0f\x1b[0m\x1b[?7h";

/// Why a dashboard cannot have its terminal.
pub const NO_FOREGROUND: &str = "the dashboard was started in the background and cannot come to the foreground; start it in \
     the foreground, or use `fourhands serve`";

/// A terminal that takes no output for this long is stopped, or nobody reads it.
const STALL_TIMEOUT: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub struct Terminal {
    input: OwnedFd,
    output: File,
    /// The modes of the person.
    original: Termios,
    /// Whether a process of ours may have changed the modes.
    is_lent: bool,
    /// File status flags of stdin, stdout and stderr, which the shell and all our children share.
    flags: [Option<OFlag>; 3],
    caps: TerminalCaps,
}

impl Terminal {
    /// Returns the terminal on standard input, if there is one.
    pub fn of_stdin() -> Option<Self> {
        let input = io::stdin().as_fd().try_clone_to_owned().ok()?;
        let output = io::stdout().as_fd().try_clone_to_owned().ok()?.into();
        let original = tcgetattr(&input).ok()?;
        let flags = standard_streams(|stream| fcntl(stream, FcntlArg::F_GETFL).ok().map(OFlag::from_bits_truncate));
        let caps = TerminalCaps::from_env(|name| std::env::var(name).ok());
        Some(Self { input, output, original, is_lent: false, flags, caps })
    }

    /// Reads the modes, which the person may have changed while we were stopped. Never takes modes of a dashboard for
    /// the person's.
    pub fn read_modes(&mut self) {
        if !self.is_lent
            && let Ok(modes) = tcgetattr(&self.input)
        {
            self.original = modes;
        }
    }

    /// Notes that a process of ours uses the terminal.
    pub fn lend(&mut self) {
        self.is_lent = true;
    }

    /// Returns whether our job has the terminal. Without job control, every job has it.
    pub fn is_ours(&self) -> bool {
        self.foreground().is_none_or(|group| group == getpgrp())
    }

    /// Stops until our job is in the foreground, as an editor does. Returns `false` if no shell can bring it there.
    pub fn come_to_foreground(&mut self) -> bool {
        while !self.is_ours() {
            if !signals::stop_job(Signal::SIGTTIN) {
                return false;
            }
            self.read_modes();
        }
        true
    }

    /// Returns whether `group` has the terminal.
    pub fn is_of(&self, group: Pid) -> bool {
        self.foreground() == Some(group)
    }

    /// Returns the group in the foreground; `None` without job control.
    fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.input).ok()
    }

    /// Makes `group` the foreground job, and notes that it uses the terminal.
    pub fn lend_to(&mut self, group: Pid) {
        self.lend();
        let _ = tcsetpgrp(&self.input, group);
    }

    /// Makes us the foreground job if `group`, or no living group, has the terminal.
    pub fn take_back_from(&self, group: Pid) {
        if let Some(now) = self.foreground()
            && (now == group || killpg(now, None) == Err(Errno::ESRCH))
        {
            let _ = tcsetpgrp(&self.input, getpgrp());
        }
    }

    /// Keeps the screen, the modes and the typed input of a dashboard for the next one. Returns `false` if another job
    /// has the terminal.
    pub fn keep(&self) -> bool {
        self.is_ours() && self.write(KEEP_SCREEN).is_ok()
    }

    /// Writes without waiting for long: a stalled terminal loses pending output, and is continued.
    fn write(&self, sequences: &[u8]) -> io::Result<()> {
        let text = [sequences, self.caps.reset_sequence().as_bytes()].concat();
        // Other processes share the flags, so they change only for a moment.
        let flags = OFlag::from_bits_truncate(fcntl(&self.output, FcntlArg::F_GETFL)?);
        fcntl(&self.output, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        let mut written = self.write_until(&text, Instant::now() + STALL_TIMEOUT);
        if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            let _ = tcflush(&self.output, FlushArg::TCOFLUSH);
            let _ = tcflow(&self.output, FlowArg::TCOON);
            written = self.write_until(&text, Instant::now() + STALL_TIMEOUT);
        }
        let _ = fcntl(&self.output, FcntlArg::F_SETFL(flags));
        written
    }

    fn write_until(&self, mut text: &[u8], until: Instant) -> io::Result<()> {
        while !text.is_empty() {
            match (&self.output).write(text) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => text = &text[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = until.saturating_duration_since(Instant::now()).as_millis() as u16;
                    if left == 0 {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    poll(&mut [PollFd::new(self.output.as_fd(), PollFlags::POLLOUT)], left)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Restores modes and flags. With `screen_up` also leaves the alternate screen and drops typed input. Does nothing
    /// while another job has the terminal.
    pub fn restore(&mut self, screen_up: bool) {
        if !self.is_ours() {
            return;
        }
        let mut flags = self.flags.into_iter();
        standard_streams(|stream| flags.next()?.map(|flags| fcntl(stream, FcntlArg::F_SETFL(flags))));
        if screen_up {
            let _ = self.write(LEAVE_SCREEN);
            let _ = tcflush(&self.input, FlushArg::TCIFLUSH);
        }
        let _ = tcsetattr(&self.input, SetArg::TCSANOW, &self.original);
        self.is_lent = false;
    }
}

/// Calls `visit` with stdin, stdout and stderr, as far as they are terminals.
fn standard_streams<T>(mut visit: impl FnMut(BorrowedFd<'_>) -> Option<T>) -> [Option<T>; 3] {
    use std::io::IsTerminal;
    let (input, output, error) = (io::stdin(), io::stdout(), io::stderr());
    [input.as_fd(), output.as_fd(), error.as_fd()].map(|stream| if stream.is_terminal() { visit(stream) } else { None })
}
