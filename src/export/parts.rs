//! The output and the displays of a snippet in order, a page at a time, from the output file or from the journal.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::archive::{Archive, Pages};
use crate::domain::terminal_text::compact;
use crate::domain::{Display, Form, Output, Segment, Snippet, units};

/// Bytes of text in a page, roughly.
const PAGE_BYTES: usize = 256 << 10;

/// A part of a snippet's output.
pub enum Part {
    /// Text in whole lines, if possible.
    Text(Vec<Segment>),
    Gap(Gap),
    /// The number of displays before the next that were dropped.
    Dropped(usize),
    /// A display with its number within the snippet.
    Display(usize, Arc<Display>),
}

/// Output that the export lacks.
pub struct Gap {
    pub bytes: u64,
    /// The output file, and why it cannot be read, if so.
    pub file: Option<(PathBuf, Option<String>)>,
}

impl Gap {
    /// Describes how much is missing, and where the rest is.
    pub fn description(&self) -> String {
        let bytes = format!("{} bytes left out ({})", self.bytes, units::bytes(self.bytes));
        match &self.file {
            None => format!("{bytes}; no file has them"),
            Some((path, None)) => format!("{bytes}; {} ends before them, and no other file has them", path.display()),
            Some((path, Some(why))) => format!("{bytes}; they are in {}, which cannot be read: {why}", path.display()),
        }
    }
}

type Each<'a> = &'a mut dyn FnMut(Part) -> io::Result<()>;

/// Visits all output and displays of a snippet.
pub fn walk_parts(archive: &dyn Archive, snippet: &Snippet, each: Each<'_>) -> io::Result<()> {
    if snippet.displays_dropped > 0 {
        each(Part::Dropped(snippet.displays_dropped))?;
    }
    let file = (snippet.output.omitted() > 0).then(|| archive.file(snippet.id)).flatten();
    let unreadable = match file {
        Some(file) => match file.pages {
            Ok(pages) if pages.length() > 0 => return walk_file(archive, snippet, &*pages, &file.path, each),
            Ok(_) => None,
            Err(error) => Some((file.path, Some(error.to_string()))),
        },
        None => None,
    };
    let mut from = 0;
    for (number, display) in snippet.numbered_displays() {
        if display.after > from {
            walk_output(&snippet.output.slice(from, display.after), unreadable.as_ref(), each)?;
            from = display.after;
        }
        each(shown(archive, snippet, number, display))?;
    }
    if from == 0 {
        return walk_output(&snippet.output, unreadable.as_ref(), each);
    }
    walk_output(&snippet.output.slice(from, snippet.output.total()), unreadable.as_ref(), each)
}

/// Visits an output in memory.
pub fn walk_output(output: &Output, file: Option<&(PathBuf, Option<String>)>, each: Each<'_>) -> io::Result<()> {
    let text = |segments: Vec<Segment>, each: Each<'_>| {
        if segments.is_empty() { Ok(()) } else { each(Part::Text(segments)) }
    };
    text(output.head().cloned().collect(), each)?;
    if output.omitted() > 0 {
        each(Part::Gap(Gap { bytes: output.omitted(), file: file.cloned() }))?;
    }
    text(output.tail().cloned().collect(), each)
}

fn shown(archive: &dyn Archive, snippet: &Snippet, number: usize, display: &Arc<Display>) -> Part {
    let is_dropped = display.forms.iter().any(Form::is_dropped);
    let whole = is_dropped.then(|| archive.display(snippet.id, number)).flatten();
    Part::Display(number, whole.unwrap_or_else(|| display.clone()))
}

fn walk_file(
    archive: &dyn Archive,
    snippet: &Snippet,
    pages: &dyn Pages,
    path: &std::path::Path,
    each: Each<'_>,
) -> io::Result<()> {
    let (length, total) = (pages.length(), snippet.output.total());
    let size = |segments: &mut dyn Iterator<Item = &Segment>| segments.map(|part| part.text.len() as u64).sum::<u64>();
    let (head, tail) = (size(&mut snippet.output.head()), size(&mut snippet.output.tail()));
    // Bytes at the end that the file lacks, or lacks yet.
    let behind = if ends_alike(pages, &snippet.output)? { 0 } else { total.saturating_sub(length) };
    let missing = behind.saturating_sub(tail);
    // The file has overwritten output but no typed input, so positions are counted from the nearer end.
    let position_in_file = |after: u64| {
        let from_end = total.saturating_sub(after);
        if after > head && behind == 0 && from_end <= tail {
            length.saturating_sub(from_end)
        } else {
            after.min(length)
        }
    };
    let mut from = 0;
    for (number, display) in snippet.numbered_displays() {
        let to = position_in_file(display.after).max(from);
        walk_pages(pages, from, to, each)?;
        from = to;
        each(shown(archive, snippet, number, display))?;
    }
    walk_pages(pages, from, length, each)?;
    if missing > 0 {
        each(Part::Gap(Gap { bytes: missing, file: Some((path.to_owned(), None)) }))?;
    }
    let rest = snippet.output.slice(total - behind.min(tail), total);
    walk_output(&rest, None, each)
}

/// Returns whether the file has the end of the output.
fn ends_alike(pages: &dyn Pages, output: &Output) -> io::Result<bool> {
    const COMPARED: u64 = 200;
    let last: String = output.tail().map(|segment| segment.text.as_str()).collect();
    let (_, end) = pages.read(pages.length().saturating_sub(COMPARED), COMPARED as usize)?;
    let end: String = end.iter().map(|segment| segment.text.as_str()).collect();
    let end = end.trim_end_matches(char::REPLACEMENT_CHARACTER);
    let common = end.len().min(last.len());
    Ok(common > 0 && end.as_bytes()[end.len() - common..] == last.as_bytes()[last.len() - common..])
}

fn walk_pages(pages: &dyn Pages, from: u64, to: u64, each: Each<'_>) -> io::Result<()> {
    let mut at = from;
    // The text after the last newline.
    let mut left: Vec<Segment> = Vec::new();
    while at < to {
        let (start, segments) = pages.read(at, PAGE_BYTES.min((to - at) as usize))?;
        let read = segments.iter().map(|segment| segment.text.len() as u64).sum::<u64>();
        if read == 0 {
            break;
        }
        at = start + read;
        for segment in segments {
            match left.last_mut() {
                Some(last) if last.stream == segment.stream => last.text += &segment.text,
                _ => left.push(segment),
            }
        }
        if at >= to {
            break;
        }
        // Lines stay whole, since a progress bar overwrites its own line.
        let rest = match left.iter().rposition(|segment| segment.text.contains('\n')) {
            Some(index) => {
                let mut rest = left.split_off(index + 1);
                let end = left[index].text.rfind('\n').map_or(0, |end| end + 1);
                let text = left[index].text.split_off(end);
                rest.insert(0, Segment { stream: left[index].stream, text });
                rest
            }
            None => match left.as_slice() {
                [only] => match compact(&only.text).filter(|short| short.len() < PAGE_BYTES / 2) {
                    Some(text) => {
                        left = vec![Segment { text, ..left.remove(0) }];
                        continue;
                    }
                    None => Vec::new(),
                },
                _ => Vec::new(),
            },
        };
        let page = std::mem::replace(&mut left, rest);
        each(Part::Text(page))?;
    }
    left.retain(|segment| !segment.text.is_empty());
    if left.is_empty() { Ok(()) } else { each(Part::Text(left)) }
}

/// Returns the number of the display that represents the snippet's value. Engines publish it last, with the same text
/// or, where that says nothing, without one.
pub fn of_the_value(snippet: &Snippet) -> Option<usize> {
    let value = snippet.outcome.as_ref()?.result.as_ref()?;
    let (number, display) = snippet.numbered_displays().next_back()?;
    let is_document = display.forms.first().is_some_and(|form| !form.is_image());
    let is_alike = display.form("text/plain").is_none_or(|plain| *plain.data == *value.as_bytes());
    (is_document && is_alike && display.id.is_none()).then_some(number)
}
