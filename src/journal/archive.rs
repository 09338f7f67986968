//! A session with all that the journal and the spool keep of it, an entry at a time: what exports are made from, and what
//! the running session reads again of its old entries.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::OptionalExtension;

use super::Elsewhere;
use super::load::{self, Kind, Old, Recorded};
use super::reader::Reader;
use super::schema::Fault;
use crate::domain::output::Segment;
use crate::domain::{Display, Entry, Event, Form, Output, Snippet, SnippetId, Transcript};
use crate::export::{self, OutputFile, Pages};
use crate::session::spool::{Limits, Whole};
use crate::session::{Older, SessionId, Spool};

/// Nothing is old, and no display is read.
const ALL: Old = Old { output: 0, background: 0, displays: (u32::MAX, 0) };

#[derive(Debug)]
pub struct Archive {
    reader: Reader,
    /// By which the database knows the session.
    number: Option<i64>,
    pub recorded: Recorded,
    /// The rows that entries of the transcript came from that are no snippets'.
    background: BTreeMap<usize, Vec<i64>>,
    spool: Option<Spool>,
}

impl Archive {
    /// `None` if the session was not recorded. `spools` is where whole outputs lie.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn open(reader: Reader, id: &SessionId, spools: Option<&Path>) -> Result<Option<Self>, Fault> {
        let mut background: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        let recorded = reader.load_rows(id, &mut |kind, row, transcript| {
            if kind == Kind::Background {
                background.entry(transcript.entries().len() - 1).or_default().push(row);
            }
        })?;
        let Some(recorded) = recorded else { return Ok(None) };
        let number = load::number(&reader.connection, id).map_err(|error| reader.fault(&error))?;
        let spool = spools.map(|spools| Spool::new(Some(spools.join(id.as_str())), Limits::default()));
        Ok(Some(Self { reader, number, recorded, background, spool }))
    }

    fn output(&self, place: usize) -> rusqlite::Result<Output> {
        let mut output = Output::default();
        for row in self.background.get(&place).into_iter().flatten() {
            output.push(&self.reader.chunk(*row)?);
        }
        Ok(output)
    }
}

impl export::Archive for Archive {
    fn id(&self) -> Option<&str> {
        Some(self.recorded.session.id.as_str())
    }

    fn transcript(&self) -> &Transcript {
        &self.recorded.transcript
    }

    fn entry(&self, place: usize) -> Option<Cow<'_, Entry>> {
        let known = self.recorded.transcript.entries().get(place)?;
        let whole = match known {
            Entry::Snippet(snippet) if !snippet.is_whole() => {
                let found = self.reader.whole_snippet(self.number?, snippet.id).ok().flatten();
                found.map(|found| Entry::Snippet(completed(found, snippet)))
            }
            Entry::Background { output, at } if output.omitted() > 0 => {
                let whole = self.output(place).ok().filter(|whole| whole.total() >= output.total());
                whole.map(|output| Entry::Background { output, at: *at })
            }
            _ => None,
        };
        Some(whole.map_or(Cow::Borrowed(known), Cow::Owned))
    }

    fn display(&self, snippet: SnippetId, number: usize) -> Option<Arc<Display>> {
        self.reader.display(self.number?, snippet, number).ok().flatten().map(Arc::new)
    }

    fn file(&self, snippet: SnippetId) -> Option<OutputFile> {
        let spool = self.spool.as_ref()?;
        let pages = spool.whole(snippet).transpose()?.map(|whole| Box::new(whole) as Box<dyn Pages>);
        Some(OutputFile { path: spool.folder()?.join(format!("{snippet}.out")), pages })
    }
}

impl Pages for Whole {
    fn length(&self) -> u64 {
        Self::length(self)
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<(u64, Vec<Segment>)> {
        Self::read(self, offset, length)
    }
}

/// What the database does not tell with a snippet.
fn completed(mut found: Snippet, known: &Snippet) -> Snippet {
    found.title.clone_from(&known.title);
    found.replay_of = known.replay_of;
    if known.status.is_final() && !found.status.is_final() {
        found.status = known.status;
        found.outcome.clone_from(&known.outcome);
    }
    found
}

impl Reader {
    /// A snippet with all that the database has of it; its displays without their bytes.
    pub(super) fn whole_snippet(&self, session: i64, id: SnippetId) -> rusqlite::Result<Option<Snippet>> {
        let row = "SELECT id FROM snippets WHERE session = ? AND number = ?";
        let row = self.connection.query_row(row, (session, id.0), |row| row.get(0)).optional()?;
        let Some(row) = row else { return Ok(None) };
        let (mut alone, mut displays) = (Transcript::default(), Vec::new());
        self.snippet(row, session, ALL, &mut |event| match event {
            Event::Displayed { display, .. } => displays.push(display),
            event => alone.apply(&event),
        })?;
        Ok(alone.snippet(id).cloned().map(|snippet| Snippet { displays, ..snippet }))
    }

    /// What a snippet displayed, by its number.
    pub(super) fn display(&self, session: i64, snippet: SnippetId, number: usize) -> rusqlite::Result<Option<Display>> {
        let mut select = self.connection.prepare_cached(
            "SELECT after, name, mime, size, data FROM displays WHERE session = ?1 AND snippet = ?2 AND place =
             (SELECT DISTINCT place FROM displays WHERE session = ?1 AND snippet = ?2 ORDER BY place LIMIT 1 OFFSET ?3)
             ORDER BY id",
        )?;
        let mut rows = select.query((session, snippet.0, number.saturating_sub(1) as i64))?;
        let mut found: Option<Display> = None;
        while let Some(row) = rows.next()? {
            let size = row.get::<_, i64>(3)? as u64;
            let form = Form { mime: row.get(2)?, data: row.get::<_, Vec<u8>>(4)?.into(), size };
            if let Some(display) = &mut found {
                display.forms.push(form);
            } else {
                let id = row.get::<_, Option<String>>(1)?.map(Into::into);
                found = Some(Display { after: row.get::<_, i64>(0)? as u64, id, forms: vec![form] });
            }
        }
        Ok(found)
    }
}

impl Elsewhere {
    /// All that is kept of this session, with what was done until now; `None` if something is missing in the journal.
    #[must_use]
    pub fn archive(&self, limit: Duration) -> Option<Archive> {
        let reader = Reader::open_to_look(&self.places.journal().ok()?)?;
        reader.catch_up(limit);
        let archive = Archive::open(reader, &self.session, self.places.spools().ok().as_deref()).ok()??;
        (archive.recorded.session.missed == 0).then_some(archive)
    }

    fn own<T>(&self, read: impl FnOnce(&Reader, i64) -> rusqlite::Result<Option<T>>) -> Option<T> {
        let reader = Reader::open_to_look(&self.places.journal().ok()?)?;
        let number = load::number(&reader.connection, &self.session).ok().flatten()?;
        read(&reader, number).ok().flatten()
    }
}

impl Older for Elsewhere {
    fn snippet(&self, id: SnippetId) -> Option<Snippet> {
        self.own(|reader, session| reader.whole_snippet(session, id))
    }

    fn display(&self, snippet: SnippetId, number: usize) -> Option<Display> {
        self.own(|reader, session| reader.display(session, snippet, number))
    }
}
