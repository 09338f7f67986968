//! Random output: nothing fails, the result is safe, and a real terminal agrees.

use super::*;
use crate::domain::random::Random;

const PIECES: [&str; 49] = [
    "a",
    "b ",
    "é",
    "漢",
    "xyz",
    "\n",
    "\n",
    "\r",
    "\r\n",
    "\u{8}",
    "\t",
    "\u{1b}",
    "\u{1b}[",
    "\u{1b}[2A",
    "\u{1b}[B",
    "\u{1b}[3C",
    "\u{1b}[2D",
    "\u{1b}[E",
    "\u{1b}[F",
    "\u{1b}[4G",
    "\u{1b}[K",
    "\u{1b}[1K",
    "\u{1b}[2K",
    "\u{1b}[J",
    "\u{1b}[1;31m",
    "\u{1b}[38;5;200m",
    "\u{1b}[48:2::1:2:3m",
    "\u{1b}[0m",
    "\u{1b}[m",
    "\u{1b}]0;t\u{7}",
    "\u{1b}]8;;u\u{1b}\\",
    "\u{1b}P1$r\u{1b}\\",
    "\u{1b}_x",
    "\u{9b}2J",
    "\u{90}q",
    "\u{9c}",
    "\u{7}",
    "\u{0}",
    "\u{202e}",
    "\u{1b}(B",
    "\u{1b}[?25l",
    "\u{1b}[99999999999999999999A",
    "\u{1b}[;;;H",
    "\u{feff}",
    "\u{200d}",
    "\u{200c}",
    "👩",
    "می",
    "\u{e0041}",
];

fn is_safe(text: &str) {
    assert!(!text.chars().any(is_control), "{text:?}");
    assert_eq!(with_invisible_shown(text), text);
}

#[test]
fn any_output_becomes_safe_text() {
    for mut random in Random::rounds(1, 5_000) {
        let text = random.text(&PIECES, 40);
        let shown = plain(&text);
        is_safe(&shown);
        assert_eq!(plain(&shown), shown, "{text:?}");
        is_safe(&visible(&text));
        let mut style = TextStyle::default();
        let lines = styled(&[(&text, Stream::Stdout)], &mut style);
        let of_lines = lines.iter().map(|line| line.iter().map(|piece| &*piece.text).collect::<String>());
        assert_eq!(of_lines.collect::<Vec<_>>().join("\n"), shown, "{text:?}");
        let end = text.len() - unfinished_bytes(&text);
        assert!(text.is_char_boundary(end));
        let mut after = TextStyle::default();
        style_after(&text[..end], &mut after);
        if let Some(short) = compact(&text) {
            assert_eq!(plain(&short), shown, "{text:?} {short:?}");
            // Later output has the same effect.
            let more = random.text(&PIECES, 5);
            assert_eq!(
                plain(&format!("{short}{more}")),
                plain(&format!("{text}{more}")),
                "{text:?} {short:?} {more:?}"
            );
        }
    }
}

/// Compares with a real terminal where both agree by design: the terminal is never full, the cursor stays above the
/// last line, and wide characters, tabs and unportable sequences are left out.
#[test]
fn a_real_terminal_shows_the_same() {
    let differ = ["漢", "👩", "\t", "\n", "\u{1b}", "\u{1b}[", "\u{1b}[B", "\u{1b}[E", "\u{1b}_x", "\u{1b}[;;;H"];
    let both = |piece: &&str| !differ.contains(piece) && !piece.contains(|c| c > '\u{7f}' && is_special(c));
    let pieces: Vec<&str> = PIECES.into_iter().filter(both).collect();
    for mut random in Random::rounds(2, 700) {
        let text = random.text(&pieces, 40);
        let mut terminal = vt100::Parser::new(60.try_into().unwrap(), 400.try_into().unwrap(), 0);
        terminal.process(text.as_bytes());
        let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n");
        let (ours, theirs) = (lines(&plain(&text)), lines(&terminal.screen().contents()));
        assert_eq!(ours.trim_end_matches('\n'), theirs.trim_end_matches('\n'), "{text:?}");
    }
}
