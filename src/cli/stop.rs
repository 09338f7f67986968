//! `fourhands stop`: ends a running session.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use crate::cli::output::{self, UNKNOWN, USAGE, fail, warn};
use crate::domain::units;
use crate::journal;
use crate::launch::stop::{Stopped, stop};
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry::{self, Liveness, SessionEntry};
use crate::tui::text::cut_front;

/// A longer time until the end is reported.
const QUICK_END: Duration = Duration::from_secs(2);
/// How long the Python of a killed guardian may take to end.
const ORPHAN_TIMEOUT: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Sessions named in an error, and the terminal cells of their folders.
const MAX_NAMES: usize = 8;
const MAX_FOLDER_CELLS: usize = 60;

#[derive(Args, Debug)]
pub struct StopArguments {
    /// Name of the session
    #[arg(value_name = "NAME", required_unless_present = "all", allow_hyphen_values = true)]
    name: Option<String>,
    /// End all running sessions on this machine
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

pub fn run(arguments: &StopArguments) -> ExitCode {
    let paths = Paths::of_this_process();
    let Some(name) = &arguments.name else { return stop_all(&paths) };
    if let Err(bad) = registry::check_name(name) {
        return fail(USAGE, &bad);
    }
    ExitCode::from(stop_one(&paths, name))
}

fn stop_all(paths: &Paths) -> ExitCode {
    let recorded = match registry::recorded_at(paths) {
        Ok(recorded) => recorded,
        Err(error) => return fail(1, &format_args!("cannot list sessions: {error}")),
    };
    let here: Vec<_> = recorded.into_iter().filter(|(_, life)| *life != Liveness::Elsewhere).collect();
    if here.is_empty() {
        output::print("No session is running.\n");
    }
    // A session that ended by itself meanwhile is no failure.
    let codes = here.iter().map(|(entry, _)| stop_one(paths, &entry.name)).filter(|code| *code != UNKNOWN);
    ExitCode::from(codes.max().unwrap_or(0))
}

/// Stops a session, reports the result, and returns the exit code.
fn stop_one(paths: &Paths, name: &str) -> u8 {
    match stop(paths, name) {
        Ok(Stopped::Ended(_, after)) => {
            let after = if after > QUICK_END { format!(" after {}", units::duration(after)) } else { String::new() };
            output::print(&format!("Session \"{name}\" has ended{after}.\n"));
            0
        }
        Ok(Stopped::WasDead(entry)) => {
            output::print(&format!(
                "Session \"{name}\" was no longer running: its process {} had been killed. Its leftover files were \
                 removed.\n",
                entry.pid
            ));
            if has_python_ended(paths, &entry) {
                return 0;
            }
            warn(&format_args!("the Python of session \"{name}\" is still ending."));
            1
        }
        Ok(Stopped::StillRuns(entry, after)) => {
            warn(&format_args!(
                "session \"{name}\" (pid {}) is still running {} after the request to end. Repeat the command to kill \
                 it.",
                entry.pid,
                units::duration(after)
            ));
            1
        }
        Ok(Stopped::Elsewhere(_)) => {
            warn(&format_args!(
                "session \"{name}\" runs on another machine that shares this home folder. End it there."
            ));
            1
        }
        Ok(Stopped::Unknown) => {
            warn(&format_args!("no session \"{name}\" is running. {}", running(paths)));
            UNKNOWN
        }
        Err(error) => {
            warn(&format_args!("session \"{name}\" cannot be ended: {}", explain(&error)));
            1
        }
    }
}

/// Waits for the Python of a session whose guardian was killed. It ends the session in good order, by itself.
fn has_python_ended(paths: &Paths, entry: &SessionEntry) -> bool {
    let (Some(id), Ok(folder)) = (&entry.id, paths.journal()) else { return true };
    let begun = Instant::now();
    while journal::is_in_use(&folder, id) {
        if begun.elapsed() > ORPHAN_TIMEOUT {
            return false;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    true
}

fn running(paths: &Paths) -> String {
    let running = registry::running_at(paths).unwrap_or_default();
    let names: Vec<_> = running
        .iter()
        .map(|entry| format!("{} ({})", entry.name, cut_front(&entry.cwd.to_string_lossy(), MAX_FOLDER_CELLS)))
        .take(MAX_NAMES)
        .collect();
    match running.len() - names.len() {
        0 if names.is_empty() => "No session is running.".to_owned(),
        0 => format!("Running: {}.", names.join(", ")),
        rest => format!("Running: {} and {rest} more; `fourhands sessions` lists them.", names.join(", ")),
    }
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "no permission to signal its process".to_owned(),
        _ => error.to_string(),
    }
}
