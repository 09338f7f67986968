//! A Python that can hold a session, or why there is none.

use crate::launch::probe::Fault;
use std::fmt;
use std::path::PathBuf;

/// A Python that can hold a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// Its own `sys.executable`: shims are resolved, the `python` of a virtual environment is not.
    pub executable: PathBuf,
    /// Such as `3.12.1`.
    pub version: String,
    /// Folder of the virtual environment, if it belongs to one.
    pub venv: Option<PathBuf>,
}

/// Why there is no Python to start; its text is one sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum NoPython {
    #[error(
        "No python3 was found on PATH and no virtual environment is active; \
         install CPython 3.10 or newer, or name one with --python PATH."
    )]
    NotFound,
    #[error(
        "VIRTUAL_ENV names {}, which has no bin/python; create that environment again, unset VIRTUAL_ENV, \
         or name a Python with --python PATH.", .0.display()
    )]
    EmptyVirtualEnv(PathBuf),
    #[error("{} is a folder without bin/python; give --python an interpreter or a virtual environment.", .0.display())]
    EmptyFolder(PathBuf),
    #[error("{}{origin} {fault}", .path.display())]
    Unfit { path: PathBuf, origin: Origin, fault: Fault },
}

/// Who chose the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Asked,
    VirtualEnv,
    Conda,
    DotVenv,
    SearchPath,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "",
            Self::VirtualEnv => " (from VIRTUAL_ENV)",
            Self::Conda => " (from CONDA_PREFIX)",
            Self::DotVenv => " (the nearest .venv)",
            Self::SearchPath => " (python3 on PATH)",
        })
    }
}
