//! What a snippet wrote and showed, in order, a page at a time: from the file with all of it, or from what the journal
//! keeps.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::archive::{Archive, Pages};
use crate::domain::output::Segment;
use crate::domain::terminal_text::compact;
use crate::domain::{Display, Form, Output, Snippet, units};

/// Bytes of text at once, more or less.
const PAGE: usize = 256 << 10;

/// A part of what a snippet wrote and showed.
pub enum Part {
    /// Lines are whole, as far as that can be.
    Text(Vec<Segment>),
    Gap(Gap),
    /// That many displays before the next are not kept.
    Dropped(usize),
    /// With its number within the snippet.
    Display(usize, Arc<Display>),
}

/// Output that is not in the export.
pub struct Gap {
    pub bytes: u64,
    /// The file with as much as was kept on the disk, and why that cannot be read where it cannot.
    pub file: Option<(PathBuf, Option<String>)>,
}

impl Gap {
    /// How much is missing, and where the rest lies.
    pub fn description(&self) -> String {
        let bytes = format!("{} bytes left out ({})", self.bytes, units::bytes(self.bytes));
        match &self.file {
            None => format!("{bytes}; no file has them"),
            Some((path, None)) => format!("{bytes}; {} ends before them, and no other file has them", path.display()),
            Some((path, Some(why))) => format!("{bytes}; they lie in {}, which cannot be read: {why}", path.display()),
        }
    }
}

type Each<'a> = &'a mut dyn FnMut(Part) -> io::Result<()>;

/// Goes through all that a snippet wrote and showed.
pub fn walk(archive: &dyn Archive, snippet: &Snippet, each: Each<'_>) -> io::Result<()> {
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
            walk_output(&snippet.output.piece(from, display.after), unreadable.as_ref(), each)?;
            from = display.after;
        }
        each(shown(archive, snippet, number, display))?;
    }
    if from == 0 {
        return walk_output(&snippet.output, unreadable.as_ref(), each);
    }
    walk_output(&snippet.output.piece(from, snippet.output.total()), unreadable.as_ref(), each)
}

/// Goes through what memory has of an output.
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
    // What the journal has of it that the file has not, or not yet.
    let behind = if ends_alike(pages, &snippet.output)? { 0 } else { total.saturating_sub(length) };
    let missing = behind.saturating_sub(tail);
    // The file has what was drawn over since, and not what was typed: where a display stood is known from either end.
    let place = |after: u64| {
        let from_end = total.saturating_sub(after);
        if after > head && behind == 0 && from_end <= tail {
            length.saturating_sub(from_end)
        } else {
            after.min(length)
        }
    };
    let mut from = 0;
    for (number, display) in snippet.numbered_displays() {
        let to = place(display.after).max(from);
        walk_pages(pages, from, to, each)?;
        from = to;
        each(shown(archive, snippet, number, display))?;
    }
    walk_pages(pages, from, length, each)?;
    if missing > 0 {
        each(Part::Gap(Gap { bytes: missing, file: Some((path.to_owned(), None)) }))?;
    }
    let rest = snippet.output.piece(total - behind.min(tail), total);
    walk_output(&rest, None, each)
}

/// Whether the file has the end of the output.
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
    // What has no end of a line yet.
    let mut left: Vec<Segment> = Vec::new();
    while at < to {
        let (start, segments) = pages.read(at, PAGE.min((to - at) as usize))?;
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
        // Lines stay whole, for a bar is drawn over its own line.
        let rest = match left.iter().rposition(|segment| segment.text.contains('\n')) {
            Some(index) => {
                let mut rest = left.split_off(index + 1);
                let end = left[index].text.rfind('\n').map_or(0, |end| end + 1);
                let text = left[index].text.split_off(end);
                rest.insert(0, Segment { stream: left[index].stream, text });
                rest
            }
            None => match left.as_slice() {
                [only] => match compact(&only.text).filter(|short| short.len() < PAGE / 2) {
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

/// The display that is another form of the snippet's value: engines publish it last, without a text, since that is the
/// value's own.
pub fn of_the_value(snippet: &Snippet) -> Option<usize> {
    snippet.outcome.as_ref()?.result.as_ref()?;
    let (number, display) = snippet.numbered_displays().next_back()?;
    let is_document = display.forms.first().is_some_and(|form| !form.is_image());
    (is_document && display.form("text/plain").is_none() && display.id.is_none()).then_some(number)
}
