//! Puts what was folded into the database, in one transaction; and takes up a session that is already in there.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::fold::{Fold, OpenSnippet, Piece, Shown, Written};
use crate::domain::output::Segment;
use crate::domain::{Author, CallId, ClientId, Outcome, Output, OutputChunk, SnippetId, Stream};
use crate::session::SessionId;

/// How far an intake has been read: the name of its file, and the place in it.
pub type Position = (String, u64);

/// Stores everything at once or nothing. `closes`: nothing comes after it, the session has ended.
pub fn store(connection: &mut Connection, fold: &Fold, position: &Position) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    put(&transaction, fold, position)?;
    transaction.commit()
}

fn put(tx: &Transaction<'_>, fold: &Fold, position: &Position) -> rusqlite::Result<()> {
    let Some(meta) = &fold.meta else { return Ok(()) };
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
                fold.active as i64
            ],
            |row| row.get(0),
        )?;
    let mut bytes = 0;
    for open in fold.open.values() {
        bytes += put_snippet(tx, session, open)?;
        let (rewrite, pieces) = open.written.pieces(open.ended.is_some());
        if rewrite {
            tx.prepare_cached("DELETE FROM output WHERE session = ? AND snippet = ?")?
                .execute(params![session, open.id.0])?;
        }
        bytes += put_pieces(tx, session, open.id.0, open.place, &pieces)?;
    }
    for background in &fold.background {
        let (rewrite, pieces) = background.written.pieces(false);
        let (first, last) = background.places;
        if rewrite {
            tx.prepare_cached("DELETE FROM output WHERE session = ? AND snippet = 0 AND place BETWEEN ? AND ?")?
                .execute(params![session, first, last])?;
        }
        bytes += put_pieces(tx, session, 0, if rewrite { first } else { last }, &pieces)?;
    }
    for shown in &fold.displays {
        bytes += put_shown(tx, session, shown)?;
    }
    for (place, event) in &fold.marks {
        let Ok(text) = serde_json::to_string(event) else { continue };
        bytes += text.len();
        tx.prepare_cached("INSERT INTO marks (session, place, event) VALUES (?, ?, ?)")?
            .execute(params![session, place, text])?;
    }
    let ending = fold.ended.map(|_| "closed");
    tx.prepare_cached(
        "UPDATE sessions SET intake = ?, position = ?, places = max(places, ?), bytes = bytes + ?, missed = missed + ?,
         lost = lost + ?, ended = ?, ending = ? WHERE id = ?",
    )?
    .execute(params![
        position.0,
        position.1 as i64,
        fold.next_place,
        bytes as i64,
        fold.missed.events as i64,
        fold.missed.snippets as i64,
        fold.ended.map(|at| at as i64),
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
         call) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (session, number) DO UPDATE SET started = ?8, ended = ?9, status = ?10, outcome = ?11",
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
        open.call.map(|call| call.to_string())
    ])?;
    Ok(if outcome.is_some() { open.code.len() + outcome.map_or(0, |text| text.len()) } else { 0 })
}

/// What was replaced or taken back is not kept: only what the snippet shows in the end.
fn put_shown(tx: &Transaction<'_>, session: i64, shown: &Shown) -> rusqlite::Result<usize> {
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
    pieces: &[Piece],
) -> rusqlite::Result<usize> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO output (session, snippet, place, stream, text, skipped) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for piece in pieces {
        let (stream, text, skipped) = match piece {
            Piece::Text(segment) => (i64::from(segment.stream == Stream::Stderr), segment.text.as_str(), 0),
            Piece::Skipped(bytes) => (0, "", *bytes as i64),
        };
        insert.execute(params![session, snippet, place, stream, text, skipped])?;
    }
    Ok(pieces.iter().map(Piece::bytes).sum())
}

/// How far the intake of a session has been stored, if the database knows the session.
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

/// Takes up what the database knows of a session, so that what follows is put where it belongs.
pub fn take_up(connection: &Connection, id: &SessionId, fold: &mut Fold) -> rusqlite::Result<()> {
    let session = connection
        .query_row("SELECT id, places, active FROM sessions WHERE uid = ?", [id.as_str()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })
        .optional()?;
    let Some((session, places, active)) = session else { return Ok(()) };
    // Room for what is not next to what was there.
    fold.next_place = fold.next_place.max(places + 1);
    fold.active = fold.active.max(active as u64);
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
            written: Written::default(),
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
        open.written = Written::restored(output, pieces, bytes);
        fold.open.entry(open.id.0).or_insert(open);
    }
    Ok(())
}

/// From the column `at` on: the number of the client, and the author's name.
pub fn author(row: &Row<'_>, at: usize) -> rusqlite::Result<Author> {
    let name: String = row.get(at + 1)?;
    Ok(match row.get::<_, Option<u32>>(at)? {
        None => Author::You,
        Some(id) => Author::Client { id: ClientId(id), name: name.into() },
    })
}

/// The call in the column `at`; text that is no name of a call is none.
pub fn call(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<CallId>> {
    Ok(row.get::<_, Option<String>>(at)?.and_then(|text| CallId::parse(&text)))
}

/// The output of one snippet in the order written.
pub fn chunks(connection: &Connection, session: i64, snippet: u32) -> rusqlite::Result<Vec<OutputChunk>> {
    let mut select = connection.prepare_cached(
        "SELECT stream, text, skipped FROM output WHERE session = ? AND snippet = ? ORDER BY place, id",
    )?;
    let rows = select.query_map(params![session, snippet], chunk)?;
    rows.collect()
}

/// Of a row's stream, text and what was skipped after it.
pub fn chunk(row: &Row<'_>) -> rusqlite::Result<OutputChunk> {
    let stream = if row.get::<_, i64>(0)? == 0 { Stream::Stdout } else { Stream::Stderr };
    let text: String = row.get(1)?;
    let head = if text.is_empty() { Vec::new() } else { vec![Segment { stream, text }] };
    Ok(OutputChunk { head, skipped: row.get::<_, i64>(2)? as u64, tail: Vec::new() })
}

/// The outcome of a finished snippet; one that cannot be read any more is none.
pub fn outcome(text: Option<&str>) -> Option<Arc<Outcome>> {
    serde_json::from_str::<Outcome>(text?).ok().filter(|outcome| outcome.status.is_final()).map(Arc::new)
}
