//! One session process, from its start to its end.

use std::io;
use std::process::ExitStatus;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, alarm};

use super::Guardian;
use crate::domain::SnippetId;
use crate::domain::flight_recorder::FlightRecorder;
use crate::launch::aftermath::Left;
use crate::launch::boot::{Mode, ToSession};
use crate::launch::child::{self, Change};
use crate::launch::ending::{Ending, Killed};
use crate::launch::first_words::FirstWords;
use crate::launch::link::Link;
use crate::launch::{recorder, signals};
use crate::session::processes::Leader;

/// One session process under guard.
pub struct Watch<'a> {
    pub(super) guardian: &'a mut Guardian,
    pub(super) child: Pid,
    /// The child, as the one to whom others belong.
    pub(super) leader: Option<Leader>,
    /// What became of those, once the child has ended.
    pub(super) processes: Vec<String>,
    pub(super) link: Link,
    pub(super) recorder: Option<recorder::Shared>,
    /// What Python says until the engine runs.
    pub(super) words: Option<FirstWords>,
    pub(super) told_of_start: bool,
    pub(super) started: Instant,
    pub(super) stopped: bool,
    /// A SIGTSTP to the guardian is being passed on.
    pub(super) suspending: bool,
    /// When it was asked to end.
    pub(super) ending: Option<Instant>,
    pub(super) killed: Option<Killed>,
    /// The person's editor has the terminal.
    pub(super) outside: Option<Pid>,
    /// How the child ended; while the editor is open, the end waits for the person.
    pub(super) ended: Option<ExitStatus>,
    /// It ended while the editor was open.
    pub(super) was_outside: bool,
}

impl Watch<'_> {
    pub(super) fn run(mut self, follows: impl FnOnce(&Ending) -> bool) -> io::Result<Ending> {
        loop {
            match self.guardian.signals.next()? {
                Signal::SIGCHLD => {
                    self.look_outside()?;
                    if self.ended.is_none() {
                        self.ended = self.look()?;
                        self.settle();
                    }
                    match self.ended {
                        Some(status) if self.outside.is_none() => return Ok(self.end(status, follows)),
                        Some(_) => self.was_outside = true,
                        None => self.edit(),
                    }
                    if self.guardian.dismissal.is_given() && self.ending.is_none() {
                        self.terminate(Signal::SIGHUP);
                    }
                }
                Signal::SIGALRM if self.ending.is_none() || self.killed == Some(Killed::NeverStarted) => {
                    self.on_alarm();
                }
                Signal::SIGALRM => self.on_late_end(),
                Signal::SIGIO => self.look_after_files_soon(),
                Signal::SIGUSR1 => {
                    // Should nothing come of this one.
                    self.guardian.wants_another_try = !self.link.is_ready();
                    self.look_after_files(true);
                }
                // A key that was meant for the Python before gives up no start of which nobody has heard.
                Signal::SIGINT if self.guardian.mode.has_person() && self.told_of_start && self.is_starting() => {
                    self.give_up_start();
                }
                Signal::SIGINT if self.guardian.mode.has_person() => {
                    self.tell(&ToSession::Interrupt, Signal::SIGINT);
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

    /// Takes in all that happened to the child; its status if it has ended.
    fn look(&mut self) -> io::Result<Option<ExitStatus>> {
        loop {
            match child::look_at(self.child)? {
                Change::Nothing => return Ok(None),
                Change::Ended(status) => return Ok(Some(status)),
                Change::Stopped(signal) => self.on_stopped(signal),
            }
        }
    }

    /// Sees to what the child has left behind, if it has ended. And what this process has adopted meanwhile may have ended.
    fn settle(&mut self) {
        if self.ended.is_none() {
            return child::reap_adopted([Some(self.child), self.outside]);
        }
        let left = Left {
            leader: self.leader.as_ref(),
            child: self.child,
            editor: self.outside,
            keeps: self.guardian.keeps_processes,
            in_a_hurry: self.killed == Some(Killed::AskedTwice),
        };
        self.processes = left.settle();
    }

    fn end(mut self, status: ExitStatus, follows: impl FnOnce(&Ending) -> bool) -> Ending {
        alarm::cancel();
        let (screen_up, has_entered) = (self.link.screen_is_up(), self.link.has_entered());
        let ending = self.ending(status, (screen_up || self.was_outside) && has_entered);
        let guardian = self.guardian;
        guardian.screen_kept = false;
        let follows = follows(&ending);
        if let Some(terminal) = &mut guardian.terminal {
            terminal.take_back_from(self.child);
            // One that died before it had a screen may have said why: that must not stand on the screen of another.
            guardian.screen_kept = follows && screen_up && has_entered && terminal.keep();
            if !guardian.screen_kept {
                terminal.restore(screen_up);
            }
        }
        if !guardian.screen_kept {
            guardian.reports.tell();
        }
        ending
    }

    fn ending(&mut self, status: ExitStatus, had_screen: bool) -> Ending {
        let death_report = self.recorder.as_deref().map(FlightRecorder::death_report).unwrap_or_default();
        let restart_by = self.link.restart_by();
        self.guardian.wants_another_try &= !self.link.is_ready();
        Ending {
            status,
            without_warning: (had_screen && restart_by.is_none() && !self.link.has_ended()) || death_report.at_work,
            asked: self.ending.is_some() || signals::end_is_asked() || self.guardian.dismissal.is_given(),
            has_begun: self.link.has_begun(),
            was_ready: self.link.is_ready(),
            said: self.words.as_ref().map(FirstWords::lines).unwrap_or_default(),
            restart_by,
            killed: self.killed,
            death_report,
            keepsake: self.recorder.as_deref().and_then(|recorder| recorder.crash_store().text()),
            last: self.recorder.as_deref().map_or(SnippetId(0), FlightRecorder::last_snippet),
            lost: self.recorder.as_deref().map(|recorder| recorder.losses().get()).unwrap_or_default(),
            lived: self.started.elapsed(),
            processes: std::mem::take(&mut self.processes),
        }
    }

    pub(super) fn take_down_kept_screen(&mut self) {
        if !self.link.has_entered() && std::mem::take(&mut self.guardian.screen_kept) {
            self.link.screen_is_down();
            if let Some(terminal) = &mut self.guardian.terminal {
                terminal.restore(true);
            }
            self.guardian.reports.tell();
        }
    }

    pub(super) fn tell(&mut self, message: &ToSession, instead: Signal) {
        if self.link.send(message).is_err() && self.ended.is_none() {
            let _ = kill(self.child, instead);
        }
    }
}
