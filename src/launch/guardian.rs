//! The guardian: the parent of the session process. It passes on signals and job control and puts the terminal right,
//! however the session process ends.

mod editing;

use std::fmt::Display;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, alarm};

use super::boot::{Mode, ToSession};
use super::child::{self, Change};
use super::descriptor_table;
use super::ending::{Ending, Killed};
use super::link::Link;
use super::recorder;
use super::reports::Reports;
use super::signals::{self, Signals};
use super::terminal::Terminal;
use crate::domain::recorder::Recorder;
use crate::domain::{Restart, SnippetId};

/// Seconds that the session process has for an end in good order.
pub const PATIENCE: u32 = 10;
/// A screen that was left up for the next session process is taken down when that has not taken it after so many seconds:
/// the person shall see what happened, and Ctrl-C shall work.
const SCREEN_PATIENCE: u32 = 3;
/// `timeout` and others signal a process twice in one breath: once itself, once with its group.
const ONE_BREATH: Duration = Duration::from_millis(250);

/// Numbers of the descriptors that the session process inherits.
#[derive(Clone, Copy, Debug)]
pub struct Inherited {
    pub link: RawFd,
    pub recorder: Option<RawFd>,
}

/// What a session process leaves to the one that takes over.
#[derive(Debug)]
pub struct Legacy {
    pub restart: Restart,
    /// See [`Recorder::keepsake`].
    pub keepsake: Option<String>,
    /// See [`Recorder::last`].
    pub last: SnippetId,
}

#[derive(Debug)]
pub struct Guardian {
    mode: Mode,
    /// See [`super::boot::Boot::detached`].
    detached: bool,
    signals: Signals,
    /// Only with the dashboard.
    terminal: Option<Terminal>,
    /// The last dashboard's screen is still up, for the next one.
    screen_kept: bool,
    reports: Reports,
}

impl Guardian {
    /// From here on signals are taken by [`Guardian::watch`] alone. Must be called while the process has one thread.
    pub fn new(mode: Mode) -> io::Result<Self> {
        let signals = Signals::block()?;
        // The dashboard needs descriptors of its own for that; whether the system grants them is known by trying.
        let detached = mode != Mode::Dashboard || descriptor_table::make_private();
        let terminal = if mode.has_person() { Terminal::of_stdin() } else { None };
        Ok(Self { mode, detached, signals, terminal, screen_kept: false, reports: Reports::default() })
    }

    /// Says something to the person, on stderr: while the screen of a dashboard is up, only when that is gone.
    pub fn say(&mut self, what: &dyn Display) {
        self.reports.add(what);
        if !self.screen_kept {
            self.reports.tell();
        }
    }

    /// Whether session processes are started without a controlling terminal.
    pub fn detaches(&self) -> bool {
        self.detached
    }

    /// Starts a session process and stays until it has ended and the terminal is as it was. `start` gets what
    /// the session process inherits; with `legacy` it goes on where another one was. When it `follows` from the end that
    /// another one will, the screen is left to that one.
    pub fn watch(
        &mut self,
        legacy: Option<Legacy>,
        start: impl FnOnce(Inherited) -> io::Result<Command>,
        follows: impl FnOnce(&Ending) -> bool,
    ) -> io::Result<Ending> {
        self.wait_for_the_foreground()?;
        let (mut link, theirs) = Link::pair(self.screen_kept)?;
        // Without it the end is told in fewer words.
        let (memory, recorder) = recorder::create().ok().unzip();
        if let Some(Legacy { restart, keepsake, last }) = legacy {
            link.send(&ToSession::TakeOver(restart))?;
            if let Some(recorder) = &recorder {
                recorder.goes_on_after(last);
                keepsake.map(|keepsake| recorder.keepsake().put(&keepsake));
            }
        }
        let inherited = Inherited { link: theirs.as_raw_fd(), recorder: memory.as_ref().map(AsRawFd::as_raw_fd) };
        let child = match start(inherited).and_then(|command| child::spawn(command, self.detached)) {
            Ok(child) => child,
            Err(error) => {
                // A child that came as far as taking the terminal is dead now.
                if let Some(terminal) = &self.terminal {
                    terminal.take_back_from(Pid::from_raw(0));
                    terminal.restore(std::mem::take(&mut self.screen_kept));
                }
                self.reports.tell();
                return Err(error);
            }
        };
        drop((theirs, memory));
        if self.screen_kept {
            alarm::set(SCREEN_PATIENCE);
        }
        let watch = Watch {
            guardian: self,
            child,
            link,
            recorder,
            started: Instant::now(),
            stopped: false,
            suspending: false,
            ending: None,
            killed: None,
            outside: None,
            ended: None,
            was_outside: false,
        };
        watch.run(follows)
    }

    /// A dashboard that was started in the background waits there, as an editor does.
    fn wait_for_the_foreground(&mut self) -> io::Result<()> {
        let Some(terminal) = &mut self.terminal else { return Ok(()) };
        while !terminal.is_ours() {
            if !signals::stop_job(Signal::SIGTTIN) {
                return Err(io::Error::other(
                    "the dashboard was started in the background and nothing can bring it to the foreground; \
                     start it in the foreground, or use `fourhands serve`",
                ));
            }
            terminal.look_again();
        }
        Ok(())
    }
}

/// One session process under guard.
struct Watch<'a> {
    guardian: &'a mut Guardian,
    child: Pid,
    link: Link,
    recorder: Option<recorder::Shared>,
    started: Instant,
    stopped: bool,
    /// A SIGTSTP to the guardian is being passed on.
    suspending: bool,
    /// When it was asked to end.
    ending: Option<Instant>,
    killed: Option<Killed>,
    /// The person's editor has the terminal.
    outside: Option<Pid>,
    /// How the child ended; while the editor is open, the end waits for the person.
    ended: Option<ExitStatus>,
    /// It ended while the editor was open.
    was_outside: bool,
}

impl Watch<'_> {
    fn run(mut self, follows: impl FnOnce(&Ending) -> bool) -> io::Result<Ending> {
        loop {
            match self.guardian.signals.next()? {
                Signal::SIGCHLD => {
                    self.look_outside()?;
                    if self.ended.is_none() {
                        self.ended = self.look()?;
                    }
                    match self.ended {
                        Some(status) if self.outside.is_none() => return Ok(self.end(status, follows)),
                        Some(_) => self.was_outside = true,
                        None => self.edit(),
                    }
                }
                Signal::SIGALRM if self.ending.is_none() => self.take_down_kept_screen(),
                Signal::SIGALRM => self.kill(Killed::TimeOut),
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

    fn end(mut self, status: ExitStatus, follows: impl FnOnce(&Ending) -> bool) -> Ending {
        alarm::cancel();
        let (screen_up, has_entered) = (self.link.screen_is_up(), self.link.has_entered());
        let ending = self.ending(status, (screen_up || self.was_outside) && has_entered);
        let guardian = self.guardian;
        guardian.screen_kept = false;
        let follows = follows(&ending);
        if let Some(terminal) = &guardian.terminal {
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
        let last_words = self.recorder.as_deref().map(Recorder::last_words).unwrap_or_default();
        let restart_by = self.link.restart_by();
        Ending {
            status,
            without_warning: (had_screen && restart_by.is_none()) || last_words.at_work,
            asked: self.ending.is_some() || signals::end_is_asked(),
            was_ready: self.link.is_ready(),
            restart_by,
            killed: self.killed,
            last_words,
            keepsake: self.recorder.as_deref().and_then(|recorder| recorder.keepsake().text()),
            last: self.recorder.as_deref().map_or(SnippetId(0), Recorder::last),
            lived: self.started.elapsed(),
        }
    }

    fn take_down_kept_screen(&mut self) {
        if !self.link.has_entered() && std::mem::take(&mut self.guardian.screen_kept) {
            self.link.screen_is_down();
            if let Some(terminal) = &self.guardian.terminal {
                terminal.restore(true);
            }
            self.guardian.reports.tell();
        }
    }

    fn tell(&mut self, message: &ToSession, instead: Signal) {
        if self.link.send(message).is_err() && self.ended.is_none() {
            let _ = kill(self.child, instead);
        }
    }

    fn terminate(&mut self, signal: Signal) {
        match self.ending {
            None => {
                self.ending = Some(Instant::now());
                alarm::set(PATIENCE);
                // One that is on its way out for a restart does not listen any more, and shall not be hit in its exit.
                if self.link.restart_by().is_none() {
                    self.tell(&ToSession::Terminate, Signal::SIGTERM);
                }
                if let Some(editor) = self.outside {
                    let _ = killpg(editor, Signal::SIGTERM);
                    let _ = killpg(editor, Signal::SIGCONT);
                }
                if self.stopped {
                    self.carry_on();
                }
            }
            // A closing terminal sends several SIGHUPs; that is no impatience.
            Some(since) if signal != Signal::SIGHUP && since.elapsed() > ONE_BREATH => self.kill(Killed::AskedTwice),
            Some(_) => {}
        }
    }

    fn kill(&mut self, why: Killed) {
        self.killed = Some(why);
        let editor = self.outside.into_iter();
        for group in editor.chain(self.ended.is_none().then_some(self.child)) {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }

    fn suspend(&mut self) {
        if self.ending.is_some() {
            return;
        }
        if let Some(editor) = self.outside {
            let _ = killpg(editor, Signal::SIGSTOP);
            return;
        }
        self.suspending = true;
        if self.guardian.mode == Mode::Dashboard {
            self.tell(&ToSession::Suspend, Signal::SIGSTOP);
        } else {
            let _ = killpg(self.child, Signal::SIGSTOP);
        }
    }

    /// The child stopped: by itself on the person's Ctrl-Z, because we asked, or by somebody else's signal.
    fn on_stopped(&mut self, signal: i32) {
        self.stopped = true;
        let suspending = std::mem::take(&mut self.suspending);
        if self.ending.is_some() {
            return;
        }
        if self.guardian.mode != Mode::Dashboard {
            if suspending {
                signals::stop_self();
                self.resume();
            }
            return;
        }
        let screen_up = self.link.screen_is_up();
        if screen_up && ![libc::SIGTTIN, libc::SIGTTOU].contains(&signal) {
            // Stopped with its screen up, so not by the dashboard: let it first give the terminal back in good order.
            self.suspending = suspending;
            self.tell(&ToSession::Suspend, Signal::SIGSTOP);
            self.carry_on();
            return;
        }
        if let Some(terminal) = &self.guardian.terminal {
            terminal.take_back_from(self.child);
            terminal.restore(screen_up);
        }
        if suspending {
            // Somebody signalled this very process; the rest of its group has nothing to do with it.
            signals::stop_self();
        } else {
            signals::stop_job(Signal::SIGTSTP);
        }
        self.resume();
    }

    /// This process was continued: so shall the child be, once it may have the terminal.
    fn resume(&mut self) {
        if self.outside.is_some() {
            return;
        }
        if let Some(terminal) = &mut self.guardian.terminal
            && !terminal.is_of(self.child)
        {
            while !terminal.is_ours() {
                if signals::end_is_pending() || self.ending.is_some() || !signals::stop_job(Signal::SIGTTIN) {
                    return;
                }
            }
            terminal.look_again();
            if !self.guardian.detached {
                terminal.lend_to(self.child);
            }
        }
        self.carry_on();
    }

    fn carry_on(&mut self) {
        self.stopped = false;
        let _ = killpg(self.child, Signal::SIGCONT);
    }
}
