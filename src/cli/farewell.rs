//! The last lines of a dashboard in the terminal's scrollback: a summary, and how to continue.

use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::past;
use crate::domain::{home_path, units};
use crate::journal::Tally;
use crate::session::SessionId;
use crate::session::discovery::paths::Paths;

/// Clients that are named.
const MAX_CLIENTS: usize = 3;

/// The longest wait for the journal, since its disk may be slow.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// Returns the lines; empty if the journal is too slow.
pub fn soon(id: SessionId, name: String, lasted: Duration) -> String {
    let (done, summary) = channel();
    let started =
        thread::Builder::new().name("farewell".to_owned()).spawn(move || done.send(last_lines(&id, &name, lasted)));
    started.ok().and_then(|_| summary.recv_timeout(READ_TIMEOUT).ok()).unwrap_or_default()
}

/// Returns the lines; empty if nothing ran, or nothing is recorded.
fn last_lines(id: &SessionId, name: &str, lasted: Duration) -> String {
    let paths = Paths::of_this_process();
    let Ok(Some(reader)) = past::journal(&paths) else { return String::new() };
    let Ok(tallies) = reader.tally(id) else { return String::new() };
    summary(name, lasted, &tallies, &short(reader.path(), paths.home.as_deref()))
}

fn summary(name: &str, lasted: Duration, tallies: &[Tally], journal: &str) -> String {
    let sum = |count: fn(&Tally) -> u32| tallies.iter().map(count).sum::<u32>() as usize;
    let total = sum(|tally| tally.snippets);
    if total == 0 {
        return String::new();
    }
    let mut whose: Vec<String> = tallies
        .iter()
        .take(MAX_CLIENTS + 1)
        .map(|tally| match &tally.client {
            None => format!("{} yours", tally.snippets),
            Some(client) => format!("{} by {client}", tally.snippets),
        })
        .collect();
    let rest: u32 = tallies.iter().skip(MAX_CLIENTS + 1).map(|tally| tally.snippets).sum();
    if rest > 0 {
        whose.push(format!("{rest} by others"));
    }
    let failed = match sum(|tally| tally.failed) {
        0 => "none failed".to_owned(),
        failed => format!("{failed} failed"),
    };
    let (snippets, lasted, whose) = (units::count(total, "snippet"), units::age(lasted), whose.join(", "));
    format!(
        "fourhands: session {name}, {lasted}: {snippets} ({whose}), {failed}\n\
         \x20 resume     fourhands --resume {name}\n\
         \x20 export     fourhands export {name} -o {name}.md    (or .ipynb, .py, .html)\n\
         \x20 stored in  {journal}\n"
    )
}

/// Writes the home folder as `~`.
fn short(path: &Path, home: Option<&Path>) -> String {
    home_path::shorten(&path.to_string_lossy(), home.map(Path::to_string_lossy).as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(client: Option<&str>, snippets: u32, failed: u32) -> Tally {
        Tally { client: client.map(str::to_owned), snippets, failed }
    }

    #[test]
    fn the_farewell_counts_snippets_and_says_how_to_resume() {
        let tallies = [tally(None, 12, 1), tally(Some("claude-code"), 29, 2)];
        let text = summary("sales", Duration::from_secs(26 * 60), &tallies, "~/j.db");
        assert!(
            text.starts_with("fourhands: session sales, 26 min: 41 snippets (12 yours, 29 by claude-code), 3 failed\n")
        );
        for line in ["fourhands --resume sales", "fourhands export sales -o sales.md", "~/j.db"] {
            assert!(text.contains(line), "{text}");
        }
        assert_eq!(summary("sales", Duration::ZERO, &[], ""), "", "nothing ran");
        let many: Vec<_> = (0..9).map(|n| tally(Some(&format!("c{n}")), 1, 0)).collect();
        assert!(
            summary("s", Duration::ZERO, &many, "")
                .contains("9 snippets (1 by c0, 1 by c1, 1 by c2, 1 by c3, 5 by others), none failed")
        );
    }

    #[test]
    fn the_home_folder_is_abbreviated() {
        assert_eq!(short(Path::new("/home/ada/.local/j"), Some(Path::new("/home/ada"))), "~/.local/j");
        assert_eq!(short(Path::new("/srv/j"), Some(Path::new("/home/ada"))), "/srv/j");
    }
}
