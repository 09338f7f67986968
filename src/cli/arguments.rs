//! Arguments that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::domain::ReplaySelection;

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
    pub replay: Option<ReplayArgument>,
    /// Leave running what snippets started when Python restarts or the session ends, as `keep_processes` in config.toml
    /// does [default: it is ended]
    #[arg(long)]
    pub keep_processes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReplayArgument {
    /// What ended without an error
    Ok,
    /// Also what failed or was interrupted
    All,
    /// What you ran yourself, and ended without an error
    Mine,
}

impl ReplayArgument {
    pub fn selection(self) -> ReplaySelection {
        match self {
            Self::Ok => ReplaySelection::Ok,
            Self::All => ReplaySelection::All,
            Self::Mine => ReplaySelection::Mine,
        }
    }
}
