//! Code that only looks at values: names, parts of them, comparisons, and calls of a few functions that change nothing.
//! Any other code counts as code that may change something.

use super::keywords::KEYWORDS;
use super::scan::{Lexeme, LexemeKind, scan};
use super::statements::text;

/// Code that only looks is short.
const MAX_BYTES: usize = 1_000;
/// Functions that look at their arguments.
const LOOKS: [&str; 10] = ["dir", "getattr", "hasattr", "id", "isinstance", "len", "print", "repr", "type", "vars"];
/// Keywords of expressions that change nothing.
const WORDS: [&str; 8] = ["None", "True", "False", "and", "or", "not", "in", "is"];
/// Magics that only answer.
const MAGICS: [&str; 10] = ["hist", "history", "lsmagic", "pwd", "rewind", "safepoint", "tb", "who", "who_ls", "whos"];

/// Returns whether code only looks, as far as its text shows.
#[must_use]
pub fn only_looks(code: &str) -> bool {
    if code.len() > MAX_BYTES {
        return false;
    }
    let lexemes = scan(code);
    let mut depth = 0_usize;
    lexemes.iter().enumerate().all(|(index, lexeme)| match lexeme.kind {
        LexemeKind::Name => {
            let name = text(code, lexeme);
            !KEYWORDS.contains(&name) || WORDS.contains(&name)
        }
        LexemeKind::Number | LexemeKind::Comment | LexemeKind::Newline => true,
        // The fields of a formatted string are code.
        LexemeKind::String { open } => !open && !text(code, lexeme).contains('{'),
        LexemeKind::Magic => is_looking_magic(text(code, lexeme)),
        LexemeKind::Decorator => false,
        LexemeKind::Operator('(') => {
            depth += 1;
            !is_call(code, &lexemes[..index]) || is_looking_call(code, &lexemes[..index])
        }
        LexemeKind::Operator('[') => {
            depth += 1;
            true
        }
        LexemeKind::Operator(')' | ']') => {
            depth = depth.saturating_sub(1);
            true
        }
        // A slice; elsewhere an annotation.
        LexemeKind::Operator(':') => depth > 0,
        LexemeKind::Operator('=') => is_comparison(code, lexeme),
        LexemeKind::Operator(operator) => ".,;+-*/%<>!&|^~@".contains(operator),
    })
}

/// Returns whether a bracket after `before` calls something.
fn is_call(code: &str, before: &[Lexeme]) -> bool {
    match before.last() {
        Some(last) if last.kind == LexemeKind::Name => !WORDS.contains(&text(code, last)),
        Some(last) => matches!(last.kind, LexemeKind::Operator(')' | ']') | LexemeKind::String { .. }),
        None => false,
    }
}

fn is_looking_call(code: &str, before: &[Lexeme]) -> bool {
    let [rest @ .., function] = before else { return false };
    let is_method = rest.last().is_some_and(|last| last.kind == LexemeKind::Operator('.'));
    !is_method && LOOKS.contains(&text(code, function))
}

/// Returns whether `=` belongs to `==`, `!=`, `<=` or `>=`, and is no assignment such as `+=`.
fn is_comparison(code: &str, lexeme: &Lexeme) -> bool {
    let (before, after) = (&code[..lexeme.range.start], &code[lexeme.range.end..]);
    let is_second = before.ends_with(['=', '!', '<', '>']) && !before.ends_with("<<") && !before.ends_with(">>");
    is_second || after.starts_with('=')
}

fn is_looking_magic(magic: &str) -> bool {
    let magic = magic.trim();
    let name = magic.strip_prefix('%').and_then(|rest| rest.split_whitespace().next());
    magic.ends_with('?') || name.is_some_and(|name| MAGICS.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_change_something_is_no_look() {
        for code in [
            "df",
            "df.shape",
            "x[0], y['a']",
            "len(x) > 3 and not y",
            "print(a, b.c)",
            "x == 1; y != 2",
            "(a + b) * 2",
            "df[1:3]",
            "# a comment",
            "%who",
            "%safepoint",
            "df?",
            "",
            "type(x) is int",
            "[a, b]",
            "x <= 3",
        ] {
            assert!(only_looks(code), "{code}");
        }
        for code in [
            "x = 1",
            "x += 1",
            "x: int",
            "f()",
            "x.pop()",
            "next(it)",
            "print(next(it))",
            "del x",
            "import os",
            "x[0]()",
            "[i for i in it]",
            "(y := 3)",
            "await x",
            "!rm a",
            "%run a.py",
            "f'{f()}'",
            "lambda: 1",
            "x <<= 2",
            "print(end='')",
            "@f\ndef g(): pass",
            "{**x}",
            "x.len(y)",
            "'a'(1)",
            "%%time\nx",
        ] {
            assert!(!only_looks(code), "{code}");
        }
    }
}
