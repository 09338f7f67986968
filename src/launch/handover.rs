//! What the next process of a session has to know of the one before.

use crate::domain::Restart;
use crate::domain::SnippetId;
use crate::domain::recorder::Losses;

/// What a session process leaves to the one that takes over.
#[derive(Clone, Debug)]
pub struct Legacy {
    pub restart: Restart,
    /// See [`crate::domain::recorder::Recorder::keepsake`].
    pub keepsake: Option<String>,
    /// See [`crate::domain::recorder::Recorder::last`].
    pub last: SnippetId,
    /// See [`crate::domain::recorder::Recorder::lost`].
    pub lost: Losses,
}
