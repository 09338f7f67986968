//! The number of snippets of each author in a session.

use super::reader::JournalReader;
use super::schema::JournalError;
use crate::session::SessionId;

/// The snippets of one author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The client's name; `None` for the person.
    pub client: Option<String>,
    pub snippets: u32,
    /// How many of them ended by an error.
    pub failed: u32,
}

impl JournalReader {
    /// Returns the authors of a session, the person first, then by their number of snippets.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn tally(&self, id: &SessionId) -> Result<Vec<Tally>, JournalError> {
        let read = || {
            let mut select = self.connection.prepare(
                "SELECT CASE WHEN client IS NULL THEN NULL ELSE author END AS name, count(*),
                 count(CASE WHEN status = 'error' THEN 1 END)
                 FROM snippets WHERE session = (SELECT id FROM sessions WHERE uid = ?)
                 GROUP BY name ORDER BY name IS NOT NULL, count(*) DESC, name",
            )?;
            let rows = select.query_map([id.as_str()], |row| {
                Ok(Tally { client: row.get(0)?, snippets: row.get(1)?, failed: row.get(2)? })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.fault(&error))
    }
}
