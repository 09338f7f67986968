//! The editor by its keys: Python's manners, movement, recall, vi.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::domain::random::Random;

/// An editor with this text; `|` is the cursor.
fn editor(text: &str) -> Editor {
    let mut editor = Editor::default();
    let (before, after) = text.split_once('|').expect("no cursor");
    editor.buffer.reset(&format!("{before}{after}"));
    let place = Pos::default().after(before);
    editor.buffer.go(place, false);
    editor
}

fn vi(text: &str) -> Editor {
    let mut editor = editor(text);
    editor.use_vi(true);
    press(&mut editor, "<esc><right>");
    let (before, _) = text.split_once('|').expect("no cursor");
    editor.buffer.go(Pos::default().after(before), false);
    editor
}

/// Keys as they are written: `<c-w>`, `<a-f>`, `<s-left>`, `<esc>`, and characters.
fn press(editor: &mut Editor, keys: &str) {
    let mut rest = keys;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).filter(|(name, _)| name.len() > 1);
        let (code, modifiers) = if let Some((name, after)) = named {
            rest = after;
            let (modifiers, name) = match name.split_once('-') {
                Some(("c", name)) => (KeyModifiers::CONTROL, name),
                Some(("a", name)) => (KeyModifiers::ALT, name),
                Some(("s", name)) => (KeyModifiers::SHIFT, name),
                _ => (KeyModifiers::NONE, name),
            };
            let code = match name {
                "left" => KeyCode::Left,
                "right" => KeyCode::Right,
                "up" => KeyCode::Up,
                "down" => KeyCode::Down,
                "home" => KeyCode::Home,
                "end" => KeyCode::End,
                "bs" => KeyCode::Backspace,
                "del" => KeyCode::Delete,
                "esc" => KeyCode::Esc,
                "backtab" => KeyCode::BackTab,
                name => KeyCode::Char(name.chars().next().expect("no key")),
            };
            (code, modifiers)
        } else {
            rest = &rest[c.len_utf8()..];
            (KeyCode::Char(c), KeyModifiers::NONE)
        };
        if c == '\n' {
            editor.new_line();
            continue;
        }
        let key = KeyEvent::new(code, modifiers);
        if editor.vi_key(key) == ViOutcome::NotHandled {
            editor.key(key);
        }
    }
}

/// The text with `|` at the cursor.
fn shown(editor: &Editor) -> String {
    let mut text = editor.code();
    text.insert(editor.offset(editor.buffer.cursor()), '|');
    text
}

fn check(cases: &[(&str, &str, &str)], make: fn(&str) -> Editor) {
    for (before, keys, after) in cases {
        let mut editor = make(before);
        press(&mut editor, keys);
        assert_eq!(shown(&editor), *after, "{before:?} {keys}");
    }
}

#[test]
fn emacs_keys() {
    check(
        &[
            ("a b|", "c", "a bc|"),
            ("foo.bar(x, |y)", "<c-w>", "foo.bar(x|y)"),
            ("foo.bar|", "<a-bs>", "foo.|"),
            ("foo.bar|", "<c-w><c-w><c-y><c-y>", "foo.bar.bar|"),
            ("|foo.bar", "<a-f>", "foo|.bar"),
            ("|foo.bar", "<a-f><a-f>", "foo.bar|"),
            ("foo.bar|", "<a-b><a-b>", "|foo.bar"),
            ("one |two\nthree", "<c-k>", "one |\nthree"),
            ("one |two\nthree", "<c-k><c-k>", "one |three"),
            ("one |two\nthree", "<c-k><c-k><c-y>", "one two\n|three"),
            ("one\ntwo| x", "<c-u>", "one\n| x"),
            ("one\n|two", "<c-u>", "one|two"),
            ("ab|", "<c-t>", "ba|"),
            ("é|", "<c-a>x", "x|é"),
            ("e\u{301}x|", "<left><left>", "|e\u{301}x"),
            ("e\u{301}|", "<bs>", "|"),
            ("👨‍👩‍👧|", "<bs>", "|"),
            ("one\ntwo|", "<a-<>", "|one\ntwo"),
            ("long line\nx\nlong line|", "<up><up>", "long line|\nx\nlong line"),
        ],
        editor,
    );
}

#[test]
fn layout_follows_the_code() {
    check(
        &[
            ("f(|)", "\n", "f(\n    |\n)"),
            ("    f([|])", "\n", "    f([\n        |\n    ])"),
            ("x = [\n    1,\n    |", "]", "x = [\n    1,\n]|"),
            ("if a:\n    f(\n        |", ")", "if a:\n    f(\n    )|"),
            ("x = '('\n    |", ")", "x = '('\n    )|"),
            ("def f():|", "\n", "def f():\n    |"),
            ("def f():\n    return 1|", "\n", "def f():\n    return 1\n|"),
            ("if x:\n    y\n    else|", ":", "if x:\n    y\nelse:|"),
            ("    |x", "<bs>", "|x"),
            ("      |x", "<bs>", "    |x"),
            ("    x|", "<backtab>", "x|"),
        ],
        editor,
    );
}

#[test]
fn selected_text_is_replaced_moved_and_yanked() {
    let mut editor = editor("one two|");
    press(&mut editor, "<s-left><s-left><s-left>x");
    assert_eq!(shown(&editor), "one x|");
    editor.select_all();
    assert_eq!(editor.copy().as_deref(), Some("one x"));
    assert_eq!(editor.copy(), None, "nothing is selected any more");
    editor.select_all();
    assert_eq!(editor.cut().as_deref(), Some("one x"));
    press(&mut editor, "<c-y>\n<c-y>");
    assert_eq!(shown(&editor), "one x\none x|");
    editor.select_all();
    editor.tab();
    assert_eq!(editor.code(), "    one x\n    one x");
    press(&mut editor, "<backtab>");
    assert_eq!(editor.code(), "one x\none x");
    press(&mut editor, "<left>");
    assert_eq!(shown(&editor), "|one x\none x", "an arrow goes to the end of what was selected");
}

#[test]
fn undo_goes_word_by_word_and_a_paste_is_one_step() {
    let mut editor = editor("|");
    press(&mut editor, "one two");
    editor.paste("three\r\n\tfour\rfive");
    assert_eq!(editor.code(), "one twothree\n\tfour\nfive");
    press(&mut editor, "<bs><bs>");
    for expected in ["one twothree\n\tfour\nfive|", "one two|", "one |", "|", "|"] {
        editor.undo();
        assert_eq!(shown(&editor), expected);
    }
    for expected in ["one |", "one two|", "one twothree\n\tfour\nfive|", "one twothree\n\tfour\nfi|"] {
        editor.redo();
        assert_eq!(shown(&editor), expected);
    }
    editor.clear();
    editor.undo();
    assert_eq!(editor.code(), "one twothree\n\tfour\nfi", "a cleared input comes back");
}

#[test]
fn brackets_at_the_cursor_are_marked() {
    let pair = |text: &str| {
        let mut editor = editor(text);
        editor.fit(80, 10);
        editor.brackets()
    };
    assert_eq!(pair("f(a[1])|"), Some([6, 1]));
    assert_eq!(pair("f|(a[1])"), Some([1, 6]));
    assert_eq!(pair("f(a|[1])"), Some([3, 5]));
    assert_eq!(pair("f(')')| + (\n1)"), Some([5, 1]));
    assert_eq!(pair("x\nf|(\n1)\ny"), Some([3, 6]));
    assert_eq!(pair("f(|"), None);
    assert_eq!(pair("')|'"), None);
}

/// What is looked for at each key is looked for nearby, and is found there, however long the statement is.
#[test]
fn calls_and_brackets_within_a_long_statement_are_found() {
    let mut editor = editor("|");
    let lines: Vec<_> = (0..5_000).map(|n| format!("    {{\"name\": \"row {n}\", \"at\": f({n}, x)}},")).collect();
    editor.paste(&format!("rows = [\n{}\n]\n", lines.join("\n")));
    for row in [1, 100, 2_500, 5_000] {
        let line = editor.buffer.lines()[row].clone();
        let place = |editor: &Editor, byte: usize| editor.offset(Pos::new(row, byte));
        editor.buffer.go(Pos::new(row, 4), false);
        editor.fit(80, 10);
        let close = line.rfind('}').unwrap_or_default();
        assert_eq!(editor.brackets(), Some([place(&editor, 4), place(&editor, close)]), "{row}");
        editor.buffer.go(Pos::new(row, line.find('x').unwrap_or_default()), false);
        let (head, call) = editor.open_call().expect("the call around x");
        assert!(head.ends_with("\"at\": f") && call.argument == 1, "{row}");
        editor.fit(80, 10);
        let (end, shown) = (place(&editor, line.len()), editor.visible(10));
        let string = place(&editor, 5)..place(&editor, 11);
        assert!(!shown.is_empty());
        editor.with_colours(end, |_, tokens| {
            assert!(tokens.iter().any(|token| token.range == string), "{row}");
        });
    }
    // From one end to the other it is too far.
    editor.buffer.go(Pos::new(0, 7), false);
    editor.fit(80, 10);
    assert_eq!(editor.brackets(), None);
    editor.buffer.go(editor.buffer.end(), false);
    press(&mut editor, "f(");
    assert!(editor.open_call().is_some());
}

#[test]
fn vi_moves() {
    check(
        &[
            ("foo.bar |baz", "b", "foo.|bar baz"),
            ("|foo.bar baz", "w", "foo|.bar baz"),
            ("|foo.bar baz", "W", "foo.bar |baz"),
            ("|foo.bar baz", "e", "fo|o.bar baz"),
            ("|foo.bar baz", "3e", "foo.ba|r baz"),
            ("foo |bar", "0", "|foo bar"),
            ("  foo |bar", "^", "  |foo bar"),
            ("|foo bar", "$", "foo ba|r"),
            ("a\nb\n|c", "gg", "|a\nb\nc"),
            ("|a\nb\nc", "G", "a\nb\n|c"),
            ("|a\nb\nc", "2G", "a\n|b\nc"),
            ("|a, b, c", "f,", "a|, b, c"),
            ("|a, b, c", "2f,", "a, b|, c"),
            ("|a, b, c", "t,;", "a, |b, c"),
            ("|a, b, c", "f,;", "a, b|, c"),
            ("|a, b, c", "f,;,", "a|, b, c"),
            ("a, b, |c", "F,", "a, b|, c"),
            ("f|(a, [b])", "%", "f(a, [b]|)"),
            ("|a\nb", "j", "a\n|b"),
            ("|ab", "lll", "a|b"),
            ("a\n|b", "h", "a\n|b"),
            ("|one\n  two", "w", "one\n  |two"),
        ],
        vi,
    );
}

#[test]
fn vi_operates() {
    check(
        &[
            ("|foo bar", "dw", "|bar"),
            ("foo |bar\nx", "dw", "foo| \nx"),
            ("|foo bar", "cwx<esc>", "|x bar"),
            ("f|oo bar", "ciwx<esc>", "|x bar"),
            ("f(a, |b)", "ci(x<esc>", "f(|x)"),
            ("s = \"a|b\"", "di\"", "s = \"|\""),
            ("|a\nb\nc", "dd", "|b\nc"),
            ("a\nb\n|c", "dd", "a\n|b"),
            ("|a\nb\nc", "2dd", "|c"),
            ("|a\nb\nc", "dj", "|c"),
            ("|a\nb\nc", "yyp", "a\n|a\nb\nc"),
            ("a\n|b", "yyP", "a\n|b\nb"),
            ("|a\nb", "ddp", "b\n|a"),
            ("|abc", "x", "|bc"),
            ("|abc", "2x", "|c"),
            ("ab|c", "x", "a|b"),
            ("ab|c", "X", "a|c"),
            ("a|bc", "D", "|a"),
            ("a|bc", "Cx<esc>", "a|x"),
            ("    |abc", "ccx<esc>", "    |x"),
            ("|abc", "rx", "|xbc"),
            ("|abc", "xp", "b|ac"),
            ("|abc", "dfb", "|c"),
            ("|abc", "dtc", "|c"),
            ("ab|c", "dFa", "|c"),
            ("|a\nb", "J", "a| b"),
            ("|abc", "~~", "AB|c"),
            ("|a", "ob<esc>", "a\n|b"),
            ("def f():|", "ox<esc>", "def f():\n    |x"),
            ("    a|b", "Ox<esc>", "    |x\n    ab"),
            ("  a|b", "Ix<esc>", "  |xab"),
            ("|ab", "Ax<esc>", "ab|x"),
            ("|ab", "ax<esc>", "a|xb"),
            ("|a\nb", ">j", "    |a\n    b"),
            ("    |a", "<<", "|a"),
            ("|abc", "vld", "|c"),
            ("|abc", "vly$p", "abca|b"),
            ("|a\nb\nc", "Vjd", "|c"),
            ("|foo bar", "viwcx<esc>", "|x bar"),
            ("|foo", "d<esc>x", "|oo"),
            ("|foo bar baz", "dwdwuu", "|foo bar baz"),
            ("|foo bar", "dwu<c-r>", "|bar"),
            ("|x", "ione two<esc>u", "|x"),
            ("|a", "zzqQ", "|a"),
        ],
        vi,
    );
}

#[test]
fn a_selection_of_vi_has_its_last_character() {
    let mut editor = vi("|abc\ndef");
    press(&mut editor, "vl");
    assert_eq!(editor.marked(), Some(Pos::new(0, 0)..Pos::new(0, 2)));
    press(&mut editor, "V");
    assert_eq!(editor.marked(), Some(Pos::new(0, 0)..Pos::new(1, 0)));
    press(&mut editor, "<esc>");
    assert_eq!((editor.marked(), editor.mode()), (None, ViMode::Normal));
}

#[test]
fn shift_selects_nothing_in_normal_mode_that_a_paste_would_replace() {
    for keys in ["<s-left><s-left>", "<s-home>", "<s-up>"] {
        let mut editor = vi("foo\nbar|");
        press(&mut editor, keys);
        editor.paste("x");
        assert_eq!(editor.code().replace('x', ""), "foo\nbar", "{keys}");
    }
    // Nor does a selection outlive insert mode.
    let mut editor = editor("foo bar|");
    editor.use_vi(true);
    press(&mut editor, "<s-left><s-left><esc>");
    editor.paste("x");
    assert_eq!(editor.code().replace('x', ""), "foo bar");
}

#[test]
fn nothing_that_is_typed_breaks_the_text() {
    let keys: Vec<String> = "hjklwbeWBE0^$gGiaIAoOxXdDcCyYpPuvVrtTfF;,%~J{}()[]:'\"#é漢19 \n"
        .chars()
        .map(String::from)
        .chain(
            "<esc> <left> <right> <up> <down> <home> <end> <bs> <del> <backtab> <c-w> <c-k> <c-u> <c-y> <c-r> <c-t> <a-d>
             <s-left> <s-right> <s-up> <s-down> <c-left> <c-_> <a-_> <a-bs>"
                .split_whitespace()
                .map(str::to_owned),
        )
        .collect();
    for mut random in Random::rounds(10, 150) {
        let mut editor = editor("|");
        editor.use_vi(random.below(2) == 0);
        for _ in 0..150 {
            let key = &keys[random.below(keys.len())];
            press(&mut editor, key);
            let at = editor.buffer.cursor();
            assert!(editor.buffer.line().is_char_boundary(at.byte), "{key}");
            editor.fit(random.below(30) as u16 + 1, 5);
            let (row, _) = editor.cursor_in_sight();
            assert!(row < 5);
            assert!(!editor.visible(5).is_empty());
            let _ = (editor.marked(), editor.open_call(), editor.statement_before());
        }
        for _ in 0..2_000 {
            editor.undo();
        }
        let last = editor.code();
        for _ in 0..2_000 {
            editor.redo();
        }
        for _ in 0..2_000 {
            editor.undo();
        }
        assert_eq!(editor.code(), last);
    }
}
