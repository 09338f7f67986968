//! Text as it would stand on a terminal in the end: escape sequences taken out, carriage returns, backspaces, moves
//! to lines above and line erasure carried out, other control characters made visible or dropped. What comes out is safe to print.

use std::borrow::Cow;
use std::collections::VecDeque;

/// The last state of each line, without escape sequences. Only `\n` and `\t` are left of the control characters.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_special) {
        return Cow::Borrowed(text);
    }
    let mut page = Page::new(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' => page.next_line(),
            '\r' => page.column = 0,
            '\u{8}' => page.column = page.column.saturating_sub(1),
            '\u{1b}' => page.perform(escape(&mut chars)),
            '\u{9b}' => page.perform(control_sequence(&mut chars)),
            '\t' => page.put('\t'),
            c if is_special(c) => {}
            c => page.put(c),
        }
    }
    Cow::Owned(page.finish())
}

/// Whether `text` may change lines above its last one, so that it has a last state only as a whole.
#[must_use]
pub fn moves_up(text: &str) -> bool {
    text.match_indices("\u{1b}[").any(|(place, introducer)| {
        let rest = text[place + introducer.len()..].trim_start_matches(|c: char| c.is_ascii_digit());
        rest.starts_with(['A', 'F'])
    })
}

/// The text as it is, with everything that a terminal would not show, or show as something else, made visible: for
/// code and names, where `plain` could be used to hide what really runs. Line ends and tabs stay.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    let hides = |c: char| {
        is_special(c) || matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{e0000}'..='\u{e007f}')
    };
    if !text.chars().any(hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\u{0}'..='\u{1f}' if hides(c) => out.extend(char::from_u32(0x2400 + c as u32)),
            '\u{7f}' => out.push('\u{2421}'),
            c if hides(c) => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Control characters, and those that turn the direction of text or hide it, which could spoof what is shown.
fn is_special(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Lines further up than this are settled: nothing goes back there.
const SCREEN: usize = 100;
/// No terminal is wider.
const WIDEST: usize = 1_000;

/// The last lines, which may still change, and what was before them.
struct Page {
    settled: String,
    lines: VecDeque<Vec<char>>,
    row: usize,
    column: usize,
}

impl Page {
    fn new(capacity: usize) -> Self {
        Self { settled: String::with_capacity(capacity), lines: VecDeque::from([Vec::new()]), row: 0, column: 0 }
    }

    fn put(&mut self, c: char) {
        let line = &mut self.lines[self.row];
        if self.column < line.len() {
            line[self.column] = c;
        } else {
            line.resize(self.column, ' ');
            line.push(c);
        }
        self.column += 1;
    }

    fn next_line(&mut self) {
        self.row += 1;
        self.column = 0;
        if self.row == self.lines.len() {
            self.lines.push_back(Vec::new());
        }
        if self.lines.len() > SCREEN
            && let Some(first) = self.lines.pop_front()
        {
            self.settled.extend(first);
            self.settled.push('\n');
            self.row = self.row.saturating_sub(1);
        }
    }

    fn perform(&mut self, escape: Escape) {
        match escape {
            Escape::EraseToEnd => self.lines[self.row].truncate(self.column),
            Escape::EraseLine => self.lines[self.row].clear(),
            Escape::Up(rows) => self.row = self.row.saturating_sub(rows),
            Escape::UpToStart(rows) => {
                self.row = self.row.saturating_sub(rows);
                self.column = 0;
            }
            Escape::Column(column) => self.column = column.min(WIDEST),
            Escape::Other => {}
        }
    }

    fn finish(mut self) -> String {
        for (row, line) in self.lines.into_iter().enumerate() {
            if row > 0 {
                self.settled.push('\n');
            }
            self.settled.extend(line);
        }
        self.settled
    }
}

#[derive(Clone, Copy)]
enum Escape {
    EraseToEnd,
    EraseLine,
    Up(usize),
    UpToStart(usize),
    Column(usize),
    Other,
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// What follows ESC: a control sequence, a string (OSC, DCS, APC, PM, SOS) up to its terminator, or a short sequence.
fn escape(chars: &mut Chars<'_>) -> Escape {
    match chars.peek() {
        Some('[') => {
            chars.next();
            control_sequence(chars)
        }
        Some(']' | 'P' | '_' | '^' | 'X') => {
            chars.next();
            control_string(chars);
            Escape::Other
        }
        Some(' '..='/') => {
            while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            chars.next_if(|c| matches!(c, '0'..='~'));
            Escape::Other
        }
        Some('0'..='~') => {
            chars.next();
            Escape::Other
        }
        _ => Escape::Other,
    }
}

fn control_sequence(chars: &mut Chars<'_>) -> Escape {
    let mut parameters = String::new();
    while let Some(c) = chars.next_if(|c| matches!(c, ' '..='?')) {
        parameters.push(c);
    }
    let count = parameters.parse().unwrap_or(1).max(1);
    match (chars.next_if(|c| matches!(c, '@'..='~')), parameters.as_str()) {
        (Some('K'), "" | "0") => Escape::EraseToEnd,
        (Some('K'), "2") => Escape::EraseLine,
        (Some('A'), _) => Escape::Up(count),
        (Some('F'), _) => Escape::UpToStart(count),
        (Some('G'), _) => Escape::Column(count - 1),
        _ => Escape::Other,
    }
}

/// Ends at BEL or ST. A string that never ends stops at the end of its line, so that it cannot swallow all that follows.
fn control_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next_if(|c| *c != '\n') {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if chars.next_if_eq(&'\\').is_some() => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{moves_up, plain, visible};

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
    fn escape_sequences_go() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}x \u{1b}]8;;http://a\u{1b}\\y"), "red x y");
        assert_eq!(plain("\u{1b}P1$q\u{1b}\\a\u{1b}(Bb\u{1b}=c\u{0}\u{7f}d"), "abcd");
        assert_eq!(plain("\u{1b}]0;never ends\nnext"), "\nnext");
        assert_eq!(plain("end\u{1b}"), "end");
        assert_eq!(plain("a\u{202e}b"), "ab");
    }

    #[test]
    fn what_hides_in_code_is_shown() {
        assert!(matches!(visible("a\n\té 漢"), std::borrow::Cow::Borrowed(_)));
        assert_eq!(visible("evil()\rgood()"), "evil()␍good()");
        assert_eq!(visible("a\r\nb\u{1b}[2Jc\u{202e}d\u{200b}"), "a\nb␛[2Jc\u{fffd}d\u{fffd}");
    }
}
