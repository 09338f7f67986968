//! Events folded into what the database has still to be told. Nothing here fails or waits, so a write that failed is
//! simply tried again with what has been folded since.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frame::{Frame, Meta};
use crate::domain::output::Segment;
use crate::domain::recorder::Losses;
use crate::domain::{
    Author, CallId, Display, Event, Outcome, Output, OutputChunk, SnippetId, Status, Stream, Timestamp,
};

/// Pieces of output that the database holds of a snippet before they are put together to as few as can be.
const MOST_PIECES: usize = 64;
/// And of those that has ended.
const MOST_PIECES_AT_END: usize = 8;
/// And their bytes.
const MOST_BYTES: usize = 2 * (Output::HEAD + Output::TAIL);

/// Output in pieces that the database does not have yet.
#[derive(Debug, Default)]
pub struct Written {
    /// All of it, bounded.
    pub output: Output,
    /// What came since the last store.
    pub new: Vec<Piece>,
    /// Pieces and bytes that the database holds.
    pub stored: (usize, usize),
    /// All of it must be stored again.
    pub rewrite: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(Segment),
    Skipped(u64),
}

#[derive(Debug)]
pub struct OpenSnippet {
    pub id: SnippetId,
    pub place: i64,
    pub author: Author,
    pub code: Arc<str>,
    pub call: Option<CallId>,
    pub submitted: Timestamp,
    pub started: Option<Timestamp>,
    pub ended: Option<(Timestamp, Arc<Outcome>)>,
    pub written: Written,
    /// The row itself is to be stored.
    pub dirty: bool,
}

/// Output that came while nothing ran, since the last entry of another kind.
#[derive(Debug)]
pub struct Background {
    /// Places of its first and last piece.
    pub places: (i64, i64),
    pub written: Written,
}

/// Something displayed, or (`display: None`) all that the snippet displayed before taken back.
#[derive(Debug)]
pub struct Shown {
    pub snippet: SnippetId,
    pub place: i64,
    pub at: Timestamp,
    pub display: Option<Arc<Display>>,
    pub replaces: bool,
}

/// What a session's events came to, as far as the database does not have it.
#[derive(Debug, Default)]
pub struct Fold {
    pub meta: Option<Meta>,
    /// The session itself has something new.
    pub dirty: bool,
    /// Order of all that is stored.
    pub next_place: i64,
    pub active: Timestamp,
    /// When the session ended in good order.
    pub ended: Option<Timestamp>,
    pub missed: Losses,
    pub open: BTreeMap<u32, OpenSnippet>,
    pub background: Vec<Background>,
    pub displays: Vec<Shown>,
    pub marks: Vec<(i64, Event)>,
}

impl Fold {
    /// Memory that waits to be stored, roughly and in bytes.
    pub fn unstored(&self) -> usize {
        let written = self.open.values().map(|open| &open.written).chain(self.background.iter().map(|b| &b.written));
        let shown = self.displays.iter().filter_map(|shown| shown.display.as_ref());
        written.map(Written::unstored).sum::<usize>()
            + self.open.values().filter(|open| open.dirty).map(|open| open.code.len()).sum::<usize>()
            + shown.map(|display| display.bytes_kept()).sum::<usize>()
            + self.marks.len() * 256
    }

    pub fn apply(&mut self, frame: Frame) {
        match frame {
            Frame::Session(meta) => {
                self.dirty |= self.meta.as_ref() != Some(&meta);
                self.active = self.active.max(meta.started_at);
                self.ended = None;
                self.meta = Some(meta);
            }
            Frame::Missed(losses) => {
                self.missed = self.missed.plus(losses);
                self.dirty = true;
            }
            Frame::Event(event) => self.event(event),
        }
    }

    fn place(&mut self) -> i64 {
        self.next_place += 1;
        self.next_place
    }

    fn event(&mut self, event: Event) {
        self.dirty = true;
        match event {
            Event::Submitted { snippet, author, code, call, at } => {
                self.touch(at);
                let place = self.place();
                let open = OpenSnippet {
                    id: snippet,
                    place,
                    author,
                    code,
                    call,
                    submitted: at,
                    started: None,
                    ended: None,
                    written: Written::default(),
                    dirty: true,
                };
                self.open.insert(snippet.0, open);
            }
            Event::Started { snippet, at } => {
                self.touch(at);
                if let Some(open) = self.open.get_mut(&snippet.0) {
                    open.started = Some(at);
                    open.dirty = true;
                }
            }
            Event::Output { snippet: Some(snippet), chunk, at } => {
                self.touch(at);
                if let Some(open) = self.open.get_mut(&snippet.0) {
                    open.written.push(&chunk);
                }
            }
            Event::Output { snippet: None, chunk, at } => {
                self.touch(at);
                let place = self.place();
                // Another entry in between begins a new one.
                if let Some(last) = self.background.last_mut().filter(|last| last.places.1 + 1 == place) {
                    last.places.1 = place;
                    last.written.push(&chunk);
                } else {
                    let mut written = Written::default();
                    written.push(&chunk);
                    self.background.push(Background { places: (place, place), written });
                }
            }
            Event::Displayed { snippet, display, replaces, at } => {
                self.touch(at);
                let place = self.place();
                if let Some(open) = self.open.get_mut(&snippet.0)
                    && !replaces
                {
                    open.written.output.divide();
                }
                self.displays.push(Shown { snippet, place, at, display: Some(display), replaces });
            }
            Event::DisplaysCleared { snippet } => {
                let (place, at) = (self.place(), self.active);
                self.displays.push(Shown { snippet, place, at, display: None, replaces: true });
            }
            Event::InputRequested { snippet, request } => {
                self.touch(request.at);
                self.mark(Event::InputRequested { snippet, request });
            }
            Event::InputAnswered { snippet, by, text, at } => {
                self.touch(at);
                if let Some(open) = self.open.get_mut(&snippet.0) {
                    // As the transcript shows it.
                    let stream = open.written.output.last_stream().unwrap_or(Stream::Stdout);
                    open.written.push(&OutputChunk::of(stream, format!("{}\n", text.as_deref().unwrap_or_default())));
                }
                self.mark(Event::InputAnswered { snippet, by, text, at });
            }
            Event::Finished { snippet, outcome, at } => {
                self.touch(at);
                if let Some(open) = self.open.get_mut(&snippet.0) {
                    open.ended = Some((at, outcome));
                    open.dirty = true;
                }
            }
            Event::Ending => self.ended = Some(self.active),
            Event::InputWithdrawn { .. }
            | Event::Variables(_)
            | Event::Stuck { .. }
            | Event::Replay(_)
            | Event::Inquired(_)
            | Event::InquiryEnded { .. }
            | Event::Notice { .. } => {}
            // Who takes over from a process that died knows them again.
            Event::ClientJoined { .. }
            | Event::ClientNamed { .. }
            | Event::ClientLeft { .. }
            | Event::Titled { .. }
            | Event::Replayed { .. } => self.mark(event),
            // As whatever else becomes an entry of the transcript.
            Event::Reset { at, .. } | Event::Restarted { at, .. } | Event::Noted { at, .. } => {
                self.touch(at);
                self.mark(event);
            }
        }
    }

    fn mark(&mut self, event: Event) {
        let place = self.place();
        self.marks.push((place, event));
    }

    fn touch(&mut self, at: Timestamp) {
        self.active = self.active.max(at);
    }

    /// All that was folded has been stored.
    pub fn stored(&mut self) {
        self.dirty = false;
        self.missed = Losses::default();
        self.displays.clear();
        self.marks.clear();
        self.open.retain(|_, open| {
            open.dirty = false;
            open.written.stored();
            open.ended.is_none()
        });
        // Only the last can grow.
        let last = self.background.pop();
        self.background.clear();
        self.background.extend(last);
        self.background.iter_mut().for_each(|background| background.written.stored());
    }

    /// The database is another one than before, and knows nothing of this session.
    pub fn store_anew(&mut self) {
        self.dirty = true;
        for open in self.open.values_mut() {
            open.dirty = true;
            open.written.rewrite = true;
        }
        self.background.iter_mut().for_each(|background| background.written.rewrite = true);
    }
}

impl Written {
    fn push(&mut self, chunk: &OutputChunk) {
        self.output.push(chunk);
        if self.rewrite {
            return;
        }
        let skipped = (chunk.skipped > 0).then_some(Piece::Skipped(chunk.skipped));
        let text = |segments: &[Segment]| segments.iter().cloned().map(Piece::Text).collect::<Vec<_>>();
        for piece in text(&chunk.head).into_iter().chain(skipped).chain(text(&chunk.tail)) {
            match (self.new.last_mut(), piece) {
                (Some(Piece::Text(last)), Piece::Text(next)) if last.stream == next.stream => {
                    last.text.push_str(&next.text);
                }
                (_, piece) => self.new.push(piece),
            }
        }
        // More than is kept of it need not be remembered.
        let bytes: usize = self.new.iter().map(Piece::bytes).sum();
        if self.stored.1 + bytes > MOST_BYTES || self.new.len() > MOST_PIECES {
            self.rewrite = true;
            self.new = Vec::new();
        }
    }

    /// The pieces to be stored, and whether they take the place of those that are.
    pub fn pieces(&self, ended: bool) -> (bool, Vec<Piece>) {
        let most = if ended { MOST_PIECES_AT_END } else { MOST_PIECES };
        let nothing_new = self.new.is_empty() && !ended;
        // Displays stand where they stood among what is kept, not among what was drawn over.
        let drawn_over = ended && self.output.place() != self.output.total();
        if !self.rewrite && !drawn_over && (nothing_new || self.stored.0 + self.new.len() <= most) {
            return (false, self.new.clone());
        }
        let gap = (self.output.omitted() > 0).then(|| Piece::Skipped(self.output.omitted()));
        let head = self.output.head().cloned().map(Piece::Text);
        (true, head.chain(gap).chain(self.output.tail().cloned().map(Piece::Text)).collect())
    }

    fn unstored(&self) -> usize {
        if self.rewrite { self.output.memory() } else { self.new.iter().map(Piece::bytes).sum() }
    }

    fn stored(&mut self) {
        let (rewritten, pieces) = self.pieces(false);
        let before = if rewritten { (0, 0) } else { self.stored };
        let bytes: usize = pieces.iter().map(Piece::bytes).sum();
        self.stored = (before.0 + pieces.len(), before.1 + bytes);
        self.rewrite = false;
        self.new = Vec::new();
    }

    /// As it is read from the database.
    pub fn restored(output: Output, pieces: usize, bytes: usize) -> Self {
        Self { output, stored: (pieces, bytes), ..Self::default() }
    }
}

impl Piece {
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(segment) => segment.text.len(),
            Self::Skipped(_) => 0,
        }
    }
}

impl OpenSnippet {
    pub fn status(&self) -> Status {
        match (&self.ended, self.started) {
            (Some((_, outcome)), _) => outcome.status,
            (None, Some(_)) => Status::Running,
            (None, None) => Status::Queued,
        }
    }
}
