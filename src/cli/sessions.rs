//! `fourhands sessions`: what runs, as a table for people or as JSON for programs.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use futures_util::future::join_all;
use serde::Serialize;

use crate::domain::terminal_text::visible;
use crate::domain::{Timestamp, units};
use crate::session::live::{self, Live, LiveClient, Told};
use crate::session::places::Places;
use crate::session::registry::{self, Life, Record};

const JSON_FIELDS: &str = "\
JSON: an array with an object for each session, sorted by name. Fields are added, never renamed or removed:
  name            of the session
  state           running; starting: no connections yet; silent: suspended, or it
                  does not answer; stale: it was killed, and `stop` or the next
                  start removes what it left; elsewhere: of another machine
  cwd             working directory
  python          the interpreter, or null
  python_version  such as 3.12.1, or null
  dashboard       true on a person's terminal, false without one, or null
  guardian_pid    the process that holds the session
  pid             the process that runs Python, or null if it did not answer
  started_at      milliseconds since 1970
  socket          what `fourhands bridge --socket` takes
  clients         array of {name, pid}, or null if it did not answer
  snippets        how many so far, or null
  running         number of the snippet that runs, or null
  queued          how many wait, or null";

#[derive(Args, Debug)]
#[command(after_help = JSON_FIELDS)]
pub struct Arguments {
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

/// One session as it is told; the fields are those of the JSON.
#[derive(Clone, Debug, Serialize)]
struct Row {
    name: String,
    state: &'static str,
    cwd: String,
    python: Option<String>,
    python_version: Option<String>,
    dashboard: Option<bool>,
    guardian_pid: u32,
    pid: Option<u32>,
    started_at: Timestamp,
    socket: String,
    clients: Option<Vec<LiveClient>>,
    snippets: Option<u32>,
    running: Option<u32>,
    queued: Option<usize>,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let rows = match present(&Places::of_this_process()) {
        Ok(rows) => rows,
        Err(error) => return super::fail(1, &format_args!("cannot look for sessions: {error}")),
    };
    if arguments.json {
        super::print(&format!("{}\n", escaped(&serde_json::to_string_pretty(&rows).unwrap_or_default())));
    } else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Timestamp);
        super::print(&table(&rows, now));
    }
    ExitCode::SUCCESS
}

/// Sessions that live, and what killed ones left behind.
fn present(places: &Places) -> io::Result<Vec<Row>> {
    let recorded = registry::recorded_at(places)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(join_all(recorded.into_iter().map(|(record, life)| look(record, life)))))
}

async fn look(record: Record, life: Life) -> Row {
    let (state, told) = match life {
        Life::Stale => ("stale", None),
        Life::Elsewhere => ("elsewhere", None),
        Life::Running => match live::ask(&record.socket).await {
            Told::Live(session) => ("running", Some(session)),
            Told::Closed => ("starting", None),
            Told::Silent => ("silent", None),
        },
    };
    Row::new(record, state, told)
}

impl Row {
    fn new(record: Record, state: &'static str, live: Option<Live>) -> Self {
        Self {
            state,
            cwd: record.cwd.to_string_lossy().into_owned(),
            python: record.python,
            python_version: record.python_version,
            dashboard: record.dashboard,
            guardian_pid: record.pid,
            pid: live.as_ref().map(|live| live.pid),
            started_at: record.started_at,
            socket: record.socket.to_string_lossy().into_owned(),
            snippets: live.as_ref().map(|live| live.snippets),
            running: live.as_ref().and_then(|live| live.running),
            queued: live.as_ref().map(|live| live.queued),
            clients: live.map(|live| live.clients),
            name: record.name,
        }
    }

    fn cells(&self, now: Timestamp) -> [String; 8] {
        let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
        let clients = self.clients.as_ref().map(|clients| {
            let names: Vec<_> = clients.iter().map(|client| client.name.as_str()).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        });
        [
            self.name.clone(),
            self.state.to_owned(),
            self.guardian_pid.to_string(),
            text(self.python_version.as_deref()),
            units::age(Duration::from_millis(now.saturating_sub(self.started_at))),
            text(self.dashboard.map(|dashboard| if dashboard { "dashboard" } else { "headless" })),
            clients.unwrap_or_else(|| "-".to_owned()),
            // A line of its own for each, whatever the name of the folder is.
            self.cwd.replace(['\n', '\t'], "\u{fffd}"),
        ]
    }
}

fn table(rows: &[Row], now: Timestamp) -> String {
    if rows.is_empty() {
        return "No session is running. `fourhands` starts one here, `fourhands serve` one without a terminal.\n"
            .to_owned();
    }
    let heads = ["NAME", "STATE", "PID", "PYTHON", "SINCE", "MODE", "CLIENTS", "DIRECTORY"].map(str::to_owned);
    let lines: Vec<_> = std::iter::once(heads).chain(rows.iter().map(|row| row.cells(now))).collect();
    let mut text = String::new();
    for line in &lines {
        for (column, cell) in line.iter().enumerate() {
            let widest = lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
            let last = column + 1 == line.len();
            text.push_str(&if last { cell.clone() } else { format!("{cell:widest$}  ") });
        }
        text.push('\n');
    }
    text
}

/// JSON with all escaped that a terminal would not show as it is: serde leaves some of that.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if visible(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            text.push(c);
        } else {
            text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_what_a_terminal_must_not_see() {
        let hostile = "a\u{9b}2J\u{202e}\u{e0001}é\u{1b}";
        let json = escaped(&serde_json::to_string(hostile).unwrap());
        assert_eq!(json, r#""a\u009b2J\u202e\udb40\udc01é\u001b""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }

    #[test]
    fn a_table_has_a_line_for_each_and_nothing_is_a_sentence() {
        assert!(table(&[], 0).starts_with("No session is running."));
        let record = Record {
            name: "work".to_owned(),
            pid: 12,
            boot: String::new(),
            machine: String::new(),
            cwd: "/a\nb".into(),
            socket: "/s.sock".into(),
            python: Some("/python".to_owned()),
            python_version: Some("3.12.1".to_owned()),
            dashboard: Some(true),
            started_at: 0,
        };
        let client = |name: &str| LiveClient { name: name.to_owned(), pid: Some(3) };
        let live = Live {
            pid: 13,
            clients: vec![client("cursor"), client("claude-code")],
            snippets: 4,
            running: None,
            queued: 0,
        };
        let rows = [Row::new(record.clone(), "running", Some(live)), Row::new(record, "silent", None)];
        assert_eq!(
            table(&rows, 60_000),
            "NAME  STATE    PID  PYTHON  SINCE  MODE       CLIENTS              DIRECTORY\n\
             work  running  12   3.12.1  1 min  dashboard  cursor, claude-code  /a\u{fffd}b\n\
             work  silent   12   3.12.1  1 min  dashboard  -                    /a\u{fffd}b\n"
        );
    }
}
