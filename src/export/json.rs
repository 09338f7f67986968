//! JSON with all records of a session. `assets/docs/export.md` describes the fields. Fields are added;
//! renaming or removing one takes another `version`.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::archive::Archive;
use super::items::{CodeRendering, ExportItem, complete_snippet};
use super::json_writer::JsonWriter;
use super::parts::{Part, walk_output, walk_parts};
use super::session_header::SessionHeader;
use super::times::iso_time;
use crate::domain::{Author, Display, Entry, Snippet, Stream};

const VERSION: u32 = 1;

pub fn json(
    session: &SessionHeader<'_>,
    archive: &dyn Archive,
    items: &[ExportItem<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut json = JsonWriter::new(out);
    json.begin(None, '{')?;
    json.field("format", "fourhands")?;
    json.field("version", VERSION)?;
    let about = json!({
        "name": session.name,
        "id": session.id,
        "cwd": session.cwd.to_string_lossy(),
        "python": session.python.to_string_lossy(),
        "python_version": session.python_version,
        "started": iso_time(session.started),
    });
    json.field("session", about)?;
    json.begin(Some("entries"), '[')?;
    for item in items {
        match item {
            ExportItem::Snippet(index, known, rendering) => {
                snippet(archive, &complete_snippet(archive, *index, known), *rendering, &mut json)?;
            }
            ExportItem::Between(index, known) => match archive.entry(*index) {
                Some(entry) => between(&entry, &mut json)?,
                None => between(known, &mut json)?,
            },
        }
    }
    json.end(']')?;
    json.end('}')
}

fn snippet(
    archive: &dyn Archive,
    snippet: &Snippet,
    rendering: CodeRendering,
    json: &mut JsonWriter<'_>,
) -> io::Result<()> {
    let outcome = snippet.outcome.as_deref();
    let error = outcome.and_then(|outcome| outcome.error.as_ref());
    let file = (snippet.output.omitted() > 0).then(|| archive.file(snippet.id)).flatten();
    json.begin(None, '{')?;
    json.fields(&json!({
        "type": "snippet",
        "snippet": snippet.id.0,
        "author": snippet.author.name(),
        "by_person": snippet.author.is_you(),
        "title": snippet.title.as_deref(),
        "code": *snippet.code,
        "replay_of": snippet.replay_of.map(|of| of.0),
        "commented_out": rendering == CodeRendering::Comment,
        "status": snippet.status_word(),
        "submitted": iso_time(snippet.submitted_at),
        "started": snippet.started_at.map(iso_time),
        "elapsed_s": outcome.filter(|_| snippet.started_at.is_some()).map(|outcome| outcome.elapsed.as_secs_f64()),
        "returncode": outcome.map(|outcome| outcome.returncode),
        "stopped_by": outcome.and_then(|outcome| outcome.stopped_by.as_deref()),
        "result": outcome.and_then(|outcome| outcome.result.as_deref()),
        "error": error.map(|e| json!({ "type": e.type_name, "message": e.message, "traceback": e.traceback })),
        "variables": outcome.map(|o| json!({
            "added": o.changes.added, "changed": o.changes.changed, "removed": o.changes.removed,
        })),
        "effects": json!({
            "entries": snippet.effects.entries,
            "files_read": snippet.effects.files_read,
            "omitted": snippet.effects.omitted,
        }),
        "output_bytes": snippet.output.total(),
        "output_whole": file.map(|file| file.path.to_string_lossy().into_owned()),
        "displays_dropped": snippet.displays_dropped,
    }))?;
    json.begin(Some("output"), '[')?;
    walk_parts(archive, snippet, &mut |part| output(part, json))?;
    json.end(']')?;
    json.end('}')
}

fn between(entry: &Entry, json: &mut JsonWriter<'_>) -> io::Result<()> {
    let object = match entry {
        Entry::Background { output: written, at } => {
            json.begin(None, '{')?;
            json.fields(&json!({ "type": "output", "at": time(*at), "output_bytes": written.total() }))?;
            json.begin(Some("output"), '[')?;
            walk_output(written, None, &mut |part| output(part, json))?;
            json.end(']')?;
            return json.end('}');
        }
        Entry::Reset { by, report, at } => json!({
            "type": "reset", "at": time(*at), "author": by.name(), "by_person": by.is_you(), "cleared": report.cleared, "remains": report.remains,
        }),
        Entry::Restart { restart, at } => json!({
            "type": "restart",
            "at": time(*at),
            "author": restart.by.as_ref().map(Author::name),
            "by_person": restart.by.as_ref().map(Author::is_you),
            "how": restart.how,
            "code": restart.code,
            "stack": restart.stack,
            "processes": restart.processes,
            "safe_point": restart.safe_point,
            "before": restart.before,
            "remains": restart.remains,
        }),
        Entry::Note { note, at } => json!({
            "type": "note",
            "at": time(*at),
            "author": note.by.name(),
            "by_person": note.by.is_you(),
            "text": note.text,
            "about": note.about,
            "to": note.to,
            "answers": note.answers.as_ref().map(|asked| asked.text.clone()),
            "declined": note.declined().is_some(),
        }),
        Entry::Snippet(_) => return Ok(()),
    };
    json.element(&object)
}

/// The journal has no times of background output.
fn time(at: u64) -> Option<String> {
    (at > 0).then(|| iso_time(at))
}

/// Writes output and displays in order.
fn output(part: Part, json: &mut JsonWriter<'_>) -> io::Result<()> {
    match part {
        Part::Text(segments) => segments.iter().try_for_each(|segment| {
            let stream = match segment.stream {
                Stream::Stdout => "stdout",
                Stream::Stderr => "stderr",
            };
            json.element(&json!({ "stream": stream, "text": segment.text }))
        }),
        Part::Gap(gap) => json.element(&json!({ "omitted_bytes": gap.bytes, "why": gap.description() })),
        Part::Dropped(_) => Ok(()),
        Part::Display(number, display) => json.element(&json!({ "display": number, "forms": forms(&display) })),
    }
}

fn forms(display: &Display) -> Vec<Value> {
    let form = |form: &crate::domain::Form| {
        let text = std::str::from_utf8(&form.data).ok().filter(|_| !form.is_image());
        let (field, data) = match text {
            _ if form.is_dropped() => ("base64", Value::Null),
            Some(text) => ("text", json!(text)),
            None => ("base64", json!(STANDARD.encode(&form.data))),
        };
        json!({ "mime": form.mime, "bytes": form.size, field: data })
    };
    display.forms.iter().map(form).collect()
}
