//! The interface by which the actor records events, so that they outlive the process. The journal implements it.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::{Event, Timestamp};

/// Records events. Every run waits for the sink, so a call must return within microseconds.
pub trait EventSink: Send + 'static {
    /// Records an event before anybody else hears of it. Once the call returns, the event outlives the process.
    fn event(&mut self, event: &Event);

    /// Records events of one moment, in order.
    fn events(&mut self, events: &[Arc<Event>]) {
        for event in events {
            self.event(event);
        }
    }
}

/// Records nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unrecorded;

impl EventSink for Unrecorded {
    fn event(&mut self, _: &Event) {}
}

/// The permanent id of a session: 20 hexadecimal digits that sort by start time. Every process of the session has the
/// same id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(String);

impl SessionId {
    const DIGITS: usize = 20;

    /// Returns a new unique id.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        // The system seeds the hasher.
        let random = RandomState::new().hash_one(std::process::id());
        Self(format!("{:012x}{:08x}", now & 0xffff_ffff_ffff, random as u32))
    }

    /// Returns `None` if the text is no id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = text.len() == Self::DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        legal.then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ() {
        let (a, b, c) = (SessionId::new(1_000), SessionId::new(1_000), SessionId::new(1_700_000_000_000));
        assert!(a != b && a < c && b < c);
        assert_eq!(SessionId::parse(a.as_str()), Some(a));
        assert_eq!(SessionId::parse("../../../etc/passwd!"), None);
    }
}
