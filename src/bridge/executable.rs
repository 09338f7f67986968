//! The program with which a bridge starts a session.

use std::path::PathBuf;

/// Returns the path of this program, also after an update has replaced it.
pub fn program() -> PathBuf {
    std::env::current_exe().ok().filter(|path| path.exists()).unwrap_or_else(|| PathBuf::from("/proc/self/exe"))
}
