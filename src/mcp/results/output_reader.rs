//! Reading of whole outputs by pages and by lines that match, without escape sequences and without text that was drawn
//! over. Offsets are bytes of the output as the code wrote it, both streams counted.

use std::io;
use std::time::{Duration, Instant};

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::Stream;
use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::terminal_text::{compact, plain, unfinished_bytes};
use crate::session::spool::Whole;

/// Bytes that are read at once.
const BLOCK_SIZE: usize = 64 << 10;
/// A call returns after this time, once it has passed the offset where it begins.
const READ_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_MATCHES: usize = 500;
/// A longer line is searched in parts of this size.
const MAX_LINE: usize = 64 << 10;
/// Characters of a line that matches, and how many of these come before the match.
const MAX_EXCERPT: usize = 400;
const MAX_BEFORE_MATCH: usize = 100;

#[derive(Debug, PartialEq)]
pub struct PageText {
    pub text: String,
    /// The offset of the next page; at the end, the length of the output.
    pub next: u64,
}

#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct MatchingLine {
    /// Counted from 1; of the stream, if one was asked for.
    pub line: u64,
    /// Where the line begins, to read on from there.
    pub offset: u64,
    pub text: String,
}

#[derive(Debug, PartialEq)]
pub struct Matches {
    pub lines: Vec<MatchingLine>,
    /// The offset where the search goes on.
    pub next: u64,
}

/// A part of the output, of one stream or of both.
struct OutputBlock {
    text: String,
    /// For each piece: where it begins in `text`, and its offset in the output.
    pieces: Vec<(usize, u64)>,
    /// The offset of the next block.
    end: u64,
}

impl OutputBlock {
    /// `None` at the end of the output.
    fn read(whole: &Whole, stream: Option<Stream>, offset: u64) -> io::Result<Option<Self>> {
        let (mut at, segments) = whole.read(offset, BLOCK_SIZE)?;
        if segments.is_empty() {
            return Ok(None);
        }
        let mut block = Self { text: String::new(), pieces: Vec::new(), end: at };
        for segment in segments {
            if stream.is_none_or(|stream| stream == segment.stream) {
                block.pieces.push((block.text.len(), at));
                block.text.push_str(&segment.text);
            }
            at += segment.text.len() as u64;
        }
        block.end = at;
        Ok(Some(block))
    }

    /// The offset in the output of a byte of the text. For the end of the text, the offset of the next block.
    fn offset(&self, place: usize) -> u64 {
        if place >= self.text.len() {
            return self.end;
        }
        let piece = self.pieces.partition_point(|(start, _)| *start <= place);
        self.pieces.get(piece.wrapping_sub(1)).map_or(self.end, |(start, offset)| offset + (place - start) as u64)
    }
}

/// About `limit` characters from `offset` on, in whole lines unless a line is longer.
pub fn page(whole: &Whole, stream: Option<Stream>, offset: u64, limit: usize) -> io::Result<PageText> {
    let deadline = Instant::now() + READ_TIMEOUT;
    let mut written = String::new();
    let mut next = offset.min(whole.length());
    let shown = |written: &str| plain(written).chars().count();
    while Instant::now() < deadline
        && let Some(block) = OutputBlock::read(whole, stream, next)?
    {
        let before = written.len();
        written.push_str(&block.text);
        if shown(&written) <= limit {
            if let Some(short) = compact(&written).filter(|short| short.len() < written.len()) {
                written = short;
            }
            next = block.end;
            continue;
        }
        // As many lines of the block as fit, or as many characters of a line that does not fit.
        let ends: Vec<usize> = block.text.match_indices('\n').map(|(place, _)| place + 1).collect();
        let fits = |end: &usize| shown(&written[..before + end]) <= limit;
        let lines = ends.partition_point(fits);
        let mut end = lines.checked_sub(1).map_or(0, |last| ends[last]);
        if end == 0 && before == 0 {
            let places: Vec<usize> = block.text.char_indices().map(|(place, c)| place + c.len_utf8()).collect();
            end = places[places.partition_point(fits).saturating_sub(1)];
            let divided = unfinished_bytes(&block.text[..end]);
            end -= if divided < end { divided } else { 0 };
        }
        written.truncate(before + end);
        next = block.offset(end);
        break;
    }
    Ok(PageText { text: plain(&written).into_owned(), next })
}

/// The lines from `offset` on that match, in about `limit` characters at most.
pub fn grep(whole: &Whole, stream: Option<Stream>, offset: u64, limit: usize, regex: &Regex) -> io::Result<Matches> {
    let deadline = Instant::now() + READ_TIMEOUT;
    let mut found = Matches { lines: Vec::new(), next: offset };
    let mut room = limit;
    // The line that is being read: its number, its offset, and its text so far.
    let (mut number, mut start, mut line) = (1, 0, String::new());
    let mut next = 0;
    loop {
        // Each call gets further than the call before, however slow the machine is.
        if next > offset && Instant::now() >= deadline {
            break;
        }
        let Some(block) = OutputBlock::read(whole, stream, next)? else { break };
        next = block.end;
        let mut rest = 0;
        for (place, _) in block.text.match_indices('\n') {
            let text = &block.text[rest..place];
            let ends = block.offset(place + 1);
            if ends > offset {
                line.push_str(text);
                if !found.add(&line, number, start, regex, &mut room) {
                    found.next = start.max(offset);
                    return Ok(found);
                }
            }
            line.clear();
            (number, start, rest) = (number + 1, ends, place + 1);
        }
        line.push_str(&block.text[rest..]);
        if line.len() >= MAX_LINE {
            if block.end > offset && !found.add(&line, number, start, regex, &mut room) {
                found.next = start.max(offset);
                return Ok(found);
            }
            line.clear();
            start = block.end;
        }
    }
    if next < whole.length() {
        // The time is over. The caller never gets an offset before its own.
        found.next = start.max(offset);
    } else if line.is_empty() || found.add(&line, number, start, regex, &mut room) {
        found.next = whole.length();
    } else {
        found.next = start.max(offset);
    }
    Ok(found)
}

impl Matches {
    /// Adds the line if it matches. `false` if there is no room for it.
    fn add(&mut self, line: &str, number: u64, start: u64, regex: &Regex, room: &mut usize) -> bool {
        let line = plain(line.strip_suffix('\r').unwrap_or(line));
        let Some(found) = regex.find(&line) else { return true };
        let text = excerpt(&line, found.start());
        let takes = text.chars().count() + 1;
        if !self.lines.is_empty() && (takes > *room || self.lines.len() == MAX_MATCHES) {
            return false;
        }
        *room = room.saturating_sub(takes);
        self.lines.push(MatchingLine { line: number, offset: start, text });
        true
    }
}

fn excerpt(line: &str, at: usize) -> String {
    let before = line[..at].char_indices().rev().nth(MAX_BEFORE_MATCH - 1).map_or(0, |(place, _)| place);
    let start = if line.len() <= MAX_EXCERPT { 0 } else { before };
    let rest = &line[start..];
    let end = rest.char_indices().nth(MAX_EXCERPT).map_or(rest.len(), |(place, _)| place);
    let (left, right) = (if start > 0 { "..." } else { "" }, if end < rest.len() { "..." } else { "" });
    format!("{left}{}{right}", &rest[..floor_char_boundary(rest, end)])
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::domain::random::Random;
    use crate::domain::{Output, SnippetId};
    use crate::session::Spool;
    use crate::session::spool::Limits;

    fn whole(parts: &[(Stream, &str)]) -> Whole {
        let mut output = Output::default();
        for (stream, text) in parts {
            output.push_text(*stream, text);
        }
        Whole::of(&output)
    }

    fn numbered(range: std::ops::Range<u32>, before: &str, after: &str) -> String {
        range.flat_map(|n| [before.to_owned(), n.to_string(), after.to_owned()]).collect()
    }

    #[test]
    fn pages_end_at_line_ends_and_omit_nothing() {
        let text = numbered(0..9_000, "line ", " é\n");
        let whole = whole(&[(Stream::Stdout, &text[..30_000]), (Stream::Stderr, &text[30_000..])]);
        let (mut read, mut at) = (String::new(), 0);
        while at < whole.length() {
            let page = page(&whole, None, at, 10_000).unwrap();
            assert!(page.text.ends_with('\n') && page.text.chars().count() <= 10_000 && page.next > at);
            at = page.next;
            read.push_str(&page.text);
        }
        assert_eq!(read, text);
        let err = page(&whole, Some(Stream::Stderr), 0, 100).unwrap();
        assert!(text[30_000..].starts_with(&err.text) && err.next == 30_000 + err.text.len() as u64, "{err:?}");
        assert_eq!(page(&whole, None, 1 << 40, 100).unwrap(), PageText { text: String::new(), next: whole.length() });
    }

    #[test]
    fn a_line_longer_than_a_page_goes_on_in_the_next() {
        let text = "\u{1b}[31mé\u{1b}[0m".repeat(5_000);
        let whole = whole(&[(Stream::Stdout, &text)]);
        let (mut read, mut at) = (String::new(), 0);
        while at < whole.length() {
            let page = page(&whole, None, at, 300).unwrap();
            assert!(page.next > at);
            at = page.next;
            read.push_str(&page.text);
        }
        assert_eq!(read, "é".repeat(5_000));
    }

    #[test]
    fn redraws_collapse_within_a_page() {
        let bar = numbered(0..5_000, "\r", " of 5000");
        let whole = whole(&[(Stream::Stderr, &format!("start\n{bar}\nend\n"))]);
        assert_eq!(page(&whole, None, 0, 200).unwrap().text, "start\n4999 of 5000\nend\n");
    }

    #[test]
    fn matching_lines_have_number_and_offset() {
        let text = numbered(1..3_001, "row \u{1b}[1m", "\u{1b}[0m\n");
        let whole = whole(&[(Stream::Stdout, &text)]);
        let regex = Regex::new("^row \\d00$").unwrap();
        let all = grep(&whole, None, 0, 10_000, &regex).unwrap();
        assert_eq!((all.lines.len(), all.next), (9, whole.length()));
        assert_eq!((all.lines[1].line, &*all.lines[1].text), (200, "row 200"));
        assert_eq!(page(&whole, None, all.lines[1].offset, 8).unwrap().text, "row 200\n");
        let few = grep(&whole, None, 0, 17, &regex).unwrap();
        assert_eq!((few.lines.len(), few.next), (2, all.lines[2].offset));
        let rest = grep(&whole, None, few.next, 10_000, &regex).unwrap();
        assert_eq!(rest.lines[..], all.lines[2..]);
        let long = format!("{}needle{}", "x".repeat(30_000), "y".repeat(30_000));
        let found = grep(&self::whole(&[(Stream::Stdout, &long)]), None, 0, 1_000, &Regex::new("needle").unwrap());
        assert!(found.unwrap().lines[0].text.starts_with("...xxx"));
    }

    /// The files of an output have random content: pages reach the end, and no control character gets through.
    #[test]
    fn garbage_in_the_files_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits { memory: 100, ..Limits::default() };
        let regex = Regex::new("[a-z]+").unwrap();
        for mut random in Random::rounds(13, 60) {
            let spool = Arc::new(Spool::new(Some(folder.path().join("spool/s")), limits));
            for n in 0..200 {
                let stream = random.one(&[Stream::Stdout, Stream::Stderr]);
                spool.push(SnippetId(1), stream, &format!("line {n}\n"));
            }
            spool.close();
            spool.work(drop);
            for kind in ["out", "streams"] {
                let path = folder.path().join("spool/s").join(format!("1.{kind}"));
                let mut bytes = fs::read(&path).unwrap();
                match random.below(3) {
                    0 => bytes.iter_mut().for_each(|byte| *byte = random.below(256) as u8),
                    1 => bytes.fill(0x80),
                    _ => random.spoil(&mut bytes),
                }
                fs::write(&path, bytes).unwrap();
            }
            let whole = spool.whole(SnippetId(1)).unwrap().unwrap();
            for stream in [None, Some(Stream::Stdout), Some(Stream::Stderr)] {
                let (mut at, mut pages) = (0, 0);
                while at < whole.length() && pages < 10_000 {
                    // After an error no page follows.
                    let Ok(page) = page(&whole, stream, at, 1 + random.below(300)) else { break };
                    assert!(!page.text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
                    if page.next <= at {
                        break;
                    }
                    (at, pages) = (page.next, pages + 1);
                }
                assert!(pages < 10_000);
                let _ = grep(&whole, stream, random.below(3_000) as u64, 1 + random.below(300), &regex);
            }
        }
    }
}
