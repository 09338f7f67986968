//! The code that was run in earlier sessions.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use rusqlite::params;

use super::reader::JournalReader;
use super::schema::JournalError;
use crate::session::discovery::paths::Paths;
use crate::session::{HistorySource, Past, SessionId};

/// Limits of the history: entries, bytes of an entry, bytes of all entries.
const MAX_ENTRIES: usize = 20_000;
const MAX_CODE_BYTES: usize = 64 << 10;
const MAX_TOTAL_BYTES: usize = 16 << 20;

impl JournalReader {
    /// Returns the code submitted in all sessions except `but`, newest first, each once for the person and once for
    /// clients.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn history(&self, but: Option<&SessionId>) -> Result<Vec<Past>, JournalError> {
        self.select_history(but.map_or("", SessionId::as_str)).map_err(|error| self.fault(&error))
    }

    fn select_history(&self, but: &str) -> rusqlite::Result<Vec<Past>> {
        let mut select = self.connection.prepare(
            "SELECT code, author, client IS NULL, s.name, submitted, status FROM snippets
             JOIN sessions s ON s.id = snippets.session
             WHERE s.uid <> ?1 AND s.set_aside IS NULL AND length(code) <= ?2 ORDER BY submitted DESC, snippets.id DESC LIMIT ?3",
        )?;
        let mut rows = select.query(params![but, MAX_CODE_BYTES as i64, 4 * MAX_ENTRIES as i64])?;
        // Few authors and sessions repeat, so their names are shared.
        let mut names: HashMap<String, Arc<str>> = HashMap::new();
        let mut name = |text: String| names.entry(text).or_insert_with_key(|text| text.as_str().into()).clone();
        let mut seen = HashSet::new();
        let (mut found, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()?
            && found.len() < MAX_ENTRIES
            && bytes < MAX_TOTAL_BYTES
        {
            let (code, mine): (Arc<str>, bool) = (row.get::<_, String>(0)?.into(), row.get(2)?);
            if !code.trim().is_empty() && seen.insert((mine, code.clone())) {
                bytes += code.len();
                found.push(Past {
                    code,
                    author: name(row.get(1)?),
                    mine,
                    session: name(row.get(3)?),
                    at: row.get::<_, i64>(4)? as u64,
                    ok: row.get::<_, String>(5)? == "ok",
                });
            }
        }
        Ok(found)
    }
}

/// The journal as the history and the archive of a session.
#[derive(Debug)]
pub struct JournalHistory {
    pub paths: Paths,
    pub session: SessionId,
}

impl JournalHistory {
    fn read(&self, folder: &Path) -> Result<Vec<Past>, JournalError> {
        JournalReader::open(folder)?.map_or(Ok(Vec::new()), |reader| reader.history(Some(&self.session)))
    }
}

impl HistorySource for JournalHistory {
    fn past(&self) -> Result<Vec<Past>, String> {
        let folder = self.paths.journal().map_err(|error| error.to_string())?;
        self.read(&folder).map_err(|fault| fault.to_string())
    }
}
