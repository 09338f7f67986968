//! Sessions as the journal knows them: opening it, and finding the one that is meant.

use std::path::Path;

use crate::journal::{Ending, Reader, SessionSummary};
use crate::session::places::Places;

/// Names that are listed where none fits.
const MOST_NAMES: usize = 5;

/// The journal; `None` if nothing was ever recorded.
pub fn journal(places: &Places) -> Result<Option<Reader>, String> {
    let folder = places.journal().map_err(|error| error.to_string())?;
    Reader::open(&folder).map_err(|fault| fault.to_string())
}

/// The session of that name or id (the start of an id will do, if no other begins so); without one, the last of `cwd` or
/// of its nearest folder above, those that run first; else the last one at all.
///
/// # Errors
/// If there is none: a sentence with the names that are near, and how to list all.
pub fn find<'a>(sessions: &'a [SessionSummary], named: Option<&str>, cwd: &Path) -> Result<&'a SessionSummary, String> {
    let Some(name) = named else {
        // The first of equals: sessions come with the last active first.
        let rank = |s: &SessionSummary| (s.cwd.components().count(), s.ending == Ending::Running);
        let above = sessions.iter().rev().filter(|session| cwd.starts_with(&session.cwd));
        let found = above.max_by_key(|session| rank(session)).or(sessions.first());
        return found.ok_or_else(|| "no session was ever recorded. `fourhands` starts one.".to_owned());
    };
    let running = |session: &&SessionSummary| session.name == name && session.ending == Ending::Running;
    let found = sessions.iter().find(running).or_else(|| sessions.iter().find(|session| session.name == name));
    if let Some(found) = found {
        return Ok(found);
    }
    let mut by_id = sessions.iter().filter(|session| name.len() >= 4 && session.id.as_str().starts_with(name));
    match (by_id.next(), by_id.next()) {
        (Some(found), None) => Ok(found),
        (Some(_), Some(_)) => Err(format!("several sessions have an id that begins with {name}; give more of it.")),
        _ => Err(unknown(sessions, name)),
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
    let lead = if near.is_empty() { "There are" } else { "Did you mean" };
    if near.is_empty() {
        near = names;
    }
    near.truncate(MOST_NAMES);
    let end = if lead == "Did you mean" { "?" } else { "." };
    let hint = if near.is_empty() { String::new() } else { format!(" {lead} {}{end}", near.join(", ")) };
    format!("no session \"{name}\" is known.{hint} `fourhands sessions --all` lists them.")
}

/// One is in the other, or two characters at most would have to be changed.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b) = (a.to_ascii_lowercase(), b.to_ascii_lowercase());
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

    fn session(name: &str, cwd: &str, active: u64, ending: Ending) -> SessionSummary {
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
        }
    }

    #[test]
    fn the_session_that_is_meant() {
        let all = [
            session("other", "/srv", 9, Ending::Closed),
            session("work", "/home/a", 8, Ending::Died),
            session("work", "/home/a", 7, Ending::Running),
            session("old", "/home/a/b", 6, Ending::Closed),
            session("older", "/home/a/b", 5, Ending::Closed),
        ];
        let found = |named, cwd: &str| find(&all, named, Path::new(cwd)).map(|session| session.last_active);
        assert_eq!(found(Some("work"), "/"), Ok(7), "the one that runs");
        assert_eq!(found(None, "/home/a"), Ok(7));
        assert_eq!(found(None, "/home/a/b/c"), Ok(6), "of the nearest folder");
        assert_eq!(found(None, "/nowhere"), Ok(9), "the last one");
        assert_eq!(found(Some(all[3].id.as_str()), "/"), Ok(6));
        let refused = found(Some("wrok"), "/").unwrap_err();
        assert!(refused.contains("Did you mean work?") && refused.contains("sessions --all"), "{refused}");
        assert!(found(Some("zzz"), "/").unwrap_err().contains("There are other, work, old, older."));
        assert!(find(&[], None, Path::new("/")).unwrap_err().contains("no session was ever recorded"));
    }
}
