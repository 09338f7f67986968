//! What the dashboard and `serve` have in common: find a Python, claim the name, guard the session process to its end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;

use crate::launch::boot::{Boot, Mode};
use crate::launch::discover::{self, Surroundings};
use crate::launch::ending::Ending;
use crate::launch::guardian::{Guardian, Inherited};
use crate::launch::image::EngineImage;
use crate::session::SessionId;
use crate::session::registry::{self, ClaimError};

#[derive(Args, Debug)]
pub struct SessionArguments {
    /// Name of the session [default: named after the working directory]
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Python to use: an interpreter, a virtual environment's folder, or a command on PATH
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
}

#[derive(Debug)]
pub struct Start<'a> {
    pub mode: Mode,
    pub arguments: &'a SessionArguments,
    pub engine: &'static [u8],
}

pub fn run(start: &Start<'_>) -> ExitCode {
    let around = match Surroundings::of_this_process() {
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
            let usage = matches!(error.downcast_ref(), Some(ClaimError::BadName(_)));
            super::fail(if usage { super::USAGE } else { 1 }, &format_args!("{error:#}"))
        }),
        Err(fault) => super::fail(super::USAGE, &fault),
    }
}

/// Holds the session to its end. The name stays claimed for as long as the guardian lives.
fn hold(start: &Start<'_>, python: &discover::Python, cwd: &Path) -> anyhow::Result<ExitCode> {
    let mut claim = match (start.mode, start.arguments.session.as_deref()) {
        (Mode::Stdio, _) => None,
        (_, Some(name)) => Some(registry::claim(name, cwd)?),
        (_, None) => Some(registry::claim_default(cwd)?),
    };
    if let Some(claim) = &mut claim {
        // Only told to those who ask which sessions there are.
        let _ = claim.describe(&python.executable, &python.version, start.mode == Mode::Dashboard);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let id = SessionId::new(now);
    let image = EngineImage::new(start.engine)?;
    let mut guardian = Guardian::new(start.mode)?;
    let detached = guardian.detaches();
    let name = claim.as_ref().map_or_else(|| registry::default_name(cwd), |claim| claim.name().to_owned());
    let socket = claim.as_ref().map(|claim| claim.socket().to_owned());
    let mut legacy = None;
    let mut crashes = Crashes::default();
    loop {
        let takes_over = legacy.is_some();
        let mut next = None;
        let mut is_loop = false;
        let watched = guardian.watch(
            legacy.take(),
            |Inherited { link, recorder }| {
                let (mode, id, name, socket) = (start.mode, id.clone(), name.clone(), socket.clone());
                image
                    .command(&python.executable, &Boot { mode, id, name, socket, link, recorder, detached, takes_over })
            },
            |ending| {
                is_loop = crashes.are_a_loop(ending);
                // The one client of a session on stdin and stdout knows only the process that it began with.
                let follows = start.mode != Mode::Stdio && !is_loop;
                next = if follows { ending.legacy(takes_over) } else { None };
                next.is_some()
            },
        );
        let ending = match watched {
            Ok(ending) => ending,
            Err(error) => {
                let started = format!("cannot start the session in {}", python.executable.display());
                return Err(anyhow::Error::new(error).context(started));
            }
        };
        if !ending.is_in_order() && (ending.restart_by.is_none() || next.is_none()) {
            guardian.say(&ending);
        }
        if next.is_none() {
            if is_loop {
                guardian.say(&format_args!(
                    "Python died {} times right after its start, so it is not started again.",
                    Crashes::LIMIT
                ));
            }
            return Ok(ExitCode::from(ending.code()));
        }
        legacy = next;
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
