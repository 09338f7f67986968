//! A lexer for Python code, which needs no Python: syntax colours, completeness, statements, and the context of the
//! cursor.

mod brackets;
mod completeness;
mod context;
mod cursor;
mod footprint;
#[cfg(test)]
mod fuzz;
mod import;
mod keywords;
mod looking;
mod magic;
mod magic_syntax;
mod notable_calls;
mod scan;
mod statements;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use brackets::{Brackets, brackets, is_pair};
pub use completeness::{Completeness, completeness, indent_after};
pub use context::{CallAtCursor, CursorContext, PathStep};
pub use cursor::{cursor_context, names, open_call, path_steps};
pub use footprint::{Footprint, Spelling, footprint, rebound_of};
use keywords::{BUILTINS, KEYWORDS};
pub use looking::only_looks;
pub use magic::{CodeMagic, Magic, Rewritten, asks_for_help, code_magic, rewrite, string_literal, unwrap_pasted};
pub use notable_calls::CallKind;
use scan::{Lexeme, LexemeKind, scan_within};
pub use statements::{
    awaits, globals_of_function, hides_value, indented, last_statement, reads_variable, split_future_imports,
};

/// The class of a token, which decides its colour. Text without a class is plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenClass {
    Keyword,
    Builtin,
    /// The name that `def` or `class` defines.
    Definition,
    Decorator,
    String,
    /// Numbers, and `True`, `False`, `None`.
    Number,
    Comment,
    Operator,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Bytes of the code.
    pub range: Range<usize>,
    pub class: TokenClass,
}

/// Returns the classified tokens of `code`, in order, without overlaps. Strings may span lines.
#[must_use]
pub fn tokens(code: &str) -> Vec<Token> {
    tokens_and_lines(code, 0).0
}

/// A line start outside strings and continuation lines. Lexing the code from there on gives the same tokens as lexing
/// it from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineStart {
    /// The number of bytes before the line.
    pub at: usize,
    /// The number of open brackets; 0 where a statement begins.
    pub depth: usize,
}

/// Returns the tokens and the line starts after the first. `code` itself is within `depth` brackets.
#[must_use]
pub fn tokens_and_lines(code: &str, mut depth: usize) -> (Vec<Token>, Vec<LineStart>) {
    let lexemes = scan_within(code, depth);
    let mut tokens = Vec::with_capacity(lexemes.len());
    let mut lines = Vec::new();
    let mut previous = None;
    for (index, lexeme) in lexemes.iter().enumerate() {
        let class = match lexeme.kind {
            LexemeKind::Comment => Some(TokenClass::Comment),
            LexemeKind::String { .. } => Some(TokenClass::String),
            LexemeKind::Number => Some(TokenClass::Number),
            LexemeKind::Decorator => Some(TokenClass::Decorator),
            LexemeKind::Operator(c) => (!matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | ',' | ':' | ';' | '.' | '\\'))
                .then_some(TokenClass::Operator),
            LexemeKind::Newline | LexemeKind::Magic => None,
            LexemeKind::Name => name_class(code, &lexemes, index, previous),
        };
        if let Some(class) = class {
            tokens.push(Token { range: lexeme.range.clone(), class });
        }
        match lexeme.kind {
            LexemeKind::Operator('(' | '[' | '{') => depth += 1,
            LexemeKind::Operator(')' | ']' | '}') => depth = depth.saturating_sub(1),
            LexemeKind::Newline if previous != Some("\\") => lines.push(LineStart { at: lexeme.range.end, depth }),
            _ => {}
        }
        previous = Some(&code[lexeme.range.clone()]);
    }
    (tokens, lines)
}

fn name_class(code: &str, lexemes: &[Lexeme], index: usize, previous: Option<&str>) -> Option<TokenClass> {
    let name = &code[lexemes[index].range.clone()];
    match previous {
        Some(".") => return None,
        Some("def" | "class") => return Some(TokenClass::Definition),
        _ => {}
    }
    if matches!(name, "True" | "False" | "None") {
        Some(TokenClass::Number)
    } else if KEYWORDS.contains(&name) || is_soft_keyword(code, lexemes, index, previous) {
        Some(TokenClass::Keyword)
    } else if BUILTINS.contains(&name) {
        Some(TokenClass::Builtin)
    } else {
        None
    }
}

/// Returns whether `match`, `case` or `type` begins its statement here, and so is a keyword.
fn is_soft_keyword(code: &str, lexemes: &[Lexeme], index: usize, previous: Option<&str>) -> bool {
    let name = &code[lexemes[index].range.clone()];
    if !matches!(name, "match" | "case" | "type") || previous.is_some_and(|text| text != "\n" && text != ":") {
        return false;
    }
    let Some(next) = lexemes.get(index + 1) else { return false };
    if name == "type" {
        return next.kind == LexemeKind::Name;
    }
    let line_end =
        lexemes[index..].iter().position(|l| l.kind == LexemeKind::Newline).map_or(lexemes.len(), |n| index + n);
    let opens_block = lexemes[index + 1..line_end].iter().any(|l| l.kind == LexemeKind::Operator(':'));
    opens_block && !matches!(next.kind, LexemeKind::Operator('=' | '.' | ',' | ':' | ')') | LexemeKind::Newline)
}
