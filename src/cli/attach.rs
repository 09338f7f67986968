//! The dashboard of a session that runs without one: this terminal is lent to the session.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::farewell;
use super::output::{USAGE, fail, warn, write_soon};
use crate::cli::arguments::SessionArguments;
use crate::domain::terminal_caps::TERMINAL_VARIABLES;
use crate::launch::boot::Mode;
use crate::launch::lender::Lender;
use crate::session::clock;
use crate::session::discovery::registry::{self, SessionEntry};
use crate::session::discovery::terminal_offer::{Farewell, TerminalFacts};

/// The longest wait for a starting session to say whether it has a dashboard.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(1);
/// Bytes of the longest variable that tells about a terminal.
const MAX_VARIABLE: usize = 1_000;

/// Returns the running session without a dashboard that the arguments mean: that of the name, else that of the folder.
pub fn find(arguments: &SessionArguments, cwd: &Path) -> Option<SessionEntry> {
    if arguments.resume.is_some() {
        return None;
    }
    let begun = Instant::now();
    loop {
        let found = match &arguments.session {
            Some(name) => registry::running().ok()?.into_iter().find(|entry| entry.name == *name),
            None => registry::of_folder(cwd),
        };
        match found {
            Some(SessionEntry { dashboard: None, .. }) if begun.elapsed() < DESCRIBE_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(20));
            }
            found => return found.filter(|entry| entry.dashboard == Some(false)),
        }
    }
}

/// Shows the dashboard of `session` on this terminal until it is closed.
pub fn run(session: SessionEntry, arguments: &SessionArguments, mode: Mode) -> ExitCode {
    let (name, pid) = (session.name.clone(), session.pid);
    if let Some(option) = option_of_a_start(arguments) {
        return fail(
            USAGE,
            &format_args!(
                "session \"{name}\" is already running (pid {pid}), so {option} has no effect on it. Open its \
                 dashboard with `fourhands --session {name}`, end it with `fourhands stop {name}`, or start another \
                 session with --session NAME"
            ),
        );
    }
    let environment = TERMINAL_VARIABLES.iter().filter_map(|name| {
        let value = std::env::var(name).ok().filter(|value| value.len() <= MAX_VARIABLE)?;
        Some(((*name).to_owned(), value))
    });
    let facts =
        TerminalFacts { environment: environment.collect(), pid: std::process::id(), is_plain: mode == Mode::Plain };
    let (id, started_at) = (session.id.clone(), session.started_at);
    match Lender::new(session, facts).and_then(Lender::lend) {
        Ok(Farewell::Left { waiting, goes_on: true }) => {
            let waiting = waiting.map(|waiting| format!("\nIn it, {waiting}.")).unwrap_or_default();
            warn(&format_args!(
                "session \"{name}\" goes on without a dashboard (pid {pid}). `fourhands --session {name}` opens it \
                 again, `fourhands stop {name}` ends the session.{waiting}"
            ));
        }
        Ok(Farewell::Left { goes_on: false, .. }) => {
            warn(&format_args!("session \"{name}\" ends now, because no AI client uses it any more."));
        }
        Ok(Farewell::Ended) => {
            warn(&format_args!("session \"{name}\" has ended."));
            if let Some(id) = id {
                let lasted = Duration::from_millis(clock::now().saturating_sub(started_at));
                write_soon(std::io::stdout(), &farewell::soon(id, name, lasted));
            }
        }
        Ok(Farewell::TakenOver { by }) => {
            warn(&format_args!("the dashboard of session \"{name}\" was opened in another terminal (pid {by})."));
        }
        Ok(Farewell::Refused(why)) => return fail(1, &format_args!("session \"{name}\": {why}")),
        Err(error) => return fail(1, &error),
    }
    ExitCode::SUCCESS
}

/// Returns the first option that only the start of a session can follow.
fn option_of_a_start(arguments: &SessionArguments) -> Option<&'static str> {
    let SessionArguments { python, with, script, keep_processes, gate, .. } = arguments;
    let given = [
        (python.is_some(), "--python"),
        (!with.is_empty(), "--with"),
        (script.is_some(), "--script"),
        (*keep_processes, "--keep-processes"),
        (gate.is_some(), "--gate"),
    ];
    given.into_iter().find_map(|(is_given, option)| is_given.then_some(option))
}
