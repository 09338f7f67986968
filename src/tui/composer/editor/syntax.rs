//! Colours of the input, kept from key to key: only what follows the last change is looked at again, and only as far as
//! it is seen.

use std::ops::Range;

use crate::domain::lexer::{self, LineStart, Token};

#[derive(Debug, Default)]
pub struct Syntax {
    code: String,
    tokens: Vec<Token>,
    /// All but the first.
    lines: Vec<LineStart>,
    /// Up to here all is known.
    known: usize,
    revision: Option<u64>,
}

impl Syntax {
    /// Takes in the code as it is now.
    pub fn update(&mut self, revision: u64, code: impl FnOnce() -> String) {
        if self.revision == Some(revision) {
            return;
        }
        self.revision = Some(revision);
        let code = code();
        let same = same(self.code.as_bytes(), code.as_bytes());
        // What is written into a line changes no line before it.
        let sure = self.lines.partition_point(|line| line.at < same);
        self.lines.truncate(sure);
        let sure = self.lines.last().map_or(0, |line| line.at);
        self.tokens.truncate(self.tokens.partition_point(|token| token.range.end <= sure));
        self.known = sure;
        self.code = code;
    }

    /// The code, and its pieces that have a colour, up to `end` at least.
    pub fn seen(&mut self, end: usize) -> (&str, &[Token]) {
        self.look(end);
        (&self.code, &self.tokens)
    }

    pub fn code(&self) -> &str {
        &self.code
    }

    /// The statement around `place`, or more than that.
    pub fn statement(&mut self, place: usize) -> Range<usize> {
        self.look(place);
        let (before, after) = self.lines.split_at(self.lines.partition_point(|line| line.at <= place));
        let begin = before.iter().rfind(|line| line.depth == 0).map_or(0, |line| line.at);
        let end = after.iter().find(|line| line.depth == 0).map_or(self.code.len(), |line| line.at);
        begin..end
    }

    /// What of that statement is not further away than `far`, in whole lines before it; `None` if not even a line begins
    /// there.
    pub fn near(&mut self, place: usize, far: usize) -> Option<Range<usize>> {
        self.look(place + far);
        let Range { start, end } = self.statement(place);
        let begin = if place - start <= far {
            start
        } else {
            let first = self.lines.partition_point(|line| line.at + far < place);
            self.lines.get(first).map(|line| line.at).filter(|at| *at <= place)?
        };
        Some(begin..crate::domain::char_boundary::floor_char_boundary(&self.code, end.min(place + far)))
    }

    fn look(&mut self, end: usize) {
        if self.known > end || self.known >= self.code.len() {
            return;
        }
        // Whole lines, and some more than is wanted, so that the next look finds it known.
        let LineStart { at: from, depth } = self.lines.last().copied().unwrap_or_default();
        let ahead = crate::domain::char_boundary::floor_char_boundary(&self.code, (end + AHEAD).min(self.code.len()));
        let to = self.code[ahead..].find('\n').map_or(self.code.len(), |newline| ahead + newline + 1);
        self.tokens.truncate(self.tokens.partition_point(|token| token.range.end <= from));
        let (tokens, lines) = lexer::tokens_and_lines(&self.code[from..to], depth);
        self.tokens.extend(
            tokens
                .into_iter()
                .map(|token| Token { range: token.range.start + from..token.range.end + from, class: token.class }),
        );
        self.lines.extend(lines.into_iter().map(|line| LineStart { at: line.at + from, ..line }));
        self.known = to;
    }
}

const AHEAD: usize = 4 << 10;

/// Bytes that both begin with.
fn same(before: &[u8], now: &[u8]) -> usize {
    const PIECE: usize = 256;
    let pieces = before.chunks_exact(PIECE).zip(now.chunks_exact(PIECE));
    let whole = pieces.take_while(|(before, now)| before == now).count() * PIECE;
    whole + before[whole..].iter().zip(&now[whole..]).take_while(|(before, now)| before == now).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    #[test]
    fn what_is_kept_is_what_a_fresh_look_gives() {
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
            let mut syntax = Syntax::default();
            let mut code = String::new();
            for revision in 0..30 {
                let place = crate::domain::char_boundary::floor_char_boundary(&code, random.below(code.len() + 1));
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
                    syntax.seen(end).1.iter().filter(|token| token.range.start < end).cloned().collect();
                assert_eq!(found, expected, "{code:?} up to {end}");
            }
        }
    }
}
