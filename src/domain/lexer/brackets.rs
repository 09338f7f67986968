//! The pairs of brackets in code. Brackets in strings and comments do not count.

use super::scan::{LexemeKind, scan};

/// The positions of brackets, in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Brackets {
    /// Each opening bracket with the bracket that closes it.
    pub pairs: Vec<(usize, usize)>,
    /// The brackets that nothing closes, the innermost last.
    pub open: Vec<usize>,
}

impl Brackets {
    /// Returns the other bracket of the pair.
    #[must_use]
    pub fn partner(&self, at: usize) -> Option<usize> {
        self.pairs.iter().find_map(|&(open, close)| match at {
            _ if at == open => Some(close),
            _ if at == close => Some(open),
            _ => None,
        })
    }
}

#[must_use]
pub fn brackets(code: &str) -> Brackets {
    let mut found = Brackets::default();
    let mut open: Vec<(char, usize)> = Vec::new();
    for lexeme in scan(code) {
        let LexemeKind::Operator(c) = lexeme.kind else { continue };
        match c {
            '(' | '[' | '{' => open.push((c, lexeme.range.start)),
            ')' | ']' | '}' => {
                // A bracket that does not fit closes nothing.
                if let Some((_, at)) = open.pop_if(|(opened, _)| is_pair(*opened, c)) {
                    found.pairs.push((at, lexeme.range.start));
                }
            }
            _ => {}
        }
    }
    found.open = open.into_iter().map(|(_, at)| at).collect();
    found
}

/// Returns whether the two brackets make a pair.
#[must_use]
pub fn is_pair(open: char, close: char) -> bool {
    matches!((open, close), ('(', ')') | ('[', ']') | ('{', '}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_outside_of_strings() {
        let found = brackets("f(a[1], ')', # )\n  {");
        assert_eq!(found, Brackets { pairs: vec![(3, 5)], open: vec![1, 19] });
        assert_eq!(brackets("([)]").pairs, [(1, 3)], "one that does not fit closes nothing");
        assert_eq!(brackets("(())").partner(3), Some(0));
        assert_eq!(brackets("(())").partner(1), Some(2));
    }
}
