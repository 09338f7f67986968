//! Numbers as text for people.

use std::time::Duration;

/// Formats a finished duration in about six characters: `12 ms`, `0.21 s`, `1.4 s`, `3:19`, `1:02:45`.
#[must_use]
pub fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    match seconds {
        s if s < 0.001 => "<1 ms".to_owned(),
        s if s < 0.0995 => format!("{:.0} ms", s * 1000.0),
        s if s < 0.995 => format!("{s:.2} s"),
        s if s < 59.95 => format!("{s:.1} s"),
        _ => clock(elapsed),
    }
}

/// Formats a running clock: `0:42`, `3:19`, `1:02:45`.
#[must_use]
pub fn clock(elapsed: Duration) -> String {
    let total = elapsed.as_secs();
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Formats a rough duration: `<1 min`, `26 min`, `3 h`, `2 days`.
#[must_use]
pub fn age(elapsed: Duration) -> String {
    match elapsed.as_secs() / 60 {
        0 => "<1 min".to_owned(),
        minutes @ 1..120 => format!("{minutes} min"),
        minutes @ 120..2880 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / 1440),
    }
}

/// Formats a size in powers of 1000: `512 B`, `3.4 kB`, `412 MB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 999.5 {
            return if unit == "B" || value >= 99.5 {
                format!("{value:.0} {unit}")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// Formats a count with its noun: `1 name`, `2 names`.
#[must_use]
pub fn count(n: usize, singular: &str) -> String {
    if n == 1 { format!("1 {singular}") } else { format!("{n} {singular}s") }
}

/// Formats a number with its thousands apart: `10,000,000`.
#[must_use]
pub fn grouped(n: u64) -> String {
    grouped_digits(&n.to_string())
}

/// Sets the thousands apart in each number of a text, such as `48210×9`.
#[must_use]
pub fn grouped_shape(shape: &str) -> String {
    let is_number = |size: &str| size.bytes().all(|byte| byte.is_ascii_digit());
    let sizes = shape.split('×').map(|size| if is_number(size) { grouped_digits(size) } else { size.to_owned() });
    sizes.collect::<Vec<_>>().join("×")
}

fn grouped_digits(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let read = |ms| duration(Duration::from_micros((ms * 1000.0) as u64));
        assert_eq!(read(0.2), "<1 ms");
        assert_eq!(read(12.0), "12 ms");
        assert_eq!(read(210.0), "0.21 s");
        assert_eq!(read(1_400.0), "1.4 s");
        assert_eq!(read(199_000.0), "3:19");
        assert_eq!(read(3_765_000.0), "1:02:45");
    }

    #[test]
    fn ages_read_well() {
        let read = |minutes: u64| age(Duration::from_secs(minutes * 60));
        assert_eq!([read(0), read(26), read(185), read(4_400)], ["<1 min", "26 min", "3 h", "3 days"]);
    }

    #[test]
    fn long_numbers_are_grouped() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1_000), grouped(10_000_000)],
            ["0", "999", "1,000", "10,000,000"]
        );
        let shapes = ["48210×9", "", "()", "(df, …)", "84.1 k", "123456"].map(grouped_shape);
        assert_eq!(shapes, ["48,210×9", "", "()", "(df, …)", "84.1 k", "123,456"]);
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(3_400), "3.4 kB");
        assert_eq!(bytes(412_000_000), "412 MB");
        assert_eq!(bytes(u64::MAX), "18446744.1 TB");
    }
}
