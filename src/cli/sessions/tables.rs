//! Sessions as tables for people.

use std::time::Duration;

use super::row::Row;
use crate::domain::{Timestamp, units};

/// Digits of an id that no two sessions share, unless they began in the same millisecond.
const ID: usize = 12;

/// What runs.
pub fn present(rows: &[Row], now: Timestamp) -> String {
    if rows.is_empty() {
        return "No session is running. `fourhands` starts one here, `fourhands serve` one without a terminal.\n"
            .to_owned();
    }
    let cells = |row: &Row| {
        let clients = row.clients.as_ref().map(|clients| {
            let names: Vec<_> = clients.iter().map(|client| client.name.as_str()).collect();
            if names.is_empty() { "none".to_owned() } else { names.join(", ") }
        });
        let mode = row.dashboard.map(|dashboard| if dashboard { "dashboard" } else { "headless" });
        [
            row.name.clone(),
            row.state.to_owned(),
            row.guardian_pid.or(row.pid).map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
            told(row.python_version.as_deref()),
            age(row.started_at, now),
            told(mode),
            clients.unwrap_or_else(|| "-".to_owned()),
            folder(row),
        ]
    };
    let heads = ["NAME", "STATE", "PID", "PYTHON", "SINCE", "MODE", "CLIENTS", "DIRECTORY"];
    aligned(heads, rows.iter().map(cells).collect())
}

/// What ran, the last first; `total` is how many there are.
pub fn past(rows: &[Row], total: usize, now: Timestamp, below: bool) -> String {
    if rows.is_empty() {
        return if below { String::new() } else { "No past session is recorded.\n".to_owned() };
    }
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let cells = |row: &Row| {
        [
            row.name.clone(),
            row.id.as_ref().map_or_else(|| "-".to_owned(), |id| id.chars().take(ID).collect()),
            format!("{} ago", age(row.last_active.unwrap_or(row.started_at), now)),
            row.state.to_owned(),
            told(row.python_version.as_deref()),
            number(row.snippets),
            number(row.failed),
            row.bytes.map_or_else(|| "-".to_owned(), units::bytes),
            row.authors.as_ref().map_or_else(|| "-".to_owned(), |authors| authors.join(", ")),
            folder(row),
        ]
    };
    let heads = ["PAST", "ID", "ENDED", "HOW", "PYTHON", "SNIPPETS", "FAILED", "SIZE", "BY", "DIRECTORY"];
    let mut text = if below { "\n".to_owned() } else { String::new() };
    text += &aligned(heads, rows.iter().map(cells).collect());
    if total > rows.len() {
        text += &format!("\n{} more: `fourhands sessions --all`\n", total - rows.len());
    }
    text
}

fn told(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

fn age(since: Timestamp, now: Timestamp) -> String {
    units::age(Duration::from_millis(now.saturating_sub(since)))
}

fn folder(row: &Row) -> String {
    row.cwd.clone()
}

fn aligned<const COLUMNS: usize>(heads: [&str; COLUMNS], rows: Vec<[String; COLUMNS]>) -> String {
    // A line of its own for each, whatever names and folders hold.
    let clean = |row: [String; COLUMNS]| row.map(|cell| cell.replace(['\n', '\t'], "\u{fffd}"));
    let lines: Vec<_> = std::iter::once(heads.map(str::to_owned)).chain(rows.into_iter().map(clean)).collect();
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

#[cfg(test)]
mod tests {
    use super::super::row::fixtures::{record, summary};
    use super::*;
    use crate::journal::Ending;
    use crate::session::live::{Live, LiveClient};

    #[test]
    fn a_table_has_a_line_for_each_and_nothing_is_a_sentence() {
        assert!(present(&[], 0).starts_with("No session is running."));
        let client = |name: &str| LiveClient { name: name.to_owned(), pid: Some(3) };
        let live = Live {
            pid: 13,
            clients: vec![client("cursor"), client("claude-code")],
            snippets: 4,
            running: None,
            queued: 0,
        };
        let rows = [Row::new(record("work", 0), "running", Some(live)), Row::new(record("work", 0), "silent", None)];
        assert_eq!(
            present(&rows, 60_000),
            "NAME  STATE    PID  PYTHON  SINCE  MODE       CLIENTS              DIRECTORY\n\
             work  running  12   3.12.1  1 min  dashboard  cursor, claude-code  /a\u{fffd}b\n\
             work  silent   12   3.12.1  1 min  dashboard  -                    /a\u{fffd}b\n"
        );
    }

    #[test]
    fn the_past_is_told_with_what_was_done() {
        assert_eq!(past(&[], 0, 0, true), "");
        let rows = [Row::of_journal(&summary("sales", 0, Ending::Closed))];
        assert_eq!(
            past(&rows, 7, 3 * 3_600_000, false),
            "PAST   ID            ENDED    HOW     PYTHON  SNIPPETS  FAILED  SIZE    BY                DIRECTORY\n\
             sales  000000000000  3 h ago  closed  3.12.1  34        2       1.2 MB  you, claude-code  /home/ada\n\n\
             6 more: `fourhands sessions --all`\n"
        );
    }
}
