//! The completeness of code: whether Enter runs it or begins a new line, as at Python's own prompt.

use super::brackets::brackets;
use super::scan::{Lexeme, LexemeKind, scan};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// The code can run, or no further line could make it valid.
    Complete,
    /// The code needs more: an open bracket, string, block, decorator or backslash.
    Incomplete,
}

const INDENT: usize = 4;

/// A logical line: brackets, strings and backslashes join several lines of text into one.
struct LogicalLine<'a> {
    indent: usize,
    first: &'a str,
    /// The line ends with a colon outside brackets, so a block must follow.
    ends_with_colon: bool,
    decorator: bool,
    /// Code follows a colon outside brackets, such as `if x: pass`.
    one_line_block: bool,
    /// The line is cell magic such as `%%time`, to which all following lines belong.
    cell: bool,
}

impl LogicalLine<'_> {
    fn is_compound(&self) -> bool {
        matches!(
            self.first,
            "async"
                | "case"
                | "class"
                | "def"
                | "elif"
                | "else"
                | "except"
                | "finally"
                | "for"
                | "if"
                | "match"
                | "try"
                | "while"
                | "with"
        )
    }

    fn opens_block(&self) -> bool {
        self.ends_with_colon && self.is_compound()
    }

    fn ends_block(&self) -> bool {
        matches!(self.first, "break" | "continue" | "pass" | "raise" | "return")
    }
}

struct Structure<'a> {
    lines: Vec<LogicalLine<'a>>,
    open_string: bool,
    /// The number of brackets that are open at the end.
    open_brackets: usize,
    mismatch: bool,
    /// A backslash ends the code, or the line before an empty last line.
    backslash: bool,
}

/// Returns whether `code` can run as it is. An empty last line ends a block.
#[must_use]
pub fn completeness(code: &str) -> Completeness {
    let structure = structure(code);
    let blank_end = code.rsplit('\n').next().is_some_and(|line| line.trim().is_empty()) && code.contains('\n');
    let incomplete = if structure.open_string {
        true
    } else if structure.mismatch {
        false
    } else if structure.open_brackets > 0 || (structure.backslash && !blank_end) {
        true
    } else if let Some(last) = structure.lines.last() {
        // Pasted code may be indented as a whole.
        let base = structure.lines.first().map_or(0, |first| first.indent);
        let try_alone = enclosing(&structure.lines)
            .any(|line| line.first == "try" && (line.ends_with_colon || line.one_line_block));
        let in_block = last.indent > base || (last.is_compound() && last.one_line_block);
        let cell = structure.lines.first().is_some_and(|first| first.cell);
        last.decorator || last.opens_block() || try_alone || ((in_block || cell) && !blank_end)
    } else {
        false
    };
    if incomplete { Completeness::Incomplete } else { Completeness::Complete }
}

/// Yields the last line, then the statements that enclose it, from the inside out.
fn enclosing<'a>(lines: &'a [LogicalLine<'a>]) -> impl Iterator<Item = &'a LogicalLine<'a>> {
    let mut inner = usize::MAX;
    lines.iter().rev().filter(move |line| {
        let outer = line.indent < inner;
        inner = inner.min(line.indent);
        outer
    })
}

/// Returns the number of spaces that begin the line after `before`.
#[must_use]
pub fn indent_after(before: &str) -> usize {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let own = line.chars().take_while(|c| *c == ' ').count();
    let structure = structure(before);
    if structure.open_string {
        return own;
    }
    if structure.open_brackets > 0 {
        return indent_in_brackets(before).unwrap_or(own);
    }
    if line.trim().is_empty() {
        return own;
    }
    match structure.lines.last() {
        Some(last) if last.opens_block() => last.indent + INDENT,
        Some(last) if last.ends_block() => last.indent.saturating_sub(INDENT),
        Some(last) if !structure.backslash => last.indent,
        _ => own,
    }
}

/// Returns the indentation in the innermost open bracket, if the last line opens it, or closes another one that an
/// earlier line opened. Otherwise the next line continues as the last one.
fn indent_in_brackets(before: &str) -> Option<usize> {
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let found = brackets(before);
    let innermost = *found.open.last()?;
    let closes = found.pairs.iter().any(|(open, close)| *open < line && *close >= line);
    if innermost < line && !closes {
        return None;
    }
    let opened = before[..innermost].rfind('\n').map_or(0, |end| end + 1);
    Some(before[opened..].bytes().take_while(|byte| *byte == b' ').count() + INDENT)
}

fn structure(code: &str) -> Structure<'_> {
    let lexemes = scan(code);
    let mut structure = Structure {
        lines: Vec::new(),
        open_string: lexemes.iter().any(|l| l.kind == LexemeKind::String { open: true }),
        open_brackets: 0,
        mismatch: false,
        backslash: false,
    };
    let mut brackets: Vec<char> = Vec::new();
    let mut line: Option<LogicalLine<'_>> = None;
    let mut colon = false;
    for (index, lexeme) in lexemes.iter().enumerate() {
        match lexeme.kind {
            LexemeKind::Comment => continue,
            LexemeKind::Newline => {
                let joined = index > 0 && joins(&lexemes[index - 1], lexeme);
                structure.backslash = joined;
                if brackets.is_empty() && !joined {
                    structure.lines.extend(line.take());
                }
                continue;
            }
            LexemeKind::Operator(c @ ('(' | '[' | '{')) => brackets.push(c),
            LexemeKind::Operator(c @ (')' | ']' | '}')) => {
                let fits = matches!((brackets.pop(), c), (Some('('), ')') | (Some('['), ']') | (Some('{'), '}'));
                structure.mismatch |= !fits;
            }
            _ => {}
        }
        let is_backslash = lexeme.kind == LexemeKind::Operator('\\');
        structure.backslash = is_backslash && index + 1 == lexemes.len();
        if is_backslash && line.is_none() {
            continue;
        }
        let current = line.get_or_insert_with(|| {
            colon = false;
            LogicalLine {
                indent: column(code, lexeme.range.start),
                first: &code[lexeme.range.clone()],
                ends_with_colon: false,
                decorator: lexeme.kind == LexemeKind::Decorator,
                one_line_block: false,
                cell: lexeme.kind == LexemeKind::Magic && code[lexeme.range.clone()].starts_with("%%"),
            }
        });
        let is_colon = lexeme.kind == LexemeKind::Operator(':') && brackets.is_empty();
        current.one_line_block |= colon && !is_colon;
        current.ends_with_colon = is_colon;
        colon |= is_colon;
    }
    structure.lines.extend(line);
    structure.open_brackets = brackets.len();
    structure
}

/// Returns whether the line's very last character is a backslash, which joins the next line to it.
fn joins(last: &Lexeme, newline: &Lexeme) -> bool {
    last.kind == LexemeKind::Operator('\\') && last.range.end == newline.range.start
}

/// Returns the width of the text before `at` on its line. A tab counts as one indentation.
fn column(code: &str, at: usize) -> usize {
    let start = code[..at].rfind('\n').map_or(0, |newline| newline + 1);
    code[start..at].chars().map(|c| if c == '\t' { INDENT } else { 1 }).sum()
}
