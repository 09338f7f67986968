//! Arguments that start a session, whichever command takes them.

use crate::domain::replay::Which;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct SessionArguments {
    /// Name of the session [default: named after the working directory]
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Python to use: an interpreter, a virtual environment's folder, or a command on PATH
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// Go on with a session of the past, by its name or id [default: the last one of this folder, else of all]
    #[arg(long, value_name = "SESSION", num_args = 0..=1, default_missing_value = "")]
    pub resume: Option<String>,
    /// With --resume: run again what ran in it, up to the first that now fails
    #[arg(
        long,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "ok",
        requires = "resume"
    )]
    pub replay: Option<Replay>,
    /// Leave running what snippets started when Python restarts or the session ends, as `keep_processes` in config.toml
    /// does [default: it is ended]
    #[arg(long)]
    pub keep_processes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Replay {
    /// What ended without an error
    Ok,
    /// Also what failed or was interrupted
    All,
    /// What you ran yourself, and ended without an error
    Mine,
}

impl Replay {
    pub fn which(self) -> Which {
        match self {
            Self::Ok => Which::Ok,
            Self::All => Which::All,
            Self::Mine => Which::Mine,
        }
    }
}
