//! The data that a session process leaves to its successor.

use crate::domain::flight_recorder::Losses;
use crate::domain::{Restart, Rewind, SnippetId};

#[derive(Clone, Debug)]
pub struct Handover {
    pub restart: Restart,
    /// The safe point that is to take over, after a request.
    pub rewind: Option<Rewind>,
    /// See [`crate::domain::flight_recorder::FlightRecorder::crash_store`].
    pub snapshot: Option<String>,
    /// See [`crate::domain::flight_recorder::FlightRecorder::last_snippet`].
    pub last_snippet: SnippetId,
    /// See [`crate::domain::flight_recorder::FlightRecorder::losses`].
    pub losses: Losses,
}
