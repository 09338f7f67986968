//! What is being written at a cursor: a name, an attribute, a key, a module, a path, and the call around it.

use std::ops::Range;

use super::scan::{Kind, Lexeme, scan};

/// What the text before the cursor is the beginning of. `prefix` is what is there already; it may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorContext {
    /// Nothing that could be told: a comment, a number, the name that a `def` gives.
    Nowhere,
    Name {
        prefix: String,
    },
    /// `of.prefix`; `of` is `None` where that is more than names, attributes, items and literals.
    Attribute {
        of: Option<Vec<Step>>,
        prefix: String,
    },
    /// `of["prefix`, or `of[prefix` without a quote.
    Key {
        of: Option<Vec<Step>>,
        prefix: String,
        quote: Option<char>,
    },
    /// `import prefix`, `from prefix`: dotted.
    Module {
        prefix: String,
    },
    /// `from module import prefix`
    Member {
        module: String,
        prefix: String,
    },
    /// Within a string: of a file.
    Path {
        prefix: String,
    },
    /// `%prefix`, `%%prefix`
    Magic {
        prefix: String,
        cell: bool,
    },
}

/// A step of an expression that can be looked up without evaluating code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Name(String),
    Attribute(String),
    /// `["key"]`
    Key(String),
    /// `[0]`
    Index(i64),
    /// A literal, by the name of its type.
    Literal(&'static str),
}

/// The innermost call that is open at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What is called: bytes of the code.
    pub callee: Range<usize>,
    /// Arguments before the one at the cursor.
    pub argument: usize,
    /// The argument is `keyword=...`.
    pub keyword: Option<String>,
}

/// What `before`, the code up to the cursor, ends with.
#[must_use]
pub fn place(before: &str) -> CursorContext {
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
            Kind::Name => (end, prefix) = (end - 1, text),
            Kind::Comment | Kind::Number | Kind::Magic => return CursorContext::Nowhere,
            Kind::Decorator => return decorator(text),
            Kind::String { .. } => {
                if let Some(place) = string(before, &lexemes[..end - 1], text) {
                    return place;
                }
            }
            Kind::Operator(_) | Kind::Newline => {}
        }
    }
    let prefix = prefix.to_owned();
    let lexemes = &lexemes[..end];
    match lexemes.last().map(|last| (last.kind, &before[last.range.clone()])) {
        Some((Kind::Operator('.'), _)) => CursorContext::Attribute { of: steps(before, &lexemes[..end - 1]), prefix },
        Some((Kind::Operator('['), _)) if is_item(lexemes) => {
            CursorContext::Key { of: steps(before, &lexemes[..end - 1]), prefix, quote: None }
        }
        Some((Kind::Name, "def" | "class")) => CursorContext::Nowhere,
        _ => CursorContext::Name { prefix },
    }
}

/// The innermost bracket that is open at the end of `before`, if it is a call's.
#[must_use]
pub fn open_call(before: &str) -> Option<Call> {
    let lexemes = joined(scan(before));
    let mut depth = 0_usize;
    let mut argument = 0;
    let mut keyword = None;
    let mut seen_comma = false;
    for (index, lexeme) in lexemes.iter().enumerate().rev() {
        match lexeme.kind {
            Kind::Operator(')' | ']' | '}') => depth += 1,
            Kind::Operator('(') if depth == 0 => {
                let first = expression_start(before, &lexemes[..index])?;
                let callee = lexemes[first].range.start..lexemes[index - 1].range.end;
                let is_definition = first > 0 && matches!(&before[lexemes[first - 1].range.clone()], "def" | "class");
                return (!is_definition).then_some(Call { callee, argument, keyword });
            }
            // A list or a set among the arguments: its commas are not the call's.
            Kind::Operator('[' | '{') if depth == 0 => {
                (argument, keyword, seen_comma) = (0, None, true);
            }
            Kind::Operator('(' | '[' | '{') => depth -= 1,
            Kind::Operator(',') if depth == 0 => {
                argument += 1;
                seen_comma = true;
            }
            Kind::Operator('=') if depth == 0 && !seen_comma && index > 0 => {
                let name = &lexemes[index - 1];
                if name.kind == Kind::Name && lexemes.get(index + 1).is_none_or(|next| next.kind != Kind::Operator('='))
                {
                    keyword = Some(before[name.range.clone()].to_owned());
                }
            }
            _ => {}
        }
    }
    None
}

/// The steps of a whole expression, such as a callee; `None` if it is more than steps.
#[must_use]
pub fn steps_of(expression: &str) -> Option<Vec<Step>> {
    let lexemes = joined(scan(expression));
    (expression_start(expression, &lexemes) == Some(0)).then(|| steps(expression, &lexemes)).flatten()
}

/// The names in `code`, each once, without the one that ends at `cursor` (bytes).
#[must_use]
pub fn names(code: &str, cursor: usize) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for lexeme in scan(code) {
        let name = &code[lexeme.range.clone()];
        if lexeme.kind == Kind::Name && lexeme.range.end != cursor && !names.contains(&name) && names.len() < 200 {
            names.push(name);
        }
    }
    names
}

/// Without what stands between a value and a dot on a later line.
fn joined(lexemes: Vec<Lexeme>) -> Vec<Lexeme> {
    let mut kept: Vec<Lexeme> = Vec::with_capacity(lexemes.len());
    for lexeme in lexemes {
        if lexeme.kind == Kind::Operator('.') {
            while kept.last().is_some_and(|last| matches!(last.kind, Kind::Newline | Kind::Comment)) {
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
        Some((of, prefix)) => CursorContext::Attribute { of: steps_of(of), prefix: prefix.to_owned() },
        None => CursorContext::Name { prefix: name.to_owned() },
    }
}

/// Whether the `[` at the end follows a value.
fn is_item(lexemes: &[Lexeme]) -> bool {
    lexemes.len() > 1
        && matches!(lexemes[lexemes.len() - 2].kind, Kind::Name | Kind::String { .. } | Kind::Operator(')' | ']' | '}'))
}

/// Within a string that is not closed: the key of an item, or a path.
fn string(before: &str, lexemes: &[Lexeme], text: &str) -> Option<CursorContext> {
    let open = text.find(['"', '\''])?;
    let quote = text[open..].chars().next()?;
    let body = &text[open + 1..];
    let triple = body.starts_with(&format!("{quote}{quote}"));
    if triple || is_closed(body, quote) {
        // At the end of a whole string there is nothing to be completed.
        return Some(CursorContext::Nowhere);
    }
    let is_format = text[..open].contains(['f', 'F', 't', 'T']);
    if is_format && let Some(field) = body.rfind('{').filter(|at| !body[*at..].contains('}')) {
        return Some(place(&body[field + 1..]));
    }
    if let Some(last) = lexemes.last()
        && last.kind == Kind::Operator('[')
        && is_item(lexemes)
    {
        let of = steps(before, &lexemes[..lexemes.len() - 1]);
        return Some(CursorContext::Key { of, prefix: body.to_owned(), quote: Some(quote) });
    }
    Some(CursorContext::Path { prefix: body.to_owned() })
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

/// `import a, b.c`, `from a.b`, `from a import b, c`
fn import(before: &str, lexemes: &[Lexeme]) -> Option<CursorContext> {
    let mut depth = 0_usize;
    // Back to the beginning of the statement; the names in brackets after `import` may stand on several lines.
    let start = lexemes.iter().rposition(|lexeme| match lexeme.kind {
        Kind::Operator(')') => {
            depth += 1;
            false
        }
        Kind::Operator(';') => true,
        Kind::Newline => {
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
    // What was written of the last name, dots included.
    let tail_from = |from: usize| {
        let tail = statement[from..]
            .iter()
            .rposition(|lexeme| lexeme.kind != Kind::Name && lexeme.kind != Kind::Operator('.'))
            .map_or(from, |place| from + place + 1);
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
            let after_comma = statement.last().is_some_and(|last| last.kind == Kind::Operator(','));
            if !after_name && !after_comma {
                return Some(CursorContext::Nowhere);
            }
            Some(dotted(tail_from(1)?).map_or(CursorContext::Nowhere, |prefix| CursorContext::Module { prefix }))
        }
        "from" => {
            let import = statement.iter().position(|lexeme| lexeme.kind == Kind::Name && text(lexeme) == "import");
            let Some(import) = import.filter(|place| statement[*place].range.end < before.len()) else {
                let module = before[first.range.end..].trim_start();
                if module.contains(char::is_whitespace) {
                    return Some(CursorContext::Nowhere);
                }
                return Some(CursorContext::Module { prefix: module.to_owned() });
            };
            let module = before[first.range.end..statement[import].range.start].trim().to_owned();
            let last = &statement[statement.len() - 1];
            let in_name = last.kind == Kind::Name && last.range.end == before.len();
            if !in_name && last.kind == Kind::Name && statement.len() - 1 > import {
                return Some(CursorContext::Nowhere);
            }
            let prefix = if in_name { text(last).to_owned() } else { String::new() };
            Some(CursorContext::Member { module, prefix })
        }
        _ => None,
    }
}

/// The first lexeme of the expression that `lexemes` end with: names, attributes, items, calls, literals.
fn expression_start(code: &str, lexemes: &[Lexeme]) -> Option<usize> {
    let mut at = lexemes.len();
    loop {
        at = at.checked_sub(1)?;
        match lexemes[at].kind {
            Kind::Operator(')' | ']' | '}') => {
                let mut depth = 1_usize;
                while depth > 0 {
                    at = at.checked_sub(1)?;
                    match lexemes[at].kind {
                        Kind::Operator(')' | ']' | '}') => depth += 1,
                        Kind::Operator('(' | '[' | '{') => depth -= 1,
                        _ => {}
                    }
                }
                let follows_value = at > 0 && is_item(&lexemes[..=at]) && lexemes[at].kind != Kind::Operator('{');
                if !follows_value {
                    return Some(at);
                }
            }
            Kind::Name if super::KEYWORDS.contains(&&code[lexemes[at].range.clone()]) => return None,
            Kind::Name | Kind::String { .. } | Kind::Number => {
                match at.checked_sub(1).map(|before| lexemes[before].kind) {
                    Some(Kind::Operator('.')) => at -= 1,
                    _ => return Some(at),
                }
            }
            _ => return None,
        }
    }
}

fn steps(code: &str, lexemes: &[Lexeme]) -> Option<Vec<Step>> {
    let lexemes = &lexemes[expression_start(code, lexemes)?..];
    let text = |lexeme: &Lexeme| &code[lexeme.range.clone()];
    let mut steps = Vec::new();
    let mut at = 0;
    while let Some(lexeme) = lexemes.get(at) {
        match lexeme.kind {
            Kind::Name if at == 0 => steps.push(Step::Name(text(lexeme).to_owned())),
            Kind::String { .. } if at == 0 => {
                let bytes = text(lexeme).split(['"', '\'']).next().is_some_and(|prefix| prefix.contains(['b', 'B']));
                steps.push(Step::Literal(if bytes { "bytes" } else { "str" }));
            }
            Kind::Operator(open @ ('[' | '{' | '(')) if at == 0 => {
                let inner = lexemes.get(1..lexemes.len() - 1)?;
                let dict = inner.is_empty() || inner.iter().any(|lexeme| lexeme.kind == Kind::Operator(':'));
                let tuple = inner.iter().any(|lexeme| lexeme.kind == Kind::Operator(','));
                let literal = match open {
                    '[' => "list",
                    '{' if dict => "dict",
                    '{' => "set",
                    _ if tuple || inner.is_empty() => "tuple",
                    _ => return steps_of(&code[inner[0].range.start..inner[inner.len() - 1].range.end]),
                };
                // Only where nothing follows: its closing bracket is the last.
                return Some(vec![Step::Literal(literal)]);
            }
            Kind::Operator('.') => {
                at += 1;
                let name = lexemes.get(at).filter(|name| name.kind == Kind::Name)?;
                steps.push(Step::Attribute(text(name).to_owned()));
            }
            Kind::Operator('[') => {
                let (item, close) = (lexemes.get(at + 1)?, lexemes.get(at + 2)?);
                if close.kind != Kind::Operator(']') {
                    return None;
                }
                steps.push(match item.kind {
                    Kind::Number => Step::Index(text(item).parse().ok()?),
                    Kind::String { .. } => Step::Key(plain_string(text(item))?.to_owned()),
                    _ => return None,
                });
                at += 2;
            }
            _ => return None,
        }
        at += 1;
    }
    Some(steps)
}

/// The value of a string without prefix or escapes.
fn plain_string(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text.strip_prefix(quote)?.strip_suffix(quote).filter(|body| !body.contains(['\\', quote]))
}

#[cfg(test)]
#[path = "cursor_tests.rs"]
mod tests;
