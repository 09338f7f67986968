//! The files of fourhands on the disk: sockets and records, the journal, the settings.

use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::finding::Finding;
use crate::cli::past;
use crate::domain::units;
use crate::journal::{self, JournalError, JournalReader};
use crate::session::discovery::paths::{self, Paths};
use crate::session::discovery::registry::{self, Liveness};
use crate::tui::settings;

/// A socket's name, for the length of its path.
const SAMPLE_SOCKET: &str = "session.sock";
/// How long the pages of the journal may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

pub fn check(paths: &Paths) -> Vec<Finding> {
    let mut found = sessions(paths);
    found.extend(journal_of(paths));
    found.extend(settings_of_person());
    found
}

fn sessions(paths: &Paths) -> Vec<Finding> {
    const SECTION: &str = "sessions";
    let mut found = Vec::new();
    found.extend(runtime_folder(paths).map(|text| Finding::fault(SECTION, text)));
    let records = match paths.records() {
        Ok(records) => records,
        Err(fault) => {
            found.push(Finding::fault(SECTION, fault.to_string()));
            return found;
        }
    };
    match paths.sockets(&records, SAMPLE_SOCKET).first() {
        Some(folder) => {
            let why = if *folder == records {
                "beside the records"
            } else if paths.runtime.as_ref().is_some_and(|runtime| folder.starts_with(runtime)) {
                "from XDG_RUNTIME_DIR"
            } else {
                "other places are too long for a socket or closed"
            };
            found.push(Finding::ok(SECTION, format!("Sockets are in {} ({why})", folder.display())));
        }
        None => found.push(Finding::fault(
            SECTION,
            format!(
                "No folder can have a socket: the path of {} is too long, and {} cannot be used; set XDG_RUNTIME_DIR to a \
                 private folder with a short path",
                records.display(),
                paths.shared.display()
            ),
        )),
    }
    match registry::recorded_at(paths) {
        Err(error) => found.push(Finding::fault(SECTION, error.to_string())),
        Ok(recorded) => {
            let names = |liveness: Liveness| -> Vec<_> {
                recorded.iter().filter(|(_, life)| *life == liveness).map(|(entry, _)| entry.name.clone()).collect()
            };
            let (running, stale) = (names(Liveness::Running), names(Liveness::Stale));
            found.push(match &*running {
                [] => Finding::ok(SECTION, "No session is running"),
                running => Finding::ok(SECTION, format!("Running: {}", running.join(", "))),
            });
            if !stale.is_empty() {
                let text = format!("Killed, and not cleaned up yet: {} (`fourhands stop NAME` does)", stale.join(", "));
                found.push(Finding::note(SECTION, text));
            }
            let requested = std::env::var("FOURHANDS_SESSION").ok().filter(|name| !name.is_empty());
            if let Some(name) = requested.filter(|name| !running.contains(name)) {
                let text = match registry::check_name(&name) {
                    Err(bad) => format!("FOURHANDS_SESSION: {bad}; change or unset the variable"),
                    Ok(()) => format!(
                        "FOURHANDS_SESSION is {name}, and no session of that name is running, so `fourhands bridge` waits \
                         for it; start it with `fourhands --session {name}`, or unset the variable"
                    ),
                };
                found.push(Finding::fault(SECTION, text));
            }
        }
    }
    found
}

/// What is wrong with `$XDG_RUNTIME_DIR`, which is then passed over.
fn runtime_folder(paths: &Paths) -> Option<String> {
    let set = std::env::var_os("XDG_RUNTIME_DIR").filter(|value| !value.is_empty())?;
    if paths::own_folder().is_some() {
        // The folder of FOURHANDS_HOME takes its place.
        return None;
    }
    let passed = "so sockets go elsewhere";
    let Some(folder) = &paths.runtime else {
        return Some(format!(
            "XDG_RUNTIME_DIR is {}, which is not a folder, {passed}; create it with mode 700, or unset the variable",
            Path::new(&set).display()
        ));
    };
    if paths::is_private(folder) {
        return None;
    }
    let fault = paths::make_private(folder).err()?;
    Some(format!("XDG_RUNTIME_DIR is passed over, {passed}: {fault}"))
}

fn journal_of(paths: &Paths) -> Vec<Finding> {
    const SECTION: &str = "journal";
    let limits = journal::effective_limits(settings::read(settings::path()).settings.journal);
    let mut found = Vec::new();
    if let Some(why) = limits.refused {
        found.push(Finding::fault(SECTION, format!("{why}. Until then nothing is removed")));
    } else if limits.bytes == 0 {
        found.push(Finding::note(SECTION, "Sessions are not recorded, as you have set it"));
    }
    found.extend(paths.state_fault().map(|fault| Finding::fault(SECTION, fault)));
    let folder = match paths.journal() {
        Ok(folder) => folder,
        Err(fault) => {
            found.push(Finding::fault(SECTION, fault.to_string()));
            return found;
        }
    };
    let journal = past::journal(paths).and_then(|reader| {
        let sessions = reader.as_ref().map(JournalReader::sessions).transpose().map_err(|fault| fault.to_string())?;
        Ok((reader, sessions.unwrap_or_default()))
    });
    found.push(match journal {
        Ok((reader, sessions)) => {
            let bytes = sessions.iter().map(|session| session.bytes).sum();
            let count = units::count(sessions.len(), "session");
            let text = format!("{count}, {} in {}", units::bytes(bytes), folder.display());
            match reader.map_or(Some(Ok(())), health) {
                Some(Ok(())) => Finding::ok(SECTION, text),
                Some(Err(fault)) => Finding::fault(
                    SECTION,
                    format!(
                        "{text}; but {fault} in parts. Export the sessions that you need (`fourhands export`), then \
                         move the file away: the next session begins a new one"
                    ),
                ),
                None => Finding::note(SECTION, format!("{text}; too large to be checked within a few seconds")),
            }
        }
        Err(why) => Finding::fault(
            SECTION,
            format!("{why}. The next session sets a damaged journal aside and begins a new one; nothing is deleted"),
        ),
    });
    found.extend(damaged(&folder).map(|name| {
        let text =
            format!("{} was damaged and set aside; delete it if you do not need it", folder.join(name).display());
        Finding::note(SECTION, text)
    }));
    found
}

/// Whether every page of the journal can be read; `None` if that takes too long.
fn health(journal: JournalReader) -> Option<Result<(), JournalError>> {
    let (done, checked) = channel();
    thread::Builder::new().name("check".to_owned()).spawn(move || done.send(journal.check())).ok()?;
    checked.recv_timeout(CHECK_TIMEOUT).ok()
}

fn damaged(folder: &Path) -> impl Iterator<Item = String> {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains(".damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm"))
}

fn settings_of_person() -> Vec<Finding> {
    const SECTION: &str = "settings";
    let Some(path) = settings::path() else {
        return vec![Finding::fault(SECTION, "There is no folder for settings; set HOME or XDG_CONFIG_HOME")];
    };
    let loaded = settings::read(Some(path.clone()));
    let path = path.display();
    if loaded.path.is_none() {
        return vec![Finding::ok(SECTION, format!("{path} does not exist, so the defaults apply"))];
    }
    if loaded.problems.is_empty() {
        return vec![Finding::ok(SECTION, format!("{path} is valid"))];
    }
    loaded.problems.iter().map(|problem| Finding::fault(SECTION, format!("{path}: {problem}"))).collect()
}
