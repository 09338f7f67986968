//! The stage of a demo: a folder that has all of its session and goes with it, and the client that plays there.

mod client;
mod player;
mod script;

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, id};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use self::player::Player;
use crate::bridge;
use crate::session::discovery::lock::{self, Lock};
use crate::session::discovery::paths::{self, Paths};

const VARIABLE: &str = "FOURHANDS_HOME";
const PREFIX: &str = "fourhands-demo-";
const LOCK: &str = "alive.lock";

#[derive(Debug)]
pub struct Stage {
    folder: PathBuf,
    /// The working directory of the session.
    work: PathBuf,
    is_fast: bool,
    /// Tells other demos that this one lives, also those that see other process ids, as in a container.
    _alive: Option<Lock>,
}

/// The folder is known by the process id, so that no option can name another one, which would be deleted.
fn name() -> String {
    format!("{PREFIX}{}", id())
}

/// Builds the folder, and goes on in it under the same process id. Returns only on failure.
pub fn build_and_start_again() -> io::Error {
    match build() {
        Ok(folder) => Command::new(bridge::program()).args(std::env::args_os().skip(1)).env(VARIABLE, folder).exec(),
        Err(error) => error,
    }
}

fn build() -> io::Result<PathBuf> {
    let shared = Paths::of_this_process().shared;
    remove_dead(&shared);
    let stage = Stage::at(shared.join(name()), false);
    if stage.folder.symlink_metadata().is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} is there already; remove it, or try again", stage.folder.display()),
        ));
    }
    for folder in [&stage.folder, &stage.work] {
        paths::make_private(folder).map_err(io::Error::other)?;
    }
    fs::write(stage.work.join(script::FILE), script::DATA)?;
    Ok(stage.folder)
}

/// Removes the folders of demos that were killed. What cannot be removed now is left to the next demo.
fn remove_dead(shared: &Path) {
    let entries = fs::read_dir(shared).into_iter().flatten().flatten();
    for folder in entries.map(|entry| entry.path()).filter(|folder| is_dead(folder)) {
        let _ = fs::remove_dir_all(folder);
    }
}

/// Whether a folder is one of ours whose demo lives no longer. One with our own process id is an earlier one.
fn is_dead(folder: &Path) -> bool {
    let pid = folder.file_name().and_then(|name| name.to_str()?.strip_prefix(PREFIX)?.parse().ok());
    let is_gone = |pid: i32| pid > 0 && (pid as u32 == id() || kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH));
    pid.is_some_and(is_gone) && paths::is_private(folder) && !lock::is_held(&folder.join(LOCK))
}

impl Stage {
    /// Returns the stage if this process has been started on it.
    pub fn of_this_process(is_fast: bool) -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os(VARIABLE)?);
        folder.ends_with(name()).then(|| {
            let alive = lock::lock(&folder.join(LOCK)).ok().flatten();
            Self { _alive: alive, ..Self::at(folder, is_fast) }
        })
    }

    fn at(folder: PathBuf, is_fast: bool) -> Self {
        Self { work: folder.join("demo"), folder, is_fast, _alive: None }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn work(&self) -> &Path {
        &self.work
    }

    pub fn enter(&self) -> io::Result<()> {
        std::env::set_current_dir(&self.work)
    }

    /// Starts the client, which plays until it is dropped.
    pub fn play(&self) -> io::Result<Player> {
        Player::start(self.is_fast)
    }

    pub fn remove(&self) -> io::Result<()> {
        std::env::set_current_dir("/")?;
        fs::remove_dir_all(&self.folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_dead_demos_are_removed() {
        let shared = tempfile::tempdir().unwrap();
        let mut child = Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let make = |name: String| {
            let folder = shared.path().join(name);
            paths::make_private(&folder).unwrap();
            folder
        };
        let gone = make(format!("{PREFIX}{dead}"));
        let living = [
            make(format!("{PREFIX}{}", std::os::unix::process::parent_id())),
            make(format!("{PREFIX}notes")),
            make("other".to_owned()),
        ];
        // A demo in another namespace of process ids.
        let held = lock::lock(&gone.join(LOCK)).unwrap();
        remove_dead(shared.path());
        assert!(gone.exists(), "its demo lives");
        drop(held);
        remove_dead(shared.path());
        assert!(!gone.exists() && living.iter().all(|folder| folder.exists()));
    }
}
