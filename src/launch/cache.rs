//! The cache folder. Its files are loaded into Python or trusted, so nobody else may write to it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use crate::session::discovery::paths::{self, make_private};

/// Returns the path of the cache folder.
pub fn path() -> io::Result<PathBuf> {
    use etcetera::BaseStrategy;
    if let Some(folder) = paths::own_folder() {
        return Ok(folder.join(".cache/fourhands"));
    }
    let strategy = etcetera::choose_base_strategy().map_err(io::Error::other)?;
    Ok(strategy.cache_dir().join("fourhands"))
}

/// Creates a private `folder`. Closes a folder of ours that a careless umask left open to others.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    if let Ok(facts) = folder.symlink_metadata()
        && facts.is_dir()
        && facts.uid() == Uid::effective().as_raw()
        && facts.mode() & 0o077 != 0
    {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    make_private(folder).map_err(io::Error::other)
}
