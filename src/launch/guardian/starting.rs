//! A Python that starts slowly or not at all: messages during the start, the end of a start, and the session that waits
//! for another start.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};

use super::state::Guardian;
use super::watch::Watch;
use crate::launch::exit_report::Killed;
use crate::launch::{child, signals};

/// When to tell the person that a start takes long.
pub(super) const NOTICE_DELAY: Duration = Duration::from_millis(300);
/// How long the screen of the last dashboard stays up for the next one. Then it is taken down, because the person must
/// see what happened, and Ctrl-C must work.
const KEPT_SCREEN_TIMEOUT: Duration = Duration::from_secs(3);
/// When to tell more about a start that takes long.
const DETAIL_DELAY: Duration = Duration::from_secs(6);
/// How long a Python may take to reach the engine. The slowest honest case is `import site` on a slow network folder.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a safe point may take to reach the engine, which it only has to load.
const WAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// When a start is checked, from its beginning.
const CHECKS: [Duration; 6] =
    [NOTICE_DELAY, KEPT_SCREEN_TIMEOUT, DETAIL_DELAY, WAKE_TIMEOUT, Duration::from_secs(25), START_TIMEOUT];
/// How long Python may take to write its stack before it is killed.
const STACK_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the keyboard is read while the session waits for another start.
const KEYBOARD_INTERVAL: Duration = Duration::from_millis(200);

/// What becomes of a session whose Python did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    TryAgain,
    End,
}

impl Watch<'_> {
    /// Returns whether Python has not reached the engine yet.
    pub(super) fn is_starting(&mut self) -> bool {
        self.guardian.python.is_some() && !self.link.has_begun()
    }

    /// The alarm of a start: tells that the start takes long, takes down the kept screen, or gives up.
    pub(super) fn on_alarm(&mut self) {
        if self.killed.is_some() {
            let _ = killpg(self.child, Signal::SIGKILL);
            return;
        }
        self.check_files(false);
        let age = self.started.elapsed();
        if age >= KEPT_SCREEN_TIMEOUT {
            self.take_down_kept_screen();
        }
        if self.is_starting() {
            if age >= if self.woken { WAKE_TIMEOUT } else { START_TIMEOUT } {
                return self.give_up_start();
            }
            self.announce_start(age);
        }
        let has_trouble = self.guardian.has_trouble();
        if has_trouble && self.link.is_ready() {
            self.guardian.set_trouble(None);
        }
        if (self.is_starting() || self.guardian.screen_kept || has_trouble)
            && let Some(next) = CHECKS.iter().find(|check| **check > age)
        {
            signals::wake_after(next.saturating_sub(age));
        }
    }

    fn announce_start(&mut self, age: Duration) {
        let (Some(python), false) = (self.guardian.python.clone(), self.guardian.screen_kept) else { return };
        let is_first = !std::mem::replace(&mut self.has_announced_start, true);
        if age < DETAIL_DELAY {
            if is_first {
                self.guardian.say(&format_args!("starting {python} …"));
            }
            return;
        }
        let mut text = format!("{python} has not started after {} s", age.as_secs());
        if let Some(last) = self.startup_output.as_ref().and_then(|output| output.lines().pop()) {
            text += &format!("; its last output: {last}");
        }
        // For those who look for the session. Removed at the next check after the session has begun.
        self.guardian.set_trouble(Some(format!("{text}.")));
        let gives_up = if self.guardian.mode.has_person() { "Ctrl-C stops it and" } else { "Its end" };
        self.guardian.say(&format_args!(
            "{text}. {gives_up} shows its stack; after {} s it is stopped.",
            START_TIMEOUT.as_secs()
        ));
    }

    /// Makes Python write its stack and end.
    pub(super) fn give_up_start(&mut self) {
        if self.killed.is_some() {
            let _ = killpg(self.child, Signal::SIGKILL);
            return;
        }
        self.killed = Some(Killed::NeverStarted);
        child::leave_no_core(self.child);
        let _ = kill(self.child, Signal::SIGABRT);
        let _ = kill(self.child, Signal::SIGCONT);
        signals::wake_after(STACK_TIMEOUT);
    }
}

impl Guardian {
    /// Keeps the session without a Python until somebody requests another start or the end, for at most `limit`. The
    /// person, and those who look for the session, learn `why`.
    ///
    /// # Errors
    /// If waiting for signals fails.
    pub fn wait_for_another_start(&mut self, why: &str, name: &str, limit: Option<Duration>) -> io::Result<NextStep> {
        if let Some(terminal) = &mut self.terminal {
            terminal.restore(std::mem::take(&mut self.screen_kept));
        }
        self.set_trouble(Some(why.to_owned()));
        if std::mem::take(&mut self.start_requested) {
            self.say(&why);
            return Ok(NextStep::TryAgain);
        }
        let again = match &self.terminal {
            Some(_) => "press Enter to try again, Ctrl-C to end it".to_owned(),
            None => format!("`kill -USR1 {}` tries again, `fourhands stop {name}` ends it", std::process::id()),
        };
        self.say(&format_args!(
            "{why}\nThe session \"{name}\" is waiting: {again}. `fourhands --resume {name}` resumes it later."
        ));
        let begun = Instant::now();
        let next = loop {
            if self.dismissal.is_given() {
                break NextStep::End;
            }
            if self.terminal.is_some() || limit.is_some() {
                signals::wake_after(KEYBOARD_INTERVAL);
            }
            match self.signals.next()? {
                Signal::SIGUSR1 => break NextStep::TryAgain,
                Signal::SIGALRM => match self.read_key() {
                    Some(next) => break next,
                    None if limit.is_some_and(|limit| begun.elapsed() > limit) => break NextStep::End,
                    None => {}
                },
                Signal::SIGTSTP => signals::stop_self(),
                Signal::SIGCHLD => child::reap_adopted([None, None]),
                Signal::SIGTERM | Signal::SIGHUP | Signal::SIGINT | Signal::SIGQUIT => break NextStep::End,
                Signal::SIGIO => {
                    if let Some(files) = &mut self.files {
                        files.restore_quietly();
                    }
                }
                _ => {}
            }
        };
        nix::unistd::alarm::cancel();
        // The record keeps the reason until the session has begun.
        Ok(next)
    }

    /// Reads a line that the person has typed.
    fn read_key(&self) -> Option<NextStep> {
        if !self.terminal.as_ref()?.is_ours() {
            return None;
        }
        let stdin = io::stdin();
        let mut ends = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        if !matches!(poll(&mut ends, PollTimeout::ZERO), Ok(1..)) {
            return None;
        }
        match (&stdin).read(&mut [0; 256]) {
            Ok(0) => Some(NextStep::End),
            Ok(_) => Some(NextStep::TryAgain),
            Err(_) => None,
        }
    }
}
