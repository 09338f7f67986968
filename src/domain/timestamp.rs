//! Times of the wall clock.

/// Milliseconds since the Unix epoch.
pub type Timestamp = u64;
