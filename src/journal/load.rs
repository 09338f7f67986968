//! Loading of a session from the database, as a stream: memory holds one entry at a time, and only the ends of old
//! outputs are read.

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB, OptionalExtension};

use super::pending::PendingEvents;
use super::reader::{JournalReader, SessionEnd, SessionSummary, recover_dead_sessions};
use super::schema::JournalError;
use super::{intake, retention, store};
use crate::domain::transcript::bounds;
use crate::domain::transcript::shortening::OLD_OUTPUT_ENDS;
use crate::domain::{
    Client, Display, Entry, Event, Form, Outcome, OutputChunk, Segment, Snippet, SnippetId, Status, Stream, Timestamp,
    Transcript,
};
use crate::session::discovery::status::SessionStatus;
use crate::session::{self, CallSnippets, SessionId};

/// A recorded session: all of the newest entries, and the ends of the older ones.
#[derive(Clone, Debug)]
pub struct RecordedSession {
    pub session: SessionSummary,
    /// The transcript as recorded. Snippets without a recorded end are queued or running.
    pub transcript: Transcript,
    /// The clients that were connected when the last process ended.
    pub former: Vec<Client>,
    /// The snippets that calls have submitted.
    pub calls: CallSnippets,
}

impl RecordedSession {
    /// A record without events.
    pub(super) fn of(session: SessionSummary) -> Self {
        Self { session, transcript: Transcript::default(), former: Vec::new(), calls: CallSnippets::default() }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        self.transcript.apply(event);
        session::remember_client(&mut self.former, event);
        if let Event::Submitted { call: Some(call), snippet, .. } = event {
            self.calls.insert(*call, *snippet);
        }
    }

    /// Returns the snippets without an end, oldest first, and whether they had begun.
    #[must_use]
    pub fn unfinished(&self) -> Vec<(SnippetId, bool)> {
        let open = |entry: &Entry| match entry {
            Entry::Snippet(snippet) if !snippet.status.is_final() => {
                Some((snippet.id, snippet.status == Status::Running))
            }
            _ => None,
        };
        self.transcript.entries().loose().filter_map(open).collect()
    }

    /// Ends all unfinished snippets: `how` interrupted those that ran, and cancelled those that waited.
    pub fn end_unfinished(&mut self, how: &str) {
        self.end(self.unfinished(), how);
    }

    /// Ends the snippets of a running session whose end was not recorded: those before the one that `live` says is
    /// running, or all if nothing runs or waits. `live` is older than this record.
    pub fn end_unrecorded(&mut self, live: Option<&SessionStatus>) {
        let open = self.unfinished();
        let begun = open.iter().filter(|(_, began)| *began).map(|(snippet, _)| snippet.0).max();
        let below = match live {
            Some(SessionStatus { running: None, queued: 0, snippets, .. }) => snippets.saturating_add(1),
            Some(SessionStatus { running: Some(running), .. }) => *running,
            _ => begun.unwrap_or(0),
        };
        let awaits_its_turn = |id| self.transcript.snippet(id).is_some_and(Snippet::awaits_its_turn);
        let over = open.into_iter().filter(|(snippet, _)| snippet.0 < below && !awaits_its_turn(*snippet)).collect();
        self.end(over, Outcome::UNRECORDED);
    }

    fn end(&mut self, open: Vec<(SnippetId, bool)>, how: &str) {
        let at = self.session.last_active;
        for (snippet, began) in open {
            let outcome = Outcome {
                status: if began { Status::Interrupted } else { Status::Cancelled },
                returncode: 130,
                result: None,
                frame: None,
                frames: Vec::new(),
                error: None,
                stopped_by: Some(how.to_owned()),
                elapsed: Duration::ZERO,
                changes: crate::domain::VariableChanges::default(),
            };
            self.transcript.apply(&Event::Finished { snippet, outcome: outcome.into(), at });
        }
    }
}

/// The sort key of a row: its place in the transcript, its kind, and its row id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryKey {
    pub place: i64,
    pub kind: RowKind,
    pub row: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum RowKind {
    Snippet,
    Background,
    Mark,
}

/// Where old entries end. Of them only the ends of outputs are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OldFrom {
    /// Outputs of snippets before this place are old.
    pub output: i64,
    /// Background output before this place is old.
    pub background: i64,
    /// Displays of earlier snippets are old, and those of this snippet before the place.
    pub displays: (u32, i64),
}

impl JournalReader {
    /// Loads a session, with its events that are not in the database yet; `None` if there is no session of that id. The
    /// result is bounded like any transcript.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn load(&self, id: &SessionId) -> Result<Option<RecordedSession>, JournalError> {
        self.load_rows(id, &mut |_, _, _| {})
    }

    /// Loads a session. `seen` gets each row, with the transcript after it.
    pub(super) fn load_rows(
        &self,
        id: &SessionId,
        seen: &mut dyn FnMut(RowKind, i64, &Transcript),
    ) -> Result<Option<RecordedSession>, JournalError> {
        let fault = |error: rusqlite::Error| self.fault(&error);
        // Read first: if the session dies meanwhile, its last events may be missing here.
        let lives = retention::is_in_use(self.folder(), id);
        if !intake::is_in_use(self.folder(), id) {
            recover_dead_sessions(self.folder());
        }
        // Opened before the database is read, so that events recovered meanwhile are not lost.
        let intake = PendingEvents::open(self.folder(), id);
        // One snapshot for all reads.
        let moment = self.connection.unchecked_transaction().map_err(fault)?;
        let pending = intake.after(store::position(&self.connection, id).map_err(fault)?.as_ref());
        let known = self.find(id.as_str())?.or_else(|| pending.meta.clone().map(super::pending::summary));
        let Some(mut session) = known else { return Ok(None) };
        pending.add_to(&mut session);
        if lives {
            session.ending = SessionEnd::Running;
        }
        let mut recorded = RecordedSession::of(session);
        self.events(id, |key, event| {
            recorded.apply(&event);
            seen(key.kind, key.row, &recorded.transcript);
        })
        .map_err(fault)?;
        drop(moment);
        pending.events.iter().for_each(|event| recorded.apply(event));
        Ok(Some(recorded))
    }

    /// Emits the events of each entry, in the order of the entries.
    fn events(&self, id: &SessionId, mut each: impl FnMut(EntryKey, Event)) -> rusqlite::Result<()> {
        let Some(session) = row_id(&self.connection, id)? else { return Ok(()) };
        let keys = self.keys(session)?;
        let old = self.old(session)?;
        for key in keys {
            match key.kind {
                RowKind::Snippet => self.snippet(key.row, session, old, &mut |event| each(key, event))?,
                RowKind::Background => {
                    let chunks = if key.place < old.background {
                        self.ends("id = ?1 AND session = ?2", key.row, session)?
                    } else {
                        vec![self.chunk(key.row)?]
                    };
                    for chunk in chunks {
                        each(key, Event::Output { snippet: None, chunk, at: 0 });
                    }
                }
                RowKind::Mark => {
                    let mut select = self.connection.prepare_cached("SELECT event FROM marks WHERE id = ?")?;
                    let text: String = select.query_row([key.row], |row| row.get(0))?;
                    match serde_json::from_str(&text) {
                        // The output contains prompts and answers as they were shown.
                        Ok(Event::InputRequested { .. } | Event::InputAnswered { .. }) | Err(_) => {}
                        Ok(event) => each(key, event),
                    }
                }
            }
        }
        Ok(())
    }

    fn keys(&self, session: i64) -> rusqlite::Result<Vec<EntryKey>> {
        let mut keys = Vec::new();
        for (kind, select) in [
            (RowKind::Snippet, "SELECT place, id FROM snippets WHERE session = ?"),
            (RowKind::Background, "SELECT place, id FROM output WHERE session = ? AND snippet = 0"),
            (RowKind::Mark, "SELECT place, id FROM marks WHERE session = ?"),
        ] {
            let mut select = self.connection.prepare(select)?;
            let rows =
                select.query_map([session], |row| Ok(EntryKey { place: row.get(0)?, kind, row: row.get(1)? }))?;
            for key in rows {
                keys.push(key?);
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Finds the places from which a transcript keeps all output and displays.
    fn old(&self, session: i64) -> rusqlite::Result<OldFrom> {
        let output = |which: &str| -> rusqlite::Result<i64> {
            let mut select = self.connection.prepare(&format!(
                "SELECT place, octet_length(text) FROM output WHERE session = ? AND snippet {which}"
            ))?;
            let mut rows = select.query([session])?;
            let mut total = 0;
            while let Some(row) = rows.next()? {
                total += row.get::<_, i64>(1)? as usize;
                if total > bounds::MAX_OUTPUT {
                    return row.get(0);
                }
            }
            Ok(0)
        };
        let mut old = OldFrom {
            output: output("> 0 ORDER BY snippet DESC, place DESC")?,
            background: output("= 0 ORDER BY place DESC")?,
            ..OldFrom::default()
        };
        let mut select = self.connection.prepare(
            "SELECT snippet, place, length(data) FROM displays WHERE session = ? ORDER BY snippet DESC, place DESC",
        )?;
        let mut rows = select.query([session])?;
        let mut total = 0;
        while let Some(row) = rows.next()? {
            total += row.get::<_, i64>(2)? as usize;
            if total > bounds::MAX_DISPLAYS {
                // The display at this place exceeds the bound.
                old.displays = (row.get(0)?, row.get::<_, i64>(1)? + 1);
                break;
            }
        }
        Ok(old)
    }

    pub(super) fn snippet(
        &self,
        row: i64,
        session: i64,
        old: OldFrom,
        each: &mut dyn FnMut(Event),
    ) -> rusqlite::Result<()> {
        // Most snippets have no rows in other tables, and statements of their own that find none would take long.
        let mut select = self.connection.prepare_cached(
            "SELECT number, place, client, author, code, submitted, started, ended, outcome, call, effects, review,
             EXISTS (SELECT 1 FROM output WHERE output.session = snippets.session AND output.snippet = number),
             EXISTS (SELECT 1 FROM displays WHERE displays.session = snippets.session AND displays.snippet = number)
             FROM snippets WHERE id = ?",
        )?;
        let mut rows = select.query([row])?;
        let Some(row) = rows.next()? else { return Ok(()) };
        let snippet = SnippetId(row.get(0)?);
        let time = |at| row.get::<_, Option<i64>>(at).map(|at| at.map(|at| at as u64));
        let submitted = time(5)?.unwrap_or_default();
        let code = row.get::<_, String>(4)?.into();
        let (author, call) = (store::author(row, 2)?, store::call(row, 9)?);
        each(Event::Submitted { snippet, author, code, call, at: submitted });
        if let Some(review) = store::review(row.get::<_, Option<String>>(11)?.as_deref()) {
            each(Event::Review { snippet, review, code: None });
        }
        let started = time(6)?;
        if let Some(at) = started {
            each(Event::Started { snippet, at });
        }
        let at = started.unwrap_or(submitted);
        let chunks = if !row.get::<_, bool>(12)? {
            Vec::new()
        } else if row.get::<_, i64>(1)? < old.output {
            self.ends("snippet = ?1 AND session = ?2", snippet.0.into(), session)?
        } else {
            store::chunks(&self.connection, session, snippet.0)?
        };
        for chunk in chunks {
            each(Event::Output { snippet: Some(snippet), chunk, at });
        }
        let first = match snippet.0.cmp(&old.displays.0) {
            std::cmp::Ordering::Less => i64::MAX,
            std::cmp::Ordering::Equal => old.displays.1,
            std::cmp::Ordering::Greater => 0,
        };
        if row.get(13)? {
            self.displays(session, snippet, first, each)?;
        }
        if let Some(effects) = store::effects(row.get::<_, Option<String>>(10)?.as_deref()) {
            each(Event::Effects { snippet, effects });
        }
        let outcome = store::outcome(row.get::<_, Option<String>>(8)?.as_deref());
        if let (Some(outcome), Some(at)) = (outcome, time(7)?) {
            each(Event::Finished { snippet, outcome, at });
        }
        Ok(())
    }

    /// Emits the displays of a snippet. Those before the place `from` come without their bytes.
    fn displays(
        &self,
        session: i64,
        snippet: SnippetId,
        from: i64,
        each: &mut dyn FnMut(Event),
    ) -> rusqlite::Result<()> {
        let mut select = self.connection.prepare_cached(
            "SELECT place, at, after, name, mime, size, CASE WHEN place < ?3 THEN x'' ELSE data END FROM displays
             WHERE session = ?1 AND snippet = ?2 ORDER BY place, id",
        )?;
        let mut rows = select.query((session, snippet.0, from))?;
        let mut last: Option<(i64, Timestamp, Display)> = None;
        let mut show = |shown: Option<(i64, Timestamp, Display)>| {
            if let Some((_, at, display)) = shown {
                each(Event::Displayed { snippet, display: Arc::new(display), replaces: false, at });
            }
        };
        while let Some(row) = rows.next()? {
            let place = row.get(0)?;
            let size = row.get::<_, i64>(5)? as u64;
            let form = Form { mime: row.get(4)?, data: row.get::<_, Vec<u8>>(6)?.into(), size };
            if let Some((_, _, display)) = last.as_mut().filter(|(last, _, _)| *last == place) {
                display.forms.push(form);
            } else {
                let id = row.get::<_, Option<String>>(3)?.map(Into::into);
                let display = Display { after: row.get::<_, i64>(2)? as u64, id, forms: vec![form] };
                show(last.replace((place, row.get::<_, i64>(1)? as u64, display)));
            }
        }
        show(last);
        Ok(())
    }

    pub(super) fn chunk(&self, row: i64) -> rusqlite::Result<OutputChunk> {
        let mut select = self.connection.prepare_cached("SELECT stream, text, skipped FROM output WHERE id = ?")?;
        select.query_row([row], store::chunk)
    }

    /// Reads the ends of an output; of the rows between, only the sizes.
    fn ends(&self, which: &str, number: i64, session: i64) -> rusqlite::Result<Vec<OutputChunk>> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT id, stream, octet_length(text), skipped FROM output WHERE {which} ORDER BY place, id"
        ))?;
        let rows = select.query_map((number, session), |row| {
            Ok((row.get(0)?, stream(row.get(1)?), row.get::<_, i64>(2)? as usize, row.get::<_, i64>(3)? as u64))
        })?;
        let rows: Vec<(i64, Stream, usize, u64)> = rows.collect::<Result<_, _>>()?;
        let bytes = rows.iter().map(|(_, _, length, _)| length).sum::<usize>();
        if bytes <= 4 * OLD_OUTPUT_ENDS {
            return rows.iter().map(|(row, ..)| self.chunk(*row)).collect();
        }
        let mut chunk = OutputChunk::default();
        let mut left = OLD_OUTPUT_ENDS;
        for (row, stream, length, skipped) in &rows {
            if left == 0 || *skipped > 0 {
                break;
            }
            let taken = (*length).min(left);
            left -= taken;
            chunk.head.push(Segment { stream: *stream, text: self.piece(*row, 0, taken)? });
        }
        left = OLD_OUTPUT_ENDS;
        for (row, stream, length, skipped) in rows.iter().rev() {
            if left == 0 || *skipped > 0 {
                break;
            }
            let taken = (*length).min(left);
            left -= taken;
            chunk.tail.push(Segment { stream: *stream, text: self.piece(*row, length - taken, taken)? });
        }
        chunk.tail.reverse();
        let read = chunk.head.iter().chain(&chunk.tail).map(|segment| segment.text.len()).sum::<usize>();
        let skipped = rows.iter().map(|(_, _, _, skipped)| skipped).sum::<u64>();
        Ok(vec![OutputChunk { skipped: skipped + (bytes - read) as u64, ..chunk }])
    }

    /// Reads some bytes of a row of output, cut to whole characters.
    fn piece(&self, row: i64, from: usize, length: usize) -> rusqlite::Result<String> {
        if length == 0 {
            return Ok(String::new());
        }
        let mut text = self.connection.blob_open(MAIN_DB, "output", "text", row, true)?;
        let mut bytes = vec![0; length];
        let read = text.seek(SeekFrom::Start(from as u64)).and_then(|_| text.read_exact(&mut bytes));
        if read.is_err() {
            return Ok(String::new());
        }
        let begins = bytes.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
        let bytes = &bytes[begins..];
        let end = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
        Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }
}

fn stream(number: i64) -> Stream {
    if number == 0 { Stream::Stdout } else { Stream::Stderr }
}

/// Returns the session's row id.
pub fn row_id(connection: &Connection, id: &SessionId) -> rusqlite::Result<Option<i64>> {
    connection.query_row("SELECT id FROM sessions WHERE uid = ?", [id.as_str()], |row| row.get(0)).optional()
}
