//! A text to search for. Case matters only if the text has capitals.

use std::ops::Range;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    text: String,
    /// The text in lower case; empty if case matters.
    lower: Vec<char>,
}

impl Query {
    pub fn new(text: &str) -> Self {
        let lower = if text.chars().any(char::is_uppercase) { Vec::new() } else { lower(text).collect() };
        Self { text: text.to_owned(), lower }
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The first match at or after the byte `from`.
    pub fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        if self.is_empty() {
            return None;
        }
        if self.lower.is_empty() {
            return text[from..].find(&self.text).map(|at| from + at..from + at + self.text.len());
        }
        let first = self.lower[0];
        let bytes = text.as_bytes();
        let mut at = from;
        loop {
            // Few letters without accents can begin a match.
            at += if first.is_ascii() {
                let upper = first.to_ascii_uppercase() as u8;
                bytes[at..].iter().position(|byte| *byte == first as u8 || *byte == upper)?
            } else {
                bytes[at..].iter().position(|byte| *byte >= 0xC0)?
            };
            if let Some(length) = self.begins(&text[at..]) {
                return Some(at..at + length);
            }
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }

    /// The length in bytes of a match at the beginning of `text`.
    fn begins(&self, text: &str) -> Option<usize> {
        let mut letters = self.lower.iter();
        for (at, c) in text.char_indices() {
            for small in c.to_lowercase() {
                if letters.next() != Some(&small) {
                    return None;
                }
            }
            if letters.len() == 0 {
                return Some(at + c.len_utf8());
            }
        }
        None
    }

    pub fn is_in(&self, text: &str) -> bool {
        self.find(text, 0).is_some()
    }

    /// All matches, without overlaps.
    pub fn all<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let mut from = 0;
        std::iter::from_fn(move || {
            let found = self.find(text, from)?;
            from = found.end;
            Some(found)
        })
    }
}

fn lower(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(needle: &str, text: &str) -> Vec<(usize, usize)> {
        Query::new(needle).all(text).map(|place| (place.start, place.end)).collect()
    }

    #[test]
    fn capitals_count_where_one_was_typed() {
        assert_eq!(places("loss", "Loss, LOSS and loss"), [(0, 4), (6, 10), (15, 19)]);
        assert_eq!(places("Loss", "Loss, LOSS and loss"), [(0, 4)]);
        assert_eq!(places("aa", "aaaaa"), [(0, 2), (2, 4)]);
        assert_eq!(places("", "abc"), []);
        assert_eq!(places("é", "É é e"), [(0, 2), (3, 5)]);
        assert_eq!(places("漢x", "字漢漢X"), [(6, 10)]);
        assert_eq!(places("ab", "é漢aé漢b"), []);
        assert_eq!(places("x", "ẋX"), [(3, 4)]);
    }
}
