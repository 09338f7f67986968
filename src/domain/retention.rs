//! Limits on recorded sessions, and the texts that people write them in.

/// Characters of a wrong setting that a message repeats.
const MAX_QUOTED_CHARS: usize = 40;
/// The smallest limit. A smaller number means another unit: not one session would fit.
const MIN_BYTES: u64 = 1_000_000;

/// The limits of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionLimits {
    /// Bytes on the disk, spools included; 0 if nothing is recorded.
    pub bytes: u64,
    /// Days since the last activity of a session.
    pub days: u64,
    /// Why a setting is refused, as a sentence. While there is one, nothing is removed, since the intended limit is
    /// unknown.
    pub refused: Option<String>,
}

impl Default for RetentionLimits {
    fn default() -> Self {
        Self { bytes: 1_000_000_000, days: 90, refused: None }
    }
}

impl RetentionLimits {
    /// Applies a setting of the size. `name` is the setting's name in messages.
    pub fn set_bytes(&mut self, name: &str, text: &str) {
        match size(text) {
            Ok(bytes) => self.bytes = bytes,
            Err(why) => self.refuse(format!("{name} is {why}")),
        }
    }

    /// Applies a setting of the days.
    pub fn set_days(&mut self, name: &str, text: &str) {
        match days(text) {
            Ok(days) => self.days = days,
            Err(why) => self.refuse(format!("{name} is {why}")),
        }
    }

    /// Keeps everything from removal. The first reason stays.
    pub fn refuse(&mut self, why: String) {
        self.refused.get_or_insert(why);
    }
}

/// Parses a size such as `500MB`, `1.5 GB`, `2GiB` or `0`.
///
/// # Errors
/// If the text is not a size: the text, and what it probably meant.
pub fn size(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let unclear = || {
        format!(
            "{}, which is not a size; write for example 500MB or 2GB, or 0 to record \
        nothing",
            shown(text)
        )
    };
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = (&trimmed[..digits], trimmed[digits..].trim());
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || part.contains('.') || part.len() > 6 || number.ends_with('.') {
        return Err(unclear());
    }
    let whole: u64 = whole.parse().map_err(|_| unclear())?;
    let unit = match unit.to_ascii_uppercase().as_str() {
        "" if whole == 0 && part.bytes().all(|digit| digit == b'0') => return Ok(0),
        "" => {
            return Err(format!(
                "{}, a number without a unit, which would be bytes; did you mean {}? Write the unit, or 0 to record \
                 nothing",
                shown(text),
                meant(number, whole)
            ));
        }
        "B" => 1,
        "K" | "KB" => 1_000,
        "KIB" => 1 << 10,
        "M" | "MB" => 1_000_000,
        "MIB" => 1 << 20,
        "G" | "GB" => 1_000_000_000,
        "GIB" => 1 << 30,
        "T" | "TB" => 1_000_000_000_000,
        "TIB" => 1 << 40,
        _ => return Err(unclear()),
    };
    let mut bytes = whole.checked_mul(unit).ok_or_else(unclear)?;
    let mut unit = unit;
    for digit in part.bytes() {
        unit /= 10;
        bytes = bytes.checked_add(u64::from(digit - b'0') * unit).ok_or_else(unclear)?;
    }
    if (1..MIN_BYTES).contains(&bytes) {
        return Err(format!(
            "{}, too small for a single session; write 1MB or more, or 0 to record nothing",
            shown(text)
        ));
    }
    Ok(bytes)
}

/// Returns the number with the unit that was probably meant.
fn meant(number: &str, whole: u64) -> String {
    match whole {
        0..=64 => format!("{number}GB"),
        65..MIN_BYTES => format!("{number}MB"),
        _ => format!("{}MB", whole / MIN_BYTES),
    }
}

/// Parses a number of days such as `90`, `90d` or `90 days`.
///
/// # Errors
/// If the text is not a number of days: the text, and what it probably meant.
pub fn days(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let unclear = || format!("{}, which is not a number of days; write for example 90", shown(text));
    let number: u64 = trimmed[..digits].parse().map_err(|_| unclear())?;
    let in_days = |each: u64| match number.checked_mul(each).filter(|days| *days > 0) {
        Some(days) => format!("{}, but the unit is days; did you mean {days}?", shown(text)),
        None => unclear(),
    };
    match trimmed[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "d" | "day" | "days" if number == 0 => Err(format!(
            "{}, which would remove every session when it ends; write 1 or more. To record nothing, set the size to 0",
            shown(text)
        )),
        "" | "d" | "day" | "days" => Ok(number),
        "w" | "week" | "weeks" => Err(in_days(7)),
        "m" | "month" | "months" => Err(in_days(30)),
        "y" | "year" | "years" => Err(in_days(365)),
        _ => Err(unclear()),
    }
}

/// Quotes the text, on one line and of bounded length.
fn shown(text: &str) -> String {
    let cut: String = text.trim().chars().take(MAX_QUOTED_CHARS).collect();
    format!("{cut:?}{}", if text.trim().chars().count() > MAX_QUOTED_CHARS { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    #[test]
    fn common_spellings_of_sizes_and_days_are_accepted() {
        let sizes = ["500MB", " 2 gb ", "0", "1.5GB", "2GiB", "1m", "0GB", "0.0"].map(|text| size(text).unwrap());
        assert_eq!(sizes, [500_000_000, 2_000_000_000, 0, 1_500_000_000, 2 << 30, 1_000_000, 0, 0]);
        assert_eq!(["90", "1 day", " 7d "].map(|text| days(text).unwrap()), [90, 1, 7]);
    }

    #[test]
    fn errors_say_what_was_probably_meant() {
        for (text, meant) in [("5", "5GB?"), ("1.5", "1.5GB?"), ("500", "500MB?"), ("1000000000", "1000MB?")] {
            let message = size(text).unwrap_err();
            assert!(
                message.contains("without a unit") && message.contains(&format!("did you mean {meant}")),
                "{message}"
            );
        }
        for text in ["much", "-1", "1,5GB", "1..5GB", "5.", ".GB", "", "99999999999999999999", "20000000000TB"] {
            assert!(size(text).unwrap_err().contains("not a size"), "{text}");
        }
        assert!(size("5KB").unwrap_err().contains("too small"));
        for (text, part) in [
            ("0", "when it ends"),
            ("0 days", "when it ends"),
            ("2w", "14"),
            ("1y", "365"),
            ("soon", "not a number"),
            ("", "no"),
        ] {
            assert!(days(text).unwrap_err().contains(part), "{text}: {:?}", days(text));
        }
    }

    #[test]
    fn random_text_is_refused_or_a_valid_limit() {
        let pieces = ["1", "0", "99999999999999999999", "GB", "kb", " ", "-", ".", "é", "T", "\u{1b}", "\u{130}", "w"];
        for mut random in Random::rounds(11, 5_000) {
            let mut limits = RetentionLimits::default();
            limits.set_bytes("SIZE", &random.text(&pieces, 4));
            limits.set_days("DAYS", &random.text(&pieces, 3));
            assert!(limits.bytes == 0 || limits.bytes >= MIN_BYTES);
            assert!(limits.days > 0);
            if let Some(message) = limits.refused {
                assert!(!message.contains(char::is_control), "{message:?}");
            }
        }
    }
}
