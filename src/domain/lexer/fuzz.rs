//! Random code: the lexer never fails, and its lexemes cover the code.

use super::scan::scan;
use super::*;
use crate::domain::random::Random;

const PIECES: [&str; 60] = [
    "x",
    "def f():",
    "class A:",
    "if x:",
    "else:",
    "try:",
    "except:",
    "for i in y:",
    "while x:",
    "with a as b:",
    "return",
    "pass",
    "lambda",
    "async ",
    "await ",
    "match x:",
    "case 1:",
    "@dec",
    "\n",
    "\n",
    "\n    ",
    "\n\t",
    " ",
    "\\",
    "\\\n",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "'''",
    "\"\"\"",
    "f'",
    "f\"{",
    "rb'",
    "{x!r:>{w}}",
    "#",
    "# é",
    ":",
    ";",
    "=",
    "==",
    "%",
    "%%",
    "%time ",
    "%%bash\n",
    "!ls",
    "!",
    "?",
    "??",
    "pip install x",
    ">>> ",
    "In [1]: ",
    "漢",
    "0x1f",
    "1e5j",
    "\u{0}",
];

#[test]
fn the_lexer_never_fails() {
    for mut random in Random::rounds(7, 5_000) {
        let code = random.text(&PIECES, 24);
        let lexemes = scan(&code);
        let mut end = 0;
        for lexeme in &lexemes {
            assert!(lexeme.range.start >= end && lexeme.range.end > lexeme.range.start, "{code:?}");
            assert!(code[end..lexeme.range.start].chars().all(char::is_whitespace), "{code:?}");
            end = lexeme.range.end;
        }
        assert!(code[end..].trim().is_empty(), "{code:?}");
        for token in tokens(&code) {
            assert!(code.get(token.range).is_some(), "{code:?}");
        }
        let _ = (completeness(&code), indent_after(&code));
        // A blank line ends all that can be ended.
        if completeness(&code) == Completeness::Complete {
            assert_eq!(completeness(&format!("{code}\n\n")), Completeness::Complete, "{code:?}");
        }
        if let Some(unwrapped) = unwrap_pasted(&code) {
            let _ = unwrap_pasted(&unwrapped);
        }
    }
}

/// Rewriting changes only magic: other code, strings, comments and line numbers stay.
#[test]
fn rewriting_changes_only_magic() {
    for mut random in Random::rounds(8, 5_000) {
        let code = random.text(&PIECES, 24);
        let magic: Vec<_> = scan(&code).into_iter().filter(|lexeme| lexeme.kind == LexemeKind::Magic).collect();
        let Some(rewritten) = rewrite(&code, "_M_") else {
            assert!(magic.is_empty(), "{code:?}");
            continue;
        };
        if code.trim_start().starts_with('%') {
            continue;
        }
        assert_eq!(rewritten.code.matches('\n').count(), code.matches('\n').count(), "{code:?}");
        let mut rest = rewritten.code.as_str();
        let mut at = 0;
        for lexeme in &magic {
            rest = rest.strip_prefix(&code[at..lexeme.range.start]).unwrap_or_else(|| panic!("{code:?}"));
            let call = scan(rest);
            assert!(rest.starts_with("_M_("), "{code:?} {rest:?}");
            // The call has only strings and words.
            let close = call.iter().find(|lexeme| lexeme.kind == LexemeKind::Operator(')')).expect("its end");
            rest = rest[close.range.end..].trim_start_matches('\n');
            at = lexeme.range.end;
            rest = &rewritten.code[rewritten.code.len() - rest.len()..];
            let skipped = code[at..].len() - code[at..].trim_start_matches('\n').len();
            at += skipped;
        }
        assert_eq!(rest, &code[at..], "{code:?}");
    }
}
