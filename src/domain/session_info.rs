//! The facts about a session that do not change while its process lives.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    pub name: String,
    /// The working directory at the start.
    pub cwd: PathBuf,
    /// `sys.executable`.
    pub python: PathBuf,
    /// Such as `3.12.1`.
    pub python_version: String,
    /// The folder of the virtual environment, if Python belongs to one.
    pub venv: Option<PathBuf>,
    /// The session process.
    pub pid: u32,
    pub started_at: Timestamp,
    /// This program, as clients start it.
    pub program: PathBuf,
    /// A session of `fourhands demo`, of which nothing is kept.
    pub is_demo: bool,
}
