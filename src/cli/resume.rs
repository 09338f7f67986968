//! `--resume`: finds the session to continue, and what has changed since.

use std::path::Path;
use std::time::{Duration, Instant};

use super::past;
use crate::cli::arguments::SessionArguments;
use crate::domain::{Restart, Timestamp, units};
use crate::journal::{JournalError, JournalReader, SessionEnd, SessionSummary};
use crate::launch::python::Python;
use crate::session::SessionId;
use crate::session::clock::now;
use crate::session::discovery::paths::{FolderError, Paths};
use crate::session::discovery::registry;

/// A killed process is gone by then.
const DEATH_TIMEOUT: Duration = Duration::from_secs(1);

/// Why no session can be resumed. Displays as a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    #[error(
        "no sessions are recorded, so there is nothing to resume. Start one with `fourhands`; it is recorded unless \
         FOURHANDS_JOURNAL_MAX is 0"
    )]
    NoneRecorded,
    /// A sentence with similar names.
    #[error("{0}")]
    Unknown(String),
    #[error(
        "session \"{name}\" is running (pid {pid}), so it cannot be resumed. Use its terminal or, if it has none, open its \
         dashboard with `fourhands --session {name}`; or end it with `fourhands stop {name}` and then resume it{other}"
    )]
    Running { name: String, pid: u32, other: String },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// A past session that continues.
#[derive(Debug)]
pub struct Resumed {
    pub id: SessionId,
    pub name: String,
    pub restart: Restart,
    /// One line for the person.
    pub summary: String,
}

/// Finds the session that the arguments ask for; `None` if they ask for none.
pub fn find(arguments: &SessionArguments, python: &Python, cwd: &Path) -> Result<Option<Resumed>, ResumeError> {
    let Some(named) = &arguments.resume else { return Ok(None) };
    let paths = Paths::of_this_process();
    let sessions = settled(&paths)?;
    let found = select(&sessions, named.trim(), cwd).map_err(|error| by_guardian(error, &paths))?;
    Ok(Some(resumed(found, python, cwd, now())))
}

/// Checks that the journal still has the session, now that it is locked. Retention may just have set it aside.
pub fn is_still_there(resumed: &Resumed) -> Result<(), ResumeError> {
    let Some(reader) = JournalReader::open(&Paths::of_this_process().journal()?)? else {
        return Err(ResumeError::NoneRecorded);
    };
    match reader.find(resumed.id.as_str())? {
        Some(found) if found.set_aside.is_none() => Ok(()),
        _ => Err(ResumeError::Unknown(format!(
            "session \"{}\" has just been set aside by the journal's limits; `fourhands sessions --past` lists such \
             sessions",
            resumed.name
        ))),
    }
}

/// Replaces the PID of the session process, which the journal has, by the guardian's.
fn by_guardian(error: ResumeError, paths: &Paths) -> ResumeError {
    let ResumeError::Running { name, pid, other } = error else { return error };
    let alive = registry::running_at(paths).unwrap_or_default();
    let pid = alive.iter().find(|entry| entry.name == name).map_or(pid, |entry| entry.pid);
    ResumeError::Running { name, pid, other }
}

/// Returns all sessions. Waits for sessions killed a moment ago, which still seem to run.
fn settled(paths: &Paths) -> Result<Vec<SessionSummary>, ResumeError> {
    let deadline = Instant::now() + DEATH_TIMEOUT;
    loop {
        let Some(reader) = JournalReader::open(&paths.journal()?)? else { return Ok(Vec::new()) };
        let sessions = reader.sessions()?;
        let alive = registry::running_at(paths).unwrap_or_default();
        let is_dying = |session: &SessionSummary| {
            session.ending == SessionEnd::Running && alive.iter().all(|entry| entry.name != session.name)
        };
        if !sessions.iter().any(is_dying) || Instant::now() > deadline {
            return Ok(sessions);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Chooses a session by id or name. An empty name means the last session of this folder, else of the nearest parent
/// folder, else of all. The last active session comes first in `sessions`.
fn select<'a>(sessions: &'a [SessionSummary], named: &str, cwd: &Path) -> Result<&'a SessionSummary, ResumeError> {
    if sessions.is_empty() {
        return Err(ResumeError::NoneRecorded);
    }
    if !named.is_empty() {
        return not_running(past::find(sessions, Some(named), cwd).map_err(ResumeError::Unknown)?, sessions);
    }
    let cwd = cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned());
    let is_visible = |session: &&SessionSummary| session.set_aside.is_none();
    let is_past = |session: &&SessionSummary| session.ending != SessionEnd::Running && session.set_aside.is_none();
    let here = || sessions.iter().filter(is_visible).filter(|session| session.cwd == cwd);
    let Some(last) = sessions.iter().find(is_visible) else { return Err(ResumeError::NoneRecorded) };
    if let Some(found) = here().find(is_past).or_else(|| here().next()) {
        return not_running(found, sessions);
    }
    let past: Vec<SessionSummary> = sessions.iter().filter(is_past).cloned().collect();
    let id = past::find(&past, None, &cwd).map_or(&last.id, |found| &found.id);
    let found = sessions.iter().find(|session| session.id == *id).unwrap_or(last);
    not_running(found, sessions)
}

fn not_running<'a>(found: &'a SessionSummary, sessions: &[SessionSummary]) -> Result<&'a SessionSummary, ResumeError> {
    if found.ending != SessionEnd::Running {
        return Ok(found);
    }
    let past = sessions.iter().find(|session| session.name == found.name && session.ending != SessionEnd::Running);
    let other = past.map(|past| {
        format!(
            ". To resume the previous session of that name: --resume {} --session \
        NAME",
            past.id
        )
    });
    Err(ResumeError::Running { name: found.name.clone(), pid: found.pid, other: other.unwrap_or_default() })
}

fn resumed(found: &SessionSummary, python: &Python, cwd: &Path, now: Timestamp) -> Resumed {
    let cwd = cwd.canonicalize().unwrap_or_else(|_| cwd.to_owned());
    let age = units::age(Duration::from_millis(now.saturating_sub(found.last_active)));
    let ended = if found.ending == SessionEnd::Died { "was killed" } else { "ended" };
    let mut different = Vec::new();
    if cwd != found.cwd {
        different.push(format!("It ran in {}; this is {}.", found.cwd.display(), cwd.display()));
    }
    if python.executable != found.python || python.version != found.python_version {
        different.push(format!(
            "It ran with Python {} ({}); this is {} ({}).",
            found.python_version,
            found.python.display(),
            python.version,
            python.executable.display()
        ));
    }
    let mut how = format!("The session {ended} {age} ago. Python is new, so all variables are gone.");
    let mut summary = format!(
        "resuming session {}, which {ended} {age} ago in {}, with {}.",
        found.name,
        found.cwd.display(),
        units::count(found.snippets as usize, "snippet")
    );
    for difference in different {
        how = format!("{how} {difference}");
        summary = format!("{summary} {difference}");
    }
    let restart = Restart { how, resumed: true, ..Restart::default() };
    Resumed { id: found.id.clone(), name: found.name.clone(), restart, summary }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(name: &str, cwd: &str, ending: SessionEnd) -> SessionSummary {
        SessionSummary {
            id: SessionId::new(1),
            name: name.to_owned(),
            cwd: cwd.into(),
            python: "/python".into(),
            python_version: "3.12.1".to_owned(),
            venv: None,
            pid: 77,
            boot: String::new(),
            started: 0,
            last_active: 0,
            ending,
            snippets: 3,
            failed: 0,
            authors: Vec::new(),
            bytes: 0,
            missed: 0,
            lost: 0,
            set_aside: None,
        }
    }

    #[test]
    fn without_a_name_the_last_session_of_the_folder_is_selected() {
        let all = [
            session("new", "/elsewhere", SessionEnd::Closed),
            session("live", "/here", SessionEnd::Running),
            session("sales", "/here", SessionEnd::Died),
            session("old", "/here", SessionEnd::Closed),
        ];
        let chosen = |named, cwd: &str| select(&all, named, Path::new(cwd)).map(|found| found.name.clone());
        assert_eq!(chosen("", "/here").unwrap(), "sales");
        assert_eq!(chosen("", "/nowhere").unwrap(), "new");
        assert_eq!(chosen("old", "/nowhere").unwrap(), "old");
        assert_eq!(select(&all, all[3].id.as_str(), Path::new("/")).unwrap().name, "old");
        let message = |named, cwd| chosen(named, cwd).unwrap_err().to_string();
        assert!(
            message("live", "/").contains("running (pid 77)") && message("live", "/").contains("fourhands stop live")
        );
        assert!(message("slaes", "/").contains("Did you mean sales?"), "{}", message("slaes", "/"));
        assert!(select(&all[1..2], "", Path::new("/here")).unwrap_err().to_string().contains("pid 77"));
        assert!(matches!(select(&[], "", Path::new("/")), Err(ResumeError::NoneRecorded)));
    }
}
