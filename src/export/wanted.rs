//! Which snippets are wanted, and what becomes of those that failed.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::domain::Snippet;

/// What becomes of snippets that did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// They are left out.
    Omit,
    /// Their code stands there as a comment.
    Comment,
    /// They are kept as they were run, and marked.
    Keep,
}

/// What of a transcript is wanted; by default all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// `None`: what suits the format. A script comments them out, so that it runs; a notebook does so with what was
    /// interrupted, and marks the others; all else keeps them.
    pub failed: Option<Failed>,
    /// Whose; empty for everybody's.
    pub authors: Vec<String>,
    pub numbers: Option<Numbers>,
    /// The folder that Markdown's figures go to, as it is written in links; `None` if they stand in the text.
    pub figures: Option<String>,
}

impl ExportOptions {
    /// Whether a part of the session was asked for, not all of it.
    #[must_use]
    pub fn is_choosy(&self) -> bool {
        !self.authors.is_empty() || self.numbers.is_some()
    }

    #[must_use]
    pub fn takes(&self, snippet: &Snippet) -> bool {
        let name = snippet.author.name();
        (self.authors.is_empty() || self.authors.iter().any(|author| author.eq_ignore_ascii_case(name)))
            && self.numbers.as_ref().is_none_or(|numbers| numbers.contains(snippet.id.0))
    }
}

/// Numbers of snippets, such as `3,5-9,12-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers(Vec<RangeInclusive<u32>>);

impl Numbers {
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.0.iter().any(|range| range.contains(&number))
    }
}

/// Displays as what is wrong with the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadNumbers(String);

impl fmt::Display for BadNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" names no snippets; write numbers and ranges, such as 3,5-9 or 12-", self.0)
    }
}

impl std::error::Error for BadNumbers {}

impl FromStr for Numbers {
    type Err = BadNumbers;

    fn from_str(text: &str) -> Result<Self, BadNumbers> {
        let number = |text: &str, open: u32| match text.trim() {
            "" => Some(open),
            text => text.parse().ok(),
        };
        let range = |part: &str| -> Option<RangeInclusive<u32>> {
            let (from, to) = match part.trim().split_once('-') {
                Some(("", "")) => return None,
                Some((from, to)) => (number(from, 1)?, number(to, u32::MAX)?),
                None => (part.trim().parse().ok()?, part.trim().parse().ok()?),
            };
            (from <= to).then_some(from..=to)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        ranges.map(Self).ok_or_else(|| BadNumbers(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges() {
        let numbers: Numbers = "3, 5-9,12-".parse().unwrap();
        let taken: Vec<u32> = (1..15).filter(|n| numbers.contains(*n)).collect();
        assert_eq!(taken, [3, 5, 6, 7, 8, 9, 12, 13, 14]);
        for bad in ["", ",", "-", "a", "9-5", "1--2", "1,,2", "99999999999"] {
            let refused = bad.parse::<Numbers>().unwrap_err();
            assert!(refused.to_string().contains("5-9"), "{bad}");
        }
    }
}
