//! A session under its guardian: session processes are started one after the other until the session ends.

use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use super::farewell;
use super::output::{USAGE, write_soon};
use crate::bridge;
use crate::clients::{self, ConfigFolders};
use crate::domain::{Gate, GateMode, ReplaySelection, Timestamp, Unattended};
use crate::launch::activation;
use crate::launch::boot::{Boot, Mode};
use crate::launch::choose_python;
use crate::launch::exit_report::ExitReport;
use crate::launch::guardian::{Guardian, Inherited, NextStep, ProcessSource};
use crate::launch::handover::Handover;
use crate::launch::image::EngineImage;
use crate::session::{SessionId, clock};

/// How long a session that bridges hold waits for a Python that starts. A call from a bridge is another try.
const UNUSED_TIMEOUT: Duration = Duration::from_secs(600);

pub struct GuardedSession {
    pub id: SessionId,
    pub name: String,
    pub mode: Mode,
    pub executable: PathBuf,
    /// The virtual environment of the Python, if it belongs to one.
    pub venv: Option<PathBuf>,
    /// The Python as messages name it.
    pub python_label: String,
    pub image: EngineImage,
    pub guardian: Guardian,
    pub until_unused: bool,
    pub stdio: bool,
    pub keep_processes: bool,
    /// Nothing of the session is kept, so there is nothing to resume.
    pub is_demo: bool,
    /// The mode of the gate that the session begins with.
    pub gate: Option<GateMode>,
    pub unattended: Option<Unattended>,
    /// Whether a first Python that died by a fault was replaced.
    pub has_tried_again: bool,
}

/// What the next session process starts from.
#[derive(Clone, Debug, Default)]
pub struct ProcessStart {
    /// `None` for a new session.
    pub handover: Option<Handover>,
    pub replay: Option<ReplaySelection>,
}

/// The end of one session process.
struct ProcessRun {
    ended: io::Result<ExitReport>,
    /// For the process that follows, if one does.
    next: Option<Handover>,
    /// The process died right after its start, as those before did.
    is_crash_loop: bool,
    /// A safe point was to be woken.
    wakes: bool,
}

impl ProcessRun {
    /// Returns whether a safe point did not become the session.
    fn slept_on(&self) -> bool {
        self.wakes && self.ended.as_ref().map_or(true, |report| !report.was_ready && !report.was_requested)
    }
}

/// What follows a process that failed.
enum AfterFailure {
    Retry(Box<Option<Handover>>),
    Exit(ExitCode),
}

/// The path of this program for the configurations of clients.
fn program() -> PathBuf {
    let running = bridge::program();
    ConfigFolders::of_this_process()
        .map_or_else(|| running.clone(), |folders| clients::stable_program(&folders, &running))
}

impl GuardedSession {
    pub fn run(mut self, mut start: ProcessStart) -> anyhow::Result<ExitCode> {
        let began = clock::now();
        let mut is_first = true;
        if self.image.can_be_copied() {
            self.guardian.offer_safe_points();
        }
        let mut crashes = Crashes::default();
        loop {
            let before = start.handover.clone();
            let run = self.run_process(&start, began, is_first, &mut crashes);
            if run.slept_on() {
                self.guardian.forget_safe_points();
                self.guardian.say(&"The safe point could not be woken, so the variables are lost.");
                start.handover = before;
                continue;
            }
            if let Some(failure) = self.failure(&run) {
                match self.on_failure(&failure, &run, is_first, before, &mut crashes, began)? {
                    AfterFailure::Retry(handover) => start.handover = *handover,
                    AfterFailure::Exit(code) => return Ok(code),
                }
                continue;
            }
            let report = run.ended?;
            is_first = false;
            if !report.is_in_order() && (report.restart_by.is_none() || run.next.is_none()) {
                self.guardian.say(&report);
            }
            if run.next.is_none() {
                for fate in &report.processes {
                    self.guardian.say(fate);
                }
                self.say_farewell(began);
                return Ok(ExitCode::from(report.code()));
            }
            start = ProcessStart { handover: run.next, ..ProcessStart::default() };
        }
    }

    /// Starts a session process and waits for its end.
    fn run_process(
        &mut self,
        start: &ProcessStart,
        began: Timestamp,
        is_first: bool,
        crashes: &mut Crashes,
    ) -> ProcessRun {
        let Self {
            id,
            name,
            mode,
            executable,
            venv,
            python_label,
            image,
            guardian,
            until_unused,
            stdio,
            keep_processes,
            is_demo,
            ..
        } = self;
        let gate = guardian.gate().cloned().or(self.gate.map(Gate::new));
        let unattended = self.unattended;
        let detached = guardian.detaches();
        let program = program();
        let (mut next, mut is_crash_loop) = (None, false);
        let mut woken = false;
        let ended = guardian.socket().map_err(io::Error::other).and_then(|socket| {
            guardian.watch(
                start.handover.clone(),
                |inherited| {
                    let Inherited { link, recorder, safe_points, streams, startup_output, wakes } = inherited;
                    woken = wakes;
                    let boot = Boot {
                        mode: *mode,
                        id: id.clone(),
                        name: name.clone(),
                        program: program.clone(),
                        started_at: began,
                        socket,
                        link,
                        streams,
                        recorder,
                        safe_points,
                        detached,
                        takes_over: start.handover.is_some(),
                        replay: start.replay.clone(),
                        gate: gate.clone(),
                        unattended,
                        until_unused: *until_unused,
                        keep_processes: *keep_processes,
                        is_demo: *is_demo,
                    };
                    if wakes {
                        return Ok(ProcessSource::Copy { boot: serde_json::to_vec(&boot)?, engine: image.copy()? });
                    }
                    let mut command = image.command(executable, &boot, startup_output)?;
                    activation::activate(&mut command, executable, venv.as_deref());
                    if *stdio && startup_output.is_none() {
                        // The client owns stdin and stdout.
                        command.stdin(Stdio::null()).stdout(Stdio::null());
                    }
                    Ok(ProcessSource::Process(command))
                },
                |report| {
                    is_crash_loop = crashes.are_a_loop(report);
                    let follows = !is_crash_loop && report.failure_to_start(python_label, executable).is_none();
                    next = if follows { report.handover(!is_first) } else { None };
                    next.is_some()
                },
            )
        });
        ProcessRun { ended, next, is_crash_loop, wakes: woken }
    }

    /// Why no other process is started by itself, if that is so.
    fn failure(&self, run: &ProcessRun) -> Option<String> {
        let (python, executable) = (&self.python_label, &self.executable);
        match &run.ended {
            Ok(report)
                if run.is_crash_loop
                    && report.failure_to_start(python, executable).is_none()
                    && report.handover(true).is_some() =>
            {
                Some(format!(
                    "{report}\n{python} died {} times in a row right after starting, so it is not restarted \
                     automatically.",
                    Crashes::LIMIT
                ))
            }
            Ok(report) => report.failure_to_start(python, executable),
            Err(error) => {
                Some(format!("{python} cannot be started: {error}.\n{}", choose_python::remedy(&self.executable)))
            }
        }
    }

    /// Ends a session that could not begin. A session that has begun waits for another try.
    fn on_failure(
        &mut self,
        failure: &str,
        run: &ProcessRun,
        is_first: bool,
        before: Option<Handover>,
        crashes: &mut Crashes,
        began: Timestamp,
    ) -> anyhow::Result<AfterFailure> {
        let ended = run.ended.as_ref();
        let code = match ended {
            Ok(report) if report.has_begun => report.code(),
            Ok(_) => USAGE,
            Err(_) => 1,
        };
        let died_at_start = |report: &ExitReport| report.has_begun && !report.was_requested && report.is_fault();
        if is_first && !self.has_tried_again && ended.is_ok_and(died_at_start) {
            // Nothing has run yet, so another try can only help.
            self.has_tried_again = true;
            self.guardian.say(&format_args!("{failure}\nPython is started once more."));
            return Ok(AfterFailure::Retry(before.into()));
        }
        if is_first || ended.is_ok_and(|report| report.was_requested) {
            // An engine that exits by itself has reported its failure.
            if !ended.is_ok_and(|report| report.has_begun && report.status.code().is_some()) {
                self.guardian.say(&failure);
            }
            return Ok(AfterFailure::Exit(ExitCode::from(code.max(1))));
        }
        // A signal from outside and a lack of memory are no faults of this Python.
        let was_killed = ended.is_ok_and(|report| report.killed.is_none() && report.status.signal().is_some());
        if was_killed && !run.is_crash_loop {
            return Ok(AfterFailure::Retry(before.into()));
        }
        let limit = self.until_unused.then_some(UNUSED_TIMEOUT);
        match self.guardian.wait_for_another_start(failure, &self.name, limit)? {
            NextStep::TryAgain => {
                *crashes = Crashes::default();
                let last = ended.ok().filter(|_| run.is_crash_loop).and_then(|report| report.handover(true));
                Ok(AfterFailure::Retry(last.or(before).into()))
            }
            NextStep::End => {
                self.say_farewell(began);
                Ok(AfterFailure::Exit(ExitCode::from(code.max(1))))
            }
        }
    }

    fn say_farewell(&self, began: Timestamp) {
        if self.mode.has_person() && !self.is_demo && io::stdout().is_terminal() {
            // By the clock of the dashboard's header.
            let lasted = Duration::from_millis(clock::now().saturating_sub(began));
            write_soon(io::stdout(), &farewell::soon(self.id.clone(), self.name.clone(), lasted));
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

    fn are_a_loop(&mut self, report: &ExitReport) -> bool {
        let at_start =
            report.restart_by.is_none() && report.lifetime < Self::START_PERIOD && !report.death_report.at_work;
        self.in_a_row = if at_start { self.in_a_row + 1 } else { 0 };
        self.in_a_row >= Self::LIMIT
    }
}
