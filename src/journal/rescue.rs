//! Rescue of a session from a deleted database that is still open, into a new one.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::session::SessionId;

/// The tables that belong to a session, with the columns to copy.
const TABLES: [(&str, &[&str]); 4] = [
    (
        "snippets",
        &["number", "place", "client", "author", "code", "submitted", "started", "ended", "status", "outcome", "call"],
    ),
    ("output", &["snippet", "place", "stream", "text", "skipped"]),
    ("displays", &["snippet", "place", "at", "after", "name", "mime", "size", "data"]),
    ("marks", &["place", "event"]),
];
const SESSION_COLUMNS: &str = "uid, name, cwd, python, python_version, venv, pid, boot, started, ended, ending, active, intake, \
                       position, places, bytes, missed, set_aside, restored, lost";

/// Copies the session, completely or not at all. A session that `to` already has stays as it is.
pub fn copy(from: &Connection, to: &mut Connection, id: &SessionId) -> rusqlite::Result<()> {
    let moment = from.unchecked_transaction()?;
    let select = format!("SELECT id, {SESSION_COLUMNS} FROM sessions WHERE uid = ?");
    let columns = SESSION_COLUMNS.split(',').count();
    let found = moment
        .query_row(&select, [id.as_str()], |row| {
            let values: Result<Vec<Value>, _> = (1..=columns).map(|column| row.get(column)).collect();
            Ok((row.get::<_, i64>(0)?, values?))
        })
        .optional()?;
    let Some((old, values)) = found else { return Ok(()) };
    let transaction = to.transaction()?;
    let insert = format!("INSERT OR IGNORE INTO sessions ({SESSION_COLUMNS}) VALUES ({})", placeholders(columns));
    if transaction.execute(&insert, params_from_iter(values))? == 0 {
        return Ok(());
    }
    let new = transaction.last_insert_rowid();
    for (table, columns) in TABLES {
        let list = columns.join(", ");
        let mut select = moment.prepare(&format!("SELECT {list} FROM {table} WHERE session = ? ORDER BY id"))?;
        let insert = format!("INSERT INTO {table} (session, {list}) VALUES ({})", placeholders(columns.len() + 1));
        let mut insert = transaction.prepare(&insert)?;
        let mut rows = select.query([old])?;
        while let Some(row) = rows.next()? {
            let values: Result<Vec<Value>, _> = (0..columns.len()).map(|column| row.get(column)).collect();
            insert.execute(params_from_iter(std::iter::once(Value::Integer(new)).chain(values?)))?;
        }
    }
    transaction.commit()
}

fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}
