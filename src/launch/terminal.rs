//! The terminal as the guardian found it, and how it is put right again.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::killpg;
use nix::sys::termios::{FlowArg, FlushArg, SetArg, Termios, tcflow, tcflush, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use crate::domain::terminal_caps::TerminalCaps;

/// Undoes whatever a dashboard that died may have left on: synchronized update, kitty keys, scroll region, mouse, focus
/// events, bracketed paste, character set, colours, no wrapping; then the alternate screen, cursor shape, hidden cursor.
const LEAVE_SCREEN: &[u8] =
    b"\x1b[?2026l\x1b[<1u\x1b[r\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\
\x1b[?1004l\x1b[?2004l\x1b(B\x0f\x1b[0m\x1b[?7h\x1b[?1049l\x1b[0 q\x1b[?25h\x1b[0m";

/// The part of it that must be done between two dashboards.
const KEEP_SCREEN: &[u8] = b"\x1b[?2026l\x1b[<1u\x1b[r\x1b(B\x0f\x1b[0m\x1b[?7h";

/// A terminal that takes nothing for so long is stopped, or nobody reads it.
const STALLED: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub struct Terminal {
    input: OwnedFd,
    output: File,
    found: Termios,
    /// A process of ours may have changed the modes since: they are not the person's.
    is_lent: bool,
    /// File status flags of stdin, stdout and stderr: the shell shares them with us and with all our children.
    flags: [Option<OFlag>; 3],
    emulator: TerminalCaps,
}

impl Terminal {
    /// Standard input, if it is a terminal.
    pub fn of_stdin() -> Option<Self> {
        let input = io::stdin().as_fd().try_clone_to_owned().ok()?;
        let output = io::stdout().as_fd().try_clone_to_owned().ok()?.into();
        let found = tcgetattr(&input).ok()?;
        let flags = standard_streams(|stream| fcntl(stream, FcntlArg::F_GETFL).ok().map(OFlag::from_bits_truncate));
        let emulator = TerminalCaps::from_env(|name| std::env::var(name).ok());
        Some(Self { input, output, found, is_lent: false, flags, emulator })
    }

    /// The modes may have been changed by the person while we were stopped. Those of a dashboard are never taken for the
    /// person's.
    pub fn look_again(&mut self) {
        if !self.is_lent
            && let Ok(found) = tcgetattr(&self.input)
        {
            self.found = found;
        }
    }

    /// From now on a process of ours uses it.
    pub fn lend(&mut self) {
        self.is_lent = true;
    }

    /// Whether this process's job has the terminal. A terminal without job control is had by all.
    pub fn is_ours(&self) -> bool {
        self.foreground().is_none_or(|group| group == getpgrp())
    }

    pub fn is_of(&self, group: Pid) -> bool {
        self.foreground() == Some(group)
    }

    /// The group in the foreground; `None` where there is no job control.
    fn foreground(&self) -> Option<Pid> {
        tcgetpgrp(&self.input).ok()
    }

    /// The same, as the job in the foreground.
    pub fn lend_to(&mut self, group: Pid) {
        self.lend();
        let _ = tcsetpgrp(&self.input, group);
    }

    /// Makes us the foreground job again if `group` has the terminal, or if nobody living has it.
    pub fn take_back_from(&self, group: Pid) {
        if let Some(now) = self.foreground()
            && (now == group || killpg(now, None) == Err(Errno::ESRCH))
        {
            let _ = tcsetpgrp(&self.input, getpgrp());
        }
    }

    /// Leaves the screen and the modes of a dashboard as they are for the next one, and what is typed meanwhile. `false`
    /// if that cannot be, because another job has the terminal.
    pub fn keep(&self) -> bool {
        self.is_ours() && self.write(KEEP_SCREEN).is_ok()
    }

    /// Never waits for long: a terminal that takes nothing loses what a dashboard still had for it, and is continued.
    fn write(&self, sequences: &[u8]) -> io::Result<()> {
        let text = [sequences, self.emulator.reset_sequence().as_bytes()].concat();
        // Shared with all who have this terminal, so only for a moment.
        let flags = OFlag::from_bits_truncate(fcntl(&self.output, FcntlArg::F_GETFL)?);
        fcntl(&self.output, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        let mut written = self.write_until(&text, Instant::now() + STALLED);
        if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            let _ = tcflush(&self.output, FlushArg::TCOFLUSH);
            let _ = tcflow(&self.output, FlowArg::TCOON);
            written = self.write_until(&text, Instant::now() + STALLED);
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

    /// Restores modes and flags; with `screen_up` also leaves the alternate screen and drops what was typed at it.
    /// Does nothing while another job has the terminal.
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
        let _ = tcsetattr(&self.input, SetArg::TCSANOW, &self.found);
        self.is_lent = false;
    }
}

/// `look` at stdin, stdout and stderr, as far as they are terminals.
fn standard_streams<T>(mut look: impl FnMut(BorrowedFd<'_>) -> Option<T>) -> [Option<T>; 3] {
    use std::io::IsTerminal;
    let (input, output, error) = (io::stdin(), io::stdout(), io::stderr());
    [input.as_fd(), output.as_fd(), error.as_fd()].map(|stream| if stream.is_terminal() { look(stream) } else { None })
}
