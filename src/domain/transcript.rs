//! The transcript: the state of a session, built from its events. The actor has one, and so has each view of the
//! session.

pub mod bounds;
mod entries;
mod entry;
mod open_work;
mod packed;
mod places;
pub mod shortening;
mod taken;
mod taken_back;

use std::sync::Arc;

use bounds::Bounds;
pub use entries::Entries;
pub use entry::{Client, Entry};
use places::Places;
pub use taken::TakenNames;

use super::{
    Author, BusyTask, ClientId, Display, Event, Gate, Inquiry, Outcome, Output, Replay, Restart, Review, SafePoint,
    Snippet, SnippetId, Status, Stream, Timestamp, UndoableNames, VariableTable,
};

/// Displays kept of one snippet; the oldest are dropped.
const MAX_DISPLAYS_OF_SNIPPET: usize = 500;
/// The last answers to risks that are kept of one snippet.
const MAX_ANSWERED_RISKS: usize = 50;
/// Entries among which a display is found by its id.
const MAX_SEARCHED: usize = 1_000;

#[derive(Clone, Debug, Default)]
pub struct Transcript {
    entries: Entries,
    bounds: Bounds,
    places: Places,
    queue: Vec<SnippetId>,
    running: Option<SnippetId>,
    last_finished: Option<SnippetId>,
    busy: Option<BusyTask>,
    clients: Vec<Client>,
    variables: Arc<VariableTable>,
    undoable: Arc<UndoableNames>,
    safe_points: Arc<[SafePoint]>,
    taken: TakenNames,
    inquiries: Vec<Arc<Inquiry>>,
    notice: Option<Arc<str>>,
    last_restart: Option<(Arc<Restart>, Timestamp)>,
    replay: Option<Arc<Replay>>,
    gate: Option<Arc<Gate>>,
    /// The snippet of each risk that waits for the person.
    at_risk: Vec<SnippetId>,
}

impl Transcript {
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Submitted { snippet, author, code, at, .. } => self.submit(*snippet, author, code, *at),
            Event::Replayed { snippet, of } => {
                if let Some(snippet) = self.snippet_mut(*snippet) {
                    snippet.replay_of = Some(*of);
                }
            }
            Event::Replay(replay) => self.replay = Some(replay.clone()),
            Event::Titled { snippet, title } => {
                if let Some(snippet) = self.snippet_mut(*snippet) {
                    snippet.title = Some(title.clone());
                }
            }
            Event::Review { snippet, review, code } => self.review(*snippet, review, code.as_ref()),
            Event::GateChanged { gate, .. } => {
                let before = self.gate.replace(gate.clone()).unwrap_or_default();
                self.taken.follow_locks(&before, gate);
            }
            Event::MovedToFront { snippet } => {
                if let Some(place) = self.queue.iter().position(|id| id == snippet) {
                    self.queue[..=place].rotate_right(1);
                    self.overtake(1..place + 1);
                }
            }
            Event::Started { snippet, at } => {
                if self.gate.as_ref().is_some_and(|gate| gate.takeover.is_some()) {
                    self.overtake(0..self.queue.iter().position(|id| id == snippet).unwrap_or(0));
                }
                self.queue.retain(|id| id != snippet);
                self.running = Some(*snippet);
                if let Some(snippet) = self.snippet_mut(*snippet) {
                    snippet.status = Status::Running;
                    snippet.started_at = Some(*at);
                }
            }
            Event::Output { snippet: Some(id), chunk, .. } => {
                if let Some(index) = self.position(*id) {
                    self.bounds.change_output(&mut self.entries, index, |output| output.push(chunk));
                }
            }
            Event::Output { snippet: None, chunk, at } => {
                if !matches!(self.entries.last(), Some(Entry::Background { .. })) {
                    self.entries.push(Entry::Background { output: Output::default(), at: *at });
                }
                let last = self.entries.len() - 1;
                self.bounds.change_output(&mut self.entries, last, |output| output.push(chunk));
            }
            Event::Displayed { snippet, display, replaces, .. } => self.display(*snippet, display, *replaces),
            Event::DisplaysCleared { snippet } => {
                if let Some(snippet) = self.snippet_mut(*snippet) {
                    let gone: usize = snippet.displays.drain(..).map(|display| display.bytes_kept()).sum();
                    self.bounds.displays -= gone;
                }
            }
            Event::Effects { snippet: id, effects } => {
                let Some(snippet) = self.snippet_mut(*id) else { return };
                let before = std::mem::replace(&mut snippet.effects, effects.clone()).size();
                if self.is_counted(*id) {
                    self.bounds.change_effects(&mut self.entries, before, effects.size());
                }
            }
            Event::RiskAsked { snippet: id, request } => {
                if let Some(snippet) = self.snippet_mut(*id) {
                    snippet.risks.get_or_insert_default().open.push(request.clone());
                    self.at_risk.push(*id);
                }
            }
            Event::RiskAnswered { snippet, answered } => {
                self.end_risk(*snippet, answered.request.number);
                if let Some(snippet) = self.snippet_mut(*snippet) {
                    let answers = &mut snippet.risks.get_or_insert_default().answered;
                    answers.push(answered.clone());
                    if answers.len() > MAX_ANSWERED_RISKS {
                        answers.remove(0);
                    }
                }
            }
            Event::RiskWithdrawn { snippet, number } => self.end_risk(*snippet, *number),
            Event::Stuck { snippet, stuck } => {
                if let Some(snippet) = self.snippet_mut(*snippet) {
                    snippet.stuck.clone_from(stuck);
                }
            }
            Event::Busy(busy) => self.busy = *busy,
            Event::InputRequested { snippet: id, request } => {
                if let Some(snippet) = self.snippet_mut(*id) {
                    snippet.input = Some(request.clone());
                }
            }
            Event::InputAnswered { snippet, text, .. } => self.answer_input(*snippet, text.as_deref()),
            Event::InputWithdrawn { snippet: id, .. } => {
                if let Some(snippet) = self.snippet_mut(*id) {
                    snippet.input = None;
                }
            }
            Event::Finished { snippet, outcome, at } => self.finish(*snippet, outcome, *at),
            Event::Variables(table) => self.variables = table.clone(),
            Event::Undoable(names) => self.undoable = names.clone(),
            Event::SafePoints(points) => self.safe_points = points.clone(),
            Event::PutBack { names } => self.taken.put_back(names),
            Event::ClientJoined { client, name, pid, at } => self.clients.push(Client {
                id: *client,
                name: name.clone(),
                pid: *pid,
                joined_at: *at,
                last_active: *at,
                runs: 0,
            }),
            Event::ClientNamed { client, name } => {
                if let Some(client) = self.client_mut(*client) {
                    client.name = name.clone();
                }
            }
            Event::ClientLeft { client, .. } => self.clients.retain(|c| c.id != *client),
            Event::Reset { by, report, at } => {
                self.last_finished = None;
                self.safe_points = Arc::default();
                self.taken.clear();
                self.entries.push(Entry::Reset { by: by.clone(), report: report.clone(), at: *at });
            }
            Event::Restarted { restart, at } => self.restart(restart, *at),
            Event::Noted { note, at } => self.entries.push(Entry::Note { note: note.clone(), at: *at }),
            Event::Inquired(inquiry) => self.inquiries.push(inquiry.clone()),
            Event::InquiryEnded { number } => self.inquiries.retain(|inquiry| inquiry.number != *number),
            Event::Notice { text, .. } => self.notice = Some(text.clone()),
            Event::Ending => {}
        }
    }

    fn submit(&mut self, id: SnippetId, author: &Author, code: &Arc<str>, at: Timestamp) {
        if let Author::Client { id, .. } = author
            && let Some(client) = self.client_mut(*id)
        {
            client.runs += 1;
            client.last_active = at;
        }
        self.places.add(id, self.entries.len());
        self.queue.push(id);
        self.entries.push(Entry::Snippet(Snippet::queued(id, author.clone(), code.clone(), at)));
        self.bounds.add_code(&mut self.entries, code.len());
        self.entries.pack(|places, entries| self.bounds.leave(places, entries));
    }

    fn review(&mut self, id: SnippetId, review: &Arc<Review>, code: Option<&Arc<str>>) {
        let Some(snippet) = self.snippet_mut(id) else { return };
        snippet.review = Some(review.clone());
        if let Some(code) = code {
            let before = std::mem::replace(&mut snippet.code, code.clone()).len();
            if self.is_counted(id) {
                self.bounds.change_code(before, code.len());
            }
        }
    }

    /// Notes that snippets at these places of the queue are not the next, although they came first.
    fn overtake(&mut self, places: std::ops::Range<usize>) {
        let ids: Vec<SnippetId> = self.queue.get(places).unwrap_or_default().to_vec();
        for id in ids {
            if let Some(snippet) = self.snippet_mut(id) {
                snippet.overtaken = true;
            }
        }
    }

    fn end_risk(&mut self, id: SnippetId, number: u32) {
        let Some(risks) = self.snippet_mut(id).and_then(|snippet| snippet.risks.as_mut()) else { return };
        let before = risks.open.len();
        risks.open.retain(|request| request.number != number);
        if risks.open.len() < before
            && let Some(place) = self.at_risk.iter().position(|at_risk| *at_risk == id)
        {
            self.at_risk.remove(place);
        }
    }

    fn answer_input(&mut self, id: SnippetId, text: Option<&str>) {
        let Some(snippet) = self.snippet_mut(id) else { return };
        if snippet.input.take().is_none() {
            return;
        }
        // A terminal echoes the answer, so the next output begins on a new line.
        let echo = format!("{}\n", text.unwrap_or_default());
        if let Some(index) = self.position(id) {
            self.bounds.change_output(&mut self.entries, index, |output| {
                output.push_text(output.last_stream().unwrap_or(Stream::Stdout), &echo);
            });
        }
    }

    fn finish(&mut self, id: SnippetId, outcome: &Arc<Outcome>, at: Timestamp) {
        self.queue.retain(|queued| *queued != id);
        if self.running == Some(id) {
            self.running = None;
            self.last_finished = Some(id);
        }
        let Some(snippet) = self.snippet_mut(id) else { return };
        snippet.status = outcome.status;
        snippet.stuck = None;
        snippet.input = None;
        snippet.outcome = Some(outcome.clone());
        snippet.output.fit();
        let author = snippet.author.clone();
        self.taken.finish(id, &author, outcome);
        if let Author::Client { id, .. } = author
            && let Some(client) = self.client_mut(id)
        {
            client.last_active = at;
        }
        if self.is_counted(id) {
            self.bounds.add_outcome(&mut self.entries, outcome.size());
        }
    }

    fn display(&mut self, id: SnippetId, display: &Arc<Display>, replaces: bool) {
        let Some(snippet) = self.snippet_mut(id) else { return };
        let mut gone = 0;
        let same = |shown: &&mut Arc<Display>| replaces && display.id.is_some() && shown.id == display.id;
        if let Some(shown) = snippet.displays.iter_mut().find(same) {
            gone += shown.bytes_kept();
            *shown = Arc::new(Display { after: shown.after, ..(**display).clone() });
        } else {
            snippet.displays.push(display.clone());
            snippet.output.divide();
            if snippet.displays.len() > MAX_DISPLAYS_OF_SNIPPET {
                gone += snippet.displays.remove(0).bytes_kept();
                snippet.displays_dropped += 1;
            }
        }
        self.bounds.displays = self.bounds.displays + display.bytes_kept() - gone;
        let index = self.position(id).unwrap_or_default();
        self.bounds.displays_from = self.bounds.displays_from.min(index);
        self.bounds.drop_old_displays(&mut self.entries);
    }

    /// Returns all entries, oldest first. Entries are only ever appended.
    #[must_use]
    pub fn entries(&self) -> &Entries {
        &self.entries
    }

    #[must_use]
    pub fn snippet(&self, id: SnippetId) -> Option<&Snippet> {
        match self.entries.get(self.places.get(id)?)? {
            Entry::Snippet(snippet) => Some(snippet),
            _ => None,
        }
    }

    /// Returns whether there is a snippet with this number.
    #[must_use]
    pub fn has_snippet(&self, id: SnippetId) -> bool {
        self.places.get(id).is_some()
    }

    /// Returns the highest number of a snippet.
    #[must_use]
    pub fn last_snippet(&self) -> Option<SnippetId> {
        self.places.last()
    }

    /// Returns the last snippet that shows a display of this id, among the last entries.
    #[must_use]
    pub fn with_display(&self, id: &str) -> Option<&Snippet> {
        let has_id = |display: &Arc<Display>| display.id.as_deref() == Some(id);
        self.entries.iter().rev().take(MAX_SEARCHED).find_map(|entry| match entry {
            Entry::Snippet(snippet) if snippet.displays.iter().any(has_id) => Some(snippet),
            _ => None,
        })
    }

    /// Returns the index in [`Transcript::entries`].
    #[must_use]
    pub fn position(&self, id: SnippetId) -> Option<usize> {
        self.places.get(id)
    }

    /// Forgets what readers have unpacked of old entries, if that is much.
    pub fn forget_unpacked(&mut self) {
        self.entries.forget_unpacked();
    }

    fn snippet_mut(&mut self, id: SnippetId) -> Option<&mut Snippet> {
        match self.entries.get_mut(self.places.get(id)?)? {
            Entry::Snippet(snippet) => Some(snippet),
            _ => None,
        }
    }

    /// Returns whether the bounds count a snippet, which is not so for packed ones.
    fn is_counted(&self, id: SnippetId) -> bool {
        self.position(id).is_some_and(|place| place >= self.entries.packed_len())
    }

    fn client_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        self.clients.iter_mut().find(|client| client.id == id)
    }

    /// Returns the gate as it is now.
    #[must_use]
    pub fn gate(&self) -> Arc<Gate> {
        self.gate.clone().unwrap_or_default()
    }

    /// Returns the gate if it was ever changed.
    #[must_use]
    pub fn known_gate(&self) -> Option<&Arc<Gate>> {
        self.gate.as_ref()
    }

    /// Returns the snippet that ended last, unless a reset came after it.
    #[must_use]
    pub fn last_finished(&self) -> Option<&Snippet> {
        self.snippet(self.last_finished?)
    }

    #[must_use]
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// Returns the names of the clients that are connected.
    #[must_use]
    pub fn connected_names(&self) -> Vec<Arc<str>> {
        self.clients.iter().map(|client| client.name.clone()).collect()
    }

    /// Returns the open questions of clients, oldest first.
    #[must_use]
    pub fn inquiries(&self) -> &[Arc<Inquiry>] {
        &self.inquiries
    }

    /// Returns the last notice about the session itself.
    #[must_use]
    pub fn notice(&self) -> Option<&Arc<str>> {
        self.notice.as_ref()
    }

    /// Returns the last replay that this process was asked for.
    #[must_use]
    pub fn replay(&self) -> Option<&Arc<Replay>> {
        self.replay.as_ref()
    }

    /// Returns the last restart, and its time.
    #[must_use]
    pub fn last_restart(&self) -> Option<&(Arc<Restart>, Timestamp)> {
        self.last_restart.as_ref()
    }

    #[must_use]
    pub fn variables(&self) -> &Arc<VariableTable> {
        &self.variables
    }

    /// Returns the names that can be put back, by the snippets that have rebound or deleted them.
    #[must_use]
    pub fn undoable(&self) -> &Arc<UndoableNames> {
        &self.undoable
    }

    /// Returns the safe points that Python can go back to, the newest last.
    #[must_use]
    pub fn safe_points(&self) -> &[SafePoint] {
        &self.safe_points
    }

    #[must_use]
    pub fn taken(&self) -> &TakenNames {
        &self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Form;

    #[test]
    fn the_oldest_displays_lose_their_bytes_and_replaced_ones_are_removed() {
        let mut transcript = Transcript::default();
        let mut show = |snippet: u32, id: Option<&str>, size: usize| {
            let display =
                Display { after: 0, id: id.map(Into::into), forms: vec![Form::new("image/png", vec![1; size])] };
            let (snippet, display) = (SnippetId(snippet), Arc::new(display));
            if transcript.snippet(snippet).is_none() {
                transcript.apply(&Event::Submitted {
                    snippet,
                    author: Author::You,
                    code: "".into(),
                    call: None,
                    at: 0,
                });
            }
            transcript.apply(&Event::Displayed { snippet, display, replaces: id.is_some(), at: 0 });
            let shown = transcript.snippet(SnippetId(1)).map(|snippet| snippet.displays.clone()).unwrap_or_default();
            assert!(transcript.bounds.displays <= bounds::MAX_DISPLAYS);
            shown.iter().map(|display| display.bytes_kept() >> 19).collect::<Vec<_>>()
        };
        for _ in 0..10 {
            show(1, Some("same"), 16 << 19);
        }
        assert_eq!(show(1, None, 8 << 19), [16, 8]);
        assert_eq!(show(2, None, 16 << 19), [16, 8]);
        assert_eq!(show(2, None, 30 << 19), [0, 8]);
        assert_eq!(show(3, None, 16 << 19), [0, 0]);
        // A thread displays late.
        assert_eq!(show(1, None, 1 << 19), [0, 0, 1]);
        for _ in 0..MAX_DISPLAYS_OF_SNIPPET {
            show(4, None, 100);
        }
        assert_eq!(show(4, None, 100), [0, 0, 1]);
        let four = transcript.snippet(SnippetId(4)).unwrap();
        assert_eq!((four.displays.len(), four.numbered_displays().next().unwrap().0), (MAX_DISPLAYS_OF_SNIPPET, 2));
        transcript.apply(&Event::DisplaysCleared { snippet: SnippetId(1) });
        assert_eq!(transcript.bounds.displays, (62 << 19) + MAX_DISPLAYS_OF_SNIPPET * 100);
    }
}
