//! Tokens, completeness, magic and statements.

use super::*;

fn classes(code: &str) -> Vec<(&str, TokenClass)> {
    tokens(code).into_iter().map(|token| (&code[token.range], token.class)).collect()
}

#[track_caller]
fn complete(code: &str) {
    assert_eq!(completeness(code), Completeness::Complete, "{code:?}");
}

#[track_caller]
fn incomplete(code: &str) {
    assert_eq!(completeness(code), Completeness::Incomplete, "{code:?}");
}

#[test]
fn names_get_their_classes() {
    use TokenClass::{Builtin, Comment, Decorator, Definition, Keyword, Number, Operator, String};
    assert_eq!(
        classes("@app.get\ndef run(x=None):\n    return len(x) + 1.5e-3  # why\n"),
        [
            ("@app.get", Decorator),
            ("def", Keyword),
            ("run", Definition),
            ("=", Operator),
            ("None", Number),
            ("return", Keyword),
            ("len", Builtin),
            ("+", Operator),
            ("1.5e-3", Number),
            ("# why", Comment),
        ]
    );
    assert_eq!(classes("df.filter('a')"), [("'a'", String)], "an attribute is no builtin");
    assert_eq!(classes("a @ b"), [("@", Operator)], "a product is no decorator");
    assert_eq!(classes("0x1F 1_000 .5 3j"), ["0x1F", "1_000", ".5", "3j"].map(|n| (n, Number)));
}

#[test]
fn soft_keywords_are_keywords_only_where_they_begin_a_statement() {
    use TokenClass::{Keyword, Number, Operator};
    assert_eq!(classes("match x:\n    case 1:\n"), [("match", Keyword), ("case", Keyword), ("1", Number)]);
    assert_eq!(classes("match = 1"), [("=", Operator), ("1", Number)]);
    assert_eq!(classes("match.group"), []);
    assert_eq!(classes("type X = Y"), [("type", Keyword), ("=", Operator)]);
}

#[test]
fn strings_end_at_their_closing_quotes() {
    let strings = |code| -> Vec<&str> {
        classes(code).into_iter().filter(|(_, class)| *class == TokenClass::String).map(|(text, _)| text).collect()
    };
    assert_eq!(strings(r#"x = "a\"b" + 'c'"#), [r#""a\"b""#, "'c'"]);
    assert_eq!(strings("r'\\' b''"), ["r'\\' b'", "'"], "a raw string keeps the backslash, and is not ended by it");
    assert_eq!(strings("'''a\n'b'\n''' + Rb\"x\""), ["'''a\n'b'\n'''", "Rb\"x\""]);
    assert_eq!(strings("'open\nx = 'b'"), ["'open", "'b'"], "a string ends with its line at the latest");
    assert_eq!(strings(r#"f"{d["k"]} {x:'>{w}}" + 'a'"#), [r#"f"{d["k"]} {x:'>{w}}""#, "'a'"]);
    assert_eq!(strings(r#"f"{{" + "a""#), [r#"f"{{""#, r#""a""#]);
    assert_eq!(strings(r#"f"{a" + b"#), [r#"f"{a""#], "a field that was never closed ends with its string");
    assert_eq!(strings("f'é{ü}ö' 'x"), ["f'é{ü}ö'", "'x"]);
}

#[test]
fn tokens_are_in_order_and_never_split_characters() {
    for code in [
        "f'{",
        "f'{x:{y:{z",
        "é'ü",
        "'\\",
        "'''\\",
        "@",
        "\\",
        "f\"{'",
        "漢字 = '漢' # 漢",
        "1e+",
        "\u{0}\r\n",
        "f'''{\n'",
    ] {
        let mut last = 0;
        for token in tokens(code) {
            assert!(token.range.start >= last && code.get(token.range.clone()).is_some(), "{code:?}");
            last = token.range.end;
        }
        let _ = (completeness(code), indent_after(code));
    }
}

#[test]
fn one_line_runs_at_once() {
    for code in ["x = 1", "print('a')", "", "import os; os.getcwd()", "x[1:2]", "lambda: 1", "# note", "x = {'a': 1}"] {
        complete(code);
    }
    complete("x = 1\ny = 2");
    complete("f(a,\n  b)");
    complete("s = '''a\nb'''");
}

#[test]
fn unfinished_code_is_incomplete() {
    for code in
        ["f(", "x = [1,\n", "{", "'''a", "s = \"\"\"a\n'''", "x = 1 + \\", "f'''{a}\n", "@cache", "@cache\n", "'a\\\n"]
    {
        incomplete(code);
    }
    incomplete("f(\n\n");
    incomplete("if x:\n    f(1,\n\n");
}

#[test]
fn a_block_ends_with_an_empty_line() {
    for block in [
        "def f():\n    return 1",
        "for x in y: pass",
        "if x:\n    y\nelse:\n    z",
        "class A:\n    def f(self):\n        pass",
    ] {
        incomplete(block);
        complete(&format!("{block}\n"));
        complete(&format!("{block}\n    "));
    }
    for opener in ["def f():", "if x:  # why", "async def f():", "else:", "match x:", "with open(\n  'a') as f:"] {
        incomplete(opener);
        incomplete(&format!("{opener}\n"));
        incomplete(&format!("{opener}\n    "));
    }
    incomplete("for x in y:\n    # nothing yet\n");
    complete("def f():\n    return 1\nf()");
    complete("def f(): return 1\nf()");
}

#[test]
fn code_may_be_indented_as_a_whole() {
    complete("    x = 1\n    y = 2");
    incomplete("    if x:\n        y");
    complete("    if x:\n        y\n");
}

#[test]
fn a_try_waits_for_its_handler() {
    incomplete("try:\n    x\n");
    complete("try:\n    x\nexcept E:\n    y\n");
    complete("try:\n    x\nfinally: y\n");
    incomplete("def f():\n    try:\n        if x:\n            y\n");
    complete("def f():\n    try:\n        x\n    except E:\n        y\n");
    complete("try");
}

#[test]
fn invalid_code_is_complete_so_that_python_reports_the_error() {
    for code in ["f)", "(]", "'abc", "x:", "if x: )", "x = 1 + \\\n"] {
        complete(code);
    }
}

#[test]
fn comments_and_strings_hide_brackets_and_colons() {
    complete("x = 1  # (");
    complete("x = '('");
    complete("x = 1  # if:");
    complete("f'{x:(}'");
}

#[test]
fn a_new_line_is_indented_like_its_block() {
    assert_eq!(indent_after("def f():"), 4);
    assert_eq!(indent_after("def f():\n    x = 1"), 4);
    assert_eq!(indent_after("def f():\n    return 1"), 0);
    assert_eq!(indent_after("def f():\n    if x:\n        pass"), 4);
    assert_eq!(indent_after("def f(\n        a,\n        b):"), 4);
    assert_eq!(indent_after("x = ["), 4);
    assert_eq!(indent_after("x = [\n    1,"), 4);
    assert_eq!(indent_after("f(1"), 4);
    assert_eq!(indent_after("f(a, g(b),"), 4);
    assert_eq!(indent_after("    x = f(g(1,"), 8);
    assert_eq!(indent_after("f(  # a comment"), 4);
    assert_eq!(indent_after("f(')', "), 4);
    assert_eq!(indent_after("f(1,\n  2,"), 2, "as the person indented");
    assert_eq!(indent_after("f(\n    g(\n        1),"), 4);
    assert_eq!(indent_after("x = 1"), 0);
    assert_eq!(indent_after("s = '''\n  a"), 2);
    assert_eq!(indent_after("def f():\n    x = 1\n    "), 4);
}

#[test]
fn magic_runs_at_once_and_a_cell_ends_with_an_empty_line() {
    for code in
        ["!ls", "!echo (", "!echo it's '''", "%time x = [1", "%cd ..", "obj?", "?obj", "a = !ls", "x = 1\n%time x"]
    {
        complete(code);
    }
    for code in ["%%time", "%%time\nx = 1", "%%bash\nif x; then", "for x in y:\n    !ls"] {
        incomplete(code);
    }
    complete("%%time\nx = 1\n");
    complete("for x in y:\n    !ls\n");
}
