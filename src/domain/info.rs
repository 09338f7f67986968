//! What is fixed about a session for as long as its process lives.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    pub name: String,
    /// Working directory at the start.
    pub cwd: PathBuf,
    /// `sys.executable`.
    pub python: PathBuf,
    /// Such as `3.12.1`.
    pub python_version: String,
    /// Folder of the virtual environment, if the Python belongs to one.
    pub venv: Option<PathBuf>,
    /// Of the session process.
    pub pid: u32,
    pub started_at: Timestamp,
}
