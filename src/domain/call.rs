//! Tool calls of clients: their ids and their states. The state alone decides what a caller hears of a call that was
//! left without an answer.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a call, unique for all time. The bridge that passes the call on makes the id, and uses it as the id of the
/// request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId {
    /// A random number of the bridge.
    pub bridge: u128,
    /// Counted from 1.
    pub number: u64,
}

impl CallId {
    const PREFIX: &str = "fourhands:";

    /// Returns `None` if the text is not an id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (bridge, number) = text.strip_prefix(Self::PREFIX)?.split_once(':')?;
        let is_hex = bridge.len() == 32 && bridge.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if !is_hex || !is_number || number.len() > 1 && number.starts_with('0') {
            return None;
        }
        Some(Self { bridge: u128::from_str_radix(bridge, 16).ok()?, number: number.parse().ok()? })
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:032x}:{}", Self::PREFIX, self.bridge, self.number)
    }
}

impl Serialize for CallId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CallId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not the name of a call"))
    }
}

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// No session process received it.
    NotReceived,
    /// The snippet waits, or was cancelled before it began.
    Queued,
    /// The snippet has begun and has not ended by itself.
    Begun,
    /// The snippet has ended, and its outcome is recorded.
    Ended,
    /// Any of the other states.
    Unknown,
}

impl CallState {
    /// Returns whether repeating the call does nothing twice.
    #[must_use]
    pub fn may_be_repeated(self) -> bool {
        match self {
            Self::NotReceived | Self::Queued => true,
            Self::Begun | Self::Ended | Self::Unknown => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_ids_round_trip_and_other_text_is_refused() {
        let ids = [CallId { bridge: 0, number: 1 }, CallId { bridge: u128::MAX, number: u64::MAX }];
        for id in ids {
            assert_eq!(CallId::parse(&id.to_string()), Some(id));
        }
        let good = ids[0].to_string();
        let others = ["", "1", "fourhands:1", &good[1..], &good.replace(":1", ":+1"), &good.replace(":1", ":01")];
        for other in others.into_iter().chain([&*format!("{good}0000000000000000000000"), &*format!("{good} ")]) {
            assert_eq!(CallId::parse(other), None, "{other}");
        }
        assert_eq!(CallId::parse(&good.replace("0000:", "000A:")), None, "one name per call");
    }
}
