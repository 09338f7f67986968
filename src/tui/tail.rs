//! The last rows of an output, found from its end, without a look at more of it than is shown.

use std::ops::ControlFlow;

use ratatui::text::Line;

use super::card::note;
use super::{text, theme};
use crate::domain::output::{Segment, ceil_char_boundary};
use crate::domain::terminal_text::{moves_up, plain};
use crate::domain::{Output, Stream, units};

pub struct Tail {
    pub rows: Vec<Line<'static>>,
    /// In words, what comes before them.
    pub hidden: Option<String>,
}

/// One line: pieces of either stream, in order.
type Pieces<'a> = Vec<(&'a str, Stream)>;

pub fn take(output: &Output, limit: usize, width: usize) -> Tail {
    let head: Vec<_> = output.head().collect();
    let tail: Vec<_> = output.tail().collect();
    let (settled_head, settled_tail) = (settled(&head), settled(&tail));
    let head = settled_head.as_ref().map_or(head, |segments| segments.iter().collect());
    let tail = settled_tail.as_ref().map_or(tail, |segments| segments.iter().collect());
    let whole: Vec<_> = head.iter().chain(&tail).copied().collect();
    let mut found = Found { rows: Vec::new(), count: 0, lines: 0, cut: false, limit, width };
    if output.omitted() == 0 {
        found.lines(&whole);
    } else {
        found.lines(&tail);
        if found.count < limit {
            found.count += 1;
            found.rows.push(vec![note(format!("[{} left out]", units::bytes(output.omitted())))]);
            found.lines(&head);
        }
    }
    let hidden = if found.cut && output.omitted() > 0 {
        Some(format!("{} earlier", units::bytes(output.omitted())))
    } else if found.cut {
        let ends: usize = whole.iter().map(|s| s.text.bytes().filter(|b| *b == b'\n').count()).sum();
        let total = ends + usize::from(whole.last().is_some_and(|last| !last.text.ends_with('\n')));
        match total - found.lines {
            0 => Some("this line begins earlier".to_owned()),
            lines => Some(units::count(lines, "earlier line")),
        }
    } else {
        None
    };
    Tail { rows: found.rows.into_iter().rev().flatten().collect(), hidden }
}

/// Output that went back to lines above, such as progress bars below one another, in its last state.
fn settled(segments: &[&Segment]) -> Option<Vec<Segment>> {
    if !segments.iter().any(|segment| moves_up(&segment.text)) {
        return None;
    }
    let of_one_stream = segments.chunk_by(|a, b| a.stream == b.stream);
    let settled = of_one_stream.map(|segments| {
        let text: String = segments.iter().map(|segment| segment.text.as_str()).collect();
        Segment { stream: segments[0].stream, text: plain(&text).into_owned() }
    });
    Some(settled.collect())
}

/// What was found so far, last line first.
struct Found {
    rows: Vec<Vec<Line<'static>>>,
    count: usize,
    lines: usize,
    /// There was more than `limit` rows.
    cut: bool,
    limit: usize,
    width: usize,
}

impl Found {
    fn lines(&mut self, segments: &[&Segment]) {
        let _ = each_line_from_end(segments, |line| {
            if self.count >= self.limit {
                self.cut = true;
                return ControlFlow::Break(());
            }
            let mut rows = self.styled(&line);
            let room = self.limit - self.count;
            if rows.len() > room {
                rows.drain(..rows.len() - room);
                self.cut = true;
            }
            self.count += rows.len();
            self.lines += 1;
            self.rows.push(rows);
            ControlFlow::Continue(())
        });
    }

    fn styled(&self, line: &Pieces<'_>) -> Vec<Line<'static>> {
        let texts: Vec<_> = line.iter().map(|(text, stream)| (plain(self.clip(text)), *stream)).collect();
        let pieces = texts
            .iter()
            .map(|(text, stream)| (&**text, if *stream == Stream::Stderr { theme::STDERR } else { theme::PLAIN }));
        text::wrap(pieces, self.width, 8)
    }

    /// The end of a very long line: what could be shown, and some more for what escape sequences take.
    fn clip<'a>(&self, text: &'a str) -> &'a str {
        let most = self.limit.saturating_mul(self.width).saturating_mul(4).max(16 << 10);
        &text[ceil_char_boundary(text, text.len().saturating_sub(most))..]
    }
}

/// Calls `visit` with each line, last one first. The line end that ends everything begins no line.
fn each_line_from_end<'a>(
    segments: &[&'a Segment],
    mut visit: impl FnMut(Pieces<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut pieces = Pieces::new();
    let mut last = true;
    for segment in segments.iter().rev() {
        for (index, part) in segment.text.rsplit('\n').enumerate() {
            if index > 0 {
                let mut line = std::mem::take(&mut pieces);
                line.reverse();
                if !(std::mem::take(&mut last) && line.is_empty()) {
                    visit(line)?;
                }
            }
            if !part.is_empty() {
                pieces.push((part, segment.stream));
            }
        }
    }
    pieces.reverse();
    if segments.is_empty() || (last && pieces.is_empty()) { ControlFlow::Continue(()) } else { visit(pieces) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(parts: &[(Stream, &str)], limit: usize) -> (Vec<String>, Option<String>) {
        let mut output = Output::default();
        for (stream, text) in parts {
            output.push_text(*stream, text);
        }
        let tail = take(&output, limit, 10);
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
    fn a_gap_is_told() {
        let mut output = Output::default();
        for n in 0..60_000 {
            output.push_text(Stream::Stdout, &format!("line {n}\n"));
        }
        let tail = take(&output, 3, 20);
        assert_eq!(tail.rows.last().map(ToString::to_string).as_deref(), Some("line 59999"));
        assert!(tail.hidden.is_some_and(|hidden| hidden.ends_with("kB earlier")));
        let all = take(&output, usize::MAX, 20);
        assert_eq!(all.rows[0].to_string(), "line 0");
        assert!(all.rows.iter().any(|row| row.to_string().contains("left out")));
        assert_eq!(all.hidden, None);
    }
}
