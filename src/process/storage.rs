//! Places of a session's files in the state folder: whole outputs and checkpoints.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use crate::session::discovery::paths::Paths;
use crate::session::{SessionId, Spool, spool};

/// Makes the spool, which stores the whole output of a session.
pub fn spool(id: &SessionId) -> Arc<Spool> {
    let folder = Paths::of_this_process().spools().map(|spools| spools.join(id.as_str()));
    Arc::new(Spool::new(folder.ok(), spool::Limits::default()))
}

/// Returns the folder of a session's checkpoints; `None` if there is no place for it.
pub fn checkpoints(id: &SessionId) -> Option<PathBuf> {
    Paths::of_this_process().checkpoints().ok().map(|folder| folder.join(id.as_str()))
}

/// Returns the name of the newest checkpoint.
pub fn last_checkpoint(id: &SessionId) -> Option<String> {
    let files = fs::read_dir(checkpoints(id)?).ok()?.flatten();
    let files = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "pickle"));
    let last = files.max_by_key(|file| file.metadata().and_then(|facts| facts.modified()).ok())?.path();
    Some(last.file_stem()?.to_string_lossy().into_owned())
}
