//! Colours of the input, kept from key to key: only what follows the last change is looked at again, and only as far as
//! it is seen.

use std::ops::Range;

use crate::domain::lexer::{self, Token};

#[derive(Debug, Default)]
pub struct Syntax {
    code: String,
    tokens: Vec<Token>,
    /// Where statements begin: looking at the code from there on gives the same as from the beginning.
    statements: Vec<usize>,
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
        let same = self.code.bytes().zip(code.bytes()).take_while(|(before, now)| before == now).count();
        // What is written behind a statement may change its last line, but no line before that.
        let sure = self.statements.partition_point(|statement| *statement < same);
        self.statements.truncate(sure);
        let sure = self.statements.last().copied().unwrap_or(0);
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
        let after = self.statements.partition_point(|statement| *statement <= place);
        let begin = after.checked_sub(1).map_or(0, |index| self.statements[index]);
        begin..self.statements.get(after).copied().unwrap_or(self.code.len())
    }

    fn look(&mut self, end: usize) {
        if self.known > end || self.known >= self.code.len() {
            return;
        }
        // Whole lines, and some more than is wanted, so that the next look finds it known.
        let from = self.statements.last().copied().unwrap_or(0);
        let ahead = crate::domain::output::floor_char_boundary(&self.code, (end + AHEAD).min(self.code.len()));
        let to = self.code[ahead..].find('\n').map_or(self.code.len(), |newline| ahead + newline + 1);
        self.tokens.truncate(self.tokens.partition_point(|token| token.range.end <= from));
        let (tokens, statements) = lexer::tokens_and_statements(&self.code[from..to]);
        self.tokens.extend(
            tokens
                .into_iter()
                .map(|token| Token { range: token.range.start + from..token.range.end + from, class: token.class }),
        );
        self.statements.extend(statements.into_iter().map(|statement| statement + from));
        self.known = to;
    }
}

const AHEAD: usize = 4 << 10;

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
                let place = crate::domain::output::floor_char_boundary(&code, random.below(code.len() + 1));
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
