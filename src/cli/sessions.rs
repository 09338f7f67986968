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

const JSON_FIELDS: &str = "\
JSON: an array with an object for each session, those that run first. Fields are added, never renamed or removed:
  name            of the session
  id              by which the journal knows it, or null; `export` and
                  --resume take it
  state           running; starting: no connections yet; waiting: its Python could
                  not be started again, see trouble; silent: suspended, or it
                  does not answer; stale: it was killed, and `stop` or the next
                  start removes what it left; elsewhere: of another machine;
                  of the past: closed, or died: killed, or by itself; set aside: let
                  go of by the journal's limits, and kept for a week
  cwd             working directory
  python          the interpreter, or null
  python_version  such as 3.12.1, or null
  dashboard       true on a person's terminal, false without one, or null
  guardian_pid    the process that holds the session, or null
  pid             the process that runs or ran Python, or null if it did not answer
  started_at      milliseconds since 1970
  last_active     the same for the last thing that happened, or null
  socket          what `fourhands bridge --socket` takes, or null
  trouble         why nobody can connect, or null
  clients         array of {name, pid} of those that are connected, or null
  authors         array of the names of all that ran something, or null
  snippets        how many so far, or null
  failed          how many of them ended by an error, or null
  lost            how many more ran that could not be recorded, or null
  bytes           what it takes in the journal, or null
  running         number of the snippet that runs, or null
  queued          how many wait, or null";

#[derive(Args, Debug)]
#[command(after_help = JSON_FIELDS)]
pub struct SessionsArguments {
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
    /// List all past sessions, not only the last few
    #[arg(long, conflicts_with_all = ["past", "running"])]
    all: bool,
    /// List past sessions only, all of them
    #[arg(long, conflicts_with = "running")]
    past: bool,
    /// List only what runs
    #[arg(long)]
    running: bool,
    /// Show which sessions the journal's limits let go of, and after a question do that now
    #[arg(long, conflicts_with_all = ["all", "past", "running", "json"])]
    prune: bool,
    /// Bring back a session that was set aside
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["prune", "all", "past", "running", "json"])]
    restore: Option<String>,
    /// Erase a past session for good, after a question: its text is in no file of the journal any more
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["restore", "prune", "all", "past", "running", "json"])]
    erase: Option<String>,
    /// Do not ask
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
        Err(error) => return fail(1, &format_args!("cannot look for sessions: {error}")),
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
