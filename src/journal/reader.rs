//! Reading the journal again: which sessions there were, and what happened in one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Row};

use super::intake;
use super::recover;
use super::retention;
use super::schema::{self, FILE, Fault};
use super::store;
use super::unstored::{self, Unstored};
use crate::domain::{Display, Event, Form, Outcome, SnippetId, Status, Timestamp, Transcript};
use crate::session::SessionId;
use crate::session::live::Live;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is still in use.
    Running,
    Closed,
    /// Its process was killed, or died by itself.
    Died,
}

/// One session, in few words.
#[derive(Clone, Debug)]
pub struct SessionSummary {
    pub id: SessionId,
    pub name: String,
    pub cwd: PathBuf,
    pub python: PathBuf,
    pub python_version: String,
    pub venv: Option<PathBuf>,
    /// Of its last session process.
    pub pid: u32,
    /// Which start of the machine that was.
    pub boot: String,
    pub started: Timestamp,
    pub last_active: Timestamp,
    pub ending: Ending,
    pub snippets: u32,
    /// Of these, how many ended by an error.
    pub failed: u32,
    /// Who submitted something, the person ("you") included.
    pub authors: Vec<String>,
    /// What it takes in the journal, roughly and in bytes, spools left out.
    pub bytes: u64,
    /// Events that could not be recorded.
    pub missed: u64,
    /// Of these, how many were submissions: snippets of which nothing is known.
    pub lost: u64,
    /// When retention set it aside, where it did.
    pub set_aside: Option<Timestamp>,
}

/// What happened in a session.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub session: SessionSummary,
    /// Folding these gives the transcript as far as it was recorded. What had not ended is queued or running.
    pub events: Vec<Event>,
}

impl Recorded {
    #[must_use]
    pub fn transcript(&self) -> Transcript {
        let mut transcript = Transcript::default();
        self.events.iter().for_each(|event| transcript.apply(event));
        transcript
    }

    /// Snippets that have no end, oldest first, and whether they had begun.
    #[must_use]
    pub fn unfinished(&self) -> Vec<(SnippetId, bool)> {
        let mut open: Vec<(SnippetId, bool)> = Vec::new();
        for event in &self.events {
            match event {
                Event::Submitted { snippet, .. } => open.push((*snippet, false)),
                Event::Started { snippet, .. } => {
                    open.iter_mut().filter(|(id, _)| id == snippet).for_each(|(_, began)| *began = true);
                }
                Event::Finished { snippet, .. } => open.retain(|(id, _)| id != snippet),
                _ => {}
            }
        }
        open
    }

    /// Ends what has no end, for good: what ran was interrupted by `how`, what waited was cancelled by it.
    pub fn end_unfinished(&mut self, how: &str) {
        self.end(self.unfinished(), how);
    }

    /// Ends what a session that runs has done, though that could not be recorded: what comes before the one that `live`
    /// says is running, or all if nothing runs or waits. `live` was told before this was read.
    pub fn end_unrecorded(&mut self, live: Option<&Live>) {
        let open = self.unfinished();
        let begun = open.iter().filter(|(_, began)| *began).map(|(snippet, _)| snippet.0).max();
        let below = match live {
            Some(Live { running: None, queued: 0, snippets, .. }) => snippets.saturating_add(1),
            Some(Live { running: Some(running), .. }) => *running,
            _ => begun.unwrap_or(0),
        };
        let over = open.into_iter().filter(|(snippet, _)| snippet.0 < below).collect();
        self.end(over, "an end that could not be recorded");
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
            self.events.push(Event::Finished { snippet, outcome: outcome.into(), at });
        }
    }
}

/// A connection for reading. Never blocks those who write.
#[derive(Debug)]
pub struct Reader {
    pub(super) connection: Connection,
    path: PathBuf,
    folder: PathBuf,
}

impl Reader {
    /// Opens the journal in `folder`, after it took in what dead sessions left; `None` if there is none yet.
    ///
    /// # Errors
    /// If the journal is there and cannot be read.
    pub fn open(folder: &Path) -> Result<Option<Self>, Fault> {
        take_in(folder);
        let connection = match schema::open_to_read(folder)? {
            Some(connection) => connection,
            None if folder.join(FILE).exists() => schema::open(folder)?,
            None => return Ok(None),
        };
        Ok(Some(Self { connection, path: folder.join(FILE), folder: folder.to_owned() }))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until the journal holds what sessions that run had recorded when this was called: about 100 ms, and never
    /// longer than `limit`.
    pub fn catch_up(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let held = intake::list(&self.folder).unwrap_or_default().into_iter().filter(|(_, path)| intake::is_held(path));
        let written: Vec<_> = held
            .filter_map(|(id, path)| {
                let size = path.metadata().ok()?.len();
                Some((id, path.file_name()?.to_string_lossy().into_owned(), size))
            })
            .collect();
        let is_stored = |(id, file, size): &(SessionId, String, u64)| {
            let stored = store::position(&self.connection, id).ok().flatten();
            stored.is_some_and(|(name, place)| name > *file || (name == *file && place >= *size))
        };
        while !written.iter().all(is_stored) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn fault(&self, error: &rusqlite::Error) -> Fault {
        Fault::of(&self.path, error)
    }

    /// All sessions, the one that was active last first.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn sessions(&self) -> Result<Vec<SessionSummary>, Fault> {
        self.summaries("1", "").map_err(|error| self.fault(&error))
    }

    /// The session of that id, or the last active one of that name.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn find(&self, name_or_id: &str) -> Result<Option<SessionSummary>, Fault> {
        let found = self
            .summaries("uid = ?1", name_or_id)
            .and_then(|found| if found.is_empty() { self.summaries("name = ?1", name_or_id) } else { Ok(found) });
        found.map(|found| found.into_iter().next()).map_err(|error| self.fault(&error))
    }

    fn summaries(&self, condition: &str, value: &str) -> rusqlite::Result<Vec<SessionSummary>> {
        let mut select = self.connection.prepare(&format!(
            "SELECT uid, name, cwd, python, python_version, venv, pid, boot, started, active, ending, bytes, missed,
             (SELECT count(*) FROM snippets WHERE session = s.id),
             (SELECT count(*) FROM snippets WHERE session = s.id AND status = 'error'),
             (SELECT group_concat(author, char(10)) FROM (SELECT DISTINCT author FROM snippets WHERE session = s.id)),
             set_aside, lost
             FROM sessions s WHERE {condition} AND ?1 IS NOT NULL AND (set_aside IS NULL OR set_aside > 0) ORDER BY active DESC, id DESC"
        ))?;
        let rows = select.query_map([value], |row| self.summary(row))?;
        rows.filter_map(Result::transpose).collect()
    }

    fn summary(&self, row: &Row<'_>) -> rusqlite::Result<Option<SessionSummary>> {
        let Some(id) = SessionId::parse(&row.get::<_, String>(0)?) else { return Ok(None) };
        let path = |at| row.get::<_, String>(at).map(PathBuf::from);
        let closed = row.get::<_, Option<String>>(10)?.is_some_and(|ending| ending == "closed");
        let ending = match (retention::in_use(&self.folder, &id), closed) {
            (true, _) => Ending::Running,
            (false, true) => Ending::Closed,
            (false, false) => Ending::Died,
        };
        Ok(Some(SessionSummary {
            id,
            name: row.get(1)?,
            cwd: path(2)?,
            python: path(3)?,
            python_version: row.get(4)?,
            venv: row.get::<_, Option<String>>(5)?.map(PathBuf::from),
            pid: row.get(6)?,
            boot: row.get(7)?,
            started: row.get::<_, i64>(8)? as u64,
            last_active: row.get::<_, i64>(9)? as u64,
            ending,
            bytes: row.get::<_, i64>(11)? as u64,
            missed: row.get::<_, i64>(12)? as u64,
            snippets: row.get(13)?,
            failed: row.get(14)?,
            authors: row
                .get::<_, Option<String>>(15)?
                .map(|authors| authors.lines().map(str::to_owned).collect())
                .unwrap_or_default(),
            set_aside: row.get::<_, Option<i64>>(16)?.map(|at| at as u64),
            lost: row.get::<_, i64>(17)? as u64,
        }))
    }

    /// All that was recorded of a session, what could not be put into the database included; `None` if there is none
    /// of that id.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn load(&self, id: &SessionId) -> Result<Option<Recorded>, Fault> {
        let fault = |error: rusqlite::Error| self.fault(&error);
        // If it dies while this reads, what it left behind is not in here yet.
        let lives = retention::in_use(&self.folder, id);
        if !intake::is_in_use(&self.folder, id) {
            take_in(&self.folder);
        }
        // Before the database is looked at: what is taken in meanwhile counts once.
        let intake = Unstored::open(&self.folder, id);
        // One moment for all that is read.
        let moment = self.connection.unchecked_transaction().map_err(fault)?;
        let told = intake.after(store::position(&self.connection, id).map_err(fault)?.as_ref());
        let known = self.find(id.as_str())?.or_else(|| told.meta.clone().map(unstored::summary));
        let Some(mut session) = known else { return Ok(None) };
        told.join(&mut session);
        if lives {
            session.ending = Ending::Running;
        }
        let mut events = self.events(id).map_err(fault)?;
        drop(moment);
        events.extend(told.events);
        Ok(Some(Recorded { session, events }))
    }

    /// Each entry of the transcript as its events, in the order of the entries.
    fn events(&self, id: &SessionId) -> rusqlite::Result<Vec<Event>> {
        let select = "SELECT id FROM sessions WHERE uid = ?";
        let session: Option<i64> = self.connection.query_row(select, [id.as_str()], |row| row.get(0)).optional()?;
        let Some(session) = session else { return Ok(Vec::new()) };
        let mut entries: Vec<(i64, Vec<Event>)> = Vec::new();
        for (place, events) in self.snippets(session)? {
            entries.push((place, events));
        }
        for (place, chunk) in store::chunks(&self.connection, session, 0)? {
            entries.push((place, vec![Event::Output { snippet: None, chunk, at: 0 }]));
        }
        let mut marks = self.connection.prepare("SELECT place, event FROM marks WHERE session = ? ORDER BY id")?;
        let rows = marks.query_map([session], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        for row in rows {
            let (place, text) = row?;
            match serde_json::from_str(&text) {
                // What was asked and answered stands in the output as it was shown.
                Ok(Event::InputRequested { .. } | Event::InputAnswered { .. }) | Err(_) => {}
                Ok(event) => entries.push((place, vec![event])),
            }
        }
        entries.sort_by_key(|(place, _)| *place);
        Ok(entries.into_iter().flat_map(|(_, events)| events).collect())
    }

    fn snippets(&self, session: i64) -> rusqlite::Result<Vec<(i64, Vec<Event>)>> {
        let mut select = self.connection.prepare(
            "SELECT number, place, client, author, code, submitted, started, ended, outcome FROM snippets
             WHERE session = ? ORDER BY place",
        )?;
        let mut rows = select.query([session])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let snippet = SnippetId(row.get(0)?);
            let time = |at| row.get::<_, Option<i64>>(at).map(|at| at.map(|at| at as u64));
            let submitted = time(5)?.unwrap_or_default();
            let code = row.get::<_, String>(4)?.into();
            let mut events = vec![Event::Submitted { snippet, author: store::author(row, 2)?, code, at: submitted }];
            let started = time(6)?;
            events.extend(started.map(|at| Event::Started { snippet, at }));
            let at = started.unwrap_or(submitted);
            for (_, chunk) in store::chunks(&self.connection, session, snippet.0)? {
                events.push(Event::Output { snippet: Some(snippet), chunk, at });
            }
            events.extend(self.displays(session, snippet)?);
            let outcome = store::outcome(row.get::<_, Option<String>>(8)?.as_deref());
            if let (Some(outcome), Some(at)) = (outcome, time(7)?) {
                events.push(Event::Finished { snippet, outcome, at });
            }
            found.push((row.get(1)?, events));
        }
        Ok(found)
    }

    fn displays(&self, session: i64, snippet: SnippetId) -> rusqlite::Result<Vec<Event>> {
        let mut select = self.connection.prepare_cached(
            "SELECT place, at, after, name, mime, size, data FROM displays WHERE session = ? AND snippet = ?
             ORDER BY place, id",
        )?;
        let mut rows = select.query((session, snippet.0))?;
        let mut shown: Vec<(i64, Timestamp, Display)> = Vec::new();
        while let Some(row) = rows.next()? {
            let place = row.get(0)?;
            let size = row.get::<_, i64>(5)? as u64;
            let form = Form { mime: row.get(4)?, data: row.get::<_, Vec<u8>>(6)?.into(), size };
            if let Some((_, _, display)) = shown.last_mut().filter(|(last, _, _)| *last == place) {
                display.forms.push(form);
            } else {
                let id = row.get::<_, Option<String>>(3)?.map(Into::into);
                let display = Display { after: row.get::<_, i64>(2)? as u64, id, forms: vec![form] };
                shown.push((place, row.get::<_, i64>(1)? as u64, display));
            }
        }
        Ok(shown
            .into_iter()
            .map(|(_, at, display)| Event::Displayed { snippet, display: Arc::new(display), replaces: false, at })
            .collect())
    }
}

/// What dead sessions left, if they did. Where the journal may not be written, what it holds can be read all the same.
fn take_in(folder: &Path) {
    if recover::is_due(folder)
        && let Ok(mut connection) = schema::open(folder)
    {
        let _ = recover::dead_sessions(folder, &mut connection);
    }
}
