//! The context of a cursor within an import statement.

use super::context::CursorContext;
use super::scan::{Lexeme, LexemeKind};

/// Returns the context in an import: `import a, b.c`, `from a.b`, `from a import b, c`.
pub fn import(before: &str, lexemes: &[Lexeme]) -> Option<CursorContext> {
    let mut depth = 0_usize;
    // Finds the beginning of the statement. Parenthesized names after `import` may span lines.
    let start = lexemes.iter().rposition(|lexeme| match lexeme.kind {
        LexemeKind::Operator(')') => {
            depth += 1;
            false
        }
        LexemeKind::Operator(';') => true,
        LexemeKind::Newline => {
            before[..lexeme.range.start].matches('(').count() <= before[..lexeme.range.start].matches(')').count()
        }
        _ => false,
    });
    let statement = &lexemes[start.map_or(0, |start| start + 1)..];
    let first = statement.first()?;
    let keyword = &before[first.range.clone()];
    if statement.len() < 2 && before.len() == first.range.end {
        return None;
    }
    let text = |lexeme: &Lexeme| &before[lexeme.range.clone()];
    // The words of the last name, dots included.
    let tail_from = |from: usize| {
        let tail = statement[from..]
            .iter()
            .rposition(|lexeme| lexeme.kind != LexemeKind::Name && lexeme.kind != LexemeKind::Operator('.'))
            .map_or(from, |at| from + at + 1);
        let tail = &statement[tail..];
        match tail.last() {
            Some(last) if last.range.end == before.len() => {
                Some(before[tail[0].range.start..].split_whitespace().collect::<Vec<_>>())
            }
            _ => Some(Vec::new()),
        }
    };
    let dotted = |words: Vec<&str>| match words.as_slice() {
        [] => Some(String::new()),
        [one] => Some((*one).to_owned()),
        // `import x as y`, `from x im`
        _ => None,
    };
    match keyword {
        "import" => {
            let after_name = !before.ends_with(|c: char| c == ',' || c.is_whitespace()) || statement.len() == 1;
            let after_comma = statement.last().is_some_and(|last| last.kind == LexemeKind::Operator(','));
            if !after_name && !after_comma {
                return Some(CursorContext::Nowhere);
            }
            Some(dotted(tail_from(1)?).map_or(CursorContext::Nowhere, |prefix| CursorContext::Module { prefix }))
        }
        "from" => {
            let import =
                statement.iter().position(|lexeme| lexeme.kind == LexemeKind::Name && text(lexeme) == "import");
            let Some(import) = import.filter(|at| statement[*at].range.end < before.len()) else {
                let module = before[first.range.end..].trim_start();
                if module.contains(char::is_whitespace) {
                    return Some(CursorContext::Nowhere);
                }
                return Some(CursorContext::Module { prefix: module.to_owned() });
            };
            let module = before[first.range.end..statement[import].range.start].trim().to_owned();
            let last = &statement[statement.len() - 1];
            let in_name = last.kind == LexemeKind::Name && last.range.end == before.len();
            if !in_name && last.kind == LexemeKind::Name && statement.len() - 1 > import {
                return Some(CursorContext::Nowhere);
            }
            let prefix = if in_name { text(last).to_owned() } else { String::new() };
            Some(CursorContext::Member { module, prefix })
        }
        _ => None,
    }
}
