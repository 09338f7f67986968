//! A Python that can hold a session, and why there is none.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// How long a Python may take to say what it is. A cold Python on a slow or busy disk needs many seconds.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(30);

/// A Python that can hold a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// The `sys.executable` of the Python: shims are resolved, the `python` of a virtual environment is not.
    pub executable: PathBuf,
    /// Such as `3.12.1`.
    pub version: String,
    /// Folder of the virtual environment, if the Python belongs to one.
    pub venv: Option<PathBuf>,
}

/// Why there is no Python to start. Displays as one sentence for the person.
#[derive(Debug, thiserror::Error)]
pub enum NoPython {
    #[error(
        "No python3 was found on PATH and no virtual environment is active; install CPython 3.10 or newer, or choose \
         one with --python PATH."
    )]
    NotFound,
    #[error(
        "VIRTUAL_ENV is {}, which has no bin/python; recreate that environment, unset VIRTUAL_ENV, or choose a Python \
         with --python PATH.", .0.display()
    )]
    EmptyVirtualEnv(PathBuf),
    #[error(
        "CONDA_PREFIX is {}, which does not exist; run `conda deactivate` or unset CONDA_PREFIX, or choose a Python with \
         --python PATH.", .0.display()
    )]
    GoneConda(PathBuf),
    #[error(
        "{} has no bin/python: it is a broken virtual environment; recreate it, remove the folder, or choose a Python \
         with --python PATH.", .0.display()
    )]
    EmptyDotVenv(PathBuf),
    #[error("{} is a folder without bin/python; give --python an interpreter or a virtual environment.", .0.display())]
    EmptyFolder(PathBuf),
    #[error("{}{origin} {fault}", .path.display())]
    Unfit { path: PathBuf, origin: Origin, fault: PythonFault },
}

/// Where the path comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Requested,
    VirtualEnv,
    Conda,
    DotVenv,
    SearchPath,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "",
            Self::VirtualEnv => " (from VIRTUAL_ENV)",
            Self::Conda => " (from CONDA_PREFIX)",
            Self::DotVenv => " (the nearest .venv)",
            Self::SearchPath => " (python3 on PATH)",
        })
    }
}

/// What is wrong with a Python. The text follows the path in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum PythonFault {
    #[error("does not exist; give --python the path of a CPython 3.10 or newer.")]
    Missing,
    #[error(
        "is a broken link: its Python was removed or moved; recreate the environment, or choose another Python with \
         --python PATH."
    )]
    DeadLink,
    #[error("is not executable; give --python the path of a Python interpreter.")]
    NotExecutable,
    #[error("is not a program that this machine can run ({0}); give --python the path of a Python interpreter.")]
    CannotStart(io::Error),
    #[error("did not answer within {} s: it hangs at startup, perhaps because of a sitecustomize or .pth file (`PYTHON \
         -c 0` hangs too); choose another Python with --python PATH.", PROBE_TIMEOUT.as_secs())]
    Silent,
    #[error("is not a Python interpreter, or cannot start: {0}; give --python the path of a CPython 3.10 or newer.")]
    NoPython(String),
    #[error("is Python {0}, which is too old; fourhands needs CPython 3.10 or newer: choose one with --python PATH.")]
    TooOld(String),
    #[error("is {0}, not CPython; choose a CPython 3.10 or newer with --python PATH.")]
    OtherKind(String),
    #[error(
        "is a free-threaded build of Python {0}, which cannot load the engine; choose a regular build of CPython 3.10 \
         or newer with --python PATH."
    )]
    FreeThreaded(String),
    #[error("is a 32-bit Python {0}; choose a 64-bit CPython 3.10 or newer with --python PATH.")]
    ThirtyTwoBit(String),
}
