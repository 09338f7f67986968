//! A whole output, to be read page by page.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::domain::Segment;
use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::{Output, Stream};

/// What is missing of an output: its end, its middle or all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub bytes: u64,
    /// Such as "the limit for one snippet is 268 MB".
    pub why: Arc<str>,
}

#[derive(Debug)]
pub enum Source {
    Memory(Vec<u8>),
    File(File),
}

impl Source {
    fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::Memory(bytes) => {
                let start = bytes.len().min(at as usize);
                Ok(bytes[start..(start + length).min(bytes.len())].to_vec())
            }
            Self::File(file) => {
                let mut bytes = vec![0; length];
                let mut filled = 0;
                while filled < length {
                    match file.read_at(&mut bytes[filled..], at + filled as u64) {
                        Ok(0) => break,
                        Ok(count) => filled += count,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                bytes.truncate(filled);
                Ok(bytes)
            }
        }
    }
}

const STDERR: u32 = 1 << 31;

/// Encodes that the output goes on with `stream` at `offset`.
pub fn encode_change(offset: u64, stream: Stream) -> [u8; 4] {
    let bit = if stream == Stream::Stderr { STDERR } else { 0 };
    (offset as u32 | bit).to_le_bytes()
}

fn decode_change(change: [u8; 4]) -> (u64, Stream) {
    let number = u32::from_le_bytes(change);
    let stream = if number & STDERR == 0 { Stream::Stdout } else { Stream::Stderr };
    (u64::from(number & !STDERR), stream)
}

/// A snapshot of an output: both streams in the order of writing, addressed by byte.
#[derive(Debug)]
pub struct Whole {
    text: Source,
    length: u64,
    changes: Source,
    changes_count: u64,
    missing: Option<Missing>,
    /// The gap is in the middle, and a line of text says so.
    has_gap: bool,
}

impl Whole {
    pub(super) fn new(
        text: Source,
        length: u64,
        changes: Source,
        changes_length: u64,
        missing: Option<Missing>,
    ) -> Self {
        Self { text, length, changes, changes_count: changes_length / 4, missing, has_gap: false }
    }

    /// Makes an output of what the transcript holds, with a line in the place of the gap.
    #[must_use]
    pub fn of(output: &Output) -> Self {
        let (mut text, mut changes, mut last) = (String::new(), Vec::new(), Stream::Stdout);
        let mut add = |stream: Stream, part: &str| {
            if stream != last {
                changes.extend(encode_change(text.len() as u64, stream));
                last = stream;
            }
            text.push_str(part);
        };
        output.head().for_each(|segment| add(segment.stream, &segment.text));
        if output.omitted() > 0 {
            add(Stream::Stdout, &format!("\n[... {} bytes left out ...]\n", output.omitted()));
        }
        output.tail().for_each(|segment| add(segment.stream, &segment.text));
        let (length, changes_length) = (text.len() as u64, changes.len() as u64);
        let whole = Self::new(Source::Memory(text.into_bytes()), length, Source::Memory(changes), changes_length, None);
        Self { has_gap: output.omitted() > 0, ..whole }
    }

    /// Returns whether the gap is in the middle, and not at the end.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        self.has_gap
    }

    /// Returns the same output with this gap.
    #[must_use]
    pub fn lacking(self, missing: Option<Missing>) -> Self {
        Self { missing, ..self }
    }

    /// Number of bytes that can be read.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    #[must_use]
    pub fn missing(&self) -> Option<&Missing> {
        self.missing.as_ref()
    }

    /// Reads about `length` bytes from `offset` on, without cutting a character. Returns where the text really begins.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(&self, offset: u64, length: usize) -> io::Result<(u64, Vec<Segment>)> {
        let offset = offset.min(self.length);
        let length = length.min((self.length - offset) as usize);
        let bytes = self.text.read(offset, length)?;
        let skipped = if offset == 0 { 0 } else { bytes.iter().take(3).take_while(|b| **b & 0xC0 == 0x80).count() };
        let bytes = &bytes[skipped..];
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) if error.error_len().is_none() => String::from_utf8_lossy(&bytes[..error.valid_up_to()]),
            Err(_) => String::from_utf8_lossy(bytes),
        };
        let start = offset + skipped as u64;
        Ok((start, self.divide(start, &text)?))
    }

    /// Divides the text, which begins at `start`, by streams.
    fn divide(&self, start: u64, text: &str) -> io::Result<Vec<Segment>> {
        let mut index = self.changes_until(start)?;
        let mut stream = match index.checked_sub(1) {
            Some(last) => self.change(last)?.map_or(Stream::Stdout, |(_, stream)| stream),
            None => Stream::Stdout,
        };
        let mut segments = Vec::new();
        let mut rest = text;
        let mut at = start;
        let mut put = |stream: Stream, text: &str| {
            if !text.is_empty() {
                segments.push(Segment { stream, text: text.to_owned() });
            }
        };
        'pages: while !rest.is_empty() && index < self.changes_count {
            let page = self.changes.read(index * 4, 4 << 10)?;
            if page.len() < 4 {
                break;
            }
            for change in page.chunks_exact(4) {
                let (offset, next) = decode_change(change.try_into().unwrap_or_default());
                let length = offset.saturating_sub(at) as usize;
                if length >= rest.len() {
                    break 'pages;
                }
                let (part, after) = rest.split_at(floor_char_boundary(rest, length));
                put(stream, part);
                (stream, rest, at) = (next, after, offset);
                index += 1;
            }
        }
        put(stream, rest);
        Ok(segments)
    }

    /// Returns how many changes of stream are at or before `offset`.
    fn changes_until(&self, offset: u64) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.changes_count);
        while low < high {
            let middle = u64::midpoint(low, high);
            match self.change(middle)? {
                Some((at, _)) if at <= offset => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    fn change(&self, index: u64) -> io::Result<Option<(u64, Stream)>> {
        let bytes = self.changes.read(index * 4, 4)?;
        Ok(<[u8; 4]>::try_from(bytes).ok().map(decode_change))
    }
}
