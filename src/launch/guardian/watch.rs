//! The watch over one session process, from its start to its end.

use std::io;
use std::process::ExitStatus;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, alarm};

use super::state::Guardian;
use crate::domain::SnippetId;
use crate::domain::flight_recorder::FlightRecorder;
use crate::launch::aftermath::LeftProcesses;
use crate::launch::boot::{Mode, ToSession};
use crate::launch::child::{self, Change};
use crate::launch::exit_report::{ExitReport, Killed};
use crate::launch::link::Link;
use crate::launch::safe_points::SafePointStore;
use crate::launch::startup_output::StartupOutput;
use crate::launch::{recorder, signals};
use crate::session::processes::Leader;

/// The watch over one session process.
pub struct Watch<'a> {
    pub(super) guardian: &'a mut Guardian,
    pub(super) child: Pid,
    /// The child, as the leader of the processes that belong to the session.
    pub(super) leader: Option<Leader>,
    /// What became of those processes, once the child has ended.
    pub(super) processes: Vec<String>,
    pub(super) link: Link,
    pub(super) recorder: Option<recorder::SharedRecorder>,
    /// The output of Python until the engine runs.
    pub(super) startup_output: Option<StartupOutput>,
    /// Whether the child is a safe point that was woken.
    pub(super) woken: bool,
    /// Whether the person knows of the start.
    pub(super) has_announced_start: bool,
    pub(super) started: Instant,
    pub(super) stopped: bool,
    /// Whether a SIGTSTP to the guardian is being passed on.
    pub(super) suspending: bool,
    /// When the end was requested.
    pub(super) end_requested: Option<Instant>,
    pub(super) killed: Option<Killed>,
    /// The person's editor, while it has the terminal.
    pub(super) editor: Option<Pid>,
    /// How the child ended. The guardian waits for the editor before it reacts.
    pub(super) exit_status: Option<ExitStatus>,
    /// Whether the child ended while the editor was open.
    pub(super) ended_behind_editor: bool,
}

impl Watch<'_> {
    pub(super) fn run(mut self, follows: impl FnOnce(&ExitReport) -> bool) -> io::Result<ExitReport> {
        loop {
            match self.guardian.signals.next()? {
                Signal::SIGCHLD => {
                    self.check_editor()?;
                    if self.exit_status.is_none() {
                        self.exit_status = self.poll_child()?;
                        self.settle();
                    }
                    if self.exit_status.is_none() {
                        // A copy may have ended.
                        self.guardian.tell_safe_points(&mut self.link, false);
                    }
                    match self.exit_status {
                        Some(status) if self.editor.is_none() => return Ok(self.end(status, follows)),
                        Some(_) => self.ended_behind_editor = true,
                        None => self.edit(),
                    }
                    if self.guardian.dismissal.is_given() && self.end_requested.is_none() {
                        self.terminate(Signal::SIGHUP);
                    }
                }
                Signal::SIGALRM if self.end_requested.is_none() || self.killed == Some(Killed::NeverStarted) => {
                    self.on_alarm();
                }
                Signal::SIGALRM => self.on_termination_alarm(),
                Signal::SIGIO => self.check_files_soon(),
                Signal::SIGUSR1 => {
                    // In case this start fails.
                    self.guardian.start_requested = !self.link.is_ready();
                    self.check_files(true);
                }
                // A Ctrl-C that was meant for the last Python must not end a start that nobody knows of.
                Signal::SIGINT if self.guardian.mode.has_person() && self.has_announced_start && self.is_starting() => {
                    self.give_up_start();
                }
                Signal::SIGINT if self.guardian.mode.has_person() => {
                    self.send(&ToSession::Interrupt, Signal::SIGINT);
                }
                Signal::SIGWINCH => {
                    if self.guardian.mode == Mode::Dashboard {
                        let _ = self.link.send(&ToSession::Resized);
                    }
                }
                Signal::SIGTSTP => self.suspend(),
                Signal::SIGCONT => self.resume(),
                signal => self.terminate(signal),
            }
        }
    }

    /// Takes in changes of the child. Returns its status if it has ended.
    fn poll_child(&mut self) -> io::Result<Option<ExitStatus>> {
        loop {
            match child::poll(self.child)? {
                Change::Nothing => return Ok(None),
                Change::Ended(status) => return Ok(Some(status)),
                Change::Stopped(signal) => self.on_stopped(signal),
            }
        }
    }

    /// Ends the processes that the child has left behind, if it has ended; else reaps adopted processes.
    fn settle(&mut self) {
        if self.exit_status.is_none() {
            return child::reap_adopted([Some(self.child), self.editor]);
        }
        let left = LeftProcesses {
            leader: self.leader.as_ref(),
            child: self.child,
            editor: self.editor,
            keeps: self.guardian.keeps_processes,
            in_a_hurry: self.killed == Some(Killed::RequestedTwice),
        };
        self.processes = left.settle();
    }

    fn end(mut self, status: ExitStatus, follows: impl FnOnce(&ExitReport) -> bool) -> ExitReport {
        alarm::cancel();
        let (screen_up, has_entered) = (self.link.screen_is_up(), self.link.has_entered());
        let mut report = self.report(status, (screen_up || self.ended_behind_editor) && has_entered);
        let guardian = self.guardian;
        guardian.screen_kept = false;
        let follows = follows(&report);
        report.safe_point = guardian.safe_points.as_mut().filter(|_| follows).and_then(SafePointStore::newest);
        if let Some(terminal) = &mut guardian.terminal {
            terminal.take_back_from(self.child);
            // A process that died without a screen may have said why. The screen of another must not cover that.
            guardian.screen_kept = follows && screen_up && has_entered && terminal.keep();
            if !guardian.screen_kept {
                terminal.restore(screen_up);
            }
        }
        if !guardian.screen_kept {
            guardian.messages.flush();
        }
        report
    }

    fn report(&mut self, status: ExitStatus, had_screen: bool) -> ExitReport {
        let death_report = self.recorder.as_deref().map(FlightRecorder::death_report).unwrap_or_default();
        let restart_by = self.link.restart_by();
        self.guardian.gate = self.link.gate().or(self.guardian.gate.take());
        self.guardian.start_requested &= !self.link.is_ready();
        ExitReport {
            status,
            without_warning: (had_screen && restart_by.is_none() && !self.link.has_ended()) || death_report.at_work,
            was_requested: self.end_requested.is_some()
                || signals::is_end_requested()
                || self.guardian.dismissal.is_given(),
            had_ended: self.link.has_ended(),
            has_begun: self.link.has_begun(),
            was_ready: self.link.is_ready(),
            startup_output: self.startup_output.as_ref().map(StartupOutput::lines).unwrap_or_default(),
            restart_by,
            rewind: self.link.rewind(),
            killed: self.killed,
            death_report,
            snapshot: self.recorder.as_deref().and_then(|recorder| recorder.crash_store().text()),
            last_snippet: self.recorder.as_deref().map_or(SnippetId(0), FlightRecorder::last_snippet),
            losses: self.recorder.as_deref().map(|recorder| recorder.losses().get()).unwrap_or_default(),
            woken: self.woken,
            safe_point: None,
            lifetime: self.started.elapsed(),
            processes: std::mem::take(&mut self.processes),
        }
    }

    pub(super) fn take_down_kept_screen(&mut self) {
        if !self.link.has_entered() && std::mem::take(&mut self.guardian.screen_kept) {
            self.link.on_screen_taken_down();
            if let Some(terminal) = &mut self.guardian.terminal {
                terminal.restore(true);
            }
            self.guardian.messages.flush();
        }
    }

    /// Sends a message to the session process, or a signal `instead` if the link is closed.
    pub(super) fn send(&mut self, message: &ToSession, instead: Signal) {
        if self.link.send(message).is_err() && self.exit_status.is_none() {
            let _ = kill(self.child, instead);
        }
    }
}
