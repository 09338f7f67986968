//! Syntax colours and completeness of Python code, by a lexer of our own that needs no Python.

mod brackets;
mod completeness;
mod cursor;
#[cfg(test)]
mod fuzz;
mod magic;
mod scan;
mod statements;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use brackets::{Brackets, brackets, fit};
pub use completeness::{Completeness, completeness, indent_after};
pub use cursor::{Call, CursorContext, Step, names, open_call, place, steps_of};
pub use magic::{Magic, Magics, Rewritten, literal, magics, rewrite, unwrap_pasted};
use scan::{Kind, Lexeme, scan_within};
pub use statements::{awaits, functions_globals, futures, indented, last_statement, uses};

/// What a piece of code is, as far as its colour goes. Text that has no class is plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
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
    pub class: Class,
}

/// The classified pieces of `code`, in order, never overlapping. Strings may span lines.
#[must_use]
pub fn tokens(code: &str) -> Vec<Token> {
    tokens_and_lines(code, 0).0
}

/// Where a line begins that no string or backslash joins with the one before: to look at the code from there on gives the
/// same as from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineStart {
    /// Bytes of the code before it.
    pub at: usize,
    /// Brackets that are open there; none where a statement begins.
    pub depth: usize,
}

/// Also where lines begin, the first one left out. `code` itself stands within `depth` brackets.
#[must_use]
pub fn tokens_and_lines(code: &str, mut depth: usize) -> (Vec<Token>, Vec<LineStart>) {
    let lexemes = scan_within(code, depth);
    let mut tokens = Vec::with_capacity(lexemes.len());
    let mut lines = Vec::new();
    let mut previous = None;
    for (index, lexeme) in lexemes.iter().enumerate() {
        let class = match lexeme.kind {
            Kind::Comment => Some(Class::Comment),
            Kind::String { .. } => Some(Class::String),
            Kind::Number => Some(Class::Number),
            Kind::Decorator => Some(Class::Decorator),
            Kind::Operator(c) => (!matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | ',' | ':' | ';' | '.' | '\\'))
                .then_some(Class::Operator),
            Kind::Newline | Kind::Magic => None,
            Kind::Name => name_class(code, &lexemes, index, previous),
        };
        if let Some(class) = class {
            tokens.push(Token { range: lexeme.range.clone(), class });
        }
        match lexeme.kind {
            Kind::Operator('(' | '[' | '{') => depth += 1,
            Kind::Operator(')' | ']' | '}') => depth = depth.saturating_sub(1),
            Kind::Newline if previous != Some("\\") => lines.push(LineStart { at: lexeme.range.end, depth }),
            _ => {}
        }
        previous = Some(&code[lexeme.range.clone()]);
    }
    (tokens, lines)
}

fn name_class(code: &str, lexemes: &[Lexeme], index: usize, previous: Option<&str>) -> Option<Class> {
    let name = &code[lexemes[index].range.clone()];
    match previous {
        Some(".") => return None,
        Some("def" | "class") => return Some(Class::Definition),
        _ => {}
    }
    if matches!(name, "True" | "False" | "None") {
        Some(Class::Number)
    } else if KEYWORDS.contains(&name) || is_soft_keyword(code, lexemes, index, previous) {
        Some(Class::Keyword)
    } else if BUILTINS.contains(&name) {
        Some(Class::Builtin)
    } else {
        None
    }
}

/// `match`, `case` and `type` are keywords only where a statement of theirs begins.
fn is_soft_keyword(code: &str, lexemes: &[Lexeme], index: usize, previous: Option<&str>) -> bool {
    let name = &code[lexemes[index].range.clone()];
    if !matches!(name, "match" | "case" | "type") || previous.is_some_and(|text| text != "\n" && text != ":") {
        return false;
    }
    let Some(next) = lexemes.get(index + 1) else { return false };
    if name == "type" {
        return next.kind == Kind::Name;
    }
    let line_end = lexemes[index..].iter().position(|l| l.kind == Kind::Newline).map_or(lexemes.len(), |n| index + n);
    let opens_block = lexemes[index + 1..line_end].iter().any(|l| l.kind == Kind::Operator(':'));
    opens_block && !matches!(next.kind, Kind::Operator('=' | '.' | ',' | ':' | ')') | Kind::Newline)
}

const KEYWORDS: [&str; 32] = [
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
    "return", "try", "while", "with", "yield",
];

const BUILTINS: [&str; 68] = [
    "abs",
    "aiter",
    "all",
    "anext",
    "any",
    "ascii",
    "bin",
    "bool",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "delattr",
    "dict",
    "dir",
    "divmod",
    "enumerate",
    "eval",
    "exec",
    "filter",
    "float",
    "format",
    "frozenset",
    "getattr",
    "globals",
    "hasattr",
    "hash",
    "help",
    "hex",
    "id",
    "input",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "locals",
    "map",
    "max",
    "memoryview",
    "min",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "setattr",
    "slice",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "tuple",
    "zip",
];
