//! `fourhands stop`: ends a running session in good order.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::UNKNOWN;
use crate::domain::units;
use crate::launch::stop::{Stopped, stop};
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry;
use crate::session::discovery::registry::Life;
use crate::tui::text::cut_front;

/// An end that took no longer goes without saying.
const SOON: Duration = Duration::from_secs(2);

/// Sessions that are named where none fits, and cells of their folders.
const NAMES: usize = 8;
const FOLDER: usize = 60;

#[derive(Args, Debug)]
pub struct Arguments {
    /// Session to end
    #[arg(value_name = "NAME", required_unless_present = "all", allow_hyphen_values = true)]
    name: Option<String>,
    /// End all sessions that run on this machine
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let places = Paths::of_this_process();
    let Some(name) = &arguments.name else { return stop_all(&places) };
    if let Err(bad) = registry::check_name(name) {
        return super::fail(super::USAGE, &bad);
    }
    ExitCode::from(stop_one(&places, name))
}

fn stop_all(places: &Paths) -> ExitCode {
    let recorded = match registry::recorded_at(places) {
        Ok(recorded) => recorded,
        Err(error) => return super::fail(1, &format_args!("cannot look for sessions: {error}")),
    };
    let here: Vec<_> = recorded.into_iter().filter(|(_, life)| *life != Life::Elsewhere).collect();
    if here.is_empty() {
        super::print("No session is running.\n");
    }
    // One that ended by itself meanwhile is as good.
    let codes = here.iter().map(|(record, _)| stop_one(places, &record.name)).filter(|code| *code != UNKNOWN);
    ExitCode::from(codes.max().unwrap_or(0))
}

/// Says what became of it, and answers the exit code.
fn stop_one(places: &Paths, name: &str) -> u8 {
    match stop(places, name) {
        Ok(Stopped::Ended(_, after)) => {
            let after = if after > SOON { format!(" after {}", units::duration(after)) } else { String::new() };
            super::print(&format!("Session \"{name}\" has ended{after}.\n"));
            0
        }
        Ok(Stopped::WasDead(record)) => {
            super::print(&format!(
                "Session \"{name}\" did not run any more: its process {} had been killed. What it left behind is removed.\n",
                record.pid
            ));
            0
        }
        Ok(Stopped::StillRuns(record, after)) => {
            super::tell(&format_args!(
                "session \"{name}\" (pid {}) was asked to end and still runs after {}. The same command again kills it.",
                record.pid,
                units::duration(after)
            ));
            1
        }
        Ok(Stopped::Elsewhere(_)) => {
            super::tell(&format_args!(
                "session \"{name}\" belongs to another machine that shares this home folder. End it there."
            ));
            1
        }
        Ok(Stopped::Unknown) => {
            super::tell(&format_args!("no session \"{name}\" is running. {}", running(places)));
            UNKNOWN
        }
        Err(error) => {
            super::tell(&format_args!("session \"{name}\" cannot be ended: {}", explain(&error)));
            1
        }
    }
}

fn running(places: &Paths) -> String {
    let running = registry::running_at(places).unwrap_or_default();
    let names: Vec<_> = running
        .iter()
        .map(|record| format!("{} ({})", record.name, cut_front(&record.cwd.to_string_lossy(), FOLDER)))
        .take(NAMES)
        .collect();
    match running.len() - names.len() {
        0 if names.is_empty() => "There is none at all.".to_owned(),
        0 => format!("There are: {}.", names.join(", ")),
        rest => format!("There are: {} and {rest} more; `fourhands sessions` lists them.", names.join(", ")),
    }
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "its process may not be signalled; it runs with other rights".to_owned(),
        _ => error.to_string(),
    }
}
