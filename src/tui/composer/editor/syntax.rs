//! Colours of the input, cached from key to key: only the text behind the last change is scanned again, and only as far
//! as the screen shows it.

use std::ops::Range;

use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::lexer::{self, LineStart, Token};

/// Bytes that are scanned beyond the end that was asked for, so that the next call finds them scanned.
const SCAN_AHEAD: usize = 4 << 10;

#[derive(Debug, Default)]
pub struct SyntaxCache {
    code: String,
    tokens: Vec<Token>,
    /// All lines but the first, as far as the code was scanned.
    lines: Vec<LineStart>,
    /// Bytes that were scanned.
    scanned: usize,
    revision: Option<u64>,
}

impl SyntaxCache {
    /// Takes the code at a revision, unless the cache has that revision.
    pub fn update(&mut self, revision: u64, code: impl FnOnce() -> String) {
        if self.revision == Some(revision) {
            return;
        }
        self.revision = Some(revision);
        let code = code();
        let shared = shared_prefix(self.code.as_bytes(), code.as_bytes());
        // A change within a line does not concern the lines before it.
        let valid_lines = self.lines.partition_point(|line| line.at < shared);
        self.lines.truncate(valid_lines);
        let valid = self.lines.last().map_or(0, |line| line.at);
        self.tokens.truncate(self.tokens.partition_point(|token| token.range.end <= valid));
        self.scanned = valid;
        self.code = code;
    }

    /// Returns the code, and its coloured tokens up to the byte `end` at least.
    pub fn tokens_to(&mut self, end: usize) -> (&str, &[Token]) {
        self.scan_to(end);
        (&self.code, &self.tokens)
    }

    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the statement around a byte, or more than that.
    pub fn statement(&mut self, offset: usize) -> Range<usize> {
        self.scan_to(offset);
        let (before, after) = self.lines.split_at(self.lines.partition_point(|line| line.at <= offset));
        let begin = before.iter().rfind(|line| line.depth == 0).map_or(0, |line| line.at);
        let end = after.iter().find(|line| line.depth == 0).map_or(self.code.len(), |line| line.at);
        begin..end
    }

    /// Returns the part of that statement within `reach` bytes, from the beginning of a line on; `None` if no line
    /// begins so near.
    pub fn statement_near(&mut self, offset: usize, reach: usize) -> Option<Range<usize>> {
        self.scan_to(offset + reach);
        let Range { start, end } = self.statement(offset);
        let begin = if offset - start <= reach {
            start
        } else {
            let first = self.lines.partition_point(|line| line.at + reach < offset);
            self.lines.get(first).map(|line| line.at).filter(|at| *at <= offset)?
        };
        Some(begin..floor_char_boundary(&self.code, end.min(offset + reach)))
    }

    fn scan_to(&mut self, end: usize) {
        if self.scanned > end || self.scanned >= self.code.len() {
            return;
        }
        let LineStart { at: from, depth } = self.lines.last().copied().unwrap_or_default();
        let ahead = floor_char_boundary(&self.code, (end + SCAN_AHEAD).min(self.code.len()));
        let to = self.code[ahead..].find('\n').map_or(self.code.len(), |newline| ahead + newline + 1);
        self.tokens.truncate(self.tokens.partition_point(|token| token.range.end <= from));
        let (tokens, lines) = lexer::tokens_and_lines(&self.code[from..to], depth);
        self.tokens.extend(
            tokens
                .into_iter()
                .map(|token| Token { range: token.range.start + from..token.range.end + from, class: token.class }),
        );
        self.lines.extend(lines.into_iter().map(|line| LineStart { at: line.at + from, ..line }));
        self.scanned = to;
    }
}

/// Counts the bytes that both begin with.
fn shared_prefix(before: &[u8], now: &[u8]) -> usize {
    const CHUNK: usize = 256;
    let chunks = before.chunks_exact(CHUNK).zip(now.chunks_exact(CHUNK));
    let whole = chunks.take_while(|(before, now)| before == now).count() * CHUNK;
    whole + before[whole..].iter().zip(&now[whole..]).take_while(|(before, now)| before == now).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    #[test]
    fn cached_tokens_are_those_of_a_full_scan() {
        let pieces = [
            "x = (1,\n",
            ")\n",
            "'''",
            "\n",
            "def f():\n    return 1\n",
            "# c\n",
            "\\\n",
            "%time x\n",
            "s = 'a'\n",
            "é",
        ];
        for mut random in Random::rounds(20, 200) {
            let mut syntax = SyntaxCache::default();
            let mut code = String::new();
            for revision in 0..30 {
                let place = floor_char_boundary(&code, random.below(code.len() + 1));
                if random.below(3) == 0 {
                    code.truncate(place);
                } else {
                    code.insert_str(place, random.one(&pieces));
                }
                syntax.update(revision, || code.clone());
                let end = random.below(code.len() + 1);
                let expected: Vec<_> =
                    lexer::tokens(&code).into_iter().filter(|token| token.range.start < end).collect();
                let found: Vec<_> =
                    syntax.tokens_to(end).1.iter().filter(|token| token.range.start < end).cloned().collect();
                assert_eq!(found, expected, "{code:?} up to {end}");
            }
        }
    }
}
