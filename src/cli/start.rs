//! What the dashboard and `serve` have in common: find a Python, claim the name, guard the session process to its end.

use crate::cli::arguments::Replay;
use crate::cli::arguments::SessionArguments;
use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::resume::{self, ResumeError, Resumed};
use super::take_over::{self, HandedOver};
use crate::bridge::Attached;
use crate::domain::SnippetId;
use crate::domain::recorder::Losses;
use crate::launch::boot::{Boot, Mode};
use crate::launch::discover::{self, PythonSearchEnv};
use crate::launch::ending::Ending;
use crate::launch::first_words::FirstWords;
use crate::launch::guardian::Guardian;
use crate::launch::guardian::Inherited;
use crate::launch::guardian::Next;
use crate::launch::handover::Legacy;
use crate::launch::image::EngineImage;
use crate::session::SessionId;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry;
use crate::session::discovery::registry::ClaimError;
use crate::session::discovery::session_lock;
use crate::session::discovery::session_lock::SessionLock;
use crate::tui::settings;

/// How long a session that bridges hold waits for a Python that starts. A call of theirs is another try.
const UNUSED: Duration = Duration::from_secs(600);

#[derive(Debug)]
pub struct Start<'a> {
    pub mode: Mode,
    pub arguments: &'a SessionArguments,
    /// The session is held for bridges: it ends with their last client, or when a dashboard takes it over.
    pub until_unused: bool,
    /// It is the session of the client on stdin and stdout, and ends with it.
    pub stdio: bool,
    pub engine: &'static [u8],
}

pub fn run(start: &Start<'_>) -> ExitCode {
    let around = match PythonSearchEnv::of_this_process() {
        Ok(around) => around,
        Err(error) => {
            return super::fail(
                1,
                &format_args!("the working directory cannot be read ({error}); start from another."),
            );
        }
    };
    match discover::find(start.arguments.python.as_deref(), &around) {
        Ok(python) => hold(start, &python, &around.cwd).unwrap_or_else(|error| {
            let usage = matches!(error.downcast_ref(), Some(ClaimError::BadName(_)))
                || matches!(error.downcast_ref(), Some(ResumeError::Unknown(_)));
            super::fail(if usage { super::USAGE } else { 1 }, &format_args!("{error:#}"))
        }),
        Err(fault) => super::fail(super::USAGE, &fault),
    }
}

/// Holds the session to its end. The name stays claimed for as long as the guardian lives.
fn hold(start: &Start<'_>, python: &crate::launch::python::Python, cwd: &Path) -> anyhow::Result<ExitCode> {
    let mut resumed = resume::find(start.arguments, python, cwd)?;
    let may_take_over = start.mode.has_person() && resumed.is_none();
    let mut handed_over = None;
    let name = start.arguments.session.as_deref().or(resumed.as_ref().map(|resumed| &*resumed.name));
    let mut claim = loop {
        let claimed = match name {
            None if start.stdio => registry::claim_private(cwd),
            None => registry::claim_default(cwd),
            Some(name) if start.stdio => registry::claim_private_as(name, cwd),
            Some(name) => registry::claim(name, cwd),
        };
        match claimed {
            // Bridges may be quicker than this process, and hold it once more.
            Err(ClaimError::Taken { name, .. }) if may_take_over && take_over::is_held(&name) => {
                let taken = take_over::take_over(&name, handed_over)?;
                handed_over = Some(taken);
            }
            Err(ClaimError::Taken { name, pid, .. }) if !start.until_unused && take_over::is_held(&name) => {
                anyhow::bail!(
                    "session \"{name}\" is running already, held for AI clients without a dashboard (pid {pid}). \
                     `fourhands --session {name}` in a terminal opens the dashboard on it, and `fourhands stop {name}` \
                     ends it. To start another beside it, choose another name: --session NAME"
                );
            }
            claimed => break claimed?,
        }
    };
    let restore = handed_over.as_ref().and_then(|taken| taken.checkpoint);
    let is_handed_over = handed_over.is_some();
    resumed = handed_over.map(HandedOver::resumed).or(resumed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let id = resumed.as_ref().map_or_else(|| SessionId::new(now), |resumed| resumed.id.clone());
    let _held = hold_id(&id, resumed.as_ref())?;
    if let Some(resumed) = resumed.as_ref().filter(|_| !is_handed_over) {
        resume::is_still_there(resumed)?;
    }
    // Told to those who ask which sessions there are, and to dashboards that would take it over.
    let is_dashboard = start.mode.has_person();
    let _ = claim.describe(&python.executable, &python.version, is_dashboard, &id, start.until_unused);
    let image = EngineImage::new(start.engine).map_err(|error| {
        let is_limit = error.kind() == io::ErrorKind::FileTooLarge;
        let why = if is_limit { " (a limit on the size of files, ulimit -f, is too low for it)" } else { "" };
        anyhow::Error::new(error).context(format!("the engine cannot be laid into memory{why}"))
    })?;
    let mut guardian = Guardian::new(start.mode)?;
    let detached = guardian.detaches();
    let keep_processes = start.arguments.keep_processes;
    // Asked when there is something to keep, so that a change of the settings holds at once.
    guardian.keep_processes_if(if keep_processes {
        || true
    } else {
        || settings::read(settings::path()).settings.keep_processes
    });
    let (name, published) = (claim.name().to_owned(), claim.published());
    guardian.keep(claim);
    let which = format!("Python {} ({})", python.version, python.executable.display());
    guardian.starts(which.clone(), !start.stdio);
    let dismissal = guardian.dismissal();
    // Answers what is still asked when it is dropped.
    let _client = if start.stdio {
        Some(Attached::start(published, move || dismissal.dismiss()).context("cannot serve on stdin and stdout")?)
    } else {
        None
    };
    let mut legacy = resumed.map(|Resumed { restart, told, .. }| {
        guardian.say(&told);
        Legacy { restart, keepsake: None, last: SnippetId(0), lost: Losses::default() }
    });
    let mut replay = start.arguments.replay.map(Replay::which);
    let mut restore = restore.map(str::to_owned);
    let until_unused = start.until_unused;
    let began = Instant::now();
    let mut is_first = true;
    let mut crashes = Crashes::default();
    loop {
        let takes_over = legacy.is_some();
        let (replay_now, restore_now) = (replay.clone(), restore.clone());
        let mut next = None;
        let mut is_loop = false;
        let kept = legacy.clone();
        let watched = guardian.socket().map_err(io::Error::other).and_then(|socket| {
            guardian.watch(
                legacy.take(),
                |Inherited { link, recorder, words }| {
                    let boot = Boot {
                        mode: start.mode,
                        id: id.clone(),
                        name: name.clone(),
                        socket,
                        link,
                        streams: words.and_then(FirstWords::streams),
                        recorder,
                        detached,
                        takes_over,
                        replay: replay_now,
                        restore: restore_now,
                        until_unused,
                        keep_processes,
                    };
                    let mut command = image.command(&python.executable, &boot, words)?;
                    if start.stdio && words.is_none() {
                        // They are the client's.
                        command.stdin(Stdio::null()).stdout(Stdio::null());
                    }
                    Ok(command)
                },
                |ending| {
                    is_loop = crashes.are_a_loop(ending);
                    let follows = !is_loop && ending.failure_to_start(&which).is_none();
                    next = if follows { ending.legacy(!is_first) } else { None };
                    next.is_some()
                },
            )
        });
        let failure = match &watched {
            Ok(ending) if is_loop && ending.failure_to_start(&which).is_none() && ending.legacy(true).is_some() => {
                Some(format!(
                    "{ending}\n{which} died {} times right after its start, so it is not started again by itself.",
                    Crashes::LIMIT
                ))
            }
            Ok(ending) => ending.failure_to_start(&which),
            Err(error) => {
                Some(format!("{which} cannot be started: {error}.\n{}", discover::remedy(&python.executable)))
            }
        };
        if let Some(failure) = failure {
            let code = match &watched {
                Ok(ending) if ending.has_begun => ending.code(),
                Ok(_) => super::USAGE,
                Err(_) => 1,
            };
            let is_asked = watched.as_ref().is_ok_and(|ending| ending.asked);
            if is_first || is_asked {
                // The engine has said itself what is wrong, unless it was killed.
                if !watched.as_ref().is_ok_and(|ending| ending.has_begun && ending.status.code().is_some()) {
                    guardian.say(&failure);
                }
                return Ok(ExitCode::from(code.max(1)));
            }
            // Whoever killed it, or a want of memory, may be gone: that says nothing of the Python.
            let was_killed =
                watched.as_ref().is_ok_and(|ending| ending.killed.is_none() && ending.status.signal().is_some());
            if was_killed && !is_loop {
                legacy = kept;
                continue;
            }
            let limit = until_unused.then_some(UNUSED);
            match guardian.wait_for_another_try(&failure, &name, limit)? {
                Next::TryAgain => {
                    crashes = Crashes::default();
                    let last = watched.ok().filter(|_| is_loop).and_then(|ending| ending.legacy(true));
                    legacy = last.or(kept);
                    continue;
                }
                Next::End => {
                    farewell(start.mode, &id, &name, began);
                    return Ok(ExitCode::from(code.max(1)));
                }
            }
        }
        let ending = watched?;
        is_first = false;
        (replay, restore) = (None, None);
        if !ending.is_in_order() && (ending.restart_by.is_none() || next.is_none()) {
            guardian.say(&ending);
        }
        if next.is_none() {
            for fate in &ending.processes {
                guardian.say(fate);
            }
            farewell(start.mode, &id, &name, began);
            return Ok(ExitCode::from(ending.code()));
        }
        legacy = next;
    }
}

fn farewell(mode: Mode, id: &SessionId, name: &str, began: Instant) {
    if mode.has_person() && io::stdout().is_terminal() {
        super::say(io::stdout(), &super::farewell::soon(id.clone(), name.to_owned(), began.elapsed()));
    }
}

/// Nobody else may go on with the same session. One that has just begun is nobody else's, and goes on without a place for
/// the lock, as it does without a journal.
fn hold_id(id: &SessionId, resumed: Option<&Resumed>) -> anyhow::Result<Option<SessionLock>> {
    match (session_lock::hold(&Paths::of_this_process(), id), resumed) {
        (Ok(Ok(held)), _) => Ok(Some(held)),
        (_, None) => Ok(None),
        (Ok(Err(pid)), Some(Resumed { name, .. })) => {
            Err(ResumeError::Running { name: name.clone(), pid, other: String::new() }.into())
        }
        (Err(error), Some(_)) => Err(anyhow::Error::new(error).context("the session cannot be held")),
    }
}

/// Counts session processes that died right after their start, with no snippet to blame.
#[derive(Debug, Default)]
struct Crashes {
    in_a_row: u32,
}

impl Crashes {
    const LIMIT: u32 = 3;
    /// One that lived for longer had started well.
    const AT_START: Duration = Duration::from_secs(5);

    fn are_a_loop(&mut self, ending: &Ending) -> bool {
        let at_start = ending.restart_by.is_none() && ending.lived < Self::AT_START && !ending.last_words.at_work;
        self.in_a_row = if at_start { self.in_a_row + 1 } else { 0 };
        self.in_a_row >= Self::LIMIT
    }
}
