//! Retention by hand: pruning, restoring and erasing past sessions.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::output::{UNKNOWN, USAGE, fail, listed, print, warn};
use crate::cli::past;
use crate::domain::retention::RetentionLimits;
use crate::domain::units;
use crate::journal::{self, EraseError, SessionEnd, SessionSummary, StoredSession};
use crate::session::clock::now;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry;
use crate::tui::settings;

/// Names in a line.
const MAX_NAMES: usize = 8;

/// Asks for confirmation. Where nobody can be asked, the answer is no.
fn is_confirmed(question: &str, yes: bool) -> bool {
    if yes {
        return true;
    }
    if !io::stdin().is_terminal() {
        warn(&"nothing was changed: stdin is not a terminal, so confirm with --yes.");
        return false;
    }
    warn(&format_args!("{question} [y/N]"));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

fn sessions(paths: &Paths) -> Result<Vec<SessionSummary>, String> {
    let reader = past::journal(paths)?;
    reader.map_or(Ok(Vec::new()), |reader| reader.sessions().map_err(|fault| fault.to_string()))
}

/// `--prune`: shows what the limits ask to be removed, and removes it after a question.
pub fn prune(paths: &Paths, yes: bool) -> ExitCode {
    let limits = journal::effective_limits(settings::read(settings::path()).settings.journal);
    if let Some(why) = &limits.refused {
        return fail(USAGE, &format_args!("{why}. Until that is fixed, no session is removed."));
    }
    if limits.bytes == 0 {
        print("Recording is off (the journal's size is 0). Sessions recorded earlier are kept.\n");
        return ExitCode::SUCCESS;
    }
    let folder = match paths.journal() {
        Ok(folder) => folder,
        Err(error) => return fail(1, &error),
    };
    let plan = match journal::preview(&folder, &limits, now()) {
        Ok(Some(plan)) => plan,
        Ok(None) => {
            print("No sessions are recorded.\n");
            return ExitCode::SUCCESS;
        }
        Err(fault) => return fail(1, &fault),
    };
    print(&preview(&plan, &limits));
    if plan.is_empty() && !yes || !is_confirmed("Do this now?", yes) {
        return ExitCode::SUCCESS;
    }
    match journal::prune_now(&folder, &limits, now()) {
        Ok(summary) => {
            print(&summary.map_or_else(|| "Done.\n".to_owned(), |summary| format!("Done: {summary}.\n")));
            ExitCode::SUCCESS
        }
        Err(fault) => fail(1, &fault),
    }
}

fn preview(plan: &journal::RetentionPlan, limits: &RetentionLimits) -> String {
    let line = |what: &str, sessions: &[StoredSession]| {
        if sessions.is_empty() {
            return String::new();
        }
        let bytes = units::bytes(sessions.iter().map(|session| session.bytes).sum());
        let names = listed(sessions.iter().map(|session| &*session.name), MAX_NAMES);
        format!("{what}: {} of {bytes}: {names}\n", units::count(sessions.len(), "session"))
    };
    let mut text = format!(
        "Sessions use {} of {}; each is kept for {} after its last use.\n",
        units::bytes(plan.total),
        units::bytes(limits.bytes),
        units::count(limits.days as usize, "day")
    );
    // Without those that there is no room for.
    let kept = |due: &[StoredSession]| -> Vec<StoredSession> {
        due.iter().filter(|session| !plan.removed.contains(session)).cloned().collect()
    };
    text += &line("Set aside for a week (too old)", &kept(&plan.expired));
    text += &line("Set aside for a week (size limit exceeded)", &kept(&plan.over_limit));
    text += &line("Deleted (week over, or the disk nearly full)", &plan.removed);
    let saved = &plan.saved_variables;
    for (what, sessions) in [
        ("Set aside for a week (size limit exceeded)", &saved.over_limit),
        ("Deleted (week over, or the disk nearly full)", &saved.removed),
    ] {
        if !sessions.is_empty() {
            let names = listed(sessions.iter().map(|session| &*session.name), MAX_NAMES);
            text += &format!("{what}: the saved variables (%checkpoint) of {names}\n");
        }
    }
    if plan.is_empty() {
        text += "Nothing to remove.\n";
    }
    text
}

/// `--restore`: restores a session that was set aside.
pub fn restore(paths: &Paths, name: &str) -> ExitCode {
    let all = match sessions(paths) {
        Ok(all) => all,
        Err(why) => return fail(1, &format_args!("the journal cannot be read: {why}")),
    };
    let folder = match paths.journal() {
        Ok(folder) => folder,
        Err(error) => return fail(1, &error),
    };
    let is_aside =
        |session: &&SessionSummary| session.set_aside.is_some() || journal::has_variables_aside(&folder, &session.id);
    let aside: Vec<&SessionSummary> = all.iter().filter(is_aside).collect();
    let found = match past::named(&aside, name) {
        Ok(Some(found)) => found,
        Ok(None) if aside.is_empty() => return fail(UNKNOWN, &"no session is set aside."),
        Ok(None) => {
            let names = listed(aside.iter().map(|session| &*session.name), MAX_NAMES);
            return fail(UNKNOWN, &format_args!("no session of that name or id is set aside. Set aside: {names}."));
        }
        Err(what) => return fail(UNKNOWN, &what),
    };
    match journal::restore(&folder, &found.id, now()) {
        Ok(true) if found.set_aside.is_none() => {
            print(&format!(
                "Restored the saved variables of session \"{}\". Raise the limit of the journal, or they are set aside again.\n",
                found.name
            ));
            ExitCode::SUCCESS
        }
        Ok(true) => {
            print(&format!(
                "Restored session \"{}\". It counts as just used; if the size limit is exceeded, other sessions are \
                 removed.\n",
                found.name
            ));
            ExitCode::SUCCESS
        }
        Ok(false) => fail(1, &format_args!("session \"{}\" has just been deleted.", found.name)),
        Err(why) => fail(1, &format_args!("session \"{}\" cannot be restored: {why}", found.name)),
    }
}

/// `--erase`: erases one session from all files.
pub fn erase(paths: &Paths, name: &str, yes: bool) -> ExitCode {
    let all = match sessions(paths) {
        Ok(all) => all,
        Err(why) => return fail(1, &format_args!("the journal cannot be read: {why}")),
    };
    let found = match past::find_any(&all, name) {
        Ok(found) => found,
        Err(what) => return fail(UNKNOWN, &what),
    };
    let name = &found.name;
    let in_use = || {
        fail(1, &format_args!("session \"{name}\" is running and was not erased. End it first: fourhands stop {name}"))
    };
    if found.ending == SessionEnd::Running {
        return in_use();
    }
    let others = all.iter().filter(|other| other.name == *name && other.id != found.id).count();
    let others = match others {
        0 => String::new(),
        others => format!(" Not affected: {} of that name.", units::count(others, "other session")),
    };
    print(&format!(
        "Session \"{name}\" ({}), with {}, last active {} ago.{others}\n",
        found.id,
        units::count(found.snippets as usize, "snippet"),
        units::age(std::time::Duration::from_millis(now().saturating_sub(found.last_active)))
    ));
    if !is_confirmed("Erase it permanently, with its outputs and saved variables?", yes) {
        return ExitCode::from(1);
    }
    let folder: PathBuf = match paths.journal() {
        Ok(folder) => folder,
        Err(error) => return fail(1, &error),
    };
    match journal::erase(&folder, &found.id) {
        Ok(erased) => {
            // A killed session has left its registry entry and socket.
            let _ = registry::clean_up(paths, name);
            print(&format!("Erased session \"{name}\".\n"));
            for copy in &erased.copies {
                warn(&format_args!(
                    "{} was set aside because it was damaged, and may still contain the session. Remove it yourself.",
                    copy.display()
                ));
            }
            if let Some(why) = &erased.remains {
                warn(&format_args!(
                    "the journal could not be rewritten ({why}), so pieces of text may remain in its file. Try again \
                     with `fourhands sessions --prune --yes`."
                ));
                return ExitCode::from(1);
            }
            ExitCode::SUCCESS
        }
        Err(EraseError::InUse) => in_use(),
        Err(EraseError::Journal(fault)) => fail(1, &format_args!("session \"{name}\" cannot be erased: {fault}")),
    }
}
