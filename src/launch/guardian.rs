//! The guardian: the parent of the session process. It passes on signals and job control and puts the terminal right,
//! however the session process ends.

mod belongings;
mod editing;
mod job;
mod starting;
mod terminate;
mod watch;

use crate::launch::handover::Legacy;
use std::fmt::Display;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use self::belongings::Belongings;
pub use self::starting::Next;
use self::watch::Watch;
use super::boot::{Mode, ToSession};
use super::child;
use super::descriptor_table;
use super::dismissal::Dismissal;
use super::ending::Ending;
use super::first_words::FirstWords;
use super::link::Link;
use super::recorder;
use super::reports::Reports;
use super::signals::{self, Signals};
use super::terminal::Terminal;
use crate::session::discovery::registry::{Claim, ClaimError};
use crate::session::processes::Leader;

/// Seconds that the session process has for an end in good order.
pub const PATIENCE: u32 = 10;
/// A screen that was left up for the next session process is taken down when that has not taken it after so many seconds:
/// the person must see what happened, and Ctrl-C must work.
const SCREEN_PATIENCE: u32 = 3;
/// `timeout` and others signal a process twice in one breath: once itself, once with its group.
const ONE_BREATH: Duration = Duration::from_millis(250);

/// What the session process inherits; the numbers are those of descriptors.
#[derive(Clone, Copy, Debug)]
pub struct Inherited<'a> {
    pub link: RawFd,
    pub recorder: Option<RawFd>,
    pub words: Option<&'a FirstWords>,
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
    /// Whether processes that snippet code started outlive its Python.
    keeps_processes: fn() -> bool,
    dismissal: Dismissal,
    belongings: Option<Belongings>,
    /// Which Python it starts, as the person knows it.
    python: Option<String>,
    /// Python has the stdin and stdout of this process.
    shares_streams: bool,
    /// Somebody wanted another try while one was going on.
    wants_another_try: bool,
}

impl Guardian {
    /// From here on signals are taken by [`Guardian::watch`] alone. Must be called while the process has one thread.
    pub fn new(mode: Mode) -> io::Result<Self> {
        let signals = Signals::block()?;
        child::adopt_orphans();
        // The dashboard needs descriptors of its own for that; whether the system grants them is known by trying.
        let detached = mode != Mode::Dashboard || descriptor_table::make_private();
        let terminal = if mode.has_person() { Terminal::of_stdin() } else { None };
        Ok(Self {
            mode,
            detached,
            signals,
            terminal,
            screen_kept: false,
            reports: Reports::default(),
            keeps_processes: || false,
            dismissal: Dismissal::default(),
            belongings: None,
            python: None,
            shares_streams: true,
            wants_another_try: false,
        })
    }

    /// Looks after the name that the session has claimed, to the guardian's end.
    pub fn keep(&mut self, claim: Claim) {
        self.belongings = Some(Belongings::new(claim));
    }

    /// Says which Python it starts, and that it may take its time. It `shares` stdin and stdout with this process, unless
    /// those are a client's.
    pub fn starts(&mut self, python: String, shares: bool) {
        (self.python, self.shares_streams) = (Some(python), shares);
    }

    /// Where the session has to listen. What was lost of its files and folders is made again first.
    ///
    /// # Errors
    /// If there is no place for them any more.
    pub fn socket(&mut self) -> Result<PathBuf, ClaimError> {
        self.belongings.as_mut().map_or_else(|| Ok(PathBuf::new()), Belongings::renew)
    }

    /// Says something to the person, on stderr: while the screen of a dashboard is up, only when that is gone.
    pub fn say(&mut self, what: &dyn Display) {
        self.reports.add(what);
        if !self.screen_kept {
            self.reports.tell();
        }
    }

    /// `keeps` tells whether what snippet code started is to outlive its Python; asked when there is something.
    pub fn keep_processes_if(&mut self, keeps: fn() -> bool) {
        self.keeps_processes = keeps;
    }

    /// For a thread that is started after this value was made.
    pub fn dismissal(&self) -> Dismissal {
        self.dismissal.clone()
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
        start: impl FnOnce(Inherited<'_>) -> io::Result<Command>,
        follows: impl FnOnce(&Ending) -> bool,
    ) -> io::Result<Ending> {
        self.wait_for_the_foreground()?;
        let (mut link, theirs) = Link::pair(self.screen_kept)?;
        // Without it the end is told in fewer words.
        let (memory, recorder) = recorder::create().ok().unzip();
        if let Some(Legacy { restart, keepsake, last, lost }) = legacy {
            link.send(&ToSession::TakeOver(restart))?;
            if let Some(recorder) = &recorder {
                recorder.set_last_snippet(last);
                recorder.losses().set(lost);
                keepsake.map(|keepsake| recorder.crash_store().save(&keepsake));
            }
        }
        // Without it Python says it on the streams, as ever.
        let mut words = self.python.as_ref().and_then(|_| FirstWords::new(self.shares_streams).ok());
        let recorder_fd = memory.as_ref().map(AsRawFd::as_raw_fd);
        let inherited = Inherited { link: theirs.as_raw_fd(), recorder: recorder_fd, words: words.as_ref() };
        let stdin = words.as_ref().and_then(FirstWords::streams).map_or(libc::STDIN_FILENO, |[stdin, ..]| stdin);
        let child = match start(inherited).and_then(|command| child::spawn(command, self.detached, stdin)) {
            Ok(child) => child,
            Err(error) => {
                // A child that came as far as taking the terminal is dead now.
                if let Some(terminal) = &mut self.terminal {
                    terminal.take_back_from(Pid::from_raw(0));
                    terminal.restore(std::mem::take(&mut self.screen_kept));
                }
                self.reports.tell();
                return Err(error);
            }
        };
        drop((theirs, memory));
        if let Some(words) = &mut words {
            words.handed_over();
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
            words,
            told_of_start: false,
            started: Instant::now(),
            stopped: false,
            suspending: false,
            ending: None,
            killed: None,
            outside: None,
            ended: None,
            was_outside: false,
        };
        signals::wake_after(starting::SOON);
        watch.run(follows)
    }
}
