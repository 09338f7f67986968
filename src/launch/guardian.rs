//! The guardian: the parent of the session process. It passes on signals and job control, and restores the terminal
//! however the session process ends.

mod editing;
mod file_check;
mod job;
mod session_files;
mod starting;
mod state;
mod terminate;
mod watch;

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::process::Command;
use std::time::Instant;

use nix::unistd::Pid;

use self::starting::NOTICE_DELAY;
pub use self::starting::NextStep;
pub use self::state::Guardian;
use self::watch::Watch;
use super::boot::ToSession;
use super::child;
use super::exit_report::ExitReport;
use super::handover::Handover;
use super::link::Link;
use super::recorder;
use super::signals;
use super::startup_output::StartupOutput;
use crate::session::processes::Leader;

/// What the session process inherits: descriptors by number.
#[derive(Clone, Copy, Debug)]
pub struct Inherited<'a> {
    pub link: RawFd,
    pub recorder: Option<RawFd>,
    pub startup_output: Option<&'a StartupOutput>,
}

impl Guardian {
    /// Starts a session process and waits until it has ended and the terminal is restored. `start` gets what the
    /// session process inherits. With a `handover`, the process takes over from another. If the report says that
    /// another process `follows`, the screen is left up for that one.
    pub fn watch(
        &mut self,
        handover: Option<Handover>,
        start: impl FnOnce(Inherited<'_>) -> io::Result<Command>,
        follows: impl FnOnce(&ExitReport) -> bool,
    ) -> io::Result<ExitReport> {
        self.wait_for_the_foreground()?;
        let (mut link, theirs) = Link::pair(self.screen_kept)?;
        // Without a recorder, the report on the end says less.
        let (memory, recorder) = recorder::create().ok().unzip();
        if let Some(Handover { restart, snapshot, last_snippet, losses }) = handover {
            link.send(&ToSession::TakeOver(restart))?;
            if let Some(recorder) = &recorder {
                recorder.set_last_snippet(last_snippet);
                recorder.losses().set(losses);
                snapshot.map(|snapshot| recorder.crash_store().save(&snapshot));
            }
        }
        // Without it, Python writes to the streams as usual.
        let mut startup_output = self.python.as_ref().and_then(|_| StartupOutput::new(self.shares_streams).ok());
        let recorder_fd = memory.as_ref().map(AsRawFd::as_raw_fd);
        let inherited =
            Inherited { link: theirs.as_raw_fd(), recorder: recorder_fd, startup_output: startup_output.as_ref() };
        let stdin =
            startup_output.as_ref().and_then(StartupOutput::streams).map_or(libc::STDIN_FILENO, |[stdin, ..]| stdin);
        let child = match start(inherited).and_then(|command| child::spawn(command, self.detached, stdin)) {
            Ok(child) => child,
            Err(error) => {
                // A child that has taken the terminal is dead now.
                if let Some(terminal) = &mut self.terminal {
                    terminal.take_back_from(Pid::from_raw(0));
                    terminal.restore(std::mem::take(&mut self.screen_kept));
                }
                self.messages.flush();
                return Err(error);
            }
        };
        drop((theirs, memory));
        if let Some(output) = &mut startup_output {
            output.on_child_started();
        }
        if let Some(terminal) = &mut self.terminal {
            terminal.lend();
        }
        let watch = Watch {
            guardian: self,
            child,
            leader: Leader::find(child),
            processes: Vec::new(),
            link,
            recorder,
            startup_output,
            has_announced_start: false,
            started: Instant::now(),
            stopped: false,
            suspending: false,
            end_requested: None,
            killed: None,
            editor: None,
            exit_status: None,
            ended_behind_editor: false,
        };
        signals::wake_after(NOTICE_DELAY);
        watch.run(follows)
    }
}
