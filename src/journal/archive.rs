//! The complete record of one session in the journal and the spool, read an entry at a time. Exports are made from it,
//! and the running session reads its old entries again.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::OptionalExtension;

use super::history::JournalHistory;
use super::load::{self, OldFrom, RecordedSession, RowKind};
use super::reader::JournalReader;
use super::schema::JournalError;
use crate::domain::{Display, Entry, Event, Form, Output, Segment, Snippet, SnippetId, Transcript};
use crate::export::{self, OutputFile, Pages};
use crate::session::spool::{Limits, Whole};
use crate::session::{RecordedSnippets, SessionId, Spool};

/// Reads all output, and no bytes of displays.
const ALL: OldFrom = OldFrom { output: 0, background: 0, displays: (u32::MAX, 0) };

#[derive(Debug)]
pub struct JournalArchive {
    reader: JournalReader,
    /// The session's row id in the database.
    number: Option<i64>,
    pub recorded: RecordedSession,
    /// The rows of the transcript's background output, by the index of the entry.
    background: BTreeMap<usize, Vec<i64>>,
    spool: Option<Spool>,
}

impl JournalArchive {
    /// Opens the archive of a session; `None` if it was not recorded. `spools` is the folder of whole outputs.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn open(reader: JournalReader, id: &SessionId, spools: Option<&Path>) -> Result<Option<Self>, JournalError> {
        let mut background: BTreeMap<usize, Vec<i64>> = BTreeMap::new();
        let recorded = reader.load_rows(id, &mut |kind, row, transcript| {
            if kind == RowKind::Background {
                background.entry(transcript.entries().len() - 1).or_default().push(row);
            }
        })?;
        let Some(recorded) = recorded else { return Ok(None) };
        let number = load::row_id(&reader.connection, id).map_err(|error| reader.fault(&error))?;
        let spool = spools.map(|spools| Spool::new(Some(spools.join(id.as_str())), Limits::default()));
        Ok(Some(Self { reader, number, recorded, background, spool }))
    }

    fn output(&self, index: usize) -> rusqlite::Result<Output> {
        let mut output = Output::default();
        for row in self.background.get(&index).into_iter().flatten() {
            output.push(&self.reader.chunk(*row)?);
        }
        Ok(output)
    }
}

impl export::Archive for JournalArchive {
    fn id(&self) -> Option<&str> {
        Some(self.recorded.session.id.as_str())
    }

    fn transcript(&self) -> &Transcript {
        &self.recorded.transcript
    }

    fn entry(&self, index: usize) -> Option<Cow<'_, Entry>> {
        let known = self.recorded.transcript.entries().get(index)?;
        let whole = match known {
            Entry::Snippet(snippet) if !snippet.is_whole() => {
                let found = self.reader.whole_snippet(self.number?, snippet.id).ok().flatten();
                found.map(|found| Entry::Snippet(completed(found, snippet)))
            }
            Entry::Background { output, at } if output.omitted() > 0 => {
                let whole = self.output(index).ok().filter(|whole| whole.total() >= output.total());
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

/// Adds the facts that the database does not store with a snippet.
fn completed(mut found: Snippet, known: &Snippet) -> Snippet {
    found.title.clone_from(&known.title);
    found.replay_of = known.replay_of;
    if known.status.is_final() && !found.status.is_final() {
        found.status = known.status;
        found.outcome.clone_from(&known.outcome);
    }
    found
}

impl JournalReader {
    /// Reads all of a snippet; its displays come without their bytes.
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

    /// Reads a display by its number within the snippet.
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

impl JournalHistory {
    /// Returns the archive of this session up to now; `None` if the journal misses events of it.
    #[must_use]
    pub fn archive(&self, limit: Duration) -> Option<JournalArchive> {
        let reader = JournalReader::open_existing(&self.paths.journal().ok()?)?;
        reader.catch_up(limit);
        let archive = JournalArchive::open(reader, &self.session, self.paths.spools().ok().as_deref()).ok()??;
        (archive.recorded.session.missed == 0).then_some(archive)
    }

    fn own<T>(&self, read: impl FnOnce(&JournalReader, i64) -> rusqlite::Result<Option<T>>) -> Option<T> {
        let reader = JournalReader::open_existing(&self.paths.journal().ok()?)?;
        let number = load::row_id(&reader.connection, &self.session).ok().flatten()?;
        read(&reader, number).ok().flatten()
    }
}

impl RecordedSnippets for JournalHistory {
    fn snippet(&self, id: SnippetId) -> Option<Snippet> {
        self.own(|reader, session| reader.whole_snippet(session, id))
    }

    fn display(&self, snippet: SnippetId, number: usize) -> Option<Display> {
        self.own(|reader, session| reader.display(session, snippet, number))
    }
}
