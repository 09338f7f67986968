//! The context of a cursor, in code of every kind.

use super::*;
use crate::domain::random::Random;

fn name(prefix: &str) -> CursorContext {
    CursorContext::Name { prefix: prefix.into() }
}

fn steps(expression: &str) -> Option<Vec<PathStep>> {
    path_steps(expression)
}

#[test]
fn names_and_attributes() {
    assert_eq!(cursor_context(""), name(""));
    assert_eq!(cursor_context("x = pri"), name("pri"));
    assert_eq!(cursor_context("f(a, b"), name("b"));
    assert_eq!(cursor_context("for x in "), name(""));
    assert_eq!(cursor_context("@data"), name("data"));
    let attribute = |of: &str, prefix: &str| CursorContext::Attribute { of: steps(of), prefix: prefix.into() };
    assert_eq!(cursor_context("x.y.z"), attribute("x.y", "z"));
    assert_eq!(cursor_context("print(x."), attribute("x", ""));
    assert_eq!(cursor_context("d[\"k\"].a"), attribute("d['k']", "a"));
    assert_eq!(cursor_context("l[0][-1]."), CursorContext::Attribute { of: None, prefix: String::new() });
    assert_eq!(
        cursor_context("\"\".jo"),
        CursorContext::Attribute { of: Some(vec![PathStep::Literal("str")]), prefix: "jo".into() }
    );
    assert_eq!(
        cursor_context("b''."),
        CursorContext::Attribute { of: Some(vec![PathStep::Literal("bytes")]), prefix: String::new() }
    );
    assert_eq!(
        cursor_context("[1, 2].ap"),
        CursorContext::Attribute { of: Some(vec![PathStep::Literal("list")]), prefix: "ap".into() }
    );
    assert_eq!(
        cursor_context("{}.g"),
        CursorContext::Attribute { of: Some(vec![PathStep::Literal("dict")]), prefix: "g".into() }
    );
    assert_eq!(cursor_context("f(1).g"), CursorContext::Attribute { of: None, prefix: "g".into() });
    assert_eq!(cursor_context("(x).g"), attribute("x", "g"));
    assert_eq!(cursor_context("x\n  .y"), attribute("x", "y"));
    assert_eq!(cursor_context("@app.ro"), attribute("app", "ro"));
    for nowhere in ["# com", "12", "def f", "class A", "'whole'", "1.5", "'''text", "!ls fi"] {
        assert_eq!(cursor_context(nowhere), CursorContext::Nowhere, "{nowhere}");
    }
}

#[test]
fn keys_paths_and_fields() {
    let at = |of: &str, prefix: &str, quote, place, ends| CursorContext::Key {
        of: steps(of),
        prefix: prefix.into(),
        quote,
        place,
        ends,
    };
    let key = |of: &str, prefix: &str, quote| at(of, prefix, quote, 0, true);
    let path = |of: Option<&str>, prefix: &str, quote| CursorContext::Path {
        of: of.and_then(steps).into_iter().collect(),
        prefix: prefix.into(),
        quote,
    };
    assert_eq!(cursor_context("d[\""), key("d", "", Some('"')));
    assert_eq!(cursor_context("a.d['k"), key("a.d", "k", Some('\'')));
    assert_eq!(cursor_context("d['a']['b"), key("d['a']", "b", Some('\'')));
    assert_eq!(cursor_context("d["), key("d", "", None));
    assert_eq!(cursor_context("d[na"), key("d", "na", None));
    assert_eq!(cursor_context("x = ['da"), path(None, "da", '\''));
    assert_eq!(cursor_context("open(\"data/s"), path(None, "data/s", '"'));
    assert_eq!(cursor_context("df.loc[:, \""), at("df.loc", "", Some('"'), 1, true));
    assert_eq!(cursor_context("df.loc[df['x'] > 1, 'a"), at("df.loc", "a", Some('\''), 1, true));
    assert_eq!(cursor_context("df.loc['a':'b"), at("df.loc", "b", Some('\''), 0, true));
    assert_eq!(cursor_context("df[[\"a\", \"b"), at("df", "b", Some('"'), 0, false));
    assert_eq!(cursor_context("df.loc[:, ['a', 'b"), at("df.loc", "b", Some('\''), 1, false));
    assert_eq!(
        cursor_context("f(1)['k"),
        CursorContext::Key { of: None, prefix: "k".into(), quote: Some('\''), place: 0, ends: true }
    );
    for call in ["df.groupby('ci", "df.groupby(['a', 'ci", "df.sort_values(1, by='ci", "df.drop(columns=['a', 'ci"] {
        assert_eq!(cursor_context(call), path(Some("df"), "ci", '\''), "{call}");
    }
    for call in ["df.rename(columns={'ci", "df.agg({'a': 'sum', 'ci", "df.assign(**{'ci"] {
        assert_eq!(cursor_context(call), path(Some("df"), "ci", '\''), "{call}");
    }
    for call in [
        "df.agg({'a': 'ci",
        "df.to_csv('ci",
        "df[df['a'] == 'ci",
        "x == 'ci",
        "f('ci",
        "f(x == 'ci",
        "{'a': 'ci",
        "f(g('ci",
    ] {
        assert_eq!(cursor_context(call), path(None, "ci", '\''), "{call}");
    }
    for (call, of) in [
        ("pd.merge(a, b, on='ci", &["pd", "a", "b"][..]),
        ("plot(data=df, x='ci", &["df"]),
        ("df.merge(other[other.n > 1], 3, 'inner', on=['a', 'ci", &["df", "other[other.n > 1]", "''"]),
    ] {
        let of = of.iter().filter_map(|value| steps(value)).collect();
        assert_eq!(cursor_context(call), CursorContext::Path { of, prefix: "ci".into(), quote: '\'' }, "{call}");
    }
    assert_eq!(cursor_context("df[df['x'] > 1].loc[:, \""), at("df[a > 1].loc", "", Some('"'), 1, true));
    assert_eq!(cursor_context("df[2:5]['a"), key("df[1:]", "a", Some('\'')));
    assert_eq!(cursor_context("x = [na"), name("na"));
    assert_eq!(cursor_context("f'{na"), name("na"));
    assert_eq!(cursor_context("f'{x.y"), CursorContext::Attribute { of: steps("x"), prefix: "y".into() });
}

#[test]
fn imports() {
    let module = |prefix: &str| CursorContext::Module { prefix: prefix.into() };
    let member = |module: &str, prefix: &str| CursorContext::Member { module: module.into(), prefix: prefix.into() };
    assert_eq!(cursor_context("import "), module(""));
    assert_eq!(cursor_context("import num"), module("num"));
    assert_eq!(cursor_context("import os.pa"), module("os.pa"));
    assert_eq!(cursor_context("import os, s"), module("s"));
    assert_eq!(cursor_context("x = 1\nimport os, "), module(""));
    assert_eq!(cursor_context("import os as o"), CursorContext::Nowhere);
    assert_eq!(cursor_context("from os.pa"), module("os.pa"));
    assert_eq!(cursor_context("from ..pa"), module("..pa"));
    assert_eq!(cursor_context("from os im"), CursorContext::Nowhere);
    assert_eq!(cursor_context("from os import pa"), member("os", "pa"));
    assert_eq!(cursor_context("from os.path import (join, ex"), member("os.path", "ex"));
    assert_eq!(cursor_context("from os.path import (\n    join,\n    ex"), member("os.path", "ex"));
    assert_eq!(cursor_context("from os import path as "), CursorContext::Nowhere);
    assert_eq!(cursor_context("import os; os.pa"), CursorContext::Attribute { of: steps("os"), prefix: "pa".into() });
    assert_eq!(cursor_context("imp"), name("imp"));
    assert_eq!(cursor_context("import"), name("import"));
}

#[test]
fn magic_has_a_context() {
    assert_eq!(cursor_context("%ti"), CursorContext::Magic { prefix: "ti".into(), cell: false });
    assert_eq!(cursor_context("%%"), CursorContext::Magic { prefix: String::new(), cell: true });
    assert_eq!(cursor_context("x % y"), name("y"));
}

#[test]
fn the_innermost_open_call() {
    let call =
        |code: &str| open_call(code).map(|call| (code[call.callee.clone()].to_owned(), call.argument, call.keyword));
    let found =
        |callee: &str, argument, keyword: Option<&str>| Some((callee.to_owned(), argument, keyword.map(str::to_owned)));
    assert_eq!(call("f("), found("f", 0, None));
    assert_eq!(call("x = a.b.f(1, "), found("a.b.f", 1, None));
    assert_eq!(call("f(g(1, 2), [3, 4], "), found("f", 2, None));
    assert_eq!(call("f(g(1, 2"), found("g", 1, None));
    assert_eq!(call("f(1, [2, 3"), found("f", 1, None));
    assert_eq!(call("f(a, key=x"), found("f", 1, Some("key")));
    assert_eq!(call("f(a=1, x"), found("f", 1, None));
    assert_eq!(call("f(a == x"), found("f", 0, None));
    assert_eq!(call("f(1)"), None);
    assert_eq!(call("f(1).g(2, "), found("f(1).g", 1, None));
    assert_eq!(call("(1, "), None);
    assert_eq!(call("if (x"), None);
    assert_eq!(call("def f(a"), None);
    assert_eq!(call("f(')', "), found("f", 1, None));
    assert_eq!(call("# f("), None);
}

#[test]
fn steps_need_no_evaluation() {
    let of = |name: &str| PathStep::Name(name.into());
    assert_eq!(steps("a"), Some(vec![of("a")]));
    assert_eq!(
        steps("a.b['c'][0]"),
        Some(vec![of("a"), PathStep::Attribute("b".into()), PathStep::Key("c".into()), PathStep::Index(0)])
    );
    assert_eq!(steps("a + b"), None);
    assert_eq!(steps("f(1).g"), None);
    assert_eq!(steps("a[i]"), None);
    assert_eq!(names("def f(count):\n    co", 20), ["def", "f", "count"]);
}

#[test]
fn no_code_makes_completion_fail() {
    let pieces =
        ["f(", "[", "]", ")", "{", "}", "\"", "'", "x", ".", ",", "=", "import ", "from ", "%", "é", "\n", " ", "f'{"];
    for mut random in Random::rounds(7, 20_000) {
        let code = random.text(&pieces, 8);
        let _ = (cursor_context(&code), open_call(&code));
    }
}
