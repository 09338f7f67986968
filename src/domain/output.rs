//! Bounded output of a snippet: it keeps the head and the tail, and counts what is omitted between them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::char_boundary::{ceil_char_boundary, floor_char_boundary};
use super::output_chunk::{OutputChunk, Segment, Stream};
use super::terminal_text::compact;

/// Output in the order written, bounded to [`Output::HEAD`] + [`Output::TAIL`] bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Output {
    head: Vec<Segment>,
    /// The bytes of the head, [`SEGMENT_OVERHEAD`] included.
    head_bytes: usize,
    tail: VecDeque<Segment>,
    tail_bytes: usize,
    omitted: u64,
    /// Bytes that later output overwrote on the terminal, and that are therefore dropped.
    overwritten: u64,
    total: u64,
    /// The next output begins a new segment.
    divided: bool,
}

impl Output {
    /// Bytes kept of the beginning.
    pub const HEAD: usize = 64 << 10;
    /// Bytes kept of the end.
    pub const TAIL: usize = 192 << 10;

    pub fn push(&mut self, chunk: &OutputChunk) {
        for segment in &chunk.head {
            self.push_text(segment.stream, &segment.text);
        }
        if chunk.skipped > 0 {
            self.skip(chunk.skipped);
        }
        for segment in &chunk.tail {
            self.push_text(segment.stream, &segment.text);
        }
    }

    pub fn push_text(&mut self, stream: Stream, text: &str) {
        self.total += text.len() as u64;
        let mut rest = text;
        while !rest.is_empty() {
            let cut = floor_char_boundary(rest, MAX_SEGMENT_BYTES);
            self.push_piece(stream, &rest[..cut]);
            rest = &rest[cut..];
        }
    }

    fn push_piece(&mut self, stream: Stream, text: &str) {
        let mut rest = text;
        if self.omitted == 0 && self.tail.is_empty() {
            let joins = !self.divided && self.head.last().is_some_and(|last| last.stream == stream);
            let cost = if joins { 0 } else { SEGMENT_OVERHEAD };
            if joins && self.head_bytes + rest.len() > Self::HEAD {
                let saved = self.head.last_mut().map_or(0, compact_segment);
                self.head_bytes -= saved;
                self.overwritten += saved as u64;
            }
            let cut = floor_char_boundary(rest, Self::HEAD.saturating_sub(self.head_bytes + cost));
            if cut > 0 {
                append(&mut self.head, stream, &rest[..cut], joins);
                self.head_bytes += cut + cost;
                self.divided = false;
            }
            rest = &rest[cut..];
            // After the first text that did not fit, all output belongs to the tail, or it would be out of order.
        }
        if rest.is_empty() {
            return;
        }
        let divided = std::mem::take(&mut self.divided);
        if let Some(last) = self.tail.back_mut()
            && last.stream == stream
            && last.text.len() >= MAX_SEGMENT_BYTES
            && !divided
        {
            let saved = compact_segment(last);
            self.tail_bytes -= saved;
            self.overwritten += saved as u64;
        }
        match self.tail.back_mut() {
            Some(last) if last.stream == stream && last.text.len() < MAX_SEGMENT_BYTES && !divided => {
                last.text.push_str(rest);
            }
            _ => {
                self.tail.push_back(Segment { stream, text: rest.to_owned() });
                self.tail_bytes += SEGMENT_OVERHEAD;
            }
        }
        self.tail_bytes += rest.len();
        self.trim_tail();
    }

    /// Keeps later output from overwriting what is here, so that [`Output::position`] stays at its place in the text.
    pub fn divide(&mut self) {
        self.divided = true;
    }

    /// Returns all kept output as one chunk.
    #[must_use]
    pub fn into_chunk(self) -> OutputChunk {
        OutputChunk { head: self.head, skipped: self.omitted, tail: self.tail.into() }
    }

    /// Counts bytes that were dropped upstream. The tail lies before this gap, so it is dropped as well.
    fn skip(&mut self, bytes: u64) {
        self.total += bytes;
        self.omitted += bytes + self.tail.iter().map(|segment| segment.text.len() as u64).sum::<u64>();
        self.tail.clear();
        self.tail_bytes = 0;
    }

    /// Returns the memory that the output takes, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.head_bytes + self.tail_bytes
    }

    /// Frees the spare capacity, which only growing output needs.
    pub fn fit(&mut self) {
        self.head.iter_mut().chain(&mut self.tail).for_each(|segment| segment.text.shrink_to_fit());
        self.head.shrink_to_fit();
        self.tail.shrink_to_fit();
    }

    /// Keeps about `ends` bytes of the beginning and of the end each, and counts the rest as omitted.
    pub fn shrink(&mut self, ends: usize) {
        self.cut(ends);
        self.fit();
    }

    fn cut(&mut self, ends: usize) {
        if self.memory() <= 2 * ends {
            return;
        }
        // All but the beginning becomes the tail, so that the middle is dropped.
        let mut head = std::mem::take(self);
        let (total, omitted) = (head.total, head.omitted);
        (self.overwritten, self.divided) = (head.overwritten, head.divided);
        let first = head.head.first_mut().map(|segment| {
            let cut = floor_char_boundary(&segment.text, ends);
            (segment.stream, segment.text.drain(..cut).collect::<String>())
        });
        if let Some((stream, text)) = first {
            self.head_bytes = text.len() + SEGMENT_OVERHEAD;
            self.head.push(Segment { stream, text });
        }
        let rest: usize = head.head.iter().map(|segment| segment.text.len()).sum();
        self.omitted = omitted;
        if omitted > 0 {
            self.omitted += rest as u64;
        } else {
            self.tail_bytes = rest + SEGMENT_OVERHEAD * head.head.len();
            self.tail = head.head.into();
        }
        self.tail_bytes += head.tail_bytes;
        self.tail.append(&mut head.tail);
        self.total = total;
        self.trim_tail_to(ends);
    }

    fn trim_tail(&mut self) {
        self.trim_tail_to(Self::TAIL);
    }

    fn trim_tail_to(&mut self, limit: usize) {
        while self.tail_bytes > limit {
            let excess = self.tail_bytes - limit;
            let Some(first) = self.tail.front_mut() else { return };
            let cut = if first.text.len() <= excess {
                self.tail_bytes -= SEGMENT_OVERHEAD;
                self.tail.pop_front().map_or(0, |segment| segment.text.len())
            } else {
                let cut = ceil_char_boundary(&first.text, excess);
                first.text.drain(..cut);
                cut
            };
            self.tail_bytes -= cut;
            self.omitted += cut as u64;
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Returns the number of bytes written, overwritten ones included. It grows with every change, so it serves as a
    /// revision.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns the position of the end for [`Output::slice`]: the number of bytes that are kept or omitted.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.total - self.overwritten
    }

    /// Returns the number of bytes omitted between [`Output::head`] and [`Output::tail`].
    #[must_use]
    pub fn omitted(&self) -> u64 {
        self.omitted
    }

    pub fn head(&self) -> impl Iterator<Item = &Segment> {
        self.head.iter()
    }

    pub fn tail(&self) -> impl Iterator<Item = &Segment> {
        self.tail.iter()
    }

    /// Returns the stream of the last output.
    #[must_use]
    pub fn last_stream(&self) -> Option<Stream> {
        self.tail.back().or(self.head.last()).map(|segment| segment.stream)
    }

    /// Returns the text after the last newline, of either stream.
    #[must_use]
    pub fn unfinished_line(&self) -> String {
        let mut parts = Vec::new();
        for segment in self.tail.iter().rev().chain(self.head.iter().rev()) {
            if let Some(end) = segment.text.rfind('\n') {
                parts.push(&segment.text[end + 1..]);
                break;
            }
            parts.push(&segment.text);
        }
        parts.into_iter().rev().collect()
    }

    /// Returns the output between two positions, as [`Output::position`] returned them.
    #[must_use]
    pub fn slice(&self, from: u64, to: u64) -> Self {
        let mut piece = Self::default();
        let mut at = 0;
        let part = |segments: &mut dyn Iterator<Item = &Segment>, at: &mut u64, piece: &mut Self| {
            for segment in segments {
                let end = *at + segment.text.len() as u64;
                let within = |position: u64| {
                    floor_char_boundary(&segment.text, position.clamp(*at, end) as usize - *at as usize)
                };
                let text = &segment.text[within(from)..within(to).max(within(from))];
                if !text.is_empty() {
                    piece.push_text(segment.stream, text);
                }
                *at = end;
            }
        };
        part(&mut self.head.iter(), &mut at, &mut piece);
        let skipped = (at + self.omitted).min(to).saturating_sub(at.max(from));
        if skipped > 0 {
            piece.skip(skipped);
        }
        at += self.omitted;
        part(&mut self.tail.iter(), &mut at, &mut piece);
        piece
    }

    /// Returns the text of one stream, or of both in the order written. A line of its own marks the omitted bytes.
    #[must_use]
    pub fn text(&self, stream: Option<Stream>) -> String {
        let is_selected = |segment: &&Segment| stream.is_none_or(|stream| segment.stream == stream);
        let mut text: String = self.head().filter(is_selected).map(|s| s.text.as_str()).collect();
        let tail: String = self.tail().filter(is_selected).map(|s| s.text.as_str()).collect();
        if self.omitted > 0 && !(text.is_empty() && tail.is_empty()) {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&format!("[... {} bytes left out ...]\n", self.omitted));
        }
        text.push_str(&tail);
        text
    }
}

/// A segment that has reached this size is followed by another one, so that trimming never moves much.
const MAX_SEGMENT_BYTES: usize = 16 << 10;

/// The bytes that a segment counts beside its text, so that streams that alternate byte by byte stay bounded.
const SEGMENT_OVERHEAD: usize = 64;

/// Compacts a full segment that overwrites itself, so that a million states of a progress bar do not displace earlier
/// output. Returns the number of bytes saved, which count as neither kept nor omitted.
fn compact_segment(segment: &mut Segment) -> usize {
    match compact(&segment.text) {
        Some(short) if short.len() <= segment.text.len() / 2 => {
            let saved = segment.text.len() - short.len();
            segment.text = short;
            saved
        }
        _ => 0,
    }
}

fn append(segments: &mut Vec<Segment>, stream: Stream, text: &str, joins: bool) {
    match segments.last_mut() {
        Some(last) if joins => last.text.push_str(text),
        _ => segments.push(Segment { stream, text: text.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_output_is_kept_whole_and_in_order() {
        let mut output = Output::default();
        output.push_text(Stream::Stdout, "a\n");
        output.push_text(Stream::Stderr, "b\n");
        output.push_text(Stream::Stdout, "c\n");
        assert_eq!(output.text(None), "a\nb\nc\n");
        assert_eq!(output.text(Some(Stream::Stdout)), "a\nc\n");
        assert_eq!(output.text(Some(Stream::Stderr)), "b\n");
    }

    #[test]
    fn excess_output_is_omitted_between_head_and_tail_and_counted() {
        let mut output = Output::default();
        for n in 0..200_000 {
            output.push_text(Stream::Stdout, &format!("line {n} é\n"));
        }
        let text = output.text(None);
        assert!(text.starts_with("line 0 é\n"));
        assert!(text.ends_with("line 199999 é\n"));
        assert!(text.len() <= Output::HEAD + Output::TAIL + 100);
        let kept_bytes: usize = output.head().chain(output.tail()).map(|s| s.text.len()).sum();
        assert_eq!(output.total(), output.omitted() + kept_bytes as u64);
    }

    #[test]
    fn alternating_streams_are_bounded() {
        let mut output = Output::default();
        for _ in 0..300_000 {
            output.push_text(Stream::Stdout, "a");
            output.push_text(Stream::Stderr, "b");
        }
        let segments: Vec<_> = output.head().chain(output.tail()).collect();
        assert!(segments.len() < 5_000, "{} segments", segments.len());
        let kept_bytes: usize = segments.iter().map(|segment| segment.text.len()).sum();
        assert_eq!(output.total(), output.omitted() + kept_bytes as u64);
        assert!(output.text(Some(Stream::Stderr)).ends_with("bbb"));
        let gap = OutputChunk { skipped: 5, ..OutputChunk::default() };
        output.push(&gap);
        let kept_bytes: usize = output.head().map(|segment| segment.text.len()).sum();
        assert_eq!(output.total(), output.omitted() + kept_bytes as u64);
    }

    #[test]
    fn a_shrunk_output_keeps_its_ends_and_counts_the_rest() {
        for lines in [100, 3_000, 100_000] {
            let mut output = Output::default();
            for n in 0..lines {
                output.push_text(if n % 7 == 0 { Stream::Stderr } else { Stream::Stdout }, &format!("line {n} é\n"));
            }
            output.shrink(500);
            let text = output.text(None);
            assert!(text.starts_with("line 0 é\n") && text.ends_with(&format!("line {} é\n", lines - 1)), "{text}");
            let kept_bytes: usize = output.head().chain(output.tail()).map(|s| s.text.len()).sum();
            assert!(kept_bytes <= 1_000 && output.memory() <= 1_500, "{kept_bytes} {}", output.memory());
            assert_eq!(output.total(), output.omitted() + kept_bytes as u64);
        }
    }

    #[test]
    fn slices_add_up_to_the_whole_output() {
        let mut output = Output::default();
        for n in 0..20_000 {
            output.push_text(if n % 3 == 0 { Stream::Stderr } else { Stream::Stdout }, &format!("line {n} é\n"));
        }
        let total = output.total();
        for cut in [0, 1, 7, 100, 70_000, total - 9, total] {
            let (one, two) = (output.slice(0, cut), output.slice(cut, total));
            assert_eq!(one.omitted() + two.omitted(), output.omitted(), "{cut}");
            assert_eq!(one.total() + two.total(), total, "{cut}");
        }
        assert_eq!(output.slice(0, total).text(None), output.text(None));
        assert_eq!(output.slice(0, 9).text(None), "line 0 é");
        assert_eq!(output.slice(total - 14, total).text(None), "line 19999 é\n");
    }

    #[test]
    fn a_progress_bar_does_not_displace_other_output() {
        let mut output = Output::default();
        output.push_text(Stream::Stdout, "begin\n");
        for n in 0..300_000 {
            output.push_text(Stream::Stdout, &format!("\rbar {n:>6} {}", "#".repeat(n % 40)));
        }
        output.push_text(Stream::Stdout, "\nbetween\n");
        for n in 0..30_000 {
            output.push_text(Stream::Stderr, &format!("\u{1b}[2Ka {n}\n\u{1b}[2Kb {n}\r\u{1b}[A"));
        }
        output.push_text(Stream::Stderr, "\n\nend\n");
        assert_eq!(output.omitted(), 0);
        let text = crate::domain::terminal_text::plain(&output.text(None)).into_owned();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[1].starts_with("bar 299999 #"), "{text}");
        assert_eq!((lines[0], &lines[2..]), ("begin", &["between", "a 29999", "b 29999", "end"][..]));
    }

    #[test]
    fn positions_stay_valid_while_bars_are_compacted() {
        for before in [0, 100_000] {
            let mut output = Output::default();
            output.push_text(Stream::Stdout, &"x".repeat(before));
            let mut positions = Vec::new();
            for epoch in 0..5 {
                for step in 0..4_000 {
                    output.push_text(Stream::Stdout, &format!("\repoch {epoch} step {step:>6}"));
                }
                output.push_text(Stream::Stdout, &format!("\nend {epoch}\n"));
                let kept_bytes: usize = output.head().chain(output.tail()).map(|segment| segment.text.len()).sum();
                assert_eq!(output.position(), output.omitted() + kept_bytes as u64);
                positions.push(output.position());
                output.divide();
            }
            let mut from = 0;
            for (epoch, position) in positions.iter().enumerate() {
                let piece = output.slice(from, *position).text(None);
                assert_eq!(piece.matches("end").count(), 1);
                assert!(piece.ends_with(&format!("step   3999\nend {epoch}\n")), "{epoch} after {before}");
                from = *position;
            }
            output.shrink(10_000);
            assert_eq!(output.slice(positions[3], positions[4]).text(None).lines().last(), Some("end 4"));
        }
    }

    #[test]
    fn a_chunk_with_a_gap_keeps_its_tail_at_the_end() {
        let mut output = Output::default();
        output.push_text(Stream::Stdout, "start\n");
        let mut chunk = OutputChunk::of(Stream::Stdout, "head\n");
        chunk.skipped = 1_000;
        chunk.tail = OutputChunk::of(Stream::Stdout, "end\n").head;
        output.push(&chunk);
        output.push_text(Stream::Stdout, "more\n");
        assert_eq!(output.text(None), "start\nhead\n[... 1000 bytes left out ...]\nend\nmore\n");
    }
}
