//! `fourhands sessions`: lists running and past sessions, as tables or as JSON.

mod retention;
mod row;
mod tables;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use clap::Args;
use futures_util::future::join_all;

use super::past;
use crate::cli::output::{self, fail, warn};
use crate::export::escaped;
use crate::journal::{SessionEnd, SessionSummary};
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry::{self, Liveness, SessionEntry};
use crate::session::discovery::status::{self, StatusReply};
use row::{SessionRow, SessionState};

/// Past sessions listed by default.
const MAX_PAST: usize = 5;

const AFTER_LONG_HELP: &str = "\
States:
  running    Clients can connect
  starting   Python is starting; no connections yet
  waiting    Python could not be started again; `trouble` has the reason
  silent     The session does not answer, or is suspended
  stale      The session was killed; `stop` or the next start removes its files
  elsewhere  The session runs on another machine that shares this home folder
  closed     A past session that ended normally
  died       A past session that was killed or crashed
  set aside  A past session over the journal's limits, kept for a week

Fields of --json (an array with an object for each session, running sessions first; fields are
added, never renamed or removed). A field is null if it does not apply or is unknown:
  name            Name of the session
  id              Id in the journal, for `export` and --resume
  state           See above
  cwd             Working directory
  python          Path of the interpreter
  python_version  Such as 3.12.1
  dashboard       Whether a person's terminal shows the session
  guardian_pid    PID of the process that owns the session
  pid             PID of the Python process
  started_at      Start, in milliseconds since 1970
  last_active     Last event, in milliseconds since 1970
  socket          Socket, for `fourhands bridge --socket`
  trouble         Why nobody can connect
  clients         Connected clients: array of {name, pid}
  authors         Names of all authors of snippets
  snippets        Number of snippets
  failed          Number of snippets that failed
  lost            Number of snippets that could not be recorded
  bytes           Size in the journal
  running         Number of the running snippet
  queued          Length of the queue";

#[derive(Args, Debug)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub struct SessionsArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// List all past sessions, not only the last five
    #[arg(long, conflicts_with_all = ["past", "running"])]
    all: bool,
    /// List past sessions only, all of them
    #[arg(long, conflicts_with = "running")]
    past: bool,
    /// List running sessions only
    #[arg(long)]
    running: bool,
    /// Preview what the limits remove, and ask to remove it
    #[arg(long, conflicts_with_all = ["all", "past", "running", "json"])]
    prune: bool,
    /// Restore a session that was set aside
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["prune", "all", "past", "running", "json"])]
    restore: Option<String>,
    /// Erase a past session permanently, after a question
    ///
    /// Its code, outputs and saved variables are removed from all files of the journal.
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["restore", "prune", "all", "past", "running", "json"])]
    erase: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

pub fn run(arguments: &SessionsArguments) -> ExitCode {
    let paths = Paths::of_this_process();
    if arguments.prune {
        return retention::prune(&paths, arguments.yes);
    }
    if let Some(name) = &arguments.restore {
        return retention::restore(&paths, name);
    }
    if let Some(name) = &arguments.erase {
        return retention::erase(&paths, name, arguments.yes);
    }
    let mut present = match present(&paths) {
        Ok(rows) => rows,
        Err(error) => return fail(1, &format_args!("cannot list sessions: {error}")),
    };
    let recorded = past::journal(&paths).and_then(|reader| match reader {
        Some(reader) => reader.sessions().map_err(|fault| fault.to_string()),
        None => Ok(Vec::new()),
    });
    let mut past = match recorded {
        Ok(recorded) => join(&mut present, recorded),
        // Running sessions are known without the journal.
        Err(_) if arguments.running => Vec::new(),
        Err(why) => {
            warn(&format_args!("past sessions cannot be listed: {why}"));
            Vec::new()
        }
    };
    // Sessions set aside are hidden by default.
    if !(arguments.all || arguments.past) {
        past.retain(|row| row.state != SessionState::SetAside);
    }
    let total = past.len();
    if arguments.running {
        past.clear();
    } else if !(arguments.all || arguments.past) {
        past.truncate(MAX_PAST);
    }
    if arguments.past {
        present.clear();
    }
    if arguments.json {
        let rows: Vec<&SessionRow> = present.iter().chain(&past).collect();
        output::print(&format!("{}\n", escaped(&serde_json::to_string_pretty(&rows).unwrap_or_default())));
        return ExitCode::SUCCESS;
    }
    let now = crate::session::clock::now();
    let is_seen = io::stdout().is_terminal();
    let width = is_seen.then(crossterm::terminal::size).and_then(Result::ok).map(|(columns, _)| usize::from(columns));
    let width = width.filter(|width| *width > 0);
    let mut text = String::new();
    if !arguments.past {
        text += &tables::present(&present, now, width);
    }
    if !arguments.running {
        text += &tables::past(&past, total, now, !arguments.past, width);
    }
    output::print(&text);
    ExitCode::SUCCESS
}

/// Adds the journal's data to the present sessions. Returns the past sessions.
fn join(present: &mut Vec<SessionRow>, recorded: Vec<SessionSummary>) -> Vec<SessionRow> {
    let mut past = Vec::new();
    for session in recorded {
        let runs = session.ending == SessionEnd::Running;
        let row = present.iter_mut().find(|row| row.id.is_none() && row.is_of(&session));
        match row {
            Some(row) => row.add_recorded(&session),
            // The registry has lost its entry.
            None if runs => present.push(SessionRow::of_journal(&session)),
            None => past.push(SessionRow::of_journal(&session)),
        }
    }
    past
}

/// Returns the sessions that run, and those that were killed and have left files.
fn present(paths: &Paths) -> io::Result<Vec<SessionRow>> {
    let recorded = registry::recorded_at(paths)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(join_all(recorded.into_iter().map(|(entry, life)| session_row(entry, life)))))
}

async fn session_row(entry: SessionEntry, life: Liveness) -> SessionRow {
    let (state, status) = match life {
        Liveness::Stale => (SessionState::Stale, None),
        Liveness::Elsewhere => (SessionState::Elsewhere, None),
        Liveness::Running => match status::ask(&entry.socket).await {
            StatusReply::Live(session) => (SessionState::Running, Some(session)),
            StatusReply::Closed if entry.trouble.is_some() => (SessionState::Waiting, None),
            StatusReply::Closed => (SessionState::Starting, None),
            StatusReply::Silent => (SessionState::Silent, None),
        },
    };
    SessionRow::new(entry, state, status)
}

#[cfg(test)]
mod tests {
    use super::row::fixtures::{entry, summary};
    use super::*;

    #[test]
    fn json_escapes_control_characters() {
        let hostile = "a\u{9b}2J\u{202e}\u{e0001}é\u{1b}";
        let json = escaped(&serde_json::to_string(hostile).unwrap());
        assert_eq!(json, r#""a\u009b2J\u202e\udb40\udc01é\u001b""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }

    #[test]
    fn a_running_session_is_listed_once() {
        let mut present = vec![SessionRow::new(entry("work", 1_000), SessionState::Running, None)];
        let recorded = vec![
            summary("work", 1_200, SessionEnd::Running),
            summary("stdio", 1_100, SessionEnd::Running),
            summary("work", 500, SessionEnd::Died),
        ];
        let past = join(&mut present, recorded);
        assert_eq!(
            present.iter().map(|row| (&*row.name, row.failed)).collect::<Vec<_>>(),
            [("work", Some(2)), ("stdio", Some(2)),]
        );
        assert_eq!(past.iter().map(|row| (&*row.name, row.state)).collect::<Vec<_>>(), [("work", SessionState::Died)]);
    }
}
