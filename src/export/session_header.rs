//! The facts about a session at the beginning of an export.

use std::path::Path;

use crate::domain::Timestamp;

/// The facts about a session.
pub struct SessionHeader<'a> {
    pub name: &'a str,
    /// The id in the journal.
    pub id: Option<&'a str>,
    pub cwd: &'a Path,
    pub python: &'a Path,
    pub python_version: &'a str,
    pub started: Timestamp,
    /// Formats a time for people, such as `2026-11-22 14:03`.
    pub clock: fn(Timestamp) -> String,
}
