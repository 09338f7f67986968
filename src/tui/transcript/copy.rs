//! Pieces of a card as text for the clipboard or a file: code, output, value, traceback.

use std::io;

use crate::domain::terminal_text::plain;
use crate::domain::{Entry, Output, Snippet, SnippetId, units};
use crate::session::Spool;
use crate::session::spool::Whole;

/// The most bytes to copy: terminals drop longer texts, most of them silently.
pub const MAX_COPY_BYTES: u64 = 1 << 20;
/// Bytes of an output that are converted at once.
const CHUNK_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    Code,
    /// Everything below the code: output, value, error.
    Output,
    Value,
    Traceback,
}

impl Piece {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Output => "output",
            Self::Value => "value",
            Self::Traceback => "traceback",
        }
    }
}

/// The card's name in sentences, such as `14`.
pub fn name(entry: &Entry) -> String {
    match entry {
        Entry::Snippet(snippet) => snippet.id.to_string(),
        Entry::Note { .. } => "the note".to_owned(),
        _ => "this card".to_owned(),
    }
}

/// A piece of a card, with the length of the part that the code wrote. `None` if the card does not have the piece.
pub fn of(entry: &Entry, piece: Piece, spool: Option<&Spool>) -> Option<Text> {
    let recorded = recorded(entry, spool).map(Entry::Snippet);
    let entry = recorded.as_ref().unwrap_or(entry);
    let text = |text: &str| Some(Text { whole: None, rest: text.to_owned() }).filter(|text| !text.rest.is_empty());
    match (entry, piece) {
        (Entry::Snippet(snippet), Piece::Code) => text(&snippet.code),
        (Entry::Note { note, .. }, Piece::Code | Piece::Output) => text(&note.text),
        (Entry::Snippet(snippet), Piece::Value) => text(snippet.outcome.as_ref()?.result.as_deref()?),
        (Entry::Snippet(snippet), Piece::Traceback) => text(&snippet.outcome.as_ref()?.error.as_ref()?.traceback),
        (Entry::Snippet(snippet), Piece::Output) => {
            let whole = (!snippet.output.is_empty()).then(|| whole(&snippet.output, Some(snippet.id), spool));
            Some(Text { whole, rest: rest(entry) }).filter(|text| text.whole.is_some() || !text.rest.is_empty())
        }
        (Entry::Background { output, .. }, Piece::Output) => {
            Some(Text { whole: Some(whole(output, None, spool)), rest: String::new() })
        }
        _ => None,
    }
}

/// Returns whether a card has a piece, as far as memory knows.
pub fn has(entry: &Entry, piece: Piece) -> bool {
    let outcome = if let Entry::Snippet(snippet) = entry { snippet.outcome.as_deref() } else { None };
    let has_value = outcome.and_then(|outcome| outcome.result.as_ref()).is_some_and(|value| !value.is_empty());
    let has_error = outcome.is_some_and(|outcome| outcome.error.is_some());
    match (entry, piece) {
        (Entry::Snippet(snippet), Piece::Code) => !snippet.code.is_empty(),
        (Entry::Note { note, .. }, Piece::Code | Piece::Output) => !note.text.is_empty(),
        (Entry::Snippet(snippet), Piece::Output) => !snippet.output.is_empty() || has_value || has_error,
        (Entry::Snippet(_), Piece::Value) => has_value,
        (Entry::Snippet(_), Piece::Traceback) => has_error,
        (Entry::Background { .. }, Piece::Output) => true,
        _ => false,
    }
}

/// The journal's record of a snippet whose code or results are incomplete in memory.
pub fn recorded(entry: &Entry, spool: Option<&Spool>) -> Option<Snippet> {
    let Entry::Snippet(snippet) = entry else { return None };
    let is_old = snippet.code_omitted > 0
        || snippet.outcome_is_cut
        || snippet.output.omitted() > 0 && snippet.output.memory() < Output::HEAD;
    let recorded = spool.filter(|_| is_old && snippet.status.is_final())?.recorded(snippet.id)?;
    recorded.outcome.is_some().then_some(recorded)
}

/// The text below a snippet's output: its value, its traceback.
pub fn rest(entry: &Entry) -> String {
    let outcome = if let Entry::Snippet(snippet) = entry { snippet.outcome.as_deref() } else { None };
    let value = outcome.and_then(|outcome| outcome.result.as_deref());
    let error = outcome.and_then(|outcome| outcome.error.as_ref()).map(|error| error.traceback.as_str());
    value.into_iter().chain(error).collect::<Vec<_>>().join("\n")
}

/// The whole output, or the part in memory.
fn whole(output: &Output, snippet: Option<SnippetId>, spool: Option<&Spool>) -> Whole {
    let kept = spool.zip(snippet).filter(|_| output.omitted() > 0);
    let kept = kept.and_then(|(spool, snippet)| spool.whole_of(snippet, output).ok().flatten());
    kept.filter(|whole| whole.length() > 0).unwrap_or_else(|| Whole::of(output))
}

#[derive(Debug)]
pub struct Text {
    whole: Option<Whole>,
    rest: String,
}

impl Text {
    /// The length in bytes, including escape sequences.
    pub fn length(&self) -> u64 {
        self.whole.as_ref().map_or(0, Whole::length) + self.rest.len() as u64
    }

    /// The text as it would look on a terminal, without escape sequences.
    ///
    /// # Errors
    /// If the file with the output cannot be read.
    pub fn read(&self) -> io::Result<String> {
        let mut text = String::new();
        self.each(&mut |part| {
            text.push_str(part);
            Ok(())
        })?;
        Ok(text)
    }

    /// Writes the text with a final line end. Returns the number of bytes.
    ///
    /// # Errors
    /// If the output cannot be read, or the text cannot be written.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<u64> {
        let (mut bytes, mut is_ended) = (0, false);
        self.each(&mut |part| {
            bytes += part.len() as u64;
            is_ended = part.ends_with('\n');
            out.write_all(part.as_bytes())
        })?;
        if !is_ended {
            out.write_all(b"\n")?;
        }
        Ok(bytes + u64::from(!is_ended))
    }

    fn each(&self, each: &mut dyn FnMut(&str) -> io::Result<()>) -> io::Result<()> {
        let mut is_ended = true;
        let mut put = |text: &str| {
            if text.is_empty() {
                return Ok(());
            }
            is_ended = text.ends_with('\n');
            each(text)
        };
        if let Some(whole) = &self.whole {
            let (mut at, mut left) = (0, String::new());
            while at < whole.length() {
                let (start, segments) = whole.read(at, CHUNK_BYTES)?;
                let bytes: usize = segments.iter().map(|segment| segment.text.len()).sum();
                if bytes == 0 {
                    break;
                }
                at = start + bytes as u64;
                left.extend(segments.into_iter().map(|segment| segment.text));
                // Lines are not split, because a progress bar overwrites its own line.
                let end =
                    if at < whole.length() { left.rfind('\n').map_or(left.len(), |end| end + 1) } else { left.len() };
                put(&plain(&left[..end]))?;
                left.drain(..end);
            }
        }
        if !is_ended && !self.rest.is_empty() {
            each("\n")?;
        }
        if self.rest.is_empty() { Ok(()) } else { each(&self.rest) }
    }

    /// The text for the clipboard.
    ///
    /// # Errors
    /// If the text is too long, in words.
    pub fn to_copy(&self) -> Result<String, String> {
        if self.length() > MAX_COPY_BYTES {
            let (long, max_length) = (units::bytes(self.length()), units::bytes(MAX_COPY_BYTES));
            return Err(format!("{long} are too long to copy, {max_length} is the most"));
        }
        self.read().map_err(|error| format!("the output cannot be read: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Author, Outcome, Stream};
    use crate::tui::fixtures::{Story, failed, ok};

    fn read(entry: &Entry, piece: Piece) -> Option<String> {
        of(entry, piece, None).map(|text| text.read().unwrap())
    }

    #[test]
    fn pieces_are_what_a_person_would_copy() {
        let mut story = Story::default();
        story.ran(&Author::You, "f()", "\u{1b}[31m10 %\r99 %\u{1b}[0m", Outcome { result: Some("42".into()), ..ok(1) });
        story.ran(&Author::You, "g()", "before\n", failed(1, "ValueError", "no", 3));
        story.ran(&Author::You, "x = 1", "", ok(1));
        let entries = story.transcript.entries();
        for entry in entries {
            for piece in [Piece::Code, Piece::Output, Piece::Value, Piece::Traceback] {
                assert_eq!(has(entry, piece), of(entry, piece, None).is_some());
            }
        }
        assert_eq!(read(&entries[0], Piece::Output).as_deref(), Some("99 %\n42"));
        assert_eq!(read(&entries[0], Piece::Value).as_deref(), Some("42"));
        assert_eq!(read(&entries[0], Piece::Traceback), None);
        let failed = read(&entries[1], Piece::Output).unwrap();
        assert!(failed.starts_with("before\nTraceback (most") && failed.ends_with("ValueError: no"), "{failed}");
        assert_eq!((read(&entries[2], Piece::Output), read(&entries[2], Piece::Code)), (None, Some("x = 1".into())));
    }

    #[test]
    fn what_is_too_long_is_not_copied_but_can_be_read() {
        let mut story = Story::default();
        let id = story.start(&Author::You, "flood()");
        for n in 0..200_000 {
            story.output(id, Stream::Stdout, &format!("line {n}\n"));
        }
        let kept = of(&story.transcript.entries()[0], Piece::Output, None).unwrap();
        assert!(kept.to_copy().unwrap().contains("bytes left out"), "the text in memory says that bytes are missing");
        let long = Text { whole: None, rest: "x".repeat(2 << 20) };
        assert_eq!(long.to_copy().unwrap_err(), "2.1 MB are too long to copy, 1.0 MB is the most");
        assert_eq!(long.read().unwrap().len(), 2 << 20);
    }
}
