//! The dashboard in a pane beside the client, where that runs inside tmux.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::starter::program;
use crate::session::lock::{Lock, lock};
use crate::session::places::Places;

/// From this many columns on the dashboard stands beside, else below.
const WIDE: u32 = 160;
/// What a session finds its Python and its places by; a pane has the environment of tmux.
const ENVIRONMENT: [&str; 9] = [
    "HOME",
    "PATH",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "FOURHANDS_JOURNAL_MAX",
];

/// Whether this process runs inside tmux.
pub fn is_around() -> bool {
    std::env::var_os("TMUX").is_some_and(|value| !value.is_empty())
}

/// That nobody else opens the same dashboard, for as long as this value lives: by then the session can be found.
#[derive(Debug)]
pub struct Opening {
    path: PathBuf,
    _lock: Lock,
}

impl Drop for Opening {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens the dashboard in a pane beside this process's own, in a window of its own where there is no room for that. The
/// focus stays where it is. `None` if another bridge is just doing it.
///
/// # Errors
/// If tmux does not: in its words.
pub fn open(folder: &Path, name: Option<&str>, python: Option<&Path>) -> Result<Option<Opening>, String> {
    let records = Places::of_this_process().records().map_err(|error| error.to_string())?;
    let mut hasher = DefaultHasher::new();
    (folder, name).hash(&mut hasher);
    let path = records.join(format!(".{:016x}.pane", hasher.finish()));
    let Some(lock) = lock(&path).map_err(|error| error.to_string())? else { return Ok(None) };
    let opening = Opening { path, _lock: lock };
    let mut target = Vec::new();
    if let Ok(pane) = std::env::var("TMUX_PANE") {
        target = vec!["-t".to_owned(), pane];
    }
    let mut width = tmux(&["display-message", "-p"]);
    let columns = run(width.args(&target).arg("#{pane_width}")).ok().and_then(|told| told.trim().parse().ok());
    let beside = if columns.is_some_and(|columns: u32| columns >= WIDE) { "-h" } else { "-v" };
    let split = run(pane(&mut tmux(&["split-window", "-d", beside]), &target, folder, name, python));
    let opened = split.or_else(|_| run(pane(&mut tmux(&["new-window", "-d"]), &[], folder, name, python)));
    opened.map(|_| Some(opening)).map_err(|error| error.to_string())
}

fn tmux(arguments: &[&str]) -> Command {
    let mut command = Command::new("tmux");
    command.args(arguments);
    command
}

/// Adds where and what.
fn pane<'a>(
    command: &'a mut Command,
    target: &[String],
    folder: &Path,
    name: Option<&str>,
    python: Option<&Path>,
) -> &'a mut Command {
    command.args(target).arg("-c").arg(folder).args(["--", "env"]);
    for variable in ENVIRONMENT {
        if let Some(value) = std::env::var_os(variable) {
            let mut set = std::ffi::OsString::from(format!("{variable}="));
            set.push(value);
            command.arg(set);
        }
    }
    command.arg(program());
    if let Some(name) = name {
        command.args(["--session", name]);
    }
    if let Some(python) = python {
        command.arg("--python").arg(python);
    }
    command
}

/// What it said.
fn run(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(if said.is_empty() { format!("tmux failed ({})", output.status) } else { said }))
}
