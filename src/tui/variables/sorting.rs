//! The order of the list of variables.

use std::cmp::Ordering;

/// The order of the list of variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sorting {
    /// Data first, then classes, functions, modules.
    #[default]
    Kind,
    Name,
    Type,
    /// The largest first.
    Size,
    /// The last change first.
    Changed,
}

impl Sorting {
    pub const fn next(self) -> Self {
        match self {
            Self::Kind => Self::Name,
            Self::Name => Self::Type,
            Self::Type => Self::Size,
            Self::Size => Self::Changed,
            Self::Changed => Self::Kind,
        }
    }

    /// The order's name in the title of the list.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Kind => "",
            Self::Name => ", by name",
            Self::Type => ", by type",
            Self::Size => ", by size",
            Self::Changed => ", by last change",
        }
    }
}

/// Compares names as people do: without regard to case, and runs of digits as numbers, so that `g2` is before `g10`.
pub fn natural(one: &str, other: &str) -> Ordering {
    let (mut left, mut right) = (one, other);
    loop {
        let (Some(a), Some(b)) = (left.chars().next(), right.chars().next()) else {
            // Names that differ only in case or in leading zeros still have an order.
            return left.len().cmp(&right.len()).then_with(|| one.cmp(other));
        };
        if a.is_ascii_digit() && b.is_ascii_digit() {
            let (number, rest) = number(left);
            let (other_number, other_rest) = self::number(right);
            let order = number.len().cmp(&other_number.len()).then_with(|| number.cmp(other_number));
            if order.is_ne() {
                return order;
            }
            (left, right) = (rest, other_rest);
        } else {
            let order = a.to_lowercase().cmp(b.to_lowercase());
            if order.is_ne() {
                return order;
            }
            (left, right) = (&left[a.len_utf8()..], &right[b.len_utf8()..]);
        }
    }
}

/// The digits that a text begins with, without leading zeros, and the rest.
fn number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["g10", "g2", "G3", "g1", "g", "a_1_10", "a_1_9", "g02", "ä", "x99999999999999999999999", "x2"];
        names.sort_by(|one, other| natural(one, other));
        assert_eq!(
            names,
            ["a_1_9", "a_1_10", "g", "g1", "g02", "g2", "G3", "g10", "x2", "x99999999999999999999999", "ä"]
        );
        assert_eq!(natural("a", "a"), Ordering::Equal);
        assert_ne!(natural("a", "A"), Ordering::Equal);
    }
}
