//! Fuzzy matching of a query, as the palette, the list of variables and the search of earlier inputs do it.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// A query, with the memory that matching needs.
pub struct Fuzzy {
    pattern: Pattern,
    matcher: Matcher,
    buffer: Vec<char>,
}

impl Fuzzy {
    /// Ignores case, unless the query has a capital letter.
    pub fn new(query: &str) -> Self {
        Self::with(query, CaseMatching::Smart)
    }

    pub fn ignoring_case(query: &str) -> Self {
        Self::with(query, CaseMatching::Ignore)
    }

    fn with(query: &str, case: CaseMatching) -> Self {
        let pattern = Pattern::new(query, case, Normalization::Smart, AtomKind::Fuzzy);
        Self { pattern, matcher: Matcher::new(Config::DEFAULT), buffer: Vec::new() }
    }

    /// How well a text matches; more is better. `None` if the text does not match.
    pub fn score(&mut self, text: &str) -> Option<u32> {
        self.pattern.score(Utf32Str::new(text, &mut self.buffer), &mut self.matcher)
    }

    /// The same, with the characters of the text that match, in order.
    pub fn indices(&mut self, text: &str) -> Option<(u32, Vec<u32>)> {
        let mut indices = Vec::new();
        let text = Utf32Str::new(text, &mut self.buffer);
        let score = self.pattern.indices(text, &mut self.matcher, &mut indices)?;
        indices.sort_unstable();
        Some((score, indices))
    }
}
