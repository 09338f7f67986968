//! The guardian: the parent of the session process. It passes on signals and job control, and restores the terminal
//! however the session process ends.

mod editing;
mod file_check;
mod inherited;
mod job;
mod points;
mod session_files;
mod starting;
mod state;
mod terminate;
mod watch;

use std::io;
use std::os::fd::AsRawFd;
use std::time::Instant;

use nix::unistd::Pid;

use self::inherited::inheritable;
pub use self::inherited::{Inherited, ProcessSource};
use self::points::set_rewound;
use self::starting::NOTICE_DELAY;
pub use self::starting::NextStep;
pub use self::state::Guardian;
use self::watch::Watch;
use super::boot::ToSession;
use super::child;
use super::exit_report::{ExitReport, loss};
use super::handover::Handover;
use super::link::Link;
use super::recorder;
use super::signals;
use super::startup_output::StartupOutput;
use crate::domain::flight_recorder::FlightRecorder;
use crate::domain::{Restart, SnippetId};
use crate::session::processes::Leader;

impl Guardian {
    /// Starts a session process and waits until it has ended and the terminal is restored. `start` gets what the
    /// session process inherits. With a `handover`, the process takes over from another. If the report says that
    /// another process `follows`, the screen is left up for that one.
    pub fn watch(
        &mut self,
        handover: Option<Handover>,
        start: impl FnOnce(Inherited<'_>) -> io::Result<ProcessSource>,
        follows: impl FnOnce(&ExitReport) -> bool,
    ) -> io::Result<ExitReport> {
        self.wait_for_the_foreground()?;
        let (mut link, theirs) = Link::pair(self.screen_kept)?;
        // Without a recorder, the report on the end says less.
        let (memory, recorder) = recorder::create().ok().unzip();
        // Without it, Python writes to the streams as usual.
        let mut startup_output = self.python.as_ref().and_then(|_| StartupOutput::new(self.shares_streams).ok());
        let recorder_fd = memory.as_ref().map(AsRawFd::as_raw_fd);
        let streams = startup_output.as_ref().and_then(StartupOutput::streams);
        // A copy gets its streams with the message that wakes it.
        let point = streams.and_then(|_| self.point_for(handover.as_ref()));
        if let Some(handover) = handover {
            link.send(&ToSession::TakeOver(hand_over(handover, point, recorder.as_deref())))?;
        }
        let outbox = self.safe_points.as_ref().and_then(|points| inheritable(points.outbox()).ok());
        let mut inherited = Inherited {
            link: theirs.as_raw_fd(),
            recorder: recorder_fd,
            safe_points: outbox.as_ref().map(AsRawFd::as_raw_fd),
            streams,
            startup_output: startup_output.as_ref(),
            wakes: false,
        };
        let numbers = inherited.numbers();
        if point.is_some() {
            inherited = inherited.places();
        }
        let started = start(inherited).and_then(|start| match start {
            ProcessSource::Process(command) => {
                child::spawn(command, self.detached, streams.map_or(libc::STDIN_FILENO, |[stdin, ..]| stdin))
            }
            ProcessSource::Copy { boot, engine } => self.wake(&boot, &engine, &numbers),
        });
        let child = match started {
            Ok(child) => child,
            Err(error) => {
                self.give_up_terminal();
                return Err(error);
            }
        };
        drop((theirs, memory, outbox));
        if let Some(points) = &mut self.safe_points {
            points.begin(child);
        }
        self.tell_safe_points(&mut link, true);
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
            woken: point.is_some(),
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

    /// Restores the terminal after a start that has failed.
    fn give_up_terminal(&mut self) {
        // A child that has taken the terminal is dead now.
        if let Some(terminal) = &mut self.terminal {
            terminal.take_back_from(Pid::from_raw(0));
            terminal.restore(std::mem::take(&mut self.screen_kept));
        }
        self.messages.flush();
    }
}

/// Puts what a process leaves to its successor into the recorder. Returns the first message for that, which says what
/// became of the variables: `point` is the last snippet of the safe point that goes on, if one does.
fn hand_over(handover: Handover, point: Option<SnippetId>, recorder: Option<&FlightRecorder>) -> Restart {
    let Handover { mut restart, rewind, snapshot, last_snippet, losses } = handover;
    restart.safe_point = point;
    if restart.is_death() {
        restart.how += &loss(point, last_snippet);
    }
    if let Some(rewind) = rewind {
        set_rewound(&mut restart, rewind, point);
    }
    if let Some(recorder) = recorder {
        recorder.set_last_snippet(last_snippet);
        recorder.losses().set(losses);
        snapshot.map(|snapshot| recorder.crash_store().save(&snapshot));
    }
    restart
}
