//! Times as text.

use crate::domain::Timestamp;

/// Formats a time such as `2026-11-22 14:03`, in the time zone of this machine.
#[must_use]
pub fn local_time(at: Timestamp) -> String {
    at_zone(at).map_or_else(|| "?".to_owned(), |time| time.format("%Y-%m-%d %H:%M").to_string())
}

/// Formats a date such as `2026-11-22`, in the time zone of this machine.
#[must_use]
pub fn local_date(at: Timestamp) -> String {
    at_zone(at).map_or_else(|| "unknown".to_owned(), |time| time.format("%Y-%m-%d").to_string())
}

fn at_zone(at: Timestamp) -> Option<chrono::DateTime<chrono::Local>> {
    Some(chrono::DateTime::from_timestamp_millis(i64::try_from(at).ok()?)?.with_timezone(&chrono::Local))
}

/// Formats a time such as `2026-11-22T14:03:09.120Z`, for programs.
pub fn iso_time(at: Timestamp) -> String {
    i64::try_from(at)
        .ok()
        .and_then(chrono::DateTime::from_timestamp_millis)
        .map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
        .unwrap_or_default()
}
