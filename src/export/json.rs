//! All that is kept, as data. The fields are told by `fourhands export --help` and in the README; they are added to, never
//! renamed or removed without another `version`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::items::{Item, Part, Treatment, parts, push_text};
use super::{Session, iso};
use crate::domain::terminal_text::visible;
use crate::domain::{Display, Entry, Snippet, Stream};

const VERSION: u32 = 1;

pub fn json(session: &Session<'_>, items: &[Item<'_>]) -> String {
    let entries: Vec<Value> = items
        .iter()
        .map(|item| match item {
            Item::Snippet(snippet, treatment) => self::snippet(session, snippet, *treatment),
            Item::Between(entry) => between(entry),
        })
        .collect();
    let all = json!({
        "format": "fourhands",
        "version": VERSION,
        "session": {
            "name": session.name,
            "id": session.id,
            "cwd": session.cwd.to_string_lossy(),
            "python": session.python.to_string_lossy(),
            "python_version": session.python_version,
            "started": iso(session.started),
        },
        "entries": entries,
    });
    pretty(&all)
}

/// JSON as text, that can be shown as it is.
pub fn pretty(value: &Value) -> String {
    // A value always has a text.
    format!("{}\n", escaped(&serde_json::to_string_pretty(value).unwrap_or_default()))
}

/// JSON with all escaped that a terminal would not show as it is: serde leaves some of that.
#[must_use]
pub fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii_graphic() || matches!(c, ' ' | '\n') || visible(c.encode_utf8(&mut [0; 4])).starts_with(c) {
            text.push(c);
        } else {
            text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

fn snippet(session: &Session<'_>, snippet: &Snippet, treatment: Treatment) -> Value {
    let outcome = snippet.outcome.as_deref();
    let error = outcome.and_then(|outcome| outcome.error.as_ref());
    let whole = (snippet.output.omitted() > 0).then(|| (session.whole)(snippet.id)).flatten();
    json!({
        "type": "snippet",
        "snippet": snippet.id.0,
        "author": snippet.author.name(),
        "by_person": snippet.author.is_you(),
        "code": *snippet.code,
        "replay_of": snippet.replay_of.map(|of| of.0),
        "commented_out": treatment == Treatment::Comment,
        "status": snippet.status.word(),
        "submitted": iso(snippet.submitted_at),
        "started": snippet.started_at.map(iso),
        "elapsed_s": outcome.filter(|_| snippet.started_at.is_some()).map(|outcome| outcome.elapsed.as_secs_f64()),
        "returncode": outcome.map(|outcome| outcome.returncode),
        "stopped_by": outcome.and_then(|outcome| outcome.stopped_by.as_deref()),
        "result": outcome.and_then(|outcome| outcome.result.as_deref()),
        "error": error.map(|e| json!({ "type": e.type_name, "message": e.message, "traceback": e.traceback })),
        "variables": outcome.map(|o| json!({
            "added": o.changes.added, "changed": o.changes.changed, "removed": o.changes.removed,
        })),
        "output": output(&parts(snippet)),
        "output_bytes": snippet.output.total(),
        "output_whole": whole.map(|path| path.to_string_lossy().into_owned()),
        "displays_dropped": snippet.displays_dropped,
    })
}

fn between(entry: &Entry) -> Value {
    match entry {
        Entry::Background { output: written, at } => {
            let mut parts = Vec::new();
            push_text(&mut parts, written);
            json!({ "type": "output", "at": time(*at), "output": output(&parts), "output_bytes": written.total() })
        }
        Entry::Reset { by, report, at } => json!({
            "type": "reset", "at": time(*at), "author": by.name(), "cleared": report.cleared, "remains": report.remains,
        }),
        Entry::Restart { restart, at } => json!({
            "type": "restart",
            "at": time(*at),
            "author": restart.by.as_ref().map(crate::domain::Author::name),
            "how": restart.how,
            "code": restart.code,
            "stack": restart.stack,
            "processes": restart.processes,
        }),
        Entry::Note { note, at } => json!({
            "type": "note",
            "at": time(*at),
            "author": note.by.name(),
            "text": note.text,
            "about": note.about,
            "answers": note.answers.as_ref().map(|asked| asked.text.clone()),
        }),
        Entry::Snippet(_) => Value::Null,
    }
}

/// Of output that came while nothing ran the journal knows no time.
fn time(at: u64) -> Option<String> {
    (at > 0).then(|| iso(at))
}

/// What was written and shown, in order.
fn output(parts: &[Part<'_>]) -> Vec<Value> {
    let mut out = Vec::new();
    for part in parts {
        match part {
            Part::Text(segments) => out.extend(segments.iter().map(|segment| {
                let stream = match segment.stream {
                    Stream::Stdout => "stdout",
                    Stream::Stderr => "stderr",
                };
                json!({ "stream": stream, "text": segment.text })
            })),
            Part::Gap(bytes) => out.push(json!({ "omitted_bytes": bytes })),
            Part::Dropped(_) => {}
            Part::Display(number, display) => out.push(json!({ "display": number, "forms": forms(display) })),
        }
    }
    out
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
