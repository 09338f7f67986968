//! Arguments that several commands share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::domain::ReplaySelection;

#[derive(Args, Debug)]
pub struct SessionArguments {
    /// Session name [default: from the folder's name]
    ///
    /// 1 to 64 of the characters A-Z a-z 0-9 . _ -, not starting with . or -.
    #[arg(long, value_name = "NAME")]
    pub session: Option<String>,
    /// Python interpreter, virtual environment or command
    ///
    /// The path of an interpreter, the folder of a virtual environment, or a command on PATH. `fourhands --help` has the
    /// order of the search without this option.
    #[arg(long, value_name = "PATH")]
    pub python: Option<PathBuf>,
    /// Resume a past session by name or id [default: last]
    ///
    /// Continues the session with its transcript and numbers in a new Python. Without a name: the last session of this
    /// folder, else of a parent folder, else of all.
    #[arg(long, value_name = "SESSION", num_args = 0..=1, default_missing_value = "")]
    pub resume: Option<String>,
    /// Rerun its snippets
    ///
    /// With --resume: reruns the snippets of the session in their order, and stops at the first new failure.
    #[arg(
        long,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "ok",
        requires = "resume"
    )]
    pub replay: Option<ReplayArgument>,
    /// Keep processes that snippets started
    ///
    /// Without this option, the processes that snippets started are ended when Python restarts and when the session
    /// ends. The setting `keep_processes` in config.toml does the same.
    #[arg(long, hide_short_help = true)]
    pub keep_processes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ReplayArgument {
    /// Snippets that succeeded (the default)
    Ok,
    /// Also snippets that failed or were interrupted
    All,
    /// Your own snippets that succeeded
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
