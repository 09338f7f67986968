//! Recorded sessions: opening the journal, and finding the session that a name or id means.

use std::path::Path;

use crate::cli::output::listed;
use crate::journal::{JournalReader, SessionEnd, SessionSummary};
use crate::session::discovery::paths::Paths;
use crate::tui::text::cut;

/// Names listed in an error.
const MAX_NAMES: usize = 5;
/// Terminal cells of a name in an error.
const MAX_NAME_CELLS: usize = 80;

/// Opens the journal; `None` if nothing was ever recorded.
pub fn journal(paths: &Paths) -> Result<Option<JournalReader>, String> {
    let folder = paths.journal().map_err(|error| error.to_string())?;
    JournalReader::open(&folder).map_err(|fault| fault.to_string())
}

/// Finds a session by its name, its id, or a unique beginning of the id. Without a name: the last session of `cwd` or
/// of its nearest parent folder, a running one first; else the last session of all. Sessions set aside do not count.
///
/// # Errors
/// If there is no such session: a sentence with similar names, and how to list all.
pub fn find<'a>(sessions: &'a [SessionSummary], named: Option<&str>, cwd: &Path) -> Result<&'a SessionSummary, String> {
    let (current, aside): (Vec<_>, Vec<_>) = sessions.iter().partition(|session| session.set_aside.is_none());
    let Some(name) = named else {
        // Of equals the first counts, which was active last.
        let rank = |s: &SessionSummary| (s.cwd.components().count(), s.ending == SessionEnd::Running);
        let above = current.iter().rev().filter(|session| cwd.starts_with(&session.cwd));
        let found = above.max_by_key(|session| rank(session)).or(current.first());
        return found.copied().ok_or_else(|| "no sessions are recorded. Start one with `fourhands`.".to_owned());
    };
    match self::named(&current, name)? {
        Some(found) => Ok(found),
        None if self::named(&aside, name)?.is_some() => Err(format!(
            "session \"{name}\" was set aside by the journal's limits; restore it with `fourhands sessions --restore \
             {name}`."
        )),
        None => Err(unknown(sessions, name)),
    }
}

/// Finds a session by its name or id, also one set aside.
///
/// # Errors
/// See [`find`].
pub fn find_any<'a>(sessions: &'a [SessionSummary], name: &str) -> Result<&'a SessionSummary, String> {
    let all: Vec<&SessionSummary> = sessions.iter().collect();
    named(&all, name)?.ok_or_else(|| unknown(sessions, name))
}

/// Finds a session by its name (a running one first), its id, or a beginning of the id.
///
/// # Errors
/// If several ids begin so.
pub fn named<'a>(sessions: &[&'a SessionSummary], name: &str) -> Result<Option<&'a SessionSummary>, String> {
    let all = || sessions.iter().copied();
    let running = |session: &&SessionSummary| session.name == name && session.ending == SessionEnd::Running;
    if let Some(found) = all().find(running).or_else(|| all().find(|session| session.name == name)) {
        return Ok(Some(found));
    }
    let mut by_id = all().filter(|session| name.len() >= 4 && session.id.as_str().starts_with(name));
    match (by_id.next(), by_id.next()) {
        (found, None) => Ok(found),
        _ => Err(format!("several session ids start with {name}; type more of the id.")),
    }
}

fn unknown(sessions: &[SessionSummary], name: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for session in sessions {
        if !names.contains(&session.name.as_str()) {
            names.push(&session.name);
        }
    }
    let mut near: Vec<&str> = names.iter().copied().filter(|other| is_near(other, name)).collect();
    let lead = if near.is_empty() { "Sessions:" } else { "Did you mean" };
    if near.is_empty() {
        near = names;
    }
    let end = if lead == "Did you mean" { "?" } else { "." };
    let hint = if near.is_empty() { String::new() } else { format!(" {lead} {}{end}", listed(near, MAX_NAMES)) };
    let name = cut(name, MAX_NAME_CELLS);
    format!("unknown session \"{name}\".{hint} `fourhands sessions --all` lists all sessions.")
}

/// Returns whether one name contains the other, or they differ in at most two characters.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
    // Bounds the time that the comparison takes.
    if a.len().abs_diff(b.len()) > 2 && a.len().max(b.len()) > MAX_NAME_CELLS {
        return false;
    }
    let within = !b.is_empty() && (a.contains(&b) || (b.contains(&a) && a.len() > 2));
    within || distance(a.as_bytes(), b.as_bytes()) <= if b.len() > 3 { 2 } else { 1 }
}

fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::SessionId;

    fn session(name: &str, cwd: &str, active: u64, ending: SessionEnd) -> SessionSummary {
        SessionSummary {
            id: SessionId::new(active),
            name: name.to_owned(),
            cwd: cwd.into(),
            python: "/python".into(),
            python_version: "3.12.1".to_owned(),
            venv: None,
            pid: 1,
            boot: String::new(),
            started: active,
            last_active: active,
            ending,
            snippets: 1,
            failed: 0,
            authors: Vec::new(),
            bytes: 0,
            missed: 0,
            lost: 0,
            set_aside: None,
        }
    }

    #[test]
    fn sessions_are_found_by_name_id_or_folder() {
        let all = [
            session("other", "/srv", 9, SessionEnd::Closed),
            session("work", "/home/a", 8, SessionEnd::Died),
            session("work", "/home/a", 7, SessionEnd::Running),
            session("old", "/home/a/b", 6, SessionEnd::Closed),
            session("older", "/home/a/b", 5, SessionEnd::Closed),
        ];
        let found = |named, cwd: &str| find(&all, named, Path::new(cwd)).map(|session| session.last_active);
        assert_eq!(found(Some("work"), "/"), Ok(7), "the one that runs");
        assert_eq!(found(None, "/home/a"), Ok(7));
        assert_eq!(found(None, "/home/a/b/c"), Ok(6), "of the nearest folder");
        assert_eq!(found(None, "/nowhere"), Ok(9), "the last one");
        assert_eq!(found(Some(all[3].id.as_str()), "/"), Ok(6));
        let refused = found(Some("wrok"), "/").unwrap_err();
        assert!(refused.contains("Did you mean work?") && refused.contains("sessions --all"), "{refused}");
        assert!(found(Some("zzz"), "/").unwrap_err().contains("Sessions: other, work, old, older."));
        let mut aside = [session("work", "/home/a", 1, SessionEnd::Closed)];
        aside[0].set_aside = Some(1);
        assert!(find(&aside, Some("work"), Path::new("/")).unwrap_err().contains("--restore work"));
        assert!(find(&aside, None, Path::new("/")).is_err());
        assert_eq!(find_any(&aside, "work").unwrap().last_active, 1);
        let long = "w".repeat(100_000);
        assert!(found(Some(&long), "/").unwrap_err().len() < 500);
        assert!(find(&[], None, Path::new("/")).unwrap_err().contains("no sessions are recorded"));
    }
}
