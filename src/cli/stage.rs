//! The stage of a demo: a folder that has all of its session and goes with it, and the client that plays there.

mod client;
mod player;
mod script;

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, id};

use self::player::Player;
use crate::bridge;
use crate::session::discovery::paths::{self, Paths};

const VARIABLE: &str = "FOURHANDS_HOME";

#[derive(Debug)]
pub struct Stage {
    folder: PathBuf,
    /// The working directory of the session.
    work: PathBuf,
    is_fast: bool,
}

/// The folder is known by the process id, so that no option can name another one, which would be deleted.
fn name() -> String {
    format!("fourhands-demo-{}", id())
}

/// Builds the folder, and goes on in it under the same process id. Returns only on failure.
pub fn build_and_start_again() -> io::Error {
    match build() {
        Ok(folder) => Command::new(bridge::program()).args(std::env::args_os().skip(1)).env(VARIABLE, folder).exec(),
        Err(error) => error,
    }
}

fn build() -> io::Result<PathBuf> {
    let folder = Paths::of_this_process().shared.join(name());
    if paths::is_private(&folder) {
        // Left by a demo that was killed.
        fs::remove_dir_all(&folder)?;
    }
    let stage = Stage::at(folder, false);
    for folder in [&stage.folder, &stage.work] {
        paths::make_private(folder).map_err(io::Error::other)?;
    }
    fs::write(stage.work.join(script::FILE), script::DATA)?;
    Ok(stage.folder)
}

impl Stage {
    /// Returns the stage if this process has been started on it.
    pub fn of_this_process(is_fast: bool) -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os(VARIABLE)?);
        folder.ends_with(name()).then(|| Self::at(folder, is_fast))
    }

    fn at(folder: PathBuf, is_fast: bool) -> Self {
        Self { work: folder.join("demo"), folder, is_fast }
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
