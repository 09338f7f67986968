//! What the next process of a session has to know of the one before.

use crate::domain::Restart;
use crate::domain::SnippetId;
use crate::domain::flight_recorder::Losses;

/// What a session process leaves to the one that takes over.
#[derive(Clone, Debug)]
pub struct Legacy {
    pub restart: Restart,
    /// See [`crate::domain::flight_recorder::FlightRecorder::crash_store`].
    pub keepsake: Option<String>,
    /// See [`crate::domain::flight_recorder::FlightRecorder::last_snippet`].
    pub last: SnippetId,
    /// See [`crate::domain::flight_recorder::FlightRecorder::losses`].
    pub lost: Losses,
}
