//! The common part of the dashboard and `serve`: find a Python, claim the name, guard the session to its end.

use std::io;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use super::environment;
use super::guarded_session::{GuardedSession, ProcessStart};
use super::output::{USAGE, fail};
use super::resume::{self, ResumeError, Resumed};
use super::stage::Stage;
use crate::bridge::Attached;
use crate::bridge::ResultForm;
use crate::cli::arguments::{GateArgument, ReplayArgument, SessionArguments};
use crate::domain::flight_recorder::Losses;
use crate::domain::{SnippetId, Unattended};
use crate::launch::boot::Mode;
use crate::launch::choose_python::{Chosen, PythonSearchEnv};
use crate::launch::guardian::Guardian;
use crate::launch::handover::Handover;
use crate::launch::image::EngineImage;
use crate::session::SessionId;
use crate::session::clock::now;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry::{self, Claim, ClaimError};
use crate::session::discovery::session_lock::{self, HoldError, SessionLock};
use crate::tui::settings;

#[derive(Debug)]
pub struct Start<'a> {
    pub mode: Mode,
    pub arguments: &'a SessionArguments,
    /// Bridges hold the session: it ends with their last client.
    pub until_unused: bool,
    /// The session belongs to the client on stdin and stdout, and ends with it.
    pub stdio: bool,
    /// The form of that client's results; `None` for the one that suits the client.
    pub form: Option<ResultForm>,
    /// What happens to code that would wait for the person.
    pub unattended: Option<Unattended>,
    /// Where `fourhands demo` plays.
    pub stage: Option<&'a Stage>,
    pub engine: &'static [u8],
}

pub fn run(start: &Start<'_>) -> ExitCode {
    let around = match PythonSearchEnv::of_this_process() {
        Ok(around) => around,
        Err(error) => {
            return fail(
                1,
                &format_args!(
                    "the working directory cannot be read ({error}); start in another \
                directory."
                ),
            );
        }
    };
    match environment::prepare(start.arguments, &around) {
        Ok(python) => {
            hold(start, &python.chosen, start.stage.map_or(&*around.cwd, Stage::work)).unwrap_or_else(|error| {
                let usage = matches!(error.downcast_ref(), Some(ClaimError::BadName(_)))
                    || matches!(error.downcast_ref(), Some(ResumeError::Unknown(_)));
                fail(if usage { USAGE } else { 1 }, &format_args!("{error:#}"))
            })
        }
        Err(fault) => fail(if fault.is_usage() { USAGE } else { 1 }, &fault),
    }
}

/// Holds the session to its end. The name stays claimed for as long as the guardian lives.
fn hold(start: &Start<'_>, chosen: &Chosen, cwd: &Path) -> anyhow::Result<ExitCode> {
    let python = &chosen.python;
    // The Python was chosen in the person's folder.
    start.stage.map(Stage::enter).transpose().context("the folder of the demo cannot be entered")?;
    let resumed = resume::find(start.arguments, python, cwd)?;
    let mut claim = claim_name(start, resumed.as_ref(), cwd)?;
    let id = resumed.as_ref().map_or_else(|| SessionId::new(now()), |resumed| resumed.id.clone());
    let _lock = lock_session(&id, resumed.as_ref())?;
    if let Some(resumed) = &resumed {
        resume::is_still_there(resumed)?;
    }
    // For `fourhands sessions`, and for dashboards that come to the session.
    let is_dashboard = start.mode.has_person();
    let _ = claim.describe(&python.executable, &python.version, is_dashboard, &id, start.until_unused);
    let image = EngineImage::new(start.engine).map_err(|error| {
        let is_limit = error.kind() == io::ErrorKind::FileTooLarge;
        let why = if is_limit { " (the file size limit, ulimit -f, is too low)" } else { "" };
        anyhow::Error::new(error).context(format!("the engine cannot be loaded into memory{why}"))
    })?;
    let mut guardian = Guardian::new(start.mode)?;
    // The settings are read when there is something to keep, so that a change of them holds at once.
    guardian.keep_processes_if(if start.arguments.keep_processes {
        || true
    } else {
        || settings::read(settings::path()).settings.keep_processes
    });
    let (name, published) = (claim.name().to_owned(), claim.published());
    guardian.keep(claim);
    let python_label = format!("Python {} ({})", python.version, python.executable.display());
    guardian.set_python(python_label.clone(), !start.stdio);
    if let Some(note) = &chosen.note {
        guardian.say(note);
    }
    let dismissal = guardian.dismissal();
    // Dropped at the end, it answers the calls that are still open.
    let _client = if start.stdio {
        Some(
            Attached::start(published, start.form, move || dismissal.dismiss())
                .context("cannot serve on stdin and stdout")?,
        )
    } else {
        None
    };
    let _player = start.stage.map(Stage::play).transpose().context("the scripted client cannot be started")?;
    let handover = resumed.map(|Resumed { restart, summary, .. }| {
        guardian.say(&summary);
        Handover { restart, rewind: None, snapshot: None, last_snippet: SnippetId(0), losses: Losses::default() }
    });
    let first = ProcessStart { handover, replay: start.arguments.replay.map(ReplayArgument::selection) };
    GuardedSession {
        id,
        name,
        mode: start.mode,
        executable: python.executable.clone(),
        venv: python.venv.clone(),
        python_label,
        image,
        guardian,
        until_unused: start.until_unused,
        stdio: start.stdio,
        keep_processes: start.arguments.keep_processes,
        has_tried_again: false,
        is_demo: start.stage.is_some(),
        gate: start.arguments.gate.map(GateArgument::mode),
        unattended: start.unattended,
    }
    .run(first)
}

/// Claims the name of the session.
fn claim_name(start: &Start<'_>, resumed: Option<&Resumed>, cwd: &Path) -> Result<Claim, ClaimError> {
    match start.arguments.session.as_deref().or(resumed.map(|resumed| &*resumed.name)) {
        None if start.stdio => registry::claim_private(cwd),
        None => registry::claim_default(cwd),
        Some(name) if start.stdio => registry::claim_private_as(name, cwd),
        Some(name) => registry::claim(name, cwd),
    }
}

/// Keeps other processes from going on with the same session. A new session starts without the lock where there is no
/// place for one, as it does without a journal.
fn lock_session(id: &SessionId, resumed: Option<&Resumed>) -> anyhow::Result<Option<SessionLock>> {
    match (session_lock::hold(&Paths::of_this_process(), id), resumed) {
        (Ok(held), _) => Ok(Some(held)),
        (_, None) => Ok(None),
        (Err(HoldError::HeldBy(pid)), Some(Resumed { name, .. })) => {
            Err(ResumeError::Running { name: name.clone(), pid, other: String::new() }.into())
        }
        (Err(HoldError::Io(error)), Some(_)) => Err(anyhow::Error::new(error).context("the session cannot be locked")),
    }
}
