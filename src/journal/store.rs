//! Storing of pending changes in one transaction, and taking up a session that the database knows.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::pending_changes::{DisplayChange, OpenSnippet, OutputChanges, OutputPiece, PendingChanges};
use crate::domain::{
    Author, CallId, ClientId, Outcome, Output, OutputChunk, Review, Segment, SideEffects, SnippetId, Stream,
};
use crate::session::SessionId;

/// How far an intake has been stored: the file name, and the offset in it.
pub type Position = (String, u64);

/// Stores all changes or none.
pub fn store(connection: &mut Connection, changes: &PendingChanges, position: &Position) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    put(&transaction, changes, position)?;
    transaction.commit()
}

fn put(tx: &Transaction<'_>, changes: &PendingChanges, position: &Position) -> rusqlite::Result<()> {
    let Some(meta) = &changes.meta else { return Ok(()) };
    let session: i64 = tx
        .prepare_cached(
            "INSERT INTO sessions (uid, name, cwd, python, python_version, venv, pid, boot, started, active)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (uid) DO UPDATE SET name = ?2, cwd = ?3, python = ?4, python_version = ?5, venv = ?6, pid = ?7,
             boot = ?8, active = max(active, ?10), set_aside = NULL RETURNING id",
        )?
        .query_row(
            params![
                meta.id.as_str(),
                meta.name,
                meta.cwd,
                meta.python,
                meta.python_version,
                meta.venv,
                meta.pid,
                meta.boot,
                meta.started_at as i64,
                changes.active as i64
            ],
            |row| row.get(0),
        )?;
    let mut bytes = 0;
    for open in changes.open.values() {
        bytes += put_snippet(tx, session, open)?;
        let (rewrite, pieces) = open.output_changes.pieces(open.ended.is_some());
        if rewrite {
            tx.prepare_cached("DELETE FROM output WHERE session = ? AND snippet = ?")?
                .execute(params![session, open.id.0])?;
        }
        bytes += put_pieces(tx, session, open.id.0, open.place, &pieces)?;
    }
    for background in &changes.background {
        let (rewrite, pieces) = background.output_changes.pieces(false);
        let (first, last) = background.places;
        if rewrite {
            tx.prepare_cached("DELETE FROM output WHERE session = ? AND snippet = 0 AND place BETWEEN ? AND ?")?
                .execute(params![session, first, last])?;
        }
        bytes += put_pieces(tx, session, 0, if rewrite { first } else { last }, &pieces)?;
    }
    for shown in &changes.displays {
        bytes += put_shown(tx, session, shown)?;
    }
    for (snippet, effects) in &changes.late_effects {
        let text = serde_json::to_string(&**effects).ok();
        tx.prepare_cached("UPDATE snippets SET effects = ? WHERE session = ? AND number = ?")?
            .execute(params![text, session, snippet])?;
    }
    for (place, event) in &changes.marks {
        let Ok(text) = serde_json::to_string(event) else { continue };
        bytes += text.len();
        tx.prepare_cached("INSERT INTO marks (session, place, event) VALUES (?, ?, ?)")?
            .execute(params![session, place, text])?;
    }
    let ending = changes.ended.map(|_| "closed");
    tx.prepare_cached(
        "UPDATE sessions SET intake = ?, position = ?, places = max(places, ?), bytes = bytes + ?, missed = missed + ?,
         lost = lost + ?, ended = ?, ending = ? WHERE id = ?",
    )?
    .execute(params![
        position.0,
        position.1 as i64,
        changes.next_place,
        bytes as i64,
        changes.missed.events as i64,
        changes.missed.snippets as i64,
        changes.ended.map(|at| at as i64),
        ending,
        session
    ])?;
    Ok(())
}

fn put_snippet(tx: &Transaction<'_>, session: i64, open: &OpenSnippet) -> rusqlite::Result<usize> {
    if !open.dirty {
        return Ok(0);
    }
    let client = match &open.author {
        Author::You => None,
        Author::Client { id, .. } => Some(id.0),
    };
    let outcome = open.ended.as_ref().and_then(|(_, outcome)| serde_json::to_string(outcome).ok());
    tx.prepare_cached(
        "INSERT INTO snippets (session, number, place, client, author, code, submitted, started, ended, status, outcome,
         call, effects, review) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (session, number) DO UPDATE SET code = ?6, started = ?8, ended = ?9, status = ?10, outcome = ?11,
         effects = coalesce(?13, effects), review = coalesce(?14, review)",
    )?
    .execute(params![
        session,
        open.id.0,
        open.place,
        client,
        open.author.name(),
        &*open.code,
        open.submitted as i64,
        open.started.map(|at| at as i64),
        open.ended.as_ref().map(|(at, _)| *at as i64),
        open.status().word(),
        outcome,
        open.call.map(|call| call.to_string()),
        open.effects.as_ref().and_then(|effects| serde_json::to_string(&**effects).ok()),
        open.review.as_ref().and_then(|review| serde_json::to_string(&**review).ok())
    ])?;
    Ok(if outcome.is_some() { open.code.len() + outcome.map_or(0, |text| text.len()) } else { 0 })
}

/// Stores a display. The database keeps only the displays that a snippet shows in the end.
fn put_shown(tx: &Transaction<'_>, session: i64, shown: &DisplayChange) -> rusqlite::Result<usize> {
    let snippet = shown.snippet.0;
    let Some(display) = &shown.display else {
        tx.prepare_cached("DELETE FROM displays WHERE session = ? AND snippet = ?")?.execute((session, snippet))?;
        return Ok(0);
    };
    let (mut place, mut after) = (shown.place, display.after as i64);
    if shown.replaces && display.id.is_some() {
        let known = (session, snippet, display.id.as_deref());
        let before = tx
            .prepare_cached("SELECT place, after FROM displays WHERE session = ? AND snippet = ? AND name = ? LIMIT 1")?
            .query_row(known, |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some(before) = before {
            (place, after) = before;
            tx.prepare_cached("DELETE FROM displays WHERE session = ? AND snippet = ? AND name = ?")?.execute(known)?;
        }
    }
    for form in &display.forms {
        tx.prepare_cached(
            "INSERT INTO displays (session, snippet, place, at, after, name, mime, size, data)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            session,
            snippet,
            place,
            shown.at as i64,
            after,
            display.id.as_deref(),
            form.mime,
            form.size as i64,
            &*form.data
        ])?;
    }
    Ok(display.bytes_kept())
}

fn put_pieces(
    tx: &Transaction<'_>,
    session: i64,
    snippet: u32,
    place: i64,
    pieces: &[OutputPiece],
) -> rusqlite::Result<usize> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO output (session, snippet, place, stream, text, skipped) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for piece in pieces {
        let (stream, text, skipped) = match piece {
            OutputPiece::Text(segment) => (i64::from(segment.stream == Stream::Stderr), segment.text.as_str(), 0),
            OutputPiece::Skipped(bytes) => (0, "", *bytes as i64),
        };
        insert.execute(params![session, snippet, place, stream, text, skipped])?;
    }
    Ok(pieces.iter().map(OutputPiece::bytes).sum())
}

/// Returns how far a session's intake has been stored; `None` for an unknown session.
pub fn position(connection: &Connection, id: &SessionId) -> rusqlite::Result<Option<Position>> {
    connection
        .query_row("SELECT intake, position FROM sessions WHERE uid = ?", [id.as_str()], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)? as u64))
        })
        .optional()
}

/// Marks a session whose process died.
pub fn mark_dead(connection: &Connection, id: &SessionId) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE sessions SET ended = active, ending = 'killed' WHERE uid = ? AND ended IS NULL",
        [id.as_str()],
    )?;
    Ok(())
}

/// Loads the state of a session, so that later events continue it.
pub fn load_unfinished(connection: &Connection, id: &SessionId, changes: &mut PendingChanges) -> rusqlite::Result<()> {
    let session = connection
        .query_row("SELECT id, places, active FROM sessions WHERE uid = ?", [id.as_str()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((session, places, active)) = session else { return Ok(()) };
    // The gap keeps new background output apart from the stored one.
    changes.next_place = changes.next_place.max(places + 1);
    changes.active = changes.active.max(active as u64);
    let mut unfinished = connection.prepare(
        "SELECT number, place, client, author, code, submitted, started, call FROM snippets
         WHERE session = ? AND ended IS NULL",
    )?;
    let rows = unfinished.query_map([session], |row| {
        Ok(OpenSnippet {
            id: SnippetId(row.get(0)?),
            place: row.get(1)?,
            author: author(row, 2)?,
            code: row.get::<_, String>(4)?.into(),
            call: call(row, 7)?,
            submitted: row.get::<_, i64>(5)? as u64,
            started: row.get::<_, Option<i64>>(6)?.map(|at| at as u64),
            ended: None,
            effects: None,
            review: None,
            output_changes: OutputChanges::default(),
            dirty: false,
        })
    })?;
    for open in rows {
        let mut open = open?;
        let mut output = Output::default();
        let (mut pieces, mut bytes) = (0, 0);
        for chunk in chunks(connection, session, open.id.0)? {
            output.push(&chunk);
            pieces += 1;
            bytes += chunk.head.iter().map(|segment| segment.text.len()).sum::<usize>();
        }
        open.output_changes = OutputChanges::restored(output, pieces, bytes);
        changes.open.entry(open.id.0).or_insert(open);
    }
    Ok(())
}

/// Reads an author from the columns `at` (the client's number) and `at + 1` (the name).
pub fn author(row: &Row<'_>, at: usize) -> rusqlite::Result<Author> {
    let name: String = row.get(at + 1)?;
    Ok(match row.get::<_, Option<u32>>(at)? {
        None => Author::You,
        Some(id) => Author::Client { id: ClientId(id), name: name.into() },
    })
}

/// Reads a call id from the column `at`; `None` if the text is not an id.
pub fn call(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<CallId>> {
    Ok(row.get::<_, Option<String>>(at)?.and_then(|text| CallId::parse(&text)))
}

/// Returns the output of a snippet in the order written.
pub fn chunks(connection: &Connection, session: i64, snippet: u32) -> rusqlite::Result<Vec<OutputChunk>> {
    let mut select = connection.prepare_cached(
        "SELECT stream, text, skipped FROM output WHERE session = ? AND snippet = ? ORDER BY place, id",
    )?;
    let rows = select.query_map(params![session, snippet], chunk)?;
    rows.collect()
}

/// Reads a chunk from the columns stream, text and skipped.
pub fn chunk(row: &Row<'_>) -> rusqlite::Result<OutputChunk> {
    let stream = if row.get::<_, i64>(0)? == 0 { Stream::Stdout } else { Stream::Stderr };
    let text: String = row.get(1)?;
    let head = if text.is_empty() { Vec::new() } else { vec![Segment { stream, text }] };
    Ok(OutputChunk { head, skipped: row.get::<_, i64>(2)? as u64, tail: Vec::new() })
}

/// Parses the effects of a snippet; `None` if it had none, or they cannot be read.
pub fn effects(text: Option<&str>) -> Option<Arc<SideEffects>> {
    serde_json::from_str::<SideEffects>(text?).ok().map(Arc::new)
}

/// Parses the person's review of a snippet; `None` if there was none, or it cannot be read.
pub fn review(text: Option<&str>) -> Option<Arc<Review>> {
    serde_json::from_str::<Review>(text?).ok().map(Arc::new)
}

/// Parses the outcome of a finished snippet; `None` if it cannot be read.
pub fn outcome(text: Option<&str>) -> Option<Arc<Outcome>> {
    serde_json::from_str::<Outcome>(text?).ok().filter(|outcome| outcome.status.is_final()).map(Arc::new)
}
