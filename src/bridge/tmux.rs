//! A pane of tmux with the dashboard beside the client, if the client runs inside tmux.

use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::executable::program;
use crate::session::discovery::lock::{Lock, lock};
use crate::session::discovery::paths::Paths;

/// From this width on, the dashboard opens beside the client, else below.
const MIN_WIDTH_FOR_COLUMNS: u32 = 160;
/// Columns and rows that the dashboard needs.
const MIN_COLUMNS: u32 = 40;
const MIN_ROWS: u32 = 12;
/// Variables by which a session finds its Python and its folders. A pane has the environment of tmux.
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

/// Returns whether this process runs inside tmux.
pub fn is_available() -> bool {
    std::env::var_os("TMUX").is_some_and(|value| !value.is_empty())
}

/// A pane that is opening. As long as this value lives, no other bridge opens the same dashboard.
#[derive(Debug)]
pub struct OpeningPane {
    path: PathBuf,
    _lock: Lock,
}

impl Drop for OpeningPane {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens the dashboard in a pane beside this process, or in a new window if there is no room. The focus stays where it
/// is. The dashboard gets the `options`. Returns `None` if another bridge is just opening the same dashboard.
///
/// # Errors
/// The message of tmux.
pub fn open(folder: &Path, options: &[OsString]) -> Result<Option<OpeningPane>, String> {
    let records = Paths::of_this_process().records().map_err(|error| error.to_string())?;
    let mut hasher = DefaultHasher::new();
    (folder, options).hash(&mut hasher);
    let path = records.join(format!(".{:016x}.pane", hasher.finish()));
    let Some(lock) = lock(&path).map_err(|error| error.to_string())? else { return Ok(None) };
    let opening = OpeningPane { path, _lock: lock };
    let mut target = Vec::new();
    if let Ok(pane) = std::env::var("TMUX_PANE") {
        target = vec!["-t".to_owned(), pane];
    }
    let mut size = tmux(&["display-message", "-p"]);
    let size = run(size.args(&target).arg("#{pane_width} #{pane_height}")).unwrap_or_default();
    let split = |arguments: Vec<String>| {
        let mut split = tmux(&["split-window", "-d"]);
        run(pane(split.args(arguments), &target, folder, options)).ok()
    };
    let opened = match split_arguments(&size).and_then(split) {
        Some(opened) => Ok(opened),
        None => run(pane(&mut tmux(&["new-window", "-d", "-n", "fourhands"]), &[], folder, options)),
    };
    opened.map(|_| Some(opening)).map_err(|error| error.to_string())
}

/// Returns the arguments that split a pane of this size so that the dashboard fits; `None` if there is no room.
fn split_arguments(size: &str) -> Option<Vec<String>> {
    let (columns, rows) = size.trim().split_once(' ')?;
    let (columns, rows): (u32, u32) = (columns.parse().ok()?, rows.parse().ok()?);
    if columns >= MIN_WIDTH_FOR_COLUMNS && rows >= MIN_ROWS {
        return Some(vec!["-h".to_owned()]);
    }
    // By default tmux gives the smaller half.
    (columns >= MIN_COLUMNS && rows / 2 >= MIN_ROWS)
        .then(|| vec!["-v".to_owned(), "-l".to_owned(), (rows / 2).to_string()])
}

fn tmux(arguments: &[&str]) -> Command {
    let mut command = Command::new("tmux");
    command.args(arguments);
    command
}

/// Adds the target, the folder and the command of the pane.
fn pane<'a>(command: &'a mut Command, target: &[String], folder: &Path, options: &[OsString]) -> &'a mut Command {
    command.args(target).arg("-c").arg(folder).args(["--", "env"]);
    for variable in ENVIRONMENT {
        if let Some(value) = std::env::var_os(variable) {
            let mut set = OsString::from(format!("{variable}="));
            set.push(value);
            command.arg(set);
        }
    }
    command.arg(program()).args(options)
}

/// Runs a command and returns its output.
fn run(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(if stderr.is_empty() { format!("tmux failed ({})", output.status) } else { stderr }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pane_is_split_only_where_the_dashboard_fits() {
        let split = |size: &str| split_arguments(size).map(|arguments| arguments.join(" "));
        assert_eq!(split("200 50\n"), Some("-h".to_owned()));
        assert_eq!(split("200 12"), Some("-h".to_owned()));
        assert_eq!(split("80 24"), Some("-v -l 12".to_owned()), "the terminal that most people begin with");
        assert_eq!(split("120 60"), Some("-v -l 30".to_owned()));
        for small in ["80 23", "39 60", "200 11", "", "no size"] {
            assert_eq!(split(small), None, "{small}");
        }
    }
}
