//! The wall clock, for times that people read. No decision depends on it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::Timestamp;

pub fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as Timestamp);
    #[cfg(test)]
    let now = now.saturating_add_signed(IS_OFF.get());
    now
}

#[cfg(test)]
thread_local! {
    /// Milliseconds that the clock of this thread is off, for tests.
    pub static IS_OFF: std::cell::Cell<i64> = const { std::cell::Cell::new(0) };
}
