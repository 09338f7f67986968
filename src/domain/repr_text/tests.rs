//! Values of many types, broken into lines.

use super::ReprText;
use crate::domain::random::Random;

fn shown(text: &str, width: usize) -> Option<Vec<String>> {
    let repr = ReprText::parse(text)?;
    let lines = repr.lines(width, |text| text.chars().count());
    Some(lines.iter().map(|line| " ".repeat(line.indent) + &text[line.range.clone()]).collect())
}

#[track_caller]
fn assert_lines(text: &str, width: usize, lines: &[&str]) {
    assert_eq!(shown(text, width).unwrap_or_else(|| panic!("no value: {text}")), lines);
}

#[test]
fn values_that_fit_stay_on_one_line() {
    for text in
        ["42", "-1.5e-05", "'it\\'s, [a'", "b'\\x00['", "None", "(1+2j)", "[1, 2, 3]", "<Foo at 0x7f>", "P(x=1)", "[]"]
    {
        assert_lines(text, 20, &[text]);
    }
}

#[test]
fn each_item_has_its_line_and_short_ones_share_lines() {
    assert_lines(
        "{'name': 'Ada', 'born': 1815, 'tags': ['x', 'y']}",
        30,
        &["{", "  'name': 'Ada',", "  'born': 1815,", "  'tags': ['x', 'y']", "}"],
    );
    assert_lines("[100, 200, 300, 400, 500]", 14, &["[", "  100, 200,", "  300, 400,", "  500", "]"]);
    assert_lines(
        "{'cfg': {'a': [{'id': 0, 't': []}, {'id': 1, 't': []}]}}",
        24,
        &["{'cfg': {'a': [", "  {'id': 0, 't': []},", "  {'id': 1, 't': []}", "]}}"],
    );
    assert_lines(
        "defaultdict(<class 'list'>, {'a': [1, 2], 'b': [3, 4]})",
        45,
        &["defaultdict(<class 'list'>, {", "  'a': [1, 2],", "  'b': [3, 4]", "})"],
    );
    assert_lines("P(x=[1, 2], y='abcdefgh')", 20, &["P(", "  x=[1, 2],", "  y='abcdefgh'", ")"]);
    assert_lines("deque(['abc', 'def'], maxlen=9)", 20, &["deque(", "  ['abc', 'def'],", "  maxlen=9", ")"]);
    assert_lines("{(1, 2): 'abc', (3, 4): 'def'}", 20, &["{", "  (1, 2): 'abc',", "  (3, 4): 'def'", "}"]);
}

#[test]
fn arrays_in_containers_keep_their_lines() {
    assert_lines(
        "{'a': array([[1, 2],\n       [3, 4]]), 'b': 1}",
        60,
        &["{", "  'a': array([[1, 2],", "              [3, 4]]),", "  'b': 1", "}"],
    );
    let array = "array([[1, 2],\n       [3, 4]])";
    assert_lines(array, 60, &["array([[1, 2],", "       [3, 4]])"]);
    assert_lines("Net(\n  (0): Linear(in=1)\n)", 60, &["Net(", "  (0): Linear(in=1)", ")"]);
}

#[test]
fn texts_of_other_kinds_are_left_alone() {
    for text in [
        "",
        "a b",
        "Foo: hello (world)",
        "[1, 2",
        "[1)",
        "]",
        "'open",
        "(1), (2)",
        "day\n1  2",
        "<a [",
        "x: [1]",
        "f(1)(2)",
    ] {
        assert!(ReprText::parse(text).is_none(), "{text}");
    }
    for text in ["[<it's>, <a, b>]", "{'a': <function <lambda> at 0x1>}", "[<x->y>, 1]", "Foo(don't, [1])"] {
        assert!(ReprText::parse(text).is_some_and(|repr| repr.has_parts()), "{text}");
    }
    assert!(ReprText::parse("<Foo, [bar>").unwrap().is_opaque());
}

#[test]
fn opaque_texts_do_not_confuse_the_colours() {
    let text = "[<it's>, 'a', 1]";
    let tokens = ReprText::parse(text).unwrap().tokens(text.len());
    let tokens: Vec<&str> = tokens.iter().map(|token| &text[token.range.clone()]).collect();
    assert_eq!(tokens, ["'a'", "1"]);
}

/// Lines contain every character but blanks, whatever the text is, and deep or long values take no time.
#[test]
fn no_text_breaks_the_layout() {
    let parts = ["[", "]", "(", ")", "{", "}", ", ", "'a'", "1", ": ", "=", "<b>", "x", "\n", "é", "'", "  "];
    let mut random = Random::new(7);
    for _ in 0..20_000 {
        let text: String = (0..random.below(20)).map(|_| parts[random.below(parts.len())]).collect();
        for width in [1, 8, 30] {
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            if let Some(lines) = shown(&text, width) {
                assert_eq!(bare(&lines.concat()), bare(&text), "{text:?} at {width}: {lines:?}");
            }
        }
    }
    let deep = "[".repeat(60_000) + &"]".repeat(60_000);
    assert_eq!(shown(&deep, 40).unwrap().len(), 1);
    let long = format!("[{}]", "{'a': [1, 2]}, ".repeat(9_000).trim_end_matches(", "));
    assert_eq!(shown(&long, 40).unwrap().len(), 9_002);
}
