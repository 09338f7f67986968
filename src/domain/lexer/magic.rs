//! Magic: the syntax that `IPython` adds to Python. It is parsed, and rewritten to calls that Python understands.

use std::ops::Range;

use super::magic_syntax::help_target;
use super::scan::{LexemeKind, scan};

/// Code that Python can compile. Every statement keeps its line number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    pub code: String,
    /// The whole code is timed: `%%time`, or `%time` on the only line.
    pub timed: bool,
}

/// Removes what pasting brings along: the fences of Markdown, a common indentation, or the prompts of Python and
/// `IPython` together with the output between them. Returns `None` if there is nothing to remove.
#[must_use]
pub fn unwrap_pasted(code: &str) -> Option<String> {
    if let Some(fenced) = between_fences(code) {
        return Some(unwrap_pasted(&fenced).unwrap_or(fenced));
    }
    let first = without_vi_mode(code.trim_start());
    if first.starts_with(">>>") || first.starts_with("In [") {
        return Some(
            code.split('\n').map(|line| after_prompt(line).unwrap_or_default()).collect::<Vec<_>>().join("\n"),
        );
    }
    let lexemes = scan(code);
    let first = lexemes.iter().find(|lexeme| lexeme.kind != LexemeKind::Newline)?;
    let start = code[..first.range.start].rfind('\n').map_or(0, |newline| newline + 1);
    let indent = &code[start..first.range.start];
    if indent.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(code.len());
    let mut strings =
        lexemes.iter().filter(|l| matches!(l.kind, LexemeKind::String { .. })).map(|l| &l.range).peekable();
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        while strings.next_if(|string| string.end <= at).is_some() {}
        let in_string = strings.peek().is_some_and(|string| string.start < at);
        out += if in_string { line } else { line.strip_prefix(indent).unwrap_or(line) };
        at += line.len();
    }
    Some(out)
}

/// Returns the code between the fences of Markdown, with an empty line for each fence, so that lines keep their
/// numbers. The last fence may be missing, or the first; between two blocks there may be empty lines only.
fn between_fences(code: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut fence = "";
    let mut blocks = 0;
    for line in code.trim_end().split('\n') {
        let text = line.trim();
        let marks = &text[..text.len() - text.trim_start_matches(['`', '~']).len()];
        let is_fence = marks.len() >= 3 && marks.bytes().all(|mark| mark == marks.as_bytes()[0]);
        if fence.is_empty() && is_fence && is_python(&text[marks.len()..]) {
            fence = marks;
            blocks += 1;
            out.push("");
        } else if fence.is_empty() && text.is_empty() || is_fence && text == fence {
            fence = "";
            out.push("");
        } else if fence.is_empty() || is_fence && marks == fence {
            return without_last_fence(code);
        } else {
            out.push(line.strip_suffix('\r').unwrap_or(line));
        }
    }
    (blocks > 0).then(|| out.join("\n"))
}

/// Returns whether what follows a fence names Python: `python`, `{python}`, `py title="a.py"`.
fn is_python(info: &str) -> bool {
    let language = info.trim().trim_start_matches(['{', '.']).split(|c: char| " ,}:".contains(c)).next();
    let language = language.unwrap_or_default().to_lowercase();
    matches!(language.as_str(), "" | "python" | "py" | "python3" | "ipython" | "ipython3" | "pycon")
}

/// Returns the code before a fence that no other one precedes.
fn without_last_fence(code: &str) -> Option<String> {
    let (body, last) = code.trim_end().rsplit_once('\n')?;
    let is_only = last.trim() == "```" && !body.contains("```");
    is_only.then(|| body.to_owned())
}

/// Removes the mode that `IPython` puts before its prompt with the keys of vi.
fn without_vi_mode(line: &str) -> &str {
    ["[ins] ", "[nav] "].iter().find_map(|mode| line.strip_prefix(mode)).unwrap_or(line)
}

fn after_prompt(line: &str) -> Option<&str> {
    let line = without_vi_mode(line.trim_start());
    let rest = line.strip_prefix(">>>").or_else(|| line.strip_prefix("...")).or_else(|| {
        let (number, rest) = line.strip_prefix("In [")?.split_once("]:")?;
        number.bytes().all(|digit| digit.is_ascii_digit()).then_some(rest)
    })?;
    // The lines after an `In` begin with `   ...: `.
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

/// A line of magic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Magic {
    /// `x?`; `detail` for `x??`.
    Help { object: String, detail: bool },
    /// `!command`.
    Shell(String),
    /// A command whose output lines are the value: `!!command`, `x = !command`.
    Lines(String),
    /// `%name arguments`.
    Line { name: String, arguments: String },
    /// Magic for a whole snippet that is not on its first line.
    Misplaced { name: String, arguments: String },
}

/// All magic in a piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeMagic<'a> {
    /// `%%name arguments`, to which the rest of the code belongs.
    Cell { before: &'a str, name: &'a str, arguments: &'a str, body: &'a str },
    /// The code that `%time` on the only line times.
    Timed(String),
    /// Each line of magic with its range, and whether its value is assigned.
    Lines(Vec<(Range<usize>, Magic, bool)>),
}

/// Returns the magic in `code`; `None` if there is none.
#[must_use]
pub fn code_magic(code: &str) -> Option<CodeMagic<'_>> {
    let lexemes = scan(code);
    let first = lexemes.iter().find(|lexeme| lexeme.kind != LexemeKind::Newline)?;
    if first.kind == LexemeKind::Magic {
        let text = &code[first.range.clone()];
        if let Some(line) = text.strip_prefix("%%")
            && help_target(text.trim_end()).is_none()
        {
            let (name, arguments) = split_name(line);
            return Some(CodeMagic::Cell {
                before: &code[..first.range.start],
                name,
                arguments,
                body: &code[first.range.end..],
            });
        }
        let alone = lexemes.iter().all(|l| l.kind == LexemeKind::Newline || l == first);
        if let Some(statement) = text.strip_prefix("%time ")
            && alone
            && !statement.trim_start().starts_with(['%', '!'])
        {
            let blank = code[..first.range.start].trim_end_matches([' ', '\t']);
            return Some(CodeMagic::Timed(format!("{blank}{}", statement.trim_start())));
        }
    }
    let found: Vec<_> = lexemes
        .iter()
        .enumerate()
        .filter(|(_, lexeme)| lexeme.kind == LexemeKind::Magic)
        .map(|(index, lexeme)| {
            let assigned = index > 0 && lexemes[index - 1].kind == LexemeKind::Operator('=');
            (lexeme.range.clone(), Magic::of(&code[lexeme.range.clone()], assigned), assigned)
        })
        .collect();
    (!found.is_empty()).then_some(CodeMagic::Lines(found))
}

/// Returns whether the last line of `code` asks for help: `x?` or `help(x)`. Help is read from its beginning.
#[must_use]
pub fn asks_for_help(code: &str) -> bool {
    let line = code.trim_end().lines().last().unwrap_or_default();
    let is_call = line.strip_prefix("help(").is_some_and(|rest| rest.ends_with(')'));
    is_call || line.contains('?') && help_target(line).is_some()
}

/// Replaces the magic in `code` by calls of `helper`. Returns `None` if there is none.
#[must_use]
pub fn rewrite(code: &str, helper: &str) -> Option<Rewritten> {
    let found = match code_magic(code)? {
        CodeMagic::Cell { before, name, arguments, body } => return Some(cell(before, name, arguments, body, helper)),
        CodeMagic::Timed(code) => return Some(Rewritten { code, timed: true }),
        CodeMagic::Lines(found) => found,
    };
    let mut out = String::with_capacity(code.len());
    let mut done = 0;
    for (range, magic, _) in found {
        out += &code[done..range.start];
        out += &magic.call(helper);
        // Keeps the line numbers after lines that backslashes join.
        out.extend(code[range.clone()].matches('\n'));
        done = range.end;
    }
    out += &code[done..];
    Some(Rewritten { code: out, timed: false })
}

fn cell(before: &str, name: &str, arguments: &str, body: &str, helper: &str) -> Rewritten {
    if name == "time" && arguments.is_empty() {
        let inner = rewrite(body, helper).map_or_else(|| body.to_owned(), |inner| inner.code);
        return Rewritten { code: format!("{before}{inner}"), timed: true };
    }
    let at = before.matches('\n').count() + 1;
    let body = body.strip_prefix('\n').unwrap_or(body);
    let code = format!(
        "{before}{helper}('cell', {}, {}, {}, {at})",
        string_literal(name),
        string_literal(arguments),
        string_literal(&match name {
            // The body is Python, which may contain magic.
            "capture" | "timeit" => rewrite(body, helper).map_or_else(|| body.to_owned(), |inner| inner.code),
            _ => body.to_owned(),
        }),
    );
    Rewritten { code, timed: false }
}

impl Magic {
    fn of(text: &str, assigned: bool) -> Self {
        let joined = text.replace("\\\n", " ");
        let text = joined.trim();
        if let Some((object, detail)) = help_target(text).filter(|_| !text.starts_with('!')) {
            return Self::Help { object: object.to_owned(), detail };
        }
        if text == "?" {
            return Self::Line { name: "lsmagic".to_owned(), arguments: String::new() };
        }
        if let Some(command) = text.strip_prefix("!!") {
            return Self::Lines(command.trim().to_owned());
        }
        if let Some(command) = text.strip_prefix('!') {
            let command = command.trim().to_owned();
            return if assigned { Self::Lines(command) } else { Self::Shell(command) };
        }
        let (name, arguments) = split_name(text.trim_start_matches('%'));
        let (name, arguments) = (name.to_owned(), arguments.to_owned());
        if text.starts_with("%%") { Self::Misplaced { name, arguments } } else { Self::Line { name, arguments } }
    }

    fn call(&self, helper: &str) -> String {
        let (kind, first, second) = match self {
            Self::Help { object, detail } => {
                let detail = if *detail { "True" } else { "False" };
                return format!("{helper}('help', {}, {detail})", string_literal(object));
            }
            Self::Shell(command) => return format!("{helper}('shell', {})", string_literal(command)),
            Self::Lines(command) => return format!("{helper}('lines', {})", string_literal(command)),
            Self::Line { name, arguments } => ("line", name, arguments),
            Self::Misplaced { name, arguments } => ("misplaced", name, arguments),
        };
        format!("{helper}('{kind}', {}, {})", string_literal(first), string_literal(second))
    }
}

fn split_name(line: &str) -> (&str, &str) {
    let (name, arguments) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (name, arguments.trim())
}

/// Returns a Python string literal on one line.
#[must_use]
pub fn string_literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\\' | '\'' => quoted.extend(['\\', c]),
            '\n' => quoted += "\\n",
            c if c.is_control() => quoted += &format!("\\x{:02x}", c as u32),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(code: &str) -> Option<String> {
        rewrite(code, "M").map(|rewritten| rewritten.code)
    }

    #[test]
    fn magic_becomes_calls_on_the_same_lines() {
        for (code, expected) in [
            ("!ls -l", "M('shell', 'ls -l')"),
            ("for x in y:\n    !echo it's\n    z", "for x in y:\n    M('shell', 'echo it\\'s')\n    z"),
            ("!echo \"\"\" ( [\nx = 1\n%cd ..", "M('shell', 'echo \"\"\" ( [')\nx = 1\nM('line', 'cd', '..')"),
            ("!a \\\n  b\nx", "M('shell', 'a    b')\n\nx"),
            ("a = !ls\nb = %pwd", "a = M('lines', 'ls')\nb = M('line', 'pwd', '')"),
            ("pip install x", "M('line', 'pip', 'install x')"),
            ("!!ls", "M('lines', 'ls')"),
            (
                "x?\nx.y??\n?x\n??x",
                "M('help', 'x', False)\nM('help', 'x.y', True)\nM('help', 'x', False)\nM('help', 'x', True)",
            ),
            ("d['k'][0]?", "M('help', 'd[\\'k\\'][0]', False)"),
            ("%time?", "M('help', '%time', False)"),
            ("x = 1\n%time f(x)", "x = 1\nM('line', 'time', 'f(x)')"),
            ("\n%%bash -e\nls\n", "\nM('cell', 'bash', '-e', 'ls\\n', 2)"),
            ("x = 1\n%%bash", "x = 1\nM('misplaced', 'bash', '')"),
            ("'''\n''' ; x\n!ls", "'''\n''' ; x\nM('shell', 'ls')"),
        ] {
            assert_eq!(rewritten(code).as_deref(), Some(expected), "{code}");
        }
    }

    #[test]
    fn pasted_code_is_unwrapped() {
        for (code, expected) in [
            ("    x = 1\n    y = '''\n    z'''\n", "x = 1\ny = '''\n    z'''\n"),
            ("\n  # why\n  if x:\n    y\n", "\n# why\nif x:\n  y\n"),
            (">>> if x:\n...     y\n...\nout\n>>> z", "if x:\n    y\n\n\nz"),
            ("In [1]: if x:\n   ...:     y\n\nOut[1]: 3", "if x:\n    y\n\n"),
            ("```python\nx = 1\n```\n", "\nx = 1\n"),
            ("\n~~~\nx = '```'\n", "\n\nx = '```'"),
            ("```py\n>>> x\n1\n```", "\nx\n\n"),
            ("````\n    x\n    y\n````", "\nx\ny\n"),
            ("```{python}\nx\n```\n\n```py title=\"a.py\"\ny\n```", "\nx\n\n\n\ny\n"),
            ("x = 1\nx\n```\n", "x = 1\nx"),
            ("[ins] In [1]: x = 2\n          ...: x", "x = 2\nx"),
        ] {
            assert_eq!(unwrap_pasted(code).as_deref(), Some(expected), "{code}");
        }
        for code in ["x\n  y", "```bash\nls\n```", "```\nx\n```\nand\n```\ny\n```", "``\nx\n``"] {
            assert_eq!(unwrap_pasted(code), None, "{code}");
        }
    }

    #[test]
    fn requests_for_help_are_known() {
        for code in ["x?", "import os\nos.path??\n", "?x", "help(len)", "%time?"] {
            assert!(asks_for_help(code), "{code}");
        }
        for code in ["x", "'x?'", "helps(x)", "", "# why?", "print('a?')"] {
            assert!(!asks_for_help(code), "{code}");
        }
    }

    #[test]
    fn time_magic_times_the_whole_code() {
        let timed = |code: &str| Some(Rewritten { code: code.to_owned(), timed: true });
        assert_eq!(rewrite("%time await f()", "M"), timed("await f()"));
        assert_eq!(rewrite("%%time\nx = 1\n!ls", "M"), timed("\nx = 1\nM('shell', 'ls')"));
    }

    #[test]
    fn python_code_is_not_taken_for_magic() {
        for code in [
            "x = 5 % 3",
            "x = (5\n%time)",
            "x = 5 \\\n%time",
            "'''\n%time x\n!ls\nx?\n'''",
            "f('''\n!ls''',\n!ls)",
            "x != y\n",
            "!= y",
            "%",
            "% time",
            "what is this?",
            "f(x)?",
            "1?",
            "x == !y",
            "f(a=!ls)",
            "x %= 3",
            "# x?",
            "f'''{x\n!r}'''",
        ] {
            assert_eq!(rewritten(code), None, "{code}");
        }
    }
}
