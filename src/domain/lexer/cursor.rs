//! The context of a cursor: the name, attribute, key, module or path that is being written, and the call around it.

use super::context::{CallAtCursor, CursorContext, PathStep};
use super::import::import;
use super::keywords::KEYWORDS;
use super::scan::{Lexeme, LexemeKind, scan};

/// Returns the context at the end of `before`, the code up to the cursor.
#[must_use]
pub fn cursor_context(before: &str) -> CursorContext {
    let line = before.rsplit('\n').next().unwrap_or_default();
    if let Some(prefix) = line.trim_start().strip_prefix('%').filter(|rest| !rest.contains(char::is_whitespace)) {
        let cell = prefix.strip_prefix('%');
        return CursorContext::Magic { prefix: cell.unwrap_or(prefix).to_owned(), cell: cell.is_some() };
    }
    let lexemes = scan(before);
    if let Some(imported) = import(before, &lexemes) {
        return imported;
    }
    let lexemes = joined(lexemes);
    let (mut end, mut prefix) = (lexemes.len(), "");
    if let Some(last) = lexemes.last().filter(|last| last.range.end == before.len()) {
        let text = &before[last.range.clone()];
        match last.kind {
            LexemeKind::Name => (end, prefix) = (end - 1, text),
            LexemeKind::Comment | LexemeKind::Number | LexemeKind::Magic => return CursorContext::Nowhere,
            LexemeKind::Decorator => return decorator(text),
            LexemeKind::String { .. } => {
                if let Some(context) = string(before, &lexemes[..end - 1], text) {
                    return context;
                }
            }
            LexemeKind::Operator(_) | LexemeKind::Newline => {}
        }
    }
    let prefix = prefix.to_owned();
    let lexemes = &lexemes[..end];
    match lexemes.last().map(|last| (last.kind, &before[last.range.clone()])) {
        Some((LexemeKind::Operator('.'), _)) => {
            CursorContext::Attribute { of: steps(before, &lexemes[..end - 1]), prefix }
        }
        Some((LexemeKind::Operator('['), _)) if is_item(lexemes) => {
            CursorContext::Key { of: steps(before, &lexemes[..end - 1]), prefix, quote: None, place: 0, ends: true }
        }
        Some((LexemeKind::Name, "def" | "class")) => CursorContext::Nowhere,
        _ => CursorContext::Name { prefix },
    }
}

/// Returns the innermost open bracket at the end of `before`, if it belongs to a call.
#[must_use]
pub fn open_call(before: &str) -> Option<CallAtCursor> {
    let lexemes = joined(scan(before));
    let mut depth = 0_usize;
    let mut argument = 0;
    let mut keyword = None;
    let mut seen_comma = false;
    for (index, lexeme) in lexemes.iter().enumerate().rev() {
        match lexeme.kind {
            LexemeKind::Operator(')' | ']' | '}') => depth += 1,
            LexemeKind::Operator('(') if depth == 0 => {
                let first = expression_start(before, &lexemes[..index])?;
                let callee = lexemes[first].range.start..lexemes[index - 1].range.end;
                let is_definition = first > 0 && matches!(&before[lexemes[first - 1].range.clone()], "def" | "class");
                return (!is_definition).then_some(CallAtCursor { callee, argument, keyword });
            }
            // The commas in a list or set do not separate the call's arguments.
            LexemeKind::Operator('[' | '{') if depth == 0 => {
                (argument, keyword, seen_comma) = (0, None, true);
            }
            LexemeKind::Operator('(' | '[' | '{') => depth -= 1,
            LexemeKind::Operator(',') if depth == 0 => {
                argument += 1;
                seen_comma = true;
            }
            LexemeKind::Operator('=') if depth == 0 && !seen_comma && index > 0 => {
                let name = &lexemes[index - 1];
                if name.kind == LexemeKind::Name
                    && lexemes.get(index + 1).is_none_or(|next| next.kind != LexemeKind::Operator('='))
                {
                    keyword = Some(before[name.range.clone()].to_owned());
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns the steps of an expression; `None` if it needs evaluation.
#[must_use]
pub fn path_steps(expression: &str) -> Option<Vec<PathStep>> {
    let lexemes = joined(scan(expression));
    (expression_start(expression, &lexemes) == Some(0)).then(|| steps(expression, &lexemes)).flatten()
}

/// Returns the distinct names in `code`, without the name that ends at `cursor` (bytes).
#[must_use]
pub fn names(code: &str, cursor: usize) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for lexeme in scan(code) {
        let name = &code[lexeme.range.clone()];
        if lexeme.kind == LexemeKind::Name && lexeme.range.end != cursor && !names.contains(&name) && names.len() < 200
        {
            names.push(name);
        }
    }
    names
}

/// Removes newlines and comments between a value and a dot on a later line.
fn joined(lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let mut kept: Vec<Lexeme> = Vec::with_capacity(lexemes.len());
    for lexeme in lexemes {
        if lexeme.kind == LexemeKind::Operator('.') {
            while kept.last().is_some_and(|last| matches!(last.kind, LexemeKind::Newline | LexemeKind::Comment)) {
                kept.pop();
            }
        }
        kept.push(lexeme);
    }
    kept
}

fn decorator(text: &str) -> CursorContext {
    let name = text.trim_start_matches('@');
    match name.rsplit_once('.') {
        Some((of, prefix)) => CursorContext::Attribute { of: path_steps(of), prefix: prefix.to_owned() },
        None => CursorContext::Name { prefix: name.to_owned() },
    }
}

/// Returns whether the `[` at the end follows a value.
fn is_item(lexemes: &[Lexeme]) -> bool {
    lexemes.len() > 1
        && matches!(
            lexemes[lexemes.len() - 2].kind,
            LexemeKind::Name | LexemeKind::String { .. } | LexemeKind::Operator(')' | ']' | '}')
        )
}

/// Returns the context in an open string: the key of an item, or a path.
fn string(before: &str, lexemes: &[Lexeme], text: &str) -> Option<CursorContext> {
    let open = text.find(['"', '\''])?;
    let quote = text[open..].chars().next()?;
    let body = &text[open + 1..];
    let triple = body.starts_with(&format!("{quote}{quote}"));
    if triple || is_closed(body, quote) {
        // A complete string cannot be continued.
        return Some(CursorContext::Nowhere);
    }
    let is_format = text[..open].contains(['f', 'F', 't', 'T']);
    if is_format && let Some(field) = body.rfind('{').filter(|at| !body[*at..].contains('}')) {
        return Some(cursor_context(&body[field + 1..]));
    }
    Some(string_argument(before, lexemes, body, quote))
}

/// Returns the context of an open string by what it is an argument or a key of; `lexemes` are those before the string.
fn string_argument(before: &str, lexemes: &[Lexeme], body: &str, quote: char) -> CursorContext {
    let prefix = body.to_owned();
    let is_operator = |at: usize, operators: &[char]| matches!(lexemes.get(at).map(|lexeme| lexeme.kind), Some(LexemeKind::Operator(c)) if operators.contains(&c));
    let keyword = lexemes.len().checked_sub(3).filter(|at| {
        is_operator(at + 2, &['=']) && lexemes[at + 1].kind == LexemeKind::Name && is_operator(*at, &['(', ','])
    });
    let is_whole =
        keyword.is_some() || lexemes.len().checked_sub(1).is_some_and(|at| is_operator(at, &['[', '(', '{', ',', ':']));
    let Some((mut open, mut place)) = open_bracket(lexemes).filter(|_| is_whole) else {
        return CursorContext::Path { prefix, quote, of: Vec::new() };
    };
    let is_in_list = is_operator(open, &['[']) && !is_item(&lexemes[..=open]);
    let is_value = lexemes.len().checked_sub(1).is_some_and(|at| is_operator(at, &[':']));
    let is_dict_key = is_operator(open, &['{']) && !is_value;
    if (is_in_list || is_dict_key)
        && let Some(outer) = open_bracket(&lexemes[..open])
    {
        (open, place) = outer;
    }
    if is_operator(open, &['[']) && is_item(&lexemes[..=open]) {
        let of = steps(before, &lexemes[..open]);
        return CursorContext::Key { of, prefix, quote: Some(quote), place, ends: !is_in_list };
    }
    let called = open.checked_sub(1).filter(|_| is_operator(open, &['(']));
    let Some(called) = called.filter(|at| takes_names(before, &lexemes[*at])) else {
        return CursorContext::Path { prefix, quote, of: Vec::new() };
    };
    let object = called.checked_sub(1).filter(|dot| is_operator(*dot, &['.']));
    let object = object.and_then(|dot| steps(before, &lexemes[..dot]));
    let arguments = arguments(before, &lexemes[open + 1..]);
    CursorContext::Path { prefix, quote, of: object.into_iter().chain(arguments).collect() }
}

/// Returns the complete arguments of a call that are values to look up, without their keywords.
fn arguments(before: &str, lexemes: &[Lexeme]) -> Vec<Vec<PathStep>> {
    let mut depth = 0_usize;
    let ends = lexemes.iter().enumerate().filter_map(|(index, lexeme)| {
        match lexeme.kind {
            LexemeKind::Operator('(' | '[' | '{') => depth += 1,
            LexemeKind::Operator(')' | ']' | '}') => depth = depth.saturating_sub(1),
            LexemeKind::Operator(',') if depth == 0 => return Some(index),
            _ => {}
        }
        None
    });
    ends.filter_map(|end| steps(before, &lexemes[..end])).collect()
}

/// Returns whether strings for a function may be names of columns, and not paths.
fn takes_names(before: &str, function: &Lexeme) -> bool {
    let name = &before[function.range.clone()];
    function.kind == LexemeKind::Name
        && !["to_", "read_", "write_", "scan_", "sink_", "open", "save"].iter().any(|prefix| name.starts_with(prefix))
}

/// Returns the innermost bracket that is open at the end, and the number of commas since.
fn open_bracket(lexemes: &[Lexeme]) -> Option<(usize, usize)> {
    let (mut depth, mut commas) = (0_usize, 0);
    for (index, lexeme) in lexemes.iter().enumerate().rev() {
        match lexeme.kind {
            LexemeKind::Operator(')' | ']' | '}') => depth += 1,
            LexemeKind::Operator('(' | '[' | '{') if depth == 0 => return Some((index, commas)),
            LexemeKind::Operator('(' | '[' | '{') => depth -= 1,
            LexemeKind::Operator(',') if depth == 0 => commas += 1,
            _ => {}
        }
    }
    None
}

fn is_closed(body: &str, quote: char) -> bool {
    let mut escaped = false;
    for c in body.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return true,
            _ => {}
        }
    }
    false
}

/// Returns the first lexeme of the expression at the end: names, attributes, items, calls, literals.
fn expression_start(code: &str, lexemes: &[Lexeme]) -> Option<usize> {
    let mut at = lexemes.len();
    loop {
        at = at.checked_sub(1)?;
        match lexemes[at].kind {
            LexemeKind::Operator(')' | ']' | '}') => {
                let mut depth = 1_usize;
                while depth > 0 {
                    at = at.checked_sub(1)?;
                    match lexemes[at].kind {
                        LexemeKind::Operator(')' | ']' | '}') => depth += 1,
                        LexemeKind::Operator('(' | '[' | '{') => depth -= 1,
                        _ => {}
                    }
                }
                let follows_value = at > 0 && is_item(&lexemes[..=at]) && lexemes[at].kind != LexemeKind::Operator('{');
                if !follows_value {
                    return Some(at);
                }
            }
            LexemeKind::Name if KEYWORDS.contains(&&code[lexemes[at].range.clone()]) => return None,
            LexemeKind::Name | LexemeKind::String { .. } | LexemeKind::Number => {
                match at.checked_sub(1).map(|before| lexemes[before].kind) {
                    Some(LexemeKind::Operator('.')) => at -= 1,
                    _ => return Some(at),
                }
            }
            _ => return None,
        }
    }
}

fn steps(code: &str, lexemes: &[Lexeme]) -> Option<Vec<PathStep>> {
    let lexemes = &lexemes[expression_start(code, lexemes)?..];
    let text = |lexeme: &Lexeme| &code[lexeme.range.clone()];
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(lexeme) = lexemes.get(at) {
        match lexeme.kind {
            LexemeKind::Name if at == 0 => steps.push(PathStep::Name(text(lexeme).to_owned())),
            LexemeKind::String { .. } if at == 0 => {
                let bytes = text(lexeme).split(['"', '\'']).next().is_some_and(|prefix| prefix.contains(['b', 'B']));
                steps.push(PathStep::Literal(if bytes { "bytes" } else { "str" }));
            }
            LexemeKind::Operator(open @ ('[' | '{' | '(')) if at == 0 => {
                let inner = lexemes.get(1..lexemes.len() - 1)?;
                let dict = inner.is_empty() || inner.iter().any(|lexeme| lexeme.kind == LexemeKind::Operator(':'));
                let tuple = inner.iter().any(|lexeme| lexeme.kind == LexemeKind::Operator(','));
                let literal = match open {
                    '[' => "list",
                    '{' if dict => "dict",
                    '{' => "set",
                    _ if tuple || inner.is_empty() => "tuple",
                    _ => return path_steps(&code[inner[0].range.start..inner[inner.len() - 1].range.end]),
                };
                // Valid only if nothing follows, so that the last lexeme is the closing bracket.
                return Some(vec![PathStep::Literal(literal)]);
            }
            LexemeKind::Operator('.') => {
                at += 1;
                let name = lexemes.get(at).filter(|name| name.kind == LexemeKind::Name)?;
                steps.push(PathStep::Attribute(text(name).to_owned()));
            }
            LexemeKind::Operator('[') => {
                let close = closing(lexemes, at)?;
                steps.push(match &lexemes[at + 1..close] {
                    [Lexeme { kind: LexemeKind::Number, range }] => PathStep::Index(code[range.clone()].parse().ok()?),
                    [item] if matches!(item.kind, LexemeKind::String { .. }) => {
                        PathStep::Key(plain_string(text(item))?.to_owned())
                    }
                    [Lexeme { kind: LexemeKind::Name, .. }] => return None,
                    item if chooses_rows(item) => PathStep::Rows,
                    _ => return None,
                });
                at = close;
            }
            _ => return None,
        }
        at += 1;
    }
    Some(steps)
}

/// Returns the place of the bracket that closes the one at `open`.
fn closing(lexemes: &[Lexeme], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let inner = lexemes.iter().enumerate().skip(open);
    inner.into_iter().find_map(|(index, lexeme)| {
        match lexeme.kind {
            LexemeKind::Operator('(' | '[' | '{') => depth += 1,
            LexemeKind::Operator(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(index)
    })
}

/// Returns whether a key is a comparison or a slice, by which a frame keeps its columns.
fn chooses_rows(key: &[Lexeme]) -> bool {
    let mut depth = 0_usize;
    key.iter().any(|lexeme| match lexeme.kind {
        LexemeKind::Operator('(' | '[' | '{') => {
            depth += 1;
            false
        }
        LexemeKind::Operator(')' | ']' | '}') => {
            depth = depth.saturating_sub(1);
            false
        }
        LexemeKind::Operator('<' | '>' | '=' | '!' | '&' | '|' | '~') => true,
        LexemeKind::Operator(':') => depth == 0,
        _ => false,
    }) && !key.iter().any(|lexeme| lexeme.kind == LexemeKind::Operator(','))
}

/// Returns the value of a string without prefix and escapes.
fn plain_string(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text.strip_prefix(quote)?.strip_suffix(quote).filter(|body| !body.contains(['\\', quote]))
}

#[cfg(test)]
#[path = "cursor_tests.rs"]
mod tests;
