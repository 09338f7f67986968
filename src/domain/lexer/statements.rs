//! The statements of code, as far as a lexer knows them; for moving code to another place.

use std::collections::BTreeSet;
use std::ops::Range;

use super::keywords::KEYWORDS;
use super::scan::{Lexeme, LexemeKind, scan};

/// Returns the lexemes of each logical line, without comments and empty lines.
pub(super) fn lines(lexemes: &[Lexeme]) -> Vec<&[Lexeme]> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    let mut from = 0;
    for (index, lexeme) in lexemes.iter().enumerate() {
        match lexeme.kind {
            LexemeKind::Operator('(' | '[' | '{') => depth += 1,
            LexemeKind::Operator(')' | ']' | '}') => depth = depth.saturating_sub(1),
            LexemeKind::Newline if depth == 0 && !is_joined(lexemes, index) => {
                found.push(&lexemes[from..index]);
                from = index + 1;
            }
            _ => {}
        }
    }
    found.push(&lexemes[from..]);
    found.retain(|line| line.iter().any(|lexeme| !matches!(lexeme.kind, LexemeKind::Newline | LexemeKind::Comment)));
    found
}

/// Returns whether a backslash joins this line end to the next line.
fn is_joined(lexemes: &[Lexeme], newline: usize) -> bool {
    let before = newline.checked_sub(1).map(|index| &lexemes[index]);
    before.is_some_and(|l| l.kind == LexemeKind::Operator('\\') && l.range.end == lexemes[newline].range.start)
}

/// Returns the indentation of the line, in bytes.
pub(super) fn indent(code: &str, line: &[Lexeme]) -> usize {
    let start = line.first().map_or(0, |first| first.range.start);
    start - code[..start].rfind('\n').map_or(0, |newline| newline + 1)
}

pub(super) fn text<'a>(code: &'a str, lexeme: &Lexeme) -> &'a str {
    &code[lexeme.range.clone()]
}

/// Indents `code` by `by`. The insides of strings stay.
#[must_use]
pub fn indented(code: &str, by: &str) -> String {
    let lexemes = scan(code);
    let mut strings =
        lexemes.iter().filter(|l| matches!(l.kind, LexemeKind::String { .. })).map(|l| &l.range).peekable();
    let mut out = String::with_capacity(code.len() + code.len() / 4);
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        while strings.next_if(|string| string.end <= at).is_some() {}
        let in_string = strings.peek().is_some_and(|string| string.start < at);
        if !in_string && !line.trim().is_empty() {
            out += by;
        }
        out += line;
        at += line.len();
    }
    out
}

/// Returns whether code outside functions awaits something.
#[must_use]
pub fn awaits(code: &str) -> bool {
    let lexemes = scan(code);
    // The indentation of the function that the line may belong to.
    let mut function: Option<usize> = None;
    for line in lines(&lexemes) {
        let indent = indent(code, line);
        if line[0].kind == LexemeKind::Comment || function.is_some_and(|outer| indent > outer) {
            continue;
        }
        function = None;
        let word = |index: usize| line.get(index).map_or("", |lexeme| text(code, lexeme));
        if word(0) == "def" || (word(0) == "async" && word(1) == "def") {
            function = Some(indent);
            continue;
        }
        let awaited = |(index, lexeme): (usize, &Lexeme)| {
            lexeme.kind == LexemeKind::Name
                && match text(code, lexeme) {
                    "await" => true,
                    "async" => matches!(word(index + 1), "for" | "with"),
                    _ => false,
                }
        };
        if line.iter().enumerate().any(awaited) {
            return true;
        }
    }
    false
}

/// Returns the names to declare global where `code` becomes the body of a function: all names that it may bind, and
/// perhaps others. `None` if that would change its meaning, since it annotates names or imports `*`.
#[must_use]
pub fn globals_of_function(code: &str) -> Option<Vec<String>> {
    let lexemes = scan(code);
    let mut names = BTreeSet::new();
    for line in lines(&lexemes) {
        let imports = matches!(text(code, &line[0]), "import" | "from");
        if imports && line.iter().any(|lexeme| lexeme.kind == LexemeKind::Operator('*')) {
            return None;
        }
        let mut begins = true;
        for (index, lexeme) in line.iter().enumerate() {
            let word = text(code, lexeme);
            let before = index.checked_sub(1).map_or("", |index| text(code, &line[index]));
            let after = line.get(index + 1).map_or("", |lexeme| text(code, lexeme));
            let plain = lexeme.kind == LexemeKind::Name && !is_keyword(word);
            let walrus = after == ":" && line.get(index + 2).is_some_and(|lexeme| text(code, lexeme) == "=");
            // `x: int`, and `(x): int`.
            if begins && after == ":" && (plain && !walrus || word == ")") {
                return None;
            }
            begins = matches!(word, ";" | ":") || (begins && (word == "(" || before == "(") && word != ")");
            let binds = matches!(before, "def" | "class") || imports || !matches!(after, "(" | "[" | ".");
            if plain && before != "." && binds {
                names.insert(word.to_owned());
            }
        }
    }
    Some(names.into_iter().collect())
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word) || matches!(word, "True" | "False" | "None" | "__debug__")
}

/// Returns the features that `code` imports from `__future__`, and the code without these imports.
#[must_use]
pub fn split_future_imports(code: &str) -> (Vec<String>, String) {
    let lexemes = scan(code);
    let mut features = Vec::new();
    let mut gone: Vec<Range<usize>> = Vec::new();
    for line in lines(&lexemes) {
        for statement in line.split(|lexeme| lexeme.kind == LexemeKind::Operator(';')) {
            let words: Vec<&str> = statement.iter().map(|lexeme| text(code, lexeme)).collect();
            let ["from", "__future__", "import", names @ ..] = &words[..] else { continue };
            let names = names.iter().filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()));
            features.extend(names.map(|name| (*name).to_owned()));
            let code_part = statement.iter().rfind(|lexeme| lexeme.kind != LexemeKind::Comment);
            let end = code_part.map_or(statement[0].range.end, |lexeme| lexeme.range.end);
            let semicolon = line.iter().find(|l| l.range.start >= end && l.kind == LexemeKind::Operator(';'));
            gone.push(statement[0].range.start..semicolon.map_or(end, |semicolon| semicolon.range.end));
        }
    }
    let mut rest = String::with_capacity(code.len());
    let mut done = 0;
    for range in gone {
        rest += &code[done..range.start];
        done = range.end;
        if code[range].ends_with(';') {
            done += code[done..].len() - code[done..].trim_start_matches(' ').len();
        }
    }
    rest += &code[done..];
    (features, rest)
}

/// Returns the start of the last statement, if it is outside all blocks.
#[must_use]
pub fn last_statement(code: &str) -> Option<usize> {
    let lexemes = scan(code);
    let line = *lines(&lexemes).last()?;
    let parts = line.split(|lexeme| lexeme.kind == LexemeKind::Operator(';'));
    let last = parts
        .filter_map(|part| part.iter().find(|l| !matches!(l.kind, LexemeKind::Comment | LexemeKind::Newline)))
        .next_back()?;
    (indent(code, line) == 0).then_some(last.range.start)
}

/// Returns whether `code` seems to read the variable `name`. The code may have set it itself.
#[must_use]
pub fn reads_variable(code: &str, name: &str) -> bool {
    let lexemes = scan(code);
    let mut depth = 0_usize;
    lexemes.iter().enumerate().any(|(index, lexeme)| {
        match lexeme.kind {
            LexemeKind::Operator('(' | '[' | '{') => depth += 1,
            LexemeKind::Operator(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        let near = |index: Option<usize>| index.and_then(|i| lexemes.get(i)).map_or("", |l| text(code, l));
        let (before, after) = (near(index.checked_sub(1)), near(Some(index + 1)));
        let compared = after == "=" && near(Some(index + 2)) == "=";
        lexeme.kind == LexemeKind::Name
            && text(code, lexeme) == name
            && !matches!(before, "." | "for" | "lambda" | "as" | "def" | "class" | "import")
            && (compared || !matches!(after, "=" | "in" | ":"))
            && (depth > 0 || !matches!((before, after), ("," | "*", "," | ")") | (_, ",")))
    })
}

/// Returns whether code ends with a semicolon, by which its value is not shown, as in notebooks.
#[must_use]
pub fn hides_value(code: &str) -> bool {
    let is_code = |lexeme: &&Lexeme| !matches!(lexeme.kind, LexemeKind::Newline | LexemeKind::Comment);
    code.contains(';')
        && scan(code).iter().rfind(is_code).is_some_and(|last| match last.kind {
            LexemeKind::Operator(';') => true,
            LexemeKind::Magic => text(code, last).trim_end().ends_with(';'),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_at_the_end_hides_the_value() {
        for code in
            ["1;", "plt.hist(x);  # why; so\n\n", "a; b ;\n", "f(\n1);\n# c", "'''a\n''';", "%time f();", "%%time\n1;"]
        {
            assert!(hides_value(code), "{code}");
        }
        for code in ["'a;'", "1 # a;", "a; b", "'''\n;'''", "f(';')", "", "# ;"] {
            assert!(!hides_value(code), "{code}");
        }
    }

    #[test]
    fn indentation_does_not_change_strings() {
        assert_eq!(indented("x = '''a\nb'''\nif y:\n\n  z\n", "    "), "    x = '''a\nb'''\n    if y:\n\n      z\n");
        assert_eq!(indented("f('''\n''', \n1)", " "), " f('''\n''', \n 1)");
    }

    #[test]
    fn awaits_outside_functions_are_found() {
        for code in [
            "await f()",
            "x = [i async for i in g()]",
            "async with a:\n  pass",
            "async def f():\n  await g()\n\nawait f()",
            "def f():\n  pass\nif x:\n  y = (1,\nawait f())",
        ] {
            assert!(awaits(code), "{code}");
        }
        for code in
            ["async def f():\n  if x:\n    await g()\n# no\n  await h()", "'await x'", "x.await_()", "# await x"]
        {
            assert!(!awaits(code), "{code}");
        }
    }

    #[test]
    fn globals_of_a_function_are_its_bound_names() {
        let names = |code| globals_of_function(code).map(|names| names.join(" "));
        assert_eq!(names("x = await f(1)").as_deref(), Some("x"));
        assert_eq!(names("import a.b, c as d").as_deref(), Some("a c d"));
        assert_eq!(names("def f(): pass\nclass C: pass").as_deref(), Some("C f"));
        assert_eq!(names("async with a() as (b, c):\n    print(b)").as_deref(), Some("b c"));
        assert_eq!(names("x[0] = y.z = await q").as_deref(), Some("q"));
        assert_eq!(names("if (n := await f()) and n:\n  pass\nelse: m = 1").as_deref(), Some("m n"));
        assert_eq!(names("try:\n  x = lambda a: a\nfinally:\n  pass").as_deref(), Some("a x"));
        for code in ["x: int = await f()", "from m import *\nawait f()", "if a: x: int = 1", "(x): int = 1"] {
            assert_eq!(names(code), None, "{code}");
        }
    }

    #[test]
    fn future_imports_are_split_off() {
        let taken = |code| {
            let (features, rest) = split_future_imports(code);
            (features.join(" "), rest)
        };
        let (features, rest) = taken("from __future__ import annotations  # why\nx = 1");
        assert_eq!((&*features, &*rest), ("annotations", "  # why\nx = 1"));
        let (features, rest) = taken("'''doc'''\nfrom __future__ import (annotations,\n  division)\nx");
        assert_eq!((&*features, &*rest), ("annotations division", "'''doc'''\n\nx"));
        let (features, rest) = taken("from __future__ import annotations; x = 1");
        assert_eq!((&*features, &*rest), ("annotations", "x = 1"));
        assert_eq!(taken("s = '''\nfrom __future__ import x\n'''").0, "");
    }

    #[test]
    fn the_last_statement_is_found_outside_blocks() {
        for (code, last) in [
            ("x = 1\nf(x,\n  2)  # c\n\n", Some("f(x,")),
            ("a; b", Some("b")),
            ("a; b;", Some("b;")),
            ("if x:\n  y", None),
            ("x \\\n + 1", Some("x \\")),
            ("# only", None),
        ] {
            assert_eq!(last_statement(code).map(|at| code[at..].lines().next().unwrap()), last, "{code}");
        }
    }

    #[test]
    fn reads_of_a_variable_are_found() {
        for code in ["_ + 1", "x = _", "len(_)", "f(_, 2)", "_.head()", "_[0]", "_ == 2"] {
            assert!(reads_variable(code, "_"), "{code}");
        }
        for code in
            ["for _ in x: pass", "for i, _ in x: pass", "_ = 1", "a, _ = b", "_, a = b", "lambda _: 1", "x._", "'_'"]
        {
            assert!(!reads_variable(code, "_"), "{code}");
        }
    }
}
