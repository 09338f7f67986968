//! Events folded into the rows that the database lacks. Nothing here fails or waits. After a failed write, the same
//! changes are written again with those that came since.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frame::{IntakeFrame, SessionMeta};
use crate::domain::flight_recorder::Losses;
use crate::domain::{
    Author, CallId, Display, Event, Outcome, Output, OutputChunk, Review, Segment, SideEffects, SnippetId, Status,
    Stream, Timestamp,
};

/// The most pieces of a running snippet's output in the database. Then they are merged.
const MAX_PIECES: usize = 64;
/// The same for a snippet that has ended.
const MAX_PIECES_AT_END: usize = 8;
/// The most bytes of output pieces.
const MAX_STORED_BYTES: usize = 2 * (Output::HEAD + Output::TAIL);

/// Output that the database lacks.
#[derive(Debug, Default)]
pub struct OutputChanges {
    /// All output, bounded.
    pub output: Output,
    /// The pieces since the last store.
    pub new: Vec<OutputPiece>,
    /// The number of pieces and bytes in the database.
    pub stored: (usize, usize),
    /// All output must be stored again.
    pub rewrite: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputPiece {
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
    /// `None` if it has not changed since its row was loaded.
    pub review: Option<Arc<Review>>,
    /// `None` if the snippet had none since its row was loaded.
    pub effects: Option<Arc<SideEffects>>,
    pub output_changes: OutputChanges,
    /// The row of the snippet must be stored.
    pub dirty: bool,
}

/// Output that came while nothing ran, since the last other entry.
#[derive(Debug)]
pub struct BackgroundChanges {
    /// The places of its first and last piece.
    pub places: (i64, i64),
    pub output_changes: OutputChanges,
}

/// A display, or (`display: None`) the removal of all displays of the snippet.
#[derive(Debug)]
pub struct DisplayChange {
    pub snippet: SnippetId,
    pub place: i64,
    pub at: Timestamp,
    pub display: Option<Arc<Display>>,
    pub replaces: bool,
}

/// The changes to a session that the database lacks.
#[derive(Debug, Default)]
pub struct PendingChanges {
    pub meta: Option<SessionMeta>,
    /// The row of the session must be stored.
    pub dirty: bool,
    /// The last place given. Places order all rows.
    pub next_place: i64,
    pub active: Timestamp,
    /// The end of a session that ended in good order.
    pub ended: Option<Timestamp>,
    pub missed: Losses,
    pub open: BTreeMap<u32, OpenSnippet>,
    pub background: Vec<BackgroundChanges>,
    pub displays: Vec<DisplayChange>,
    /// The effects of snippets that had ended before.
    pub late_effects: BTreeMap<u32, Arc<SideEffects>>,
    pub marks: Vec<(i64, Event)>,
}

impl PendingChanges {
    /// Returns the memory that waits to be stored, roughly and in bytes.
    pub fn memory(&self) -> usize {
        let written = self
            .open
            .values()
            .map(|open| &open.output_changes)
            .chain(self.background.iter().map(|b| &b.output_changes));
        let shown = self.displays.iter().filter_map(|shown| shown.display.as_ref());
        written.map(OutputChanges::memory).sum::<usize>()
            + self.open.values().filter(|open| open.dirty).map(|open| open.code.len()).sum::<usize>()
            + self.late_effects.values().map(|effects| effects.size()).sum::<usize>()
            + shown.map(|display| display.bytes_kept()).sum::<usize>()
            + self.marks.len() * 256
    }

    pub fn apply(&mut self, frame: IntakeFrame) {
        match frame {
            IntakeFrame::Session(meta) => {
                self.dirty |= self.meta.as_ref() != Some(&meta);
                self.active = self.active.max(meta.started_at);
                self.ended = None;
                self.meta = Some(meta);
            }
            IntakeFrame::Missed(losses) => {
                self.missed = self.missed.plus(losses);
                self.dirty = true;
            }
            IntakeFrame::Event(event) => self.event(event),
        }
    }

    fn take_place(&mut self) -> i64 {
        self.next_place += 1;
        self.next_place
    }

    fn event(&mut self, event: Event) {
        self.dirty = true;
        match event {
            Event::Submitted { snippet, author, code, call, at } => {
                self.touch(at);
                let place = self.take_place();
                self.open.insert(snippet.0, OpenSnippet::new(snippet, place, author, code, call, at));
            }
            Event::Review { snippet, review, code } => {
                if let Some(open) = self.open.get_mut(&snippet.0) {
                    open.review = Some(review);
                    open.code = code.unwrap_or_else(|| open.code.clone());
                    open.dirty = true;
                }
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
                    open.output_changes.push(&chunk);
                }
            }
            Event::Output { snippet: None, chunk, at } => {
                self.touch(at);
                self.background_output(&chunk);
            }
            Event::Displayed { snippet, display, replaces, at } => {
                self.touch(at);
                let place = self.take_place();
                if let Some(open) = self.open.get_mut(&snippet.0)
                    && !replaces
                {
                    open.output_changes.output.divide();
                }
                self.displays.push(DisplayChange { snippet, place, at, display: Some(display), replaces });
            }
            Event::DisplaysCleared { snippet } => {
                let (place, at) = (self.take_place(), self.active);
                self.displays.push(DisplayChange { snippet, place, at, display: None, replaces: true });
            }
            Event::Effects { snippet, effects } => match self.open.get_mut(&snippet.0) {
                Some(open) => {
                    open.effects = Some(effects);
                    open.dirty = true;
                }
                None => drop(self.late_effects.insert(snippet.0, effects)),
            },
            Event::InputRequested { snippet, request } => {
                self.touch(request.at);
                self.mark(Event::InputRequested { snippet, request });
            }
            Event::InputAnswered { snippet, by, text, at } => {
                self.touch(at);
                self.echo_answer(snippet, text.as_deref());
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
            | Event::Busy(_)
            | Event::Replay(_)
            | Event::Inquired(_)
            | Event::InquiryEnded { .. }
            | Event::RiskAsked { .. }
            | Event::RiskWithdrawn { .. }
            | Event::Undoable(_)
            | Event::SafePoints(_)
            | Event::PutBack { .. }
            | Event::Notice { .. } => {}
            // A process that takes over restores the clients from these.
            Event::ClientJoined { .. }
            | Event::ClientNamed { .. }
            | Event::ClientLeft { .. }
            | Event::Titled { .. }
            | Event::MovedToFront { .. }
            | Event::RiskAnswered { .. }
            | Event::Replayed { .. } => self.mark(event),
            // Events that are entries of the transcript, or hold on in it.
            Event::Reset { at, .. }
            | Event::Restarted { at, .. }
            | Event::Noted { at, .. }
            | Event::GateChanged { at, .. } => {
                self.touch(at);
                self.mark(event);
            }
        }
    }

    fn background_output(&mut self, chunk: &OutputChunk) {
        let place = self.take_place();
        // After another entry, new output begins another background entry.
        if let Some(last) = self.background.last_mut().filter(|last| last.places.1 + 1 == place) {
            last.places.1 = place;
            last.output_changes.push(chunk);
        } else {
            let mut output_changes = OutputChanges::default();
            output_changes.push(chunk);
            self.background.push(BackgroundChanges { places: (place, place), output_changes });
        }
    }

    /// Echoes an answer in the output, as the transcript does.
    fn echo_answer(&mut self, snippet: SnippetId, text: Option<&str>) {
        if let Some(open) = self.open.get_mut(&snippet.0) {
            let stream = open.output_changes.output.last_stream().unwrap_or(Stream::Stdout);
            open.output_changes.push(&OutputChunk::of(stream, format!("{}\n", text.unwrap_or_default())));
        }
    }

    fn mark(&mut self, event: Event) {
        let place = self.take_place();
        self.marks.push((place, event));
    }

    fn touch(&mut self, at: Timestamp) {
        self.active = self.active.max(at);
    }

    /// Notes that everything has been stored.
    pub fn mark_stored(&mut self) {
        self.dirty = false;
        self.missed = Losses::default();
        self.displays.clear();
        self.late_effects.clear();
        self.marks.clear();
        self.open.retain(|_, open| {
            open.dirty = false;
            open.output_changes.mark_stored();
            open.ended.is_none()
        });
        // Only the last background entry can grow.
        let last = self.background.pop();
        self.background.clear();
        self.background.extend(last);
        self.background.iter_mut().for_each(|background| background.output_changes.mark_stored());
    }

    /// Marks everything to be stored again, in another database.
    pub fn mark_unstored(&mut self) {
        self.dirty = true;
        for open in self.open.values_mut() {
            open.dirty = true;
            open.output_changes.rewrite = true;
        }
        self.background.iter_mut().for_each(|background| background.output_changes.rewrite = true);
    }
}

impl OutputChanges {
    fn push(&mut self, chunk: &OutputChunk) {
        self.output.push(chunk);
        if self.rewrite {
            return;
        }
        let skipped = (chunk.skipped > 0).then_some(OutputPiece::Skipped(chunk.skipped));
        let text = |segments: &[Segment]| segments.iter().cloned().map(OutputPiece::Text).collect::<Vec<_>>();
        for piece in text(&chunk.head).into_iter().chain(skipped).chain(text(&chunk.tail)) {
            match (self.new.last_mut(), piece) {
                (Some(OutputPiece::Text(last)), OutputPiece::Text(next)) if last.stream == next.stream => {
                    last.text.push_str(&next.text);
                }
                (_, piece) => self.new.push(piece),
            }
        }
        // Beyond the bound, all output is stored again instead.
        let bytes: usize = self.new.iter().map(OutputPiece::bytes).sum();
        if self.stored.1 + bytes > MAX_STORED_BYTES || self.new.len() > MAX_PIECES {
            self.rewrite = true;
            self.new = Vec::new();
        }
    }

    /// Returns the pieces to store, and whether they replace the stored ones.
    pub fn pieces(&self, ended: bool) -> (bool, Vec<OutputPiece>) {
        let max = if ended { MAX_PIECES_AT_END } else { MAX_PIECES };
        let nothing_new = self.new.is_empty() && !ended;
        // Positions of displays count the kept output, so overwritten output must go as well.
        let drawn_over = ended && self.output.position() != self.output.total();
        if !self.rewrite && !drawn_over && (nothing_new || self.stored.0 + self.new.len() <= max) {
            return (false, self.new.clone());
        }
        let gap = (self.output.omitted() > 0).then(|| OutputPiece::Skipped(self.output.omitted()));
        let head = self.output.head().cloned().map(OutputPiece::Text);
        (true, head.chain(gap).chain(self.output.tail().cloned().map(OutputPiece::Text)).collect())
    }

    fn memory(&self) -> usize {
        if self.rewrite { self.output.memory() } else { self.new.iter().map(OutputPiece::bytes).sum() }
    }

    fn mark_stored(&mut self) {
        let (rewritten, pieces) = self.pieces(false);
        let before = if rewritten { (0, 0) } else { self.stored };
        let bytes: usize = pieces.iter().map(OutputPiece::bytes).sum();
        self.stored = (before.0 + pieces.len(), before.1 + bytes);
        self.rewrite = false;
        self.new = Vec::new();
    }

    /// The output of a snippet that the database has.
    pub fn restored(output: Output, pieces: usize, bytes: usize) -> Self {
        Self { output, stored: (pieces, bytes), ..Self::default() }
    }
}

impl OutputPiece {
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(segment) => segment.text.len(),
            Self::Skipped(_) => 0,
        }
    }
}

impl OpenSnippet {
    fn new(
        id: SnippetId,
        place: i64,
        author: Author,
        code: Arc<str>,
        call: Option<CallId>,
        submitted: Timestamp,
    ) -> Self {
        Self {
            id,
            place,
            author,
            code,
            call,
            submitted,
            started: None,
            ended: None,
            review: None,
            effects: None,
            output_changes: OutputChanges::default(),
            dirty: true,
        }
    }

    pub fn status(&self) -> Status {
        match (&self.ended, self.started) {
            (Some((_, outcome)), _) => outcome.status,
            (None, Some(_)) => Status::Running,
            (None, None) => Status::Queued,
        }
    }
}
