//! Tables of sessions for people.

use std::time::Duration;

use super::row::SessionRow;
use crate::cli::output::listed;
use crate::domain::terminal_text::visible;
use crate::domain::{Timestamp, units};
use crate::tui::text::{cut, cut_front, width as cells_of};

/// The first digits of an id, which differ unless two sessions began in the same millisecond.
const ID_CELLS: usize = 12;

/// Names of clients and authors in a row. The JSON has all of them.
const MAX_NAMES: usize = 6;
/// The most cells of a column other than the last; the longest name of a session fits.
const MAX_CELLS: usize = 64;
/// The fewest cells of a folder. Columns are dropped to keep them.
const MIN_FOLDER_CELLS: usize = 12;

/// Formats the present sessions. All tables fit `width` if possible.
pub fn present(rows: &[SessionRow], now: Timestamp, width: Option<usize>) -> String {
    if rows.is_empty() {
        return "No session is running. Start one with `fourhands`, or without a terminal with `fourhands serve`.\n"
            .to_owned();
    }
    let cells = |row: &SessionRow| {
        let clients = row.clients.as_ref().map(|clients| {
            if clients.is_empty() {
                "none".to_owned()
            } else {
                listed(clients.iter().map(|client| &*client.name), MAX_NAMES)
            }
        });
        let mode = row.dashboard.map(|dashboard| if dashboard { "dashboard" } else { "headless" });
        [
            row.name.clone(),
            row.state.as_str().to_owned(),
            row.guardian_pid.or(row.pid).map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
            cell(row.python_version.as_deref()),
            age(row.started_at, now),
            cell(mode),
            clients.unwrap_or_else(|| "-".to_owned()),
            folder(row),
        ]
    };
    let heads = ["NAME", "STATE", "PID", "PYTHON", "SINCE", "MODE", "CLIENTS", "DIRECTORY"];
    // The mode goes first, then the start, the Python, the process.
    let table = aligned(heads, rows.iter().map(cells).collect(), width, &[5, 4, 3, 2]);
    let troubles = rows.iter().filter_map(|row| Some(format!("\n{}: {}\n", row.name, row.trouble.as_ref()?)));
    table + &troubles.collect::<String>()
}

/// Formats the past sessions, the last first. `total` is the number of all past sessions; `below`: the table follows
/// another.
pub fn past(rows: &[SessionRow], total: usize, now: Timestamp, below: bool, width: Option<usize>) -> String {
    if rows.is_empty() {
        return if below { String::new() } else { "No past sessions are recorded.\n".to_owned() };
    }
    let number = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let cells = |row: &SessionRow| {
        [
            row.name.clone(),
            row.id.as_ref().map_or_else(|| "-".to_owned(), |id| id.chars().take(ID_CELLS).collect()),
            format!("{} ago", age(row.last_active.unwrap_or(row.started_at), now)),
            row.state.as_str().to_owned(),
            cell(row.python_version.as_deref()),
            number(row.snippets),
            number(row.failed),
            row.bytes.map_or_else(|| "-".to_owned(), units::bytes),
            row.authors
                .as_ref()
                .map_or_else(|| "-".to_owned(), |authors| listed(authors.iter().map(String::as_str), MAX_NAMES)),
            folder(row),
        ]
    };
    let heads = ["NAME", "ID", "ENDED", "STATE", "PYTHON", "SNIPPETS", "FAILED", "SIZE", "AUTHORS", "DIRECTORY"];
    let mut text = if below { "\nPast sessions:\n".to_owned() } else { String::new() };
    // The Python goes first, then the size, failures, snippets, the end, the authors.
    text += &aligned(heads, rows.iter().map(cells).collect(), width, &[4, 7, 6, 5, 3, 8]);
    if total > rows.len() {
        text += &format!("\n{} more: `fourhands sessions --all`\n", total - rows.len());
    }
    text
}

fn cell(text: Option<&str>) -> String {
    text.unwrap_or("-").to_owned()
}

fn age(since: Timestamp, now: Timestamp) -> String {
    units::age(Duration::from_millis(now.saturating_sub(since)))
}

fn folder(row: &SessionRow) -> String {
    row.cwd.clone()
}

/// Aligns columns. While lines are too long, the columns `first_to_go` are dropped in that order; then the last column
/// is cut.
fn aligned<const COLUMNS: usize>(
    heads: [&str; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
    width: Option<usize>,
    first_to_go: &[usize],
) -> String {
    // Every row takes one line, whatever its names and folders contain.
    let clean = |row: [String; COLUMNS]| row.map(|cell| visible(&cell).replace(['\n', '\t'], "\u{fffd}"));
    let mut lines: Vec<_> = std::iter::once(heads.map(str::to_owned)).chain(rows.into_iter().map(clean)).collect();
    for cell in lines.iter_mut().flat_map(|line| &mut line[..COLUMNS - 1]) {
        *cell = cut(cell, MAX_CELLS).into_owned();
    }
    let widest: [usize; COLUMNS] =
        std::array::from_fn(|column| lines.iter().map(|line| cells_of(&line[column])).max().unwrap_or(0));
    let mut columns: Vec<usize> = (0..COLUMNS - 1).collect();
    let before = |columns: &[usize]| columns.iter().map(|column| widest[*column] + 2).sum::<usize>();
    let width = width.unwrap_or(usize::MAX);
    for column in first_to_go {
        if before(&columns) + widest[COLUMNS - 1].min(MIN_FOLDER_CELLS) > width {
            columns.retain(|left| left != column);
        }
    }
    let room = width.saturating_sub(before(&columns)).max(MIN_FOLDER_CELLS / 2);
    let mut text = String::new();
    for line in &lines {
        for column in &columns {
            let cell = &line[*column];
            text.push_str(cell);
            // A width in `format!` would count characters, and panic beyond 65 535.
            text.push_str(&" ".repeat(widest[*column] - cells_of(cell) + 2));
        }
        // The end of a path tells folders apart.
        text.push_str(&cut_front(&line[COLUMNS - 1], room));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::row::SessionState;
    use super::super::row::fixtures::{entry, summary};
    use super::*;
    use crate::journal::SessionEnd;
    use crate::session::discovery::status::{LiveClient, SessionStatus};

    #[test]
    fn a_table_has_a_line_for_each_session() {
        assert!(present(&[], 0, None).starts_with("No session is running."));
        let client = |name: &str| LiveClient { name: name.to_owned(), pid: Some(3) };
        let live = SessionStatus {
            pid: 13,
            clients: vec![client("cursor"), client("claude-code")],
            snippets: 4,
            running: None,
            queued: 0,
            dashboard: Some(true),
        };
        let rows = [
            SessionRow::new(entry("work", 0), SessionState::Running, Some(live)),
            SessionRow::new(entry("work", 0), SessionState::Silent, None),
        ];
        assert_eq!(
            present(&rows, 60_000, Some(200)),
            "NAME  STATE    PID  PYTHON  SINCE  MODE       CLIENTS              DIRECTORY\n\
             work  running  12   3.12.1  1 min  dashboard  cursor, claude-code  /a\u{fffd}b\n\
             work  silent   12   3.12.1  1 min  dashboard  -                    /a\u{fffd}b\n"
        );
    }

    #[test]
    fn past_sessions_are_listed_with_their_counts() {
        assert_eq!(past(&[], 0, 0, true, None), "");
        let rows = [SessionRow::of_journal(&summary("sales", 0, SessionEnd::Closed))];
        assert_eq!(
            past(&rows, 7, 3 * 3_600_000, false, None),
            "NAME   ID            ENDED    STATE   PYTHON  SNIPPETS  FAILED  SIZE    AUTHORS           DIRECTORY\n\
             sales  000000000000  3 h ago  closed  3.12.1  34        2       1.2 MB  you, claude-code  /home/ada\n\n\
             6 more: `fourhands sessions --all`\n"
        );
    }

    #[test]
    fn narrow_terminals_drop_the_least_important_columns() {
        let mut here = entry("work", 0);
        here.cwd = "/home/ada/projects/quarterly-report".into();
        let rows = [SessionRow::new(here, SessionState::Running, None)];
        assert_eq!(
            present(&rows, 60_000, Some(80)),
            "NAME  STATE    PID  PYTHON  SINCE  MODE       CLIENTS  DIRECTORY\n\
             work  running  12   3.12.1  1 min  dashboard  -        …rojects/quarterly-report\n"
        );
        assert_eq!(
            present(&rows, 60_000, Some(40)),
            "NAME  STATE    CLIENTS  DIRECTORY\n\
             work  running  -        …uarterly-report\n"
        );
        let mut ended = summary("sales", 0, SessionEnd::Closed);
        ended.cwd = "/home/ada/projects/quarterly-report".into();
        let rows = [SessionRow::of_journal(&ended)];
        for width in 40..=140 {
            let table = past(&rows, 1, 3 * 3_600_000, false, Some(width));
            assert!(table.lines().all(|line| line.chars().count() <= width), "{width}:\n{table}");
            assert!(table.starts_with("NAME   ID") && table.contains("-report"), "{table}");
        }
    }

    #[test]
    fn names_of_any_length_and_number_make_a_table() {
        let names = ["x", "漢字", "e\u{301}\u{301}", "\u{200b}\u{200d}", "👩‍👩‍👧‍👦", "\u{1b}[2J\n\t", ""];
        for (length, count) in [(1, 0), (1, 1), (300, 170), (70_000, 1), (1, 70_000)] {
            // Splitting very long names takes long in a debug build.
            for name in names.into_iter().take(if length > 300 { 1 } else { names.len() }) {
                let name = name.repeat(length);
                let client = LiveClient { name: name.clone(), pid: None };
                let clients = vec![client; count];
                let live = SessionStatus {
                    pid: 13,
                    clients,
                    snippets: u32::MAX,
                    running: None,
                    queued: usize::MAX,
                    dashboard: None,
                };
                let mut entry = entry(&name, 0);
                entry.cwd = name.clone().into();
                let mut past_one = summary(&name, 0, SessionEnd::Died);
                past_one.authors = vec![name.clone(); count];
                past_one.cwd = name.into();
                let running = SessionRow::new(entry, SessionState::Running, Some(live));
                for width in [None, Some(1), Some(80), Some(100_000)] {
                    let table = present(std::slice::from_ref(&running), u64::MAX, width);
                    assert_eq!(table.lines().count(), 2, "{width:?}");
                    assert!(table.lines().all(|line| !line.contains(char::is_control)));
                    let (_, last) = table.split_once('\n').unwrap();
                    assert!(
                        width.is_some() || cells_of(last.trim_end()) < MAX_CELLS * 9 + length * 20,
                        "{}",
                        last.len()
                    );
                    let table = past(&[SessionRow::of_journal(&past_one)], 1, u64::MAX, false, width);
                    assert_eq!(table.lines().count(), 2, "{width:?}");
                }
            }
        }
    }
}
