//! The last rows of an output. The search for them starts at the end and reads only as much as is shown.

use ratatui::text::Line;

use super::lines::note;
use crate::domain::Segment;
use crate::domain::char_boundary::ceil_char_boundary;
use crate::domain::terminal_text::{TextStyle, moves_up, style_after, styled};
use crate::domain::{Output, Stream, units};
use crate::tui::{text, theme};

pub struct Tail {
    pub rows: Vec<Line<'static>>,
    /// A text about the hidden part before the rows.
    pub hidden: Option<String>,
    /// Whether a line takes more than one row.
    pub is_wrapped: bool,
}

/// `prose`: wrapped at words.
pub fn take(output: &Output, limit: usize, width: usize, prose: bool) -> Tail {
    let head: Vec<_> = output.head().collect();
    let tail: Vec<_> = output.tail().collect();
    let whole: Vec<_> = head.iter().chain(&tail).copied().collect();
    let mut builder =
        TailBuilder { rows: Vec::new(), lines: 0, cut: false, laid_out: None, is_wrapped: false, limit, width, prose };
    if output.omitted() == 0 {
        builder.lines(&whole);
    } else {
        builder.lines(&tail);
        if builder.rows.len() < limit {
            builder.rows.insert(0, note(format!("[{} left out]", units::bytes(output.omitted()))));
            builder.lines(&head);
        }
    }
    let hidden = if builder.cut && output.omitted() > 0 {
        let shown: usize = builder.rows.iter().flat_map(|row| &row.spans).map(|span| span.content.len()).sum();
        let earlier = output.position().saturating_sub((shown + builder.rows.len()) as u64);
        Some(format!("{} earlier", units::bytes(earlier)))
    } else if builder.cut {
        let total = builder.laid_out.unwrap_or_else(|| {
            let ends: usize = whole.iter().map(|s| s.text.bytes().filter(|b| *b == b'\n').count()).sum();
            ends + usize::from(whole.last().is_some_and(|last| !last.text.ends_with('\n')))
        });
        match total.saturating_sub(builder.lines) {
            0 => Some("this line begins earlier".to_owned()),
            lines => Some(units::count(lines, "earlier line")),
        }
    } else {
        None
    };
    Tail { is_wrapped: builder.is_wrapped, rows: builder.rows, hidden }
}

/// The rows collected so far.
struct TailBuilder {
    rows: Vec<Line<'static>>,
    lines: usize,
    /// Whether there are more than `limit` rows.
    cut: bool,
    /// The lines of the whole output, if all of it was laid out. A live display writes more lines than it shows.
    laid_out: Option<usize>,
    is_wrapped: bool,
    limit: usize,
    width: usize,
    prose: bool,
}

impl TailBuilder {
    /// Puts the last rows of `segments` before the rows so far, up to the limit.
    fn lines(&mut self, segments: &[&Segment]) {
        let room = self.limit - self.rows.len();
        if room == 0 {
            self.cut |= !segments.is_empty();
            return;
        }
        let (first, from) = self.beginning(segments, room);
        let mut style = TextStyle::default();
        for (index, segment) in segments.iter().enumerate().take(first + 1) {
            let end = if index == first { from } else { segment.text.len() };
            style_after(&segment.text[..end], &mut style);
        }
        let parts: Vec<(&str, Stream)> = segments.iter().map(|s| (s.text.as_str(), s.stream)).skip(first).collect();
        let Some((text, stream)) = parts.first() else { return };
        let parts: Vec<_> = std::iter::once((&text[from..], *stream)).chain(parts[1..].iter().copied()).collect();
        let mut lines = styled(&parts, &mut style);
        // The last line end does not begin another line.
        if lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        self.cut |= first > 0 || from > 0;
        self.laid_out = (first == 0 && from == 0).then_some(lines.len());
        let mut groups = Vec::new();
        let mut count = 0;
        for line in lines.iter().rev() {
            if count >= room {
                self.cut = true;
                break;
            }
            let pieces = line.iter().map(|piece| (piece.text.as_str(), theme::output_style(piece)));
            let mut rows =
                if self.prose { text::wrap_words(pieces, self.width, 0) } else { text::wrap(pieces, self.width, 8) };
            self.is_wrapped |= rows.len() > 1 && !self.prose;
            if rows.len() > room - count {
                rows.drain(..rows.len() - (room - count));
                self.cut = true;
            }
            count += rows.len();
            self.lines += 1;
            groups.push(rows);
        }
        let before = groups.into_iter().rev().flatten();
        self.rows.splice(..0, before);
    }

    /// The segment and byte where the last `room` lines begin. Of a very long line, only as much as the rows can show
    /// is taken, plus some bytes for escape sequences.
    fn beginning(&self, segments: &[&Segment], room: usize) -> (usize, usize) {
        if segments.iter().any(|segment| moves_up(&segment.text)) {
            return (0, 0);
        }
        let mut bytes = room.saturating_mul(self.width).saturating_mul(4).max(64 << 10);
        // The last line end does not begin another line.
        let mut lines = room.saturating_add(1);
        if !segments.last().is_some_and(|last| last.text.ends_with('\n')) {
            lines -= 1;
        }
        for (index, segment) in segments.iter().enumerate().rev() {
            let text = &segment.text;
            let start = ceil_char_boundary(text, text.len().saturating_sub(bytes));
            for (place, _) in text[start..].rmatch_indices('\n') {
                lines -= 1;
                if lines == 0 {
                    return (index, start + place + 1);
                }
            }
            if start > 0 {
                return (index, start);
            }
            bytes -= text.len();
        }
        (0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(parts: &[(Stream, &str)], limit: usize) -> (Vec<String>, Option<String>) {
        let mut output = Output::default();
        for (stream, text) in parts {
            output.push_text(*stream, text);
        }
        let tail = take(&output, limit, 10, false);
        (tail.rows.iter().map(ToString::to_string).collect(), tail.hidden)
    }

    #[test]
    fn the_end_is_shown_and_the_rest_counted() {
        use Stream::{Stderr, Stdout};
        assert_eq!(taken(&[(Stdout, "a\nb\n")], 5), (vec!["a".into(), "b".into()], None));
        assert_eq!(taken(&[(Stdout, "a\nb\nc")], 2), (vec!["b".into(), "c".into()], Some("1 earlier line".into())));
        assert_eq!(taken(&[(Stdout, "\n\na\n\n")], 9).0, ["", "", "a", ""]);
        assert_eq!(taken(&[(Stdout, "a"), (Stderr, "b\nc\n"), (Stdout, "d\n")], 9).0, ["ab", "c", "d"]);
        assert_eq!(taken(&[(Stdout, "10 %\r20 %"), (Stdout, "\r30 %\n")], 9).0, ["30 %"]);
        let nested = "outer 0\ninner 0\u{1b}[A\router 1\n\rinner 9\n";
        assert_eq!(taken(&[(Stdout, "begin\n"), (Stderr, nested)], 9).0, ["begin", "outer 1", "inner 9"]);
        let long = "x".repeat(25);
        let (rows, hidden) = taken(&[(Stdout, &long)], 2);
        assert_eq!((rows, hidden), (vec!["x".repeat(10), "x".repeat(5)], Some("this line begins earlier".into())));
        assert_eq!(taken(&[(Stdout, "a\nb\n")], 2).1, None, "what fits exactly hides nothing");
    }

    #[test]
    fn looks_carry_across_lines_and_hostile_sequences_do_nothing() {
        let mut output = Output::default();
        output
            .push_text(Stream::Stdout, "\u{1b}[1;32mok\n\u{1b}[2J\u{1b}[H\u{1b}]0;evil\u{7}still green\u{1b}[?1049h\n");
        output.push_text(Stream::Stderr, "\u{1b}[0mplain\n");
        let tail = take(&output, 2, 40, false);
        let shown: Vec<_> = tail.rows.iter().map(|row| (row.to_string(), row.spans[0].style)).collect();
        let green = theme::BOLD.fg(ratatui::style::Color::Green);
        assert_eq!(shown, [("still green".to_owned(), green), ("plain".to_owned(), theme::STDERR)]);
    }

    #[test]
    fn a_gap_is_told() {
        let mut output = Output::default();
        for n in 0..60_000 {
            output.push_text(Stream::Stdout, &format!("line {n}\n"));
        }
        let tail = take(&output, 3, 20, false);
        assert_eq!(tail.rows.last().map(ToString::to_string).as_deref(), Some("line 59999"));
        let earlier = output.position() - "line 59997\nline 59998\nline 59999\n".len() as u64;
        assert_eq!(tail.hidden, Some(format!("{} earlier", units::bytes(earlier))), "what memory left out is not all");
        let all = take(&output, usize::MAX, 20, false);
        assert_eq!(all.rows[0].to_string(), "line 0");
        assert!(all.rows.iter().any(|row| row.to_string().contains("left out")));
        assert_eq!(all.hidden, None);
    }

    #[test]
    fn hidden_lines_of_a_live_display_are_those_that_it_shows_in_the_end() {
        let frame = "one\ntwo\nthree\nfour\n";
        let live = format!("{frame}{}", format!("\u{1b}[4A{frame}").repeat(50));
        let (rows, hidden) = taken(&[(Stream::Stdout, &live)], 3);
        assert_eq!(
            (rows, hidden.as_deref()),
            (vec!["two".into(), "three".into(), "four".into()], Some("1 earlier line"))
        );
    }
}
