//! The path of this program in configurations.

use std::path::{Path, PathBuf};

use super::config_folders::{ConfigFolders, is_program};

/// Returns the path that stays valid when this program is updated: that on PATH, if it leads to this program. A tool
/// such as pipx links `~/.local/bin/fourhands` to a folder that it may rebuild.
pub fn stable_program(folders: &ConfigFolders, running: &Path) -> PathBuf {
    let Ok(real) = running.canonicalize() else { return running.to_owned() };
    let folders = folders.path.iter().flat_map(std::env::split_paths).filter(|folder| folder.is_absolute());
    let mut candidates = folders.map(|folder| folder.join("fourhands")).filter(|path| is_program(path));
    candidates.find(|path| path.canonicalize().is_ok_and(|path| path == real)).unwrap_or_else(|| running.to_owned())
}

/// Whether a program lies in a cache that is cleared without notice, as with `uvx`.
pub fn is_temporary(program: &Path) -> bool {
    let mut parts = program.components().map(std::path::Component::as_os_str);
    parts.any(|part| part == "archive-v0" || part == "environments-v2" || part == ".cache")
}
