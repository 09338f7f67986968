//! The wall clock, for timestamps that people and models read. No decision depends on it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;

pub fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Timestamp);
    #[cfg(test)]
    let now = now.saturating_add_signed(OFFSET.get());
    now
}

#[cfg(test)]
thread_local! {
    /// Milliseconds by which the clock is wrong, for all actors of the thread.
    pub static OFFSET: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
}
