//! The options of an export: which snippets, and how failed ones appear.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::domain::Snippet;

/// How snippets that did not end well appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedCode {
    /// The snippets are left out.
    Omit,
    /// The code stands as a comment.
    Comment,
    /// The snippets stay, with a mark.
    Keep,
}

/// The options of an export; by default everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportOptions {
    /// `None` depends on the format. A script comments failed snippets out, so that it runs. A notebook does so with
    /// interrupted ones, and marks the others. All other formats keep them.
    pub failed: Option<FailedCode>,
    /// The authors; empty for all.
    pub authors: Vec<String>,
    pub numbers: Option<SnippetNumbers>,
    /// The folder of Markdown's figures, as links name it; `None` if the text contains the figures.
    pub figures: Option<String>,
}

impl ExportOptions {
    /// Returns whether the options select a part of the session.
    #[must_use]
    pub fn selects_part(&self) -> bool {
        !self.authors.is_empty() || self.numbers.is_some()
    }

    #[must_use]
    pub fn takes(&self, snippet: &Snippet) -> bool {
        let name = snippet.author.name();
        (self.authors.is_empty() || self.authors.iter().any(|author| author.eq_ignore_ascii_case(name)))
            && self.numbers.as_ref().is_none_or(|numbers| numbers.contains(snippet.id.0))
    }
}

/// Snippet numbers, such as `3,5-9,12-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnippetNumbers(Vec<RangeInclusive<u32>>);

impl SnippetNumbers {
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.0.iter().any(|range| range.contains(&number))
    }
}

/// Displays as a sentence on what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidNumbers(String);

impl fmt::Display for InvalidNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" does not select snippets; write numbers and ranges, such as 3,5-9 or 12-", self.0)
    }
}

impl std::error::Error for InvalidNumbers {}

impl FromStr for SnippetNumbers {
    type Err = InvalidNumbers;

    fn from_str(text: &str) -> Result<Self, InvalidNumbers> {
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
        ranges.map(Self).ok_or_else(|| InvalidNumbers(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges() {
        let numbers: SnippetNumbers = "3, 5-9,12-".parse().unwrap();
        let taken: Vec<u32> = (1..15).filter(|n| numbers.contains(*n)).collect();
        assert_eq!(taken, [3, 5, 6, 7, 8, 9, 12, 13, 14]);
        for bad in ["", ",", "-", "a", "9-5", "1--2", "1,,2", "99999999999"] {
            let refused = bad.parse::<SnippetNumbers>().unwrap_err();
            assert!(refused.to_string().contains("5-9"), "{bad}");
        }
    }
}
