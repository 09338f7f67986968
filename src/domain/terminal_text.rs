//! Text as it ends up on a terminal: carriage returns, backspaces, cursor movements and erasure are carried out, escape
//! sequences and control characters are dropped, and invisible characters are shown by their numbers ([`invisible`]).
//! The result is safe to print.
//!
//! One parser ([`parser`]) and one page ([`page`]) produce both plain text for models and styled text for people.

mod compact;
#[cfg(test)]
mod fuzz;
mod invisible;
mod page;
mod parser;
mod style;

use std::borrow::Cow;

pub use compact::compact;
use invisible::is_control;
pub use invisible::{escaped, is_invisible, with_invisible_shown};
use page::TerminalPage;
pub use parser::{CLEAR, moves_up};
use parser::{TerminalOp, steps};
pub use style::{Colour, TextStyle};

use super::Stream;

/// Returns the last state of each line without escape sequences. Of the control characters only `\n` and `\t` stay, and
/// invisible characters are shown by their numbers.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_special) {
        return Cow::Borrowed(text);
    }
    let mut page = TerminalPage::default();
    for step in steps(text) {
        page.perform(step, ());
    }
    let mut out = String::with_capacity(text.len());
    for (row, line) in page.lines.into_iter().enumerate() {
        if row > 0 {
            out.push('\n');
        }
        out.extend(line.into_iter().map(|(c, ())| c));
    }
    match with_invisible_shown(&out) {
        Cow::Borrowed(_) => Cow::Owned(out),
        Cow::Owned(shown) => Cow::Owned(shown),
    }
}

/// A piece of a line in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StyledText {
    pub text: String,
    pub style: TextStyle,
    pub stream: Stream,
    /// The line is drawn over, as a progress bar is.
    pub redrawn: bool,
}

/// Returns the last state of each line with its styles. `style` is the style at the beginning, and becomes the style at
/// the end. Both streams share one terminal. A final newline begins an empty line.
#[must_use]
pub fn styled(parts: &[(&str, Stream)], style: &mut TextStyle) -> Vec<Vec<StyledText>> {
    let mut page = TerminalPage::default();
    for of_one_stream in parts.chunk_by(|a, b| a.1 == b.1) {
        let stream = of_one_stream[0].1;
        let text = match of_one_stream {
            [(one, _)] => Cow::Borrowed(*one),
            // An escape sequence may be split between the parts.
            several => several.iter().map(|(text, _)| *text).collect(),
        };
        for step in steps(&text) {
            match step {
                TerminalOp::Style(parameters) => style.change(parameters),
                step => page.perform(step, (*style, Some(stream))),
            }
        }
    }
    page.lines.iter().enumerate().map(|(row, line)| pieces(line, page.is_redrawn(row))).collect()
}

fn pieces(line: &[(char, (TextStyle, Option<Stream>))], redrawn: bool) -> Vec<StyledText> {
    let hidden = if line.iter().any(|(c, _)| is_invisible(*c)) {
        invisible::hidden(&line.iter().map(|(c, _)| *c).collect::<Vec<_>>())
    } else {
        Vec::new()
    };
    let mut at = 0;
    let mut piece = |cells: &[(char, (TextStyle, Option<Stream>))]| {
        let (style, stream) = cells[0].1;
        let mut text = String::new();
        for (c, _) in cells {
            if hidden.get(at).is_some_and(|hidden| *hidden) {
                text.push_str(&escaped(*c));
            } else {
                text.push(*c);
            }
            at += 1;
        }
        StyledText { text, style, stream: stream.unwrap_or(Stream::Stdout), redrawn }
    };
    line.chunk_by(|(_, a), (_, b)| a == b).map(&mut piece).collect()
}

/// Applies the style changes in `text` to `style`.
pub fn style_after(text: &str, style: &mut TextStyle) {
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        if let Some(TerminalOp::Style(parameters)) = steps(&rest[at..]).next() {
            style.change(parameters);
        }
        rest = &rest[at + 2..];
    }
}

/// Returns the number of bytes at the end of `text` that begin an escape sequence without ending it.
#[must_use]
pub fn unfinished_bytes(text: &str) -> usize {
    match steps(text).last() {
        Some(TerminalOp::Unfinished(sequence)) => sequence.len(),
        _ => 0,
    }
}

/// Returns the text with all characters made visible that a terminal would hide or act on. For code and names, where
/// [`plain`] could hide what really runs. Line ends and tabs stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let shown = with_invisible_shown(text);
    if !shown.chars().any(is_control) {
        return shown;
    }
    let mut out = String::with_capacity(shown.len());
    let mut chars = shown.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\u{7f}' => out.push('\u{2421}'),
            c if is_control(c) => out.extend(char::from_u32(0x2400 + c as u32)),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Returns whether the character is a control character or invisible.
fn is_special(c: char) -> bool {
    is_control(c) || is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(plain("a\n\tb é 漢\n"), std::borrow::Cow::Borrowed(_)));
    }

    #[test]
    fn progress_bars_collapse_to_their_last_state() {
        assert_eq!(plain("10 %\r50 %\r100 %\ndone\n"), "100 %\ndone\n");
        assert_eq!(plain("long text\rok\u{1b}[K\n"), "ok\n");
        assert_eq!(plain("abc\u{1b}[2K\rx\n"), "x\n");
        assert_eq!(plain("ab\u{8}c\n"), "ac\n");
    }

    #[test]
    fn nothing_is_left_of_what_was_cleared() {
        assert_eq!(plain(&format!("a\nb{CLEAR}c\nd")), "c\nd");
        assert_eq!(plain(&format!("a\nb\n{CLEAR}")), "");
        let epochs: Vec<_> = (0..3_000).map(|n| format!("{CLEAR}\u{1b}[31mepoch {n}\nloss 0\n")).collect();
        let epochs = epochs.concat();
        let short = compact(&epochs).unwrap();
        assert!(short.len() < 60 && plain(&format!("above{short}")) == "epoch 2999\nloss 0\n", "{short:?}");
    }

    #[test]
    fn bars_below_one_another_collapse_too() {
        let nested = "outer 0\ninner 0\rinner 9\r\u{1b}[K\u{1b}[A\router 1\ninner 0\rinner 9\u{1b}[A\n";
        assert_eq!(plain(nested), "outer 1\ninner 9");
        assert_eq!(plain("a\nb\n\u{1b}[2Fx\u{1b}[4Gy"), "x  y\nb\n");
        assert_eq!(plain("a\u{1b}[99999999999999999999Ab\u{1b}[18446744073709551615Gc").len(), 1_001);
        let many = "line\n".repeat(500) + "\u{1b}[900A\rX";
        let lines = plain(&many).lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!((lines.len(), lines.iter().position(|line| line == "Xine")), (500, Some(401)));
        assert!(moves_up("a\u{1b}[12Ab") && !moves_up("a\u{1b}[1Kb A") && !moves_up("\u{1b}["));
    }

    #[test]
    fn escape_sequences_are_removed() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}x \u{1b}]8;;http://a\u{1b}\\y"), "red x y");
        assert_eq!(plain("\u{1b}P1$q\u{1b}\\a\u{1b}(Bb\u{1b}=c\u{0}\u{7f}d"), "abcd");
        assert_eq!(plain("\u{1b}]0;never ends\nnext"), "\nnext");
        assert_eq!(plain("end\u{1b}"), "end");
        assert_eq!(plain("a\u{202e}b\u{85}"), "a⟨U+202E⟩b⟨U+0085⟩");
        assert_eq!(plain("\u{e0041}\rab"), "ab", "what was drawn over is gone");
    }

    #[test]
    fn hidden_characters_in_code_are_shown() {
        assert!(matches!(visible("a\n\té 漢"), std::borrow::Cow::Borrowed(_)));
        assert_eq!(visible("evil()\rgood()"), "evil()␍good()");
        assert_eq!(visible("a\r\nb\u{1b}[2Jc\u{202e}d\u{200b}"), "a\nb␛[2Jc⟨U+202E⟩d⟨U+200B⟩");
    }

    fn shown(text: &str) -> Vec<String> {
        let mut style = TextStyle::default();
        let lines = styled(&[(text, Stream::Stdout)], &mut style);
        let mut after = TextStyle::default();
        style_after(text, &mut after);
        assert_eq!(style, after);
        let shown =
            |line: &Vec<StyledText>| line.iter().flat_map(|p| [p.text.clone(), format!("{:?}", p.style.fg)]).collect();
        lines.iter().map(shown).collect()
    }

    #[test]
    fn styles_continue_on_the_next_lines_until_reset() {
        assert_eq!(shown("\u{1b}[31ma\nb\u{1b}[mc"), ["aSome(Indexed(1))", "bSome(Indexed(1))cNone"]);
        assert_eq!(shown("\u{1b}[38;5;200ma\u{1b}[38:2::1:2:3mb"), ["aSome(Indexed(200))bSome(Rgb(1, 2, 3))"]);
        assert_eq!(shown("\u{1b}[>4;1m\u{1b}[?31ma\u{1b}[38;5mb\u{1b}[38;2;300;1;1mc"), ["abcNone"]);
        assert_eq!(shown("\u{1b}[31mlong\r\u{1b}[32mab"), ["abSome(Indexed(2))ngSome(Indexed(1))"]);
    }

    #[test]
    fn lines_that_are_drawn_over_are_known_also_after_compaction() {
        let redrawn = |text: &str| -> Vec<bool> {
            let lines = styled(&[(text, Stream::Stderr)], &mut TextStyle::default());
            lines.iter().filter_map(|line| line.first()).map(|piece| piece.redrawn).collect()
        };
        assert_eq!(redrawn("a warning\r\nanother\n\r 10 %\r 20 %\nlast\n"), [false, false, true, false]);
        assert_eq!(redrawn("one\ntwo\n\u{1b}[2A\rONE\nlast"), [true, true], "what moves up draws over");
        let bars = "begin\n".to_owned() + &"\r 1 %\r 2 %\n\r 3 %\r 4 %\n".repeat(3) + "end\n";
        assert_eq!(redrawn(&compact(&bars).unwrap()), redrawn(&bars));
    }

    #[test]
    fn compaction_shortens_text_and_keeps_its_effect() {
        let bar = |n: u32| format!("\r\u{1b}[32m{n:>3} %\u{1b}[0m |{:<20}|", "#".repeat(n as usize / 5));
        let two = |n: u32| format!("\u{1b}[2Kone {n}\n\u{1b}[2Ktwo {n}\u{1b}[A\r");
        for draw in [&bar as &dyn Fn(u32) -> String, &two] {
            let text: String = "before\r\n".to_owned() + &(0..100).map(draw).collect::<String>();
            let short = compact(&text).unwrap();
            assert!(short.len() < 150, "{short:?}");
            for after in ["", "x", "\nx", "\rx", "\u{1b}[Kx"] {
                assert_eq!(shown(&format!("{text}{after}")), shown(&format!("{short}{after}")));
            }
        }
        assert_eq!(compact("a\r\nb\u{1b}[31mc"), None);
        assert_eq!(compact("a\rb\u{1b}[3").unwrap(), "a\rb\u{1b}[3", "a divided sequence stays one");
    }

    /// Output that real programs wrote to a terminal of 80 columns.
    const CAPTURED: [(&str, &str, &str); 3] = [
        ("tqdm", include_str!("../../tests/captured/tqdm.txt"), "done"),
        ("rich", include_str!("../../tests/captured/rich.txt"), "done"),
        ("pip", include_str!("../../tests/captured/pip.txt"), "Successfully downloaded setuptools"),
    ];

    fn lines(text: &str) -> Vec<String> {
        let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    #[test]
    fn progress_bars_of_real_programs_look_as_on_a_real_terminal() {
        for (program, captured, last) in CAPTURED {
            let mut terminal = vt100::Parser::new(100.try_into().unwrap(), 80.try_into().unwrap(), 0);
            let mut before = 0;
            for end in (0..=captured.len()).filter(|end| captured.is_char_boundary(*end)).step_by(5) {
                let (written, rest) = captured.split_at(end);
                terminal.process(&captured.as_bytes()[before..end]);
                before = end;
                let expected = lines(&terminal.screen().contents());
                assert_eq!(lines(&plain(written)), expected, "{program} after {end} bytes");
                if end % 10 == 0
                    && let Some(short) = compact(written)
                {
                    assert_eq!(lines(&plain(&(short + rest))), lines(&plain(captured)), "{program} at {end}");
                }
            }
            assert_eq!(lines(&plain(captured)).last().map(String::as_str), Some(last), "{program}");
        }
    }
}
