//! A session under its guardian: session processes are started one after the other until the session ends.

use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use super::farewell;
use super::output::{USAGE, write_soon};
use crate::domain::ReplaySelection;
use crate::launch::boot::{Boot, Mode};
use crate::launch::discover;
use crate::launch::ending::Ending;
use crate::launch::first_words::FirstWords;
use crate::launch::guardian::{Guardian, Inherited, Next};
use crate::launch::handover::Legacy;
use crate::launch::image::EngineImage;
use crate::session::SessionId;

/// How long a session that bridges hold waits for a Python that starts. A call from a bridge is another try.
const UNUSED_TIMEOUT: Duration = Duration::from_secs(600);

pub struct GuardedSession {
    pub id: SessionId,
    pub name: String,
    pub mode: Mode,
    pub executable: PathBuf,
    /// The Python as messages name it.
    pub python_label: String,
    pub image: EngineImage,
    pub guardian: Guardian,
    pub until_unused: bool,
    pub stdio: bool,
    pub keep_processes: bool,
}

/// The state that the next session process takes over.
#[derive(Clone, Debug, Default)]
pub struct Handover {
    /// `None` for a new session.
    pub legacy: Option<Legacy>,
    pub replay: Option<ReplaySelection>,
    /// The checkpoint to restore.
    pub restore: Option<String>,
}

/// The end of one session process.
struct Lap {
    ended: io::Result<Ending>,
    /// For the process that follows, if one does.
    next: Option<Legacy>,
    /// The process died right after its start, as those before did.
    is_crash_loop: bool,
}

/// What follows a process that failed.
enum AfterFailure {
    Retry(Option<Legacy>),
    Exit(ExitCode),
}

impl GuardedSession {
    pub fn run(mut self, mut handover: Handover) -> anyhow::Result<ExitCode> {
        let began = Instant::now();
        let mut is_first = true;
        let mut crashes = Crashes::default();
        loop {
            let before = handover.legacy.clone();
            let lap = self.run_process(&handover, is_first, &mut crashes);
            if let Some(failure) = self.failure(&lap) {
                match self.on_failure(&failure, &lap, is_first, before, &mut crashes, began)? {
                    AfterFailure::Retry(legacy) => handover.legacy = legacy,
                    AfterFailure::Exit(code) => return Ok(code),
                }
                continue;
            }
            let ending = lap.ended?;
            is_first = false;
            if !ending.is_in_order() && (ending.restart_by.is_none() || lap.next.is_none()) {
                self.guardian.say(&ending);
            }
            if lap.next.is_none() {
                for fate in &ending.processes {
                    self.guardian.say(fate);
                }
                self.say_farewell(began);
                return Ok(ExitCode::from(ending.code()));
            }
            handover = Handover { legacy: lap.next, ..Handover::default() };
        }
    }

    /// Starts a session process and waits for its end.
    fn run_process(&mut self, handover: &Handover, is_first: bool, crashes: &mut Crashes) -> Lap {
        let Self { id, name, mode, executable, python_label, image, guardian, until_unused, stdio, keep_processes } =
            self;
        let detached = guardian.detaches();
        let (mut next, mut is_crash_loop) = (None, false);
        let ended = guardian.socket().map_err(io::Error::other).and_then(|socket| {
            guardian.watch(
                handover.legacy.clone(),
                |Inherited { link, recorder, words }| {
                    let boot = Boot {
                        mode: *mode,
                        id: id.clone(),
                        name: name.clone(),
                        socket,
                        link,
                        streams: words.and_then(FirstWords::streams),
                        recorder,
                        detached,
                        takes_over: handover.legacy.is_some(),
                        replay: handover.replay.clone(),
                        restore: handover.restore.clone(),
                        until_unused: *until_unused,
                        keep_processes: *keep_processes,
                    };
                    let mut command = image.command(executable, &boot, words)?;
                    if *stdio && words.is_none() {
                        // The client owns stdin and stdout.
                        command.stdin(Stdio::null()).stdout(Stdio::null());
                    }
                    Ok(command)
                },
                |ending| {
                    is_crash_loop = crashes.are_a_loop(ending);
                    let follows = !is_crash_loop && ending.failure_to_start(python_label).is_none();
                    next = if follows { ending.legacy(!is_first) } else { None };
                    next.is_some()
                },
            )
        });
        Lap { ended, next, is_crash_loop }
    }

    /// Why no other process is started by itself, if that is so.
    fn failure(&self, lap: &Lap) -> Option<String> {
        let python = &self.python_label;
        match &lap.ended {
            Ok(ending)
                if lap.is_crash_loop && ending.failure_to_start(python).is_none() && ending.legacy(true).is_some() =>
            {
                Some(format!(
                    "{ending}\n{python} died {} times right after its start, so it is not started again by itself.",
                    Crashes::LIMIT
                ))
            }
            Ok(ending) => ending.failure_to_start(python),
            Err(error) => Some(format!("{python} cannot be started: {error}.\n{}", discover::remedy(&self.executable))),
        }
    }

    /// Ends a session that could not begin. A session that has begun waits for another try.
    fn on_failure(
        &mut self,
        failure: &str,
        lap: &Lap,
        is_first: bool,
        before: Option<Legacy>,
        crashes: &mut Crashes,
        began: Instant,
    ) -> anyhow::Result<AfterFailure> {
        let ended = lap.ended.as_ref();
        let code = match ended {
            Ok(ending) if ending.has_begun => ending.code(),
            Ok(_) => USAGE,
            Err(_) => 1,
        };
        if is_first || ended.is_ok_and(|ending| ending.asked) {
            // An engine that exits by itself has reported its failure.
            if !ended.is_ok_and(|ending| ending.has_begun && ending.status.code().is_some()) {
                self.guardian.say(&failure);
            }
            return Ok(AfterFailure::Exit(ExitCode::from(code.max(1))));
        }
        // A signal from outside, or a want of memory, is no fault of this Python.
        let was_killed = ended.is_ok_and(|ending| ending.killed.is_none() && ending.status.signal().is_some());
        if was_killed && !lap.is_crash_loop {
            return Ok(AfterFailure::Retry(before));
        }
        let limit = self.until_unused.then_some(UNUSED_TIMEOUT);
        match self.guardian.wait_for_another_try(failure, &self.name, limit)? {
            Next::TryAgain => {
                *crashes = Crashes::default();
                let last = ended.ok().filter(|_| lap.is_crash_loop).and_then(|ending| ending.legacy(true));
                Ok(AfterFailure::Retry(last.or(before)))
            }
            Next::End => {
                self.say_farewell(began);
                Ok(AfterFailure::Exit(ExitCode::from(code.max(1))))
            }
        }
    }

    fn say_farewell(&self, began: Instant) {
        if self.mode.has_person() && io::stdout().is_terminal() {
            write_soon(io::stdout(), &farewell::soon(self.id.clone(), self.name.clone(), began.elapsed()));
        }
    }
}

/// Counts session processes that died right after their start, with no snippet to blame.
#[derive(Debug, Default)]
struct Crashes {
    in_a_row: u32,
}

impl Crashes {
    const LIMIT: u32 = 3;
    /// A process that lived for longer had started well.
    const START_PERIOD: Duration = Duration::from_secs(5);

    fn are_a_loop(&mut self, ending: &Ending) -> bool {
        let at_start = ending.restart_by.is_none() && ending.lived < Self::START_PERIOD && !ending.death_report.at_work;
        self.in_a_row = if at_start { self.in_a_row + 1 } else { 0 };
        self.in_a_row >= Self::LIMIT
    }
}
