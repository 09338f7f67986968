//! Looking for code that was run before, in whatever session.

use std::collections::HashSet;

use rusqlite::params;

use super::reader::Reader;
use super::schema::Fault;
use crate::domain::Timestamp;

/// Code that was submitted at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    pub code: String,
    pub author: String,
    /// Name of its session.
    pub session: String,
    /// When it was submitted last.
    pub at: Timestamp,
    /// Whether it ended without an error then.
    pub ok: bool,
}

/// How `history` compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The code begins with the text.
    Prefix,
    /// The text is in the code.
    Substring,
    /// The characters of the text are in the code, in their order: candidates for whoever ranks them.
    Fuzzy,
}

impl Reader {
    /// Code that fits `text` (empty: all), of all sessions, the newest first, each once. Letters A to Z fit their small
    /// ones.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub fn history(&self, text: &str, how: Match, most: usize) -> Result<Vec<Past>, Fault> {
        self.search(&pattern(text, how), most).map_err(|error| self.fault(&error))
    }

    fn search(&self, pattern: &str, most: usize) -> rusqlite::Result<Vec<Past>> {
        let mut select = self.connection.prepare_cached(
            "SELECT code, author, s.name, submitted, status FROM snippets JOIN sessions s ON s.id = snippets.session
             WHERE code LIKE ?1 ESCAPE '\\' ORDER BY submitted DESC, snippets.id DESC",
        )?;
        let mut rows = select.query(params![pattern])?;
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        while found.len() < most
            && let Some(row) = rows.next()?
        {
            let code: String = row.get(0)?;
            if seen.insert(code.clone()) {
                found.push(Past {
                    code,
                    author: row.get(1)?,
                    session: row.get(2)?,
                    at: row.get::<_, i64>(3)? as u64,
                    ok: row.get::<_, String>(4)? == "ok",
                });
            }
        }
        Ok(found)
    }
}

fn pattern(text: &str, how: Match) -> String {
    let mut pattern = String::new();
    for c in text.chars() {
        if how == Match::Fuzzy || how == Match::Substring && pattern.is_empty() {
            pattern.push('%');
        }
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern + "%"
}
