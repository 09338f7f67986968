//! Lines in and out: a cancel-safe reader with limited memory, and an outbox of bytes to write.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest line that is passed on, in bytes.
pub const MAX_LINE: usize = 64 << 20;
/// Room for each read: as much as a Unix socket or a pipe gives at once.
const READ_SIZE: usize = 64 << 10;
/// Capacity that an empty buffer keeps after a long line.
const RETAINED_CAPACITY: usize = 1 << 20;
/// Bytes of the beginning and of the end of a line over the limit, where the id is looked for.
pub const EXCERPT: usize = 4 << 10;

#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// The line without its line feed.
    Whole(&'a [u8]),
    /// The beginning and the end of a line over [`MAX_LINE`].
    TooLong { head: Vec<u8>, tail: &'a [u8] },
}

#[derive(Debug)]
pub struct LineReader<R> {
    input: R,
    buffer: Vec<u8>,
    /// The buffer up to here was handed out.
    start: usize,
    /// From `start` up to here there is no line feed.
    searched: usize,
    /// The end of the next complete line, if known.
    line_end: Option<usize>,
    /// The beginning of a line over the limit, while the line is skipped.
    skipped_head: Option<Vec<u8>>,
    limit: usize,
    pub ended: bool,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub fn new(input: R) -> Self {
        Self::with_limit(input, MAX_LINE)
    }

    fn with_limit(input: R, limit: usize) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            line_end: None,
            skipped_head: None,
            limit,
            ended: false,
        }
    }

    /// Reads once. Cancel safe.
    pub async fn fill(&mut self) -> io::Result<()> {
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.buffer.shrink_to(RETAINED_CAPACITY);
            (self.start, self.searched) = (0, 0);
        } else if self.start > self.buffer.len() / 2 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.line_end = self.line_end.map(|end| end - self.start);
            self.start = 0;
        }
        self.buffer.reserve(READ_SIZE);
        match self.input.read_buf(&mut self.buffer).await {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.ended = true;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Returns the number of bytes that were read and not handed out.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Returns the complete lines that were read and not handed out.
    pub fn waiting(&self) -> impl Iterator<Item = &[u8]> {
        let buffered = &self.buffer[self.start..];
        let end = buffered.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        buffered[..end].split(|byte| *byte == b'\n')
    }

    /// Returns whether [`LineReader::next`] has a line.
    pub fn has_line(&mut self) -> bool {
        if self.line_end.is_some() {
            return true;
        }
        let fresh = &self.buffer[self.searched..];
        // `contains` is far faster than `position` on the megabytes of a long line.
        let found = if fresh.contains(&b'\n') { fresh.iter().position(|&byte| byte == b'\n') } else { None };
        if let Some(offset) = found {
            self.line_end = Some(self.searched + offset);
            return true;
        }
        self.searched = self.buffer.len();
        if self.ended {
            // The last line may lack its line feed.
            let rest = self.start < self.buffer.len() || self.skipped_head.is_some();
            self.line_end = rest.then_some(self.buffer.len());
            return rest;
        }
        if self.buffer.len() - self.start > self.limit {
            self.skip();
        }
        false
    }

    /// Drops the middle of a line over the limit.
    fn skip(&mut self) {
        if self.skipped_head.is_none() {
            self.skipped_head = Some(self.buffer[self.start..self.start + EXCERPT.min(self.limit)].to_vec());
        }
        let tail = self.buffer.len() - EXCERPT.min(self.limit);
        self.buffer.drain(..tail);
        (self.start, self.searched) = (0, self.buffer.len());
    }

    /// Returns the next complete line.
    pub fn next(&mut self) -> Option<Line<'_>> {
        if !self.has_line() {
            return None;
        }
        let end = self.line_end.take()?;
        let text = self.start..end;
        self.start = (end + 1).min(self.buffer.len());
        self.searched = self.start;
        let line = &self.buffer[text];
        let head = self.skipped_head.take();
        if head.is_none() && line.len() <= self.limit {
            return Some(Line::Whole(line));
        }
        let excerpt = EXCERPT.min(line.len());
        let head = head.unwrap_or_else(|| line[..excerpt].to_vec());
        Some(Line::TooLong { head, tail: &line[line.len() - excerpt..] })
    }
}

/// Bytes that wait to be written.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    written: usize,
    /// Written bytes that were removed from `bytes`.
    removed: u64,
}

impl Outbox {
    pub fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes were written since the outbox was cleared.
    pub fn written(&self) -> u64 {
        self.removed + self.written as u64
    }

    /// Returns how many bytes will have been written once the outbox is empty.
    pub fn end(&self) -> u64 {
        self.removed + self.bytes.len() as u64
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn line(&mut self, line: &[u8]) {
        self.line_of_parts(&[line]);
    }

    /// Adds a line that is given in parts.
    pub fn line_of_parts(&mut self, parts: &[&[u8]]) {
        if self.written > RETAINED_CAPACITY && self.written > self.bytes.len() / 2 {
            self.bytes.drain(..self.written);
            self.removed += std::mem::take(&mut self.written) as u64;
        }
        self.bytes.reserve(parts.iter().map(|part| part.len()).sum::<usize>() + 1);
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(b'\n');
    }

    /// Writes once. Cancel safe.
    pub async fn write_to(&mut self, output: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        match output.write(&self.bytes[self.written..]).await {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => self.written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if self.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(RETAINED_CAPACITY);
            self.removed += std::mem::take(&mut self.written) as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(mut reader: LineReader<&[u8]>) -> Vec<String> {
        let mut found = Vec::new();
        loop {
            while let Some(line) = reader.next() {
                found.push(match line {
                    Line::Whole(line) => String::from_utf8(line.to_vec()).unwrap(),
                    Line::TooLong { head, tail } => {
                        format!("{:?}...{:?}", String::from_utf8(head).unwrap(), std::str::from_utf8(tail).unwrap())
                    }
                });
            }
            if reader.ended {
                return found;
            }
            reader.fill().await.unwrap();
        }
    }

    #[tokio::test]
    async fn lines_come_whole_and_the_last_may_lack_its_line_feed() {
        assert_eq!(lines(LineReader::new(&b"one\n\ntwo\nthree"[..])).await, ["one", "", "two", "three"]);
        assert_eq!(lines(LineReader::new(&b"one\n"[..])).await, ["one"]);
        let long = "x".repeat(3 * READ_SIZE);
        let text = format!("{long}\na\n{long}");
        assert_eq!(lines(LineReader::new(text.as_bytes())).await, [&long, "a", &long]);
    }

    #[tokio::test]
    async fn a_line_over_the_limit_keeps_both_ends_and_the_next_line_is_whole() {
        let text = format!("begin{}end\nnext\n", "x".repeat(10 * READ_SIZE));
        let found = lines(LineReader::with_limit(text.as_bytes(), READ_SIZE)).await;
        assert!(found[0].starts_with("\"beginx") && found[0].ends_with("xend\""));
        assert!(found[0].len() < 3 * EXCERPT);
        assert_eq!(found[1..], ["next"]);
    }

    #[tokio::test]
    async fn an_outbox_written_in_pieces_stays_in_order_and_does_not_grow() {
        let (mut near, mut far) = tokio::io::duplex(10);
        let mut outbox = Outbox::default();
        let mut read = Vec::new();
        for number in 0..100_000 {
            outbox.line(format!("{number:020}").as_bytes());
            while outbox.len() > 100 {
                outbox.write_to(&mut near).await.unwrap();
                far.read_buf(&mut read).await.unwrap();
            }
        }
        assert!(outbox.bytes.capacity() < 4 * RETAINED_CAPACITY);
        assert_eq!((outbox.end(), outbox.written()), (2_100_000, read.len() as u64));
        let text = String::from_utf8(read).unwrap();
        assert!(text.lines().take(99_000).enumerate().all(|(at, line)| line.parse() == Ok(at)));
    }
}
