//! The reasons why a change cannot be planned.

use std::path::PathBuf;

use super::change::ChangeError;
use super::server::EditError;

/// Displays as a sentence, without what to do instead.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("{0} has no configuration for single projects; set it up without --project")]
    NoSuchScope(&'static str),
    #[error("{} {fault}", .path.display())]
    File { path: PathBuf, fault: ChangeError },
    #[error("{} {fault}", .path.display())]
    Content { path: PathBuf, fault: EditError },
}
