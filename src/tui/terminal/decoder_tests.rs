//! Bytes of terminals, whole and in pieces.

use crossterm::event::{KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use super::*;
use crate::domain::random::Random;

const NONE: KeyModifiers = KeyModifiers::NONE;
const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
const ALT: KeyModifiers = KeyModifiers::ALT;
const CTRL: KeyModifiers = KeyModifiers::CONTROL;

fn key(code: KeyCode, modifiers: KeyModifiers) -> Input {
    Input::Event(Event::Key(KeyEvent::new(code, modifiers)))
}

fn text(text: &str) -> Vec<Input> {
    text.chars().map(typed).collect()
}

fn paste(text: &str) -> Input {
    Input::Event(Event::Paste(text.to_owned()))
}

/// The input of several reads, after which nothing more comes.
fn decoded(reads: &[&[u8]]) -> Vec<Input> {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    for bytes in reads {
        decoder.feed(bytes, &mut out);
    }
    while decoder.patience().is_some() {
        decoder.expire(&mut out);
    }
    assert!(decoder.mode == DecoderMode::Paste || decoder.pending.is_empty(), "{decoder:?}");
    out
}

#[test]
fn the_late_half_of_a_report_is_no_text() {
    let (mut decoder, mut out) = (Decoder::default(), Vec::new());
    decoder.feed(b"\x1b[12;", &mut out);
    assert_eq!(decoder.patience(), Some(ANSWER_TIMEOUT));
    decoder.feed(b"40R", &mut out);
    assert!(out.is_empty(), "{out:?}");
}

#[test]
fn keys_of_ordinary_terminals() {
    for (bytes, expected) in [
        ("a", key(KeyCode::Char('a'), NONE)),
        ("É", key(KeyCode::Char('É'), SHIFT)),
        ("漢", key(KeyCode::Char('漢'), NONE)),
        ("\r", key(KeyCode::Enter, NONE)),
        ("\n", key(KeyCode::Char('j'), CTRL)),
        ("\t", key(KeyCode::Tab, NONE)),
        ("\u{7f}", key(KeyCode::Backspace, NONE)),
        ("\u{0}", key(KeyCode::Char(' '), CTRL)),
        ("\u{4}", key(KeyCode::Char('d'), CTRL)),
        ("\u{1f}", key(KeyCode::Char('7'), CTRL)),
        ("\u{1b}", key(KeyCode::Esc, NONE)),
        ("\u{1b}e", key(KeyCode::Char('e'), ALT)),
        ("\u{1b}J", key(KeyCode::Char('J'), ALT | SHIFT)),
        ("\u{1b}\r", key(KeyCode::Enter, ALT)),
        ("\u{1b}\u{7f}", key(KeyCode::Backspace, ALT)),
        ("\u{1b}_", key(KeyCode::Char('_'), ALT)),
        ("\u{1b}]", key(KeyCode::Char(']'), ALT)),
        ("\u{1b}[", key(KeyCode::Char('['), ALT)),
        ("\u{1b}O", key(KeyCode::Char('O'), ALT | SHIFT)),
        ("\u{1b}P", key(KeyCode::Char('P'), ALT | SHIFT)),
        ("\u{1b}[A", key(KeyCode::Up, NONE)),
        ("\u{1b}OA", key(KeyCode::Up, NONE)),
        ("\u{1b}OP", key(KeyCode::F(1), NONE)),
        ("\u{1b}OR", key(KeyCode::F(3), NONE)),
        ("\u{1b}[13~", key(KeyCode::F(3), NONE)),
        ("\u{1b}[[C", key(KeyCode::F(3), NONE)),
        ("\u{1b}[24;2~", key(KeyCode::F(12), SHIFT)),
        ("\u{1b}[1;5D", key(KeyCode::Left, CTRL)),
        ("\u{1b}[Z", key(KeyCode::BackTab, SHIFT)),
        ("\u{1b}[3~", key(KeyCode::Delete, NONE)),
        ("\u{1b}[27;5;13~", key(KeyCode::Enter, CTRL)),
        ("\u{1b}[I", Input::Event(Event::FocusGained)),
        ("\u{1b}[O", Input::Event(Event::FocusLost)),
    ] {
        let expected = vec![expected];
        assert_eq!(decoded(&[bytes.as_bytes()]), expected, "{bytes:?}");
        let single: Vec<&[u8]> = bytes.as_bytes().chunks(1).collect();
        assert_eq!(decoded(&single), expected, "{bytes:?} byte by byte");
    }
}

#[test]
fn keys_of_the_kitty_protocol() {
    for (bytes, expected) in [
        ("\u{1b}[27u", key(KeyCode::Esc, NONE)),
        ("\u{1b}[13;2u", key(KeyCode::Enter, SHIFT)),
        ("\u{1b}[9;2u", key(KeyCode::BackTab, SHIFT)),
        ("\u{1b}[99;5u", key(KeyCode::Char('c'), CTRL)),
        ("\u{1b}[99;69u", key(KeyCode::Char('c'), CTRL)),
        ("\u{1b}[99:67;6u", key(KeyCode::Char('c'), CTRL | SHIFT)),
        ("\u{1b}[106:74;4u", key(KeyCode::Char('j'), ALT | SHIFT)),
        ("\u{1b}[45:95;4u", key(KeyCode::Char('_'), ALT)),
        // Ctrl and the letters at the places of C and R: Russian, Greek, and without the key at the same place.
        ("\u{1b}[1089::99;5u", key(KeyCode::Char('c'), CTRL)),
        ("\u{1b}[968::99;5u", key(KeyCode::Char('c'), CTRL)),
        ("\u{1b}[1082;5u", key(KeyCode::Char('r'), CTRL)),
        ("\u{1b}[1082:1050:114;6u", key(KeyCode::Char('r'), CTRL | SHIFT)),
        ("\u{1b}[233::50;5u", key(KeyCode::Char('2'), CTRL)),
        // A Latin letter is itself, wherever its key is.
        ("\u{1b}[111::115;5u", key(KeyCode::Char('o'), CTRL)),
        ("\u{1b}[57399u", key(KeyCode::Char('0'), NONE)),
        ("\u{1b}[57414u", key(KeyCode::Enter, NONE)),
        ("\u{1b}[57419u", key(KeyCode::Up, NONE)),
        ("\u{1b}[57376u", key(KeyCode::F(13), NONE)),
        ("\u{1b}[97;9u", key(KeyCode::Char('a'), KeyModifiers::SUPER)),
        ("\u{1b}\u{441}", key(KeyCode::Char('c'), ALT)),
    ] {
        assert_eq!(decoded(&[bytes.as_bytes()]), [expected], "{bytes:?}");
    }
    let released = KeyEvent::new_with_kind(KeyCode::Up, NONE, KeyEventKind::Release);
    assert_eq!(decoded(&[b"\x1b[1;1:3A"]), [Input::Event(Event::Key(released))]);
    for nothing in ["\u{1b}[57358u", "\u{1b}[57441;2u", "\u{1b}[57428u", "\u{1b}[1;5u", "\u{1b}[1114112;5u"] {
        assert_eq!(decoded(&[nothing.as_bytes()]), [], "{nothing:?}");
    }
}

/// What terminals send without a key: answers and reports.
const ANSWERS: [&str; 32] = [
    "\u{1b}]4;1;rgb:cdcd/0000/0000\u{7}",
    "\u{1b}]10;rgb:ffff/ffff/ffff\u{1b}\\",
    "\u{1b}]12;rgb:ff/ff/ff\u{7}",
    "\u{1b}]52;c;aGVsbG8=\u{1b}\\",
    "\u{1b}]l a title of xterm\u{1b}\\",
    "\u{1b}]99;i=1;\u{1b}\\",
    "\u{1b}]1337;ReportCellSize=17.0;8.0\u{1b}\\",
    "\u{1b}[?62;22;52c",
    "\u{1b}[>1;4000;29c",
    "\u{1b}[=0c",
    "\u{1b}P!|00000000\u{1b}\\",
    "\u{1b}P>|kitty(0.36.4)\u{1b}\\",
    "\u{1b}P1$r0m\u{1b}\\",
    "\u{1b}P0+r544e\u{1b}\\",
    "\u{1b}P1+r544e=787465726d\u{1b}\\",
    "\u{1b}[?2026;2$y",
    "\u{1b}[4;1$y",
    "\u{1b}[24;80R",
    "\u{1b}[1;1R",
    "\u{1b}[?24;80R",
    "\u{1b}[?1u",
    "\u{1b}[?997;1n",
    "\u{1b}[0n",
    "\u{1b}[8;40;120t",
    "\u{1b}[6;17;8t",
    "\u{1b}[48;40;120;680;960t",
    "\u{1b}[>0;1;2S",
    "\u{1b}[?1;0;256S",
    "\u{1b}_Gi=31;OK\u{1b}\\",
    "\u{1b}_Gi=31;ENOENT:no such file\u{1b}\\",
    "\u{1b}[1;2;3;4;5&w",
    "\u{1b}[>4;1m",
];

#[test]
fn no_answer_of_the_terminal_is_input_however_it_is_split() {
    for answer in ANSWERS {
        let whole = format!("a{answer}é");
        assert_eq!(decoded(&[whole.as_bytes()]), text("aé"), "{answer:?}");
        for place in 1..whole.len() {
            let (one, two) = whole.as_bytes().split_at(place);
            assert_eq!(decoded(&[one, two]), text("aé"), "{answer:?} split at {place}");
        }
        let single: Vec<&[u8]> = whole.as_bytes().chunks(1).collect();
        assert_eq!(decoded(&single), text("aé"), "{answer:?} byte by byte");
    }
    let long = format!("a\u{1b}]52;c;{}\u{1b}\\b", "YWJj".repeat(50_000));
    let reads: Vec<&[u8]> = long.as_bytes().chunks(1_000).collect();
    assert_eq!(decoded(&reads), text("ab"));
    let cut_off = decoded(&[b"\x1b]11;rgb:ffff/ff"]);
    assert_eq!(cut_off, [], "an answer whose end never comes");
    assert_eq!(decoded(&[b"\x1b[?62;2\x1b[A"]), [key(KeyCode::Up, NONE)], "one that was cut off");
}

#[test]
fn the_ground_is_told() {
    let ground = |ground| [text("a"), vec![Input::Ground(ground)], text("b")].concat();
    assert_eq!(decoded(&[b"a\x1b]11;rgb:ffff/ffff/ffff\x07b"]), ground(Ground::Light));
    assert_eq!(decoded(&[b"a\x1b]11;rgb:0000/2b2b/3636\x1b", b"\\b"]), ground(Ground::Dark));
}

#[test]
fn keys_that_begin_like_an_answer_are_keys() {
    let alt = |c| vec![key(KeyCode::Char(c), ALT)];
    assert_eq!(decoded(&[b"\x1b]x"]), [alt(']'), text("x")].concat());
    assert_eq!(decoded(&[b"\x1b_x"]), [alt('_'), text("x")].concat());
    assert_eq!(decoded(&[b"\x1b]1\r"]), [alt(']'), text("1"), vec![key(KeyCode::Enter, NONE)]].concat());
    assert_eq!(decoded(&[b"\x1b\x1b[A"]), [key(KeyCode::Esc, NONE), key(KeyCode::Up, NONE)]);
    assert_eq!(decoded(&[b"\x1b\x1b"]), [key(KeyCode::Esc, NONE), key(KeyCode::Esc, NONE)]);
}

#[test]
fn a_paste_is_one_edit_with_brackets_and_without() {
    assert_eq!(decoded(&[b"a\x1b[200~b\nc\x1b[201~d"]), [text("a"), vec![paste("b\nc")], text("d")].concat());
    assert_eq!(decoded(&[b"\x1b[200~b\x1b[20", b"1~d"]), [vec![paste("b")], text("d")].concat());
    assert_eq!(decoded(&[b"\x1b[200~\x1b[31m\x03\x1b[201~"]), [paste("\u{1b}[31m\u{3}")]);

    assert_eq!(decoded(&[b"a = 1\rb = 2\r"]), [paste("a = 1\rb = 2\r")]);
    assert_eq!(decoded(&[b"def f():\r\n\treturn 1\r\n", b"f()\r"]), [paste("def f():\r\n\treturn 1\r\nf()\r")]);
    let long = "x".repeat(MIN_PASTE_BYTES);
    assert_eq!(decoded(&[long.as_bytes(), b"y\r"]), [paste(&format!("{long}y\r"))]);
    let line = format!("{long}\r");
    assert_eq!(decoded(&[line.as_bytes()]), [text(&long), vec![key(KeyCode::Enter, NONE)]].concat());
    let then_key = decoded(&[b"a\rb\r", b"\x1b[A"]);
    assert_eq!(then_key, [paste("a\rb\r"), key(KeyCode::Up, NONE)]);
    // One line at once is what a person typed while the dashboard was busy.
    assert_eq!(decoded(&[b"1 + 1\r"]), [text("1 + 1"), vec![key(KeyCode::Enter, NONE)]].concat());
    assert_eq!(
        decoded(&[b"\redited\r"]),
        [vec![key(KeyCode::Enter, NONE)], text("edited"), vec![key(KeyCode::Enter, NONE)]].concat()
    );
}

#[test]
fn the_mouse_is_told_in_three_ways() {
    let at = |kind, column, row, modifiers| Input::Event(Event::Mouse(MouseEvent { kind, column, row, modifiers }));
    let down = MouseEventKind::Down(MouseButton::Left);
    assert_eq!(decoded(&[b"\x1b[<0;5;7M"]), [at(down, 4, 6, NONE)]);
    assert_eq!(decoded(&[b"\x1b[<0;5;7m"]), [at(MouseEventKind::Up(MouseButton::Left), 4, 6, NONE)]);
    assert_eq!(decoded(&[b"\x1b[<65;300;1M"]), [at(MouseEventKind::ScrollDown, 299, 0, NONE)]);
    assert_eq!(decoded(&[b"\x1b[<66;1;1M"]), [at(MouseEventKind::ScrollLeft, 0, 0, NONE)]);
    assert_eq!(decoded(&[b"\x1b[<36;2;2M"]), [at(MouseEventKind::Drag(MouseButton::Left), 1, 1, SHIFT)]);
    assert_eq!(decoded(&[b"\x1b[32;5;7M"]), [at(down, 4, 6, NONE)]);
    assert_eq!(decoded(&[b"\x1b[M\x20\x25\x27"]), [at(down, 4, 6, NONE)]);
    assert_eq!(decoded(&[b"\x1b[M \x21", b"\x21"]), [at(down, 0, 0, NONE)]);
    assert_eq!(decoded(&[b"\x1b[<0;0;0M\x1b[<999;1;1M\x1b[<1;1Ma"]), text("a"), "reports that cannot be");
}

/// Whatever comes, in whatever pieces: the same input as in one piece, and nothing waits for ever.
#[test]
fn no_bytes_confuse_the_decoder() {
    let pieces =
        ["a", "é", "\r", "\u{1b}", "[", "]", "O", "_G", "P>|", "11;", "1;5", "A", "u", "~", "200", "\u{7}", "\\", "<"];
    for mut random in Random::rounds(7, 20_000) {
        let bytes = random.text(&pieces, 10).into_bytes();
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (one, two) = rest.split_at(random.below(rest.len()) + 1);
            decoder.feed(one, &mut out);
            rest = two;
        }
        for _ in 0..2 {
            if decoder.patience().is_some() {
                decoder.expire(&mut out);
            }
        }
        assert!(decoder.patience().is_none(), "{bytes:?} {decoder:?}");
    }
}
