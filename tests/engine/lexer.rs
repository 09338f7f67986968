//! The lexer, which needs no Python, compared with Python's own.

use crate::support;
use std::io::Write;
use std::process::{Command, Stdio};

use fourhands::domain::lexer::{Completeness, TokenClass, completeness, rewrite, tokens};
use serde_json::Value;

const PIECES: [&str; 52] = [
    "x",
    "y",
    "f(x)",
    "def f():",
    "class A:",
    "if x:",
    "else:",
    "elif y:",
    "for i in y:",
    "while x:",
    "try:",
    "except E:",
    "finally:",
    "with a as b:",
    "return x",
    "pass",
    "lambda: 0",
    "@dec",
    "async def g():",
    "\n",
    "\n",
    "\n",
    "\n    ",
    "\n    ",
    "\n        ",
    " ",
    "\\\n",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    "'a'",
    "\"é\"",
    "'''t\n%time x\n'''",
    "f'{x!r:>{y}}'",
    "rb'\\'",
    "f'''{x\n}'''",
    "'",
    "\"\"\"",
    "# why ( '\n",
    ":",
    ";",
    " = ",
    " % ",
    " != ",
    "1_0.5e3",
    "0x1f",
    ".",
    "漢 = 1",
];

/// Returns for each code whether it compiles, whether it is incomplete (`codeop`), and where its strings and comments
/// are.
const ORACLE: &str = "
import codeop, io, json, sys, tokenize, warnings
warnings.simplefilter('ignore')

def strings(code):
    lines = code.splitlines(keepends=True)
    def offset(place):
        line, column = place
        return sum(len(l.encode()) for l in lines[:line - 1]) + len(lines[line - 1][:column].encode() if line <= len(lines) else b'')
    found, depth = [], 0
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        kind = tokenize.tok_name[token.type]
        if kind in ('FSTRING_START', 'TSTRING_START'):
            depth += 1
            if depth == 1:
                start = token.start
        elif kind in ('FSTRING_END', 'TSTRING_END'):
            depth -= 1
            if depth == 0:
                found.append([offset(start), offset(token.end), 'String'])
        elif depth == 0 and kind in ('STRING', 'COMMENT'):
            found.append([offset(token.start), offset(token.end), kind.title()])
    return found

def facts(code):
    try:
        compile(code, 's', 'exec')
    except (SyntaxError, ValueError):
        try:
            return [False, codeop.compile_command(code, 's', 'exec') is None, []]
        except (SyntaxError, ValueError, OverflowError):
            return [False, False, []]
    return [True, False, strings(code)]

print(json.dumps([facts(code) for code in json.load(sys.stdin)]))
";

#[test]
fn the_lexer_agrees_with_python() {
    let mut seed = 20_261_123_u64;
    let mut below = |limit: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % limit
    };
    let times = std::env::var("FOURHANDS_FUZZ").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let codes: Vec<String> =
        (0..3_000 * times).map(|_| (0..=below(9)).map(|_| PIECES[below(PIECES.len())]).collect()).collect();
    let python = support::python();
    let mut oracle = Command::new(&python)
        .args(["-X", "utf8", "-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = oracle.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(&codes).unwrap()).unwrap();
    drop(stdin);
    let output = oracle.wait_with_output().unwrap();
    let facts: Vec<(bool, bool, Value)> = serde_json::from_slice(&output.stdout).unwrap();
    let (mut valid, mut lacking) = (0, 0);
    let mut wrong: Vec<String> = Vec::new();
    for (code, (compiles, lacks, strings)) in codes.iter().zip(facts) {
        // Unlike in Python, an empty line after a backslash ends the code, so that a person can always end it.
        let is_given_up = code.trim_end().ends_with('\\') && code.trim_end_matches([' ', '\t']).ends_with('\n');
        if lacks && !is_given_up {
            lacking += 1;
            if completeness(code) != Completeness::Incomplete {
                wrong.push(format!("lacks: {code:?}"));
            }
        }
        if compiles {
            valid += 1;
            if completeness(&format!("{code}\n\n")) != Completeness::Complete {
                wrong.push(format!("complete: {code:?}"));
            }
            if rewrite(code, "M").is_some() {
                wrong.push(format!("rewritten: {code:?}"));
            }
            let ours = tokens(code).into_iter().filter_map(|token| match token.class {
                TokenClass::String | TokenClass::Comment => {
                    Some(serde_json::json!([token.range.start, token.range.end, format!("{:?}", token.class)]))
                }
                _ => None,
            });
            let ours = Value::Array(ours.collect());
            if ours != strings {
                wrong.push(format!("strings: {code:?} {ours} {strings}"));
            }
        }
    }
    eprintln!("{valid} of {} compile in {}, {lacking} lack something", codes.len(), python.display());
    wrong.sort_by_key(String::len);
    wrong.dedup();
    assert!(wrong.is_empty(), "{}: {:#?}", wrong.len(), &wrong[..wrong.len().min(40)]);
    assert!(valid > 100 && lacking > 100);
}
