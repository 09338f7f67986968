//! A Python that does not start: what is told while it takes its time, how it is given up, and the session that waits for
//! another try.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};

use super::watch::Watch;
use super::{Guardian, SCREEN_PATIENCE};
use crate::launch::ending::Killed;
use crate::launch::{child, signals};

/// A start that takes no longer goes without saying.
pub(super) const SOON: Duration = Duration::from_millis(300);
/// How long a Python may take to come to the engine; `import site` on a slow network folder is the slowest honest case.
const LIMIT: Duration = Duration::from_secs(60);
/// When a start is looked at, from its beginning.
const LOOKS: [Duration; 5] =
    [SOON, Duration::from_secs(SCREEN_PATIENCE as u64), Duration::from_secs(6), Duration::from_secs(25), LIMIT];
/// How long it may take to write where it stood.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often the keyboard is looked at while nothing else goes on.
const LOOK_FOR_KEYS: Duration = Duration::from_millis(200);

/// What becomes of a session whose Python did not start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    TryAgain,
    End,
}

impl Watch<'_> {
    /// Whether Python is still on its way to the engine.
    pub(super) fn is_starting(&mut self) -> bool {
        self.guardian.python.is_some() && !self.link.has_begun()
    }

    /// The alarm of a start: says that it takes long, takes the screen of the process before down, gives up.
    pub(super) fn on_alarm(&mut self) {
        if self.killed.is_some() {
            let _ = killpg(self.child, Signal::SIGKILL);
            return;
        }
        self.look_after_files(false);
        let age = self.started.elapsed();
        if age >= Duration::from_secs(SCREEN_PATIENCE.into()) {
            self.take_down_kept_screen();
        }
        if self.is_starting() {
            if age >= LIMIT {
                return self.give_up_start();
            }
            self.tell_of_start(age);
        }
        let has_trouble = self.guardian.has_trouble();
        if has_trouble && self.link.is_ready() {
            self.guardian.set_trouble(None);
        }
        if (self.is_starting() || self.guardian.screen_kept || has_trouble)
            && let Some(next) = LOOKS.iter().find(|look| **look > age)
        {
            signals::wake_after(next.saturating_sub(age));
        }
    }

    fn tell_of_start(&mut self, age: Duration) {
        let (Some(python), false) = (self.guardian.python.clone(), self.guardian.screen_kept) else { return };
        let is_first = !std::mem::replace(&mut self.told_of_start, true);
        if age < LOOKS[2] {
            if is_first {
                self.guardian.say(&format_args!("starting {python} …"));
            }
            return;
        }
        let mut text = format!("{python} has not started after {} s", age.as_secs());
        if let Some(last) = self.words.as_ref().and_then(|words| words.lines().pop()) {
            text += &format!("; the last that it said is: {last}");
        }
        // For whoever looks for the session; over with the next look after it has begun.
        self.guardian.set_trouble(Some(format!("{text}.")));
        let gives_up = if self.guardian.mode.has_person() { "Ctrl-C gives up and" } else { "Its end" };
        self.guardian.say(&format_args!(
            "{text}. {gives_up} shows where it stands; after {} s it is given up.",
            LIMIT.as_secs()
        ));
    }

    /// Has Python write where it stands, and end.
    pub(super) fn give_up_start(&mut self) {
        if self.killed.is_some() {
            let _ = killpg(self.child, Signal::SIGKILL);
            return;
        }
        self.killed = Some(Killed::NeverStarted);
        child::leave_no_core(self.child);
        let _ = kill(self.child, Signal::SIGABRT);
        let _ = kill(self.child, Signal::SIGCONT);
        signals::wake_after(LAST_WORDS);
    }
}

impl Guardian {
    /// The session goes on without a Python until somebody wants another try or its end; at most for `limit`. `why` is
    /// told to the person, and to whoever looks for the session.
    ///
    /// # Errors
    /// If no signals can be waited for.
    pub fn wait_for_another_try(&mut self, why: &str, name: &str, limit: Option<Duration>) -> io::Result<Next> {
        if let Some(terminal) = &mut self.terminal {
            terminal.restore(std::mem::take(&mut self.screen_kept));
        }
        self.set_trouble(Some(why.to_owned()));
        if std::mem::take(&mut self.wants_another_try) {
            self.say(&why);
            return Ok(Next::TryAgain);
        }
        let again = match &self.terminal {
            Some(_) => "Enter tries again, Ctrl-C ends it".to_owned(),
            None => format!("`kill -USR1 {}` tries again, `fourhands stop {name}` ends it", std::process::id()),
        };
        self.say(&format_args!(
            "{why}\nThe session \"{name}\" waits: {again}. `fourhands --resume {name}` goes on with it later."
        ));
        let begun = Instant::now();
        let next = loop {
            if self.dismissal.is_given() {
                break Next::End;
            }
            if self.terminal.is_some() || limit.is_some() {
                signals::wake_after(LOOK_FOR_KEYS);
            }
            match self.signals.next()? {
                Signal::SIGUSR1 => break Next::TryAgain,
                Signal::SIGALRM => match self.key() {
                    Some(next) => break next,
                    None if limit.is_some_and(|limit| begun.elapsed() > limit) => break Next::End,
                    None => {}
                },
                Signal::SIGTSTP => signals::stop_self(),
                Signal::SIGCHLD => child::reap_adopted([None, None]),
                Signal::SIGTERM | Signal::SIGHUP | Signal::SIGINT | Signal::SIGQUIT => break Next::End,
                Signal::SIGIO => {
                    if let Some(belongings) = &mut self.belongings {
                        belongings.restore_quietly();
                    }
                }
                _ => {}
            }
        };
        nix::unistd::alarm::cancel();
        // The reason stands until the session has begun again.
        Ok(next)
    }

    fn has_trouble(&mut self) -> bool {
        self.belongings.as_mut().is_some_and(|belongings| belongings.claim().record().trouble.is_some())
    }

    fn set_trouble(&mut self, trouble: Option<String>) {
        if let Some(belongings) = &mut self.belongings {
            let _ = belongings.claim().set_trouble(trouble);
        }
    }

    /// What the person has typed, a line at a time.
    fn key(&self) -> Option<Next> {
        if !self.terminal.as_ref()?.is_ours() {
            return None;
        }
        let stdin = io::stdin();
        let mut ends = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
        if !matches!(poll(&mut ends, PollTimeout::ZERO), Ok(1..)) {
            return None;
        }
        match (&stdin).read(&mut [0; 256]) {
            Ok(0) => Some(Next::End),
            Ok(_) => Some(Next::TryAgain),
            Err(_) => None,
        }
    }
}
