//! Compaction of text that overwrites itself: of a progress bar, the last state stays.

use std::borrow::Cow;

use super::page::TerminalPage;
use super::parser::{CLEAR, TerminalOp, moves_up, steps};
use super::style::TextStyle;
use super::style_after;

/// A style, and whether the text set it. If not, the style from before the text holds.
type CellStyle = (TextStyle, bool);

/// An erased cell at the beginning; no text contains this character.
const ERASED: char = '\0';

/// Returns a shorter text with the same effect on a terminal, if `text` overwrites itself. The terminal's content
/// before it is unknown: the text may begin in the middle of a line, or above existing lines.
#[must_use]
pub fn compact(text: &str) -> Option<String> {
    if let Some(at) = text.rfind(CLEAR) {
        let (before, rest) = (&text[..at], &text[at + CLEAR.len()..]);
        let mut style = TextStyle::default();
        style_after(before, &mut style);
        let style = if style == TextStyle::default() { String::new() } else { style.sequence() };
        let rest = compact(rest).map_or(Cow::Borrowed(rest), Cow::Owned);
        return Some(format!("{CLEAR}{style}{rest}"));
    }
    if !redraws(text) {
        return None;
    }
    let mut drawing = Drawing::default();
    let mut style = (TextStyle::default(), false);
    let mut unfinished = "";
    for step in steps(text) {
        match step {
            TerminalOp::Style(parameters) => {
                style.0.change(parameters);
                style.1 = true;
            }
            TerminalOp::Unfinished(sequence) => unfinished = sequence,
            step => drawing.perform(step, style)?,
        }
    }
    let mut out = drawing.written(style);
    out.push_str(unfinished);
    Some(out)
}

#[derive(Default)]
struct Drawing {
    /// The cells written on the existing line, from its unknown end on.
    beginning: Vec<(char, CellStyle)>,
    /// The sequence that erases the existing line.
    erases: &'static str,
    /// Whether the column on the existing line is still unknown.
    is_relative: bool,
    started: bool,
    page: TerminalPage<CellStyle>,
    /// The rows that were erased, including the terminal's earlier content.
    erased: Vec<bool>,
    /// The first row below which everything was erased.
    erased_below: Option<usize>,
}

impl Drawing {
    /// Returns `None` if the effect depends on the terminal's earlier content.
    fn perform(&mut self, step: TerminalOp<'_>, style: CellStyle) -> Option<()> {
        if !std::mem::replace(&mut self.started, true) {
            self.is_relative = true;
        }
        if self.is_relative {
            match step {
                TerminalOp::Put(c) => self.beginning.push((c, style)),
                TerminalOp::EraseLine => {
                    self.erases = "\u{1b}[2K";
                    self.beginning.iter_mut().for_each(|cell| *cell = (ERASED, CellStyle::default()));
                }
                TerminalOp::EraseToEnd if self.erases.is_empty() => self.erases = "\u{1b}[K",
                TerminalOp::EraseToEnd | TerminalOp::Nothing => {}
                TerminalOp::Return | TerminalOp::Column(_) | TerminalOp::NewLine => {
                    self.is_relative = false;
                    let kept = self.beginning.iter().rposition(|(c, _)| *c != ERASED).map_or(0, |last| last + 1);
                    self.beginning.truncate(kept);
                }
                _ => return None,
            }
            if self.is_relative {
                return Some(());
            }
        }
        let row = self.page.row;
        let is_erased = self.erased.get(row).is_some_and(|erased| *erased);
        let leaves_gap = !is_erased && self.page.column > self.page.lines[row].len();
        match step {
            TerminalOp::Put(_) | TerminalOp::EraseToEnd | TerminalOp::EraseBelow if leaves_gap => return None,
            TerminalOp::EraseToStart if !is_erased => return None,
            TerminalOp::Up(rows) if rows > row => return None,
            TerminalOp::Down(rows) if row + rows >= self.page.lines.len() => return None,
            TerminalOp::EraseLine | TerminalOp::EraseToEnd => self.erase(row),
            TerminalOp::EraseBelow => {
                self.erase(row);
                self.erased_below = Some(self.erased_below.map_or(row, |above| above.min(row)));
            }
            _ => {}
        }
        self.page.perform(step, style);
        Some(())
    }

    fn erase(&mut self, row: usize) {
        self.erased.resize(self.erased.len().max(row + 1), false);
        self.erased[row] = true;
        if row == 0 {
            // The beginning was written before this erasure.
            self.beginning.clear();
            self.erases = "";
        }
    }

    fn written(self, style: CellStyle) -> String {
        let mut out = self.erases.to_owned();
        let mut shown = CellStyle::default();
        let mut put = |out: &mut String, cells: &[(char, CellStyle)]| {
            for (c, style) in cells {
                if *style != shown {
                    out.push_str(&style.0.sequence());
                    shown = *style;
                }
                out.push(*c);
            }
            shown
        };
        let blank = self.beginning.iter().take_while(|(c, _)| *c == ERASED).count();
        if blank > 0 {
            out.push_str(&format!("\u{1b}[{blank}C"));
        }
        put(&mut out, &self.beginning[blank..]);
        let is_erased = |row: usize| self.erased.get(row).is_some_and(|erased| *erased);
        for (row, line) in self.page.lines.iter().enumerate() {
            if row > 0 {
                out.push('\n');
            } else if !self.is_relative && (!line.is_empty() || is_erased(0)) {
                out.push('\r');
            }
            if row > 0 && self.page.is_redrawn(row) {
                // So that the line still counts as drawn over.
                out.push('\r');
            }
            if is_erased(row) {
                out.push_str("\u{1b}[2K");
            }
            if self.erased_below == Some(row) {
                out.push_str("\u{1b}[J");
            }
            put(&mut out, line);
        }
        let shown = put(&mut out, &[]);
        if self.is_relative {
            return out;
        }
        let below = self.page.lines.len() - 1 - self.page.row;
        if below > 0 {
            out.push_str(&format!("\u{1b}[{below}A"));
        }
        let last = self.page.lines.last().map_or(0, Vec::len);
        let is_placed = self.page.lines.len() > 1 || last > 0 || is_erased(0);
        if self.page.column != last || !is_placed {
            out.push_str(&format!("\u{1b}[{}G", self.page.column + 1));
        }
        if style != shown {
            out.push_str(&style.0.sequence());
        }
        out
    }
}

fn redraws(text: &str) -> bool {
    let bytes = text.as_bytes();
    text.contains('\u{8}')
        || text.match_indices('\r').any(|(at, _)| bytes.get(at + 1) != Some(&b'\n'))
        || moves_up(text)
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;
    use crate::domain::random::Random;

    fn trimmed(text: &str) -> Vec<String> {
        plain(text).trim_end().lines().map(|line| line.trim_end().to_owned()).collect()
    }

    #[test]
    fn compacted_text_overwrites_earlier_text_like_the_original() {
        for (before, text) in [
            ("bar 1 ####", "\rbar 2 ####\rbar 3 ####"),
            ("begin\nlong line", "\rok\rOK"),
            ("begin\nlong line", "\r\u{1b}[2Kok\r\u{1b}[2KOK"),
            ("begin\nlong line", " goes on\r\u{1b}[KOK\rOk"),
            (
                "one 1\ntwo 1 and more\u{1b}[A\r",
                "\u{1b}[2Kone 2\n\u{1b}[2Ktwo 2\u{1b}[A\r\u{1b}[2Kone 3\n\u{1b}[2Ktwo 3\u{1b}[A\r",
            ),
            ("x", "\ry\r"),
            ("long line", "\r\r"),
        ] {
            let short = compact(text).unwrap();
            for after in ["", "z", "\rz", "\nz"] {
                let (whole, shortened) = (format!("{before}{text}{after}"), format!("{before}{short}{after}"));
                assert_eq!(trimmed(&shortened), trimmed(&whole), "{before:?} {text:?} -> {short:?}, then {after:?}");
            }
        }
        assert_eq!(compact("\u{1b}[A\rup\n"), None, "what stands above is not known");
    }

    /// Any order of steps, split anywhere.
    #[test]
    fn any_text_can_be_compacted_in_parts() {
        let parts = [
            "a",
            "bc",
            "\r",
            "\r",
            "\n",
            "\u{1b}[A",
            "\u{1b}[2K",
            "\u{1b}[K",
            "\u{1b}[J",
            "\u{1b}[31m",
            "def\n",
            "\u{1b}[m",
        ];
        let mut random = Random::new(7);
        let mut shortened = 0;
        for _ in 0..20_000 {
            let pieces: Vec<&str> = (0..random.below(30)).map(|_| random.one(&parts)).collect();
            let (one, two) = pieces.split_at(random.below(pieces.len() + 1));
            let (one, two) = (one.concat(), two.concat());
            let Some(short) = compact(&two) else { continue };
            shortened += 1;
            assert_eq!(
                trimmed(&(one.clone() + &short)),
                trimmed(&(one.clone() + &two)),
                "{one:?} + {two:?} -> {short:?}"
            );
        }
        assert!(shortened > 3_000, "{shortened}");
    }
}
