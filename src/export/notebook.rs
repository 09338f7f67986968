//! A Jupyter notebook (nbformat 4.5). Magic stays, since Jupyter knows it.

use std::borrow::Cow;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::archive::Archive;
use super::colours::for_terminals;
use super::items::{
    CodeRendering, ExportItem, complete_snippet, describe_ending, describe_entry, entry_time, may_exit,
    normalized_code, one_line,
};
use super::json_writer::JsonWriter;
use super::parts::{Part, of_the_value, walk_parts};
use super::session_header::SessionHeader;
use super::times::iso_time;
use crate::domain::lexer::{CodeMagic, awaits, code_magic, reads_variable};
use crate::domain::terminal_text::TextStyle;
use crate::domain::{Display, Entry, Form, Snippet, Status};

pub fn notebook(
    session: &SessionHeader<'_>,
    archive: &dyn Archive,
    items: &[ExportItem<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut json = JsonWriter::new(out);
    json.begin(None, '{')?;
    json.begin(Some("cells"), '[')?;
    for (number, item) in items.iter().enumerate() {
        match item {
            ExportItem::Snippet(index, known, rendering) => {
                let snippet = complete_snippet(archive, *index, known);
                if let Some(title) = &snippet.title {
                    let heading = format!("### {}", super::markdown::escape(&one_line(title)));
                    let own = json!({ "entry": "title", "snippet": snippet.id.0 });
                    json.element(&text_cell(&format!("title-{}", snippet.id), &own, &heading))?;
                }
                cell(archive, &snippet, *rendering, &mut json)?;
            }
            ExportItem::Between(index, known) => {
                let entry = archive.entry(*index).unwrap_or(Cow::Borrowed(known));
                json.element(&between(session, &entry, number))?;
            }
        }
    }
    json.end(']')?;
    let mut own = Map::new();
    own.insert("session".to_owned(), json!(session.name));
    if let Some(id) = session.id {
        own.insert("id".to_owned(), json!(id));
    }
    own.insert("cwd".to_owned(), json!(session.cwd.to_string_lossy()));
    own.insert("python".to_owned(), json!(session.python.to_string_lossy()));
    own.insert("started".to_owned(), json!(iso_time(session.started)));
    json.fields(&json!({
        "metadata": {
            "kernelspec": { "display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3" },
            "language_info": {
                "codemirror_mode": { "name": "ipython", "version": 3 },
                "file_extension": ".py",
                "mimetype": "text/x-python",
                "name": "python",
                "nbconvert_exporter": "python",
                "pygments_lexer": "ipython3",
                "version": session.python_version,
            },
            "fourhands": own,
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }))?;
    json.end('}')
}

fn cell(
    archive: &dyn Archive,
    snippet: &Snippet,
    rendering: CodeRendering,
    json: &mut JsonWriter<'_>,
) -> io::Result<()> {
    let ran = snippet.started_at.is_some();
    let mut own = json!({
        "snippet": snippet.id.0,
        "author": snippet.author.name(),
        "title": snippet.title.as_deref(),
        "replay_of": snippet.replay_of.map(|of| of.0),
        "started": snippet.started_at.map(iso_time),
        "status": snippet.status_word(),
        "effects": snippet.effects.phrases(),
        "elapsed_s": snippet.outcome.as_ref().filter(|_| ran).map(|outcome| outcome.elapsed.as_secs_f64()),
    });
    let mut metadata = Map::new();
    let source = match rendering {
        CodeRendering::Code => {
            if snippet.status != Status::Ok || may_exit(&snippet.code) {
                // With this tag, programs that run notebooks continue after the error.
                metadata.insert("tags".to_owned(), json!(["raises-exception"]));
            }
            with_sys_exit(without_timing(normalized_code(snippet)))
        }
        CodeRendering::Comment => {
            own["commented_out"] = json!(true);
            format!(
                "# {}; commented out\n{}",
                describe_ending(snippet),
                super::items::commented(&normalized_code(snippet))
            )
        }
    };
    metadata.insert("fourhands".to_owned(), own);
    json.begin(None, '{')?;
    json.fields(&json!({
        "cell_type": "code",
        "execution_count": ran.then_some(snippet.id.0),
        "id": format!("snippet-{}", snippet.id),
        "metadata": metadata,
        "source": lines(source.trim_end_matches('\n')),
    }))?;
    json.begin(Some("outputs"), '[')?;
    outputs(archive, snippet, json)?;
    json.end(']')?;
    json.end('}')
}

/// Removes `%%time` before code that awaits, which Jupyter's `%%time` cannot.
fn without_timing(code: String) -> String {
    let timed = match code_magic(&code) {
        Some(CodeMagic::Timed(timed)) => timed,
        Some(CodeMagic::Cell { name: "time", arguments: "", body, .. }) => body.trim_start_matches('\n').to_owned(),
        _ => return code,
    };
    if awaits(&timed) { format!("# %%time is left out\n{timed}") } else { code }
}

/// Imports `exit` and `quit` from `sys`, because those of `IPython` would end the kernel.
fn with_sys_exit(mut code: String) -> String {
    for (name, import) in [("exit", "from sys import exit\n"), ("quit", "from sys import exit as quit\n")] {
        if reads_variable(&code, name) && !code.starts_with("%%") {
            code.insert_str(0, import);
        }
    }
    code
}

fn between(session: &SessionHeader<'_>, entry: &Entry, number: usize) -> Value {
    let (kind, mut source) = match entry {
        Entry::Reset { .. } => ("reset", String::new()),
        Entry::Restart { .. } => ("restart", String::new()),
        Entry::Note { .. } => ("note", String::new()),
        Entry::Snippet(_) | Entry::Background { .. } => ("output", String::new()),
    };
    let when = if entry_time(entry) > 0 { format!("{}: ", (session.clock)(entry_time(entry))) } else { String::new() };
    source += &format!("*{}*", super::markdown::escape(&one_line(&format!("{when}{}", describe_entry(entry)))));
    if let Entry::Background { output, .. } = entry {
        source += "\n\n";
        source += &super::markdown::fenced("text", &super::markdown::plain_output(output));
    }
    text_cell(&format!("entry-{number}"), &json!({ "entry": kind }), source.trim_end_matches('\n'))
}

fn text_cell(id: &str, own: &Value, source: &str) -> Value {
    json!({ "cell_type": "markdown", "id": id, "metadata": { "fourhands": own }, "source": lines(source) })
}

fn outputs(archive: &dyn Archive, snippet: &Snippet, json: &mut JsonWriter<'_>) -> io::Result<()> {
    let of_the_value = of_the_value(snippet);
    let mut style = TextStyle::default();
    let mut value = Map::new();
    walk_parts(archive, snippet, &mut |part| match part {
        Part::Text(segments) => for_terminals(&segments, &mut style).into_iter().try_for_each(|(stream, text)| {
            let name = match stream {
                crate::domain::Stream::Stdout => "stdout",
                crate::domain::Stream::Stderr => "stderr",
            };
            json.element(&stream_output(name, &text))
        }),
        Part::Gap(gap) => json.element(&stream_output("stdout", &format!("\n[... {} ...]\n", gap.description()))),
        Part::Dropped(count) => {
            json.element(&stream_output("stdout", &format!("[{count} earlier displays are no longer kept]\n")))
        }
        Part::Display(number, display) if Some(number) == of_the_value => {
            value = forms(&display, 0);
            Ok(())
        }
        Part::Display(number, display) => json.element(&json!({
            "output_type": "display_data", "data": forms(&display, number), "metadata": {},
        })),
    })?;
    let Some(outcome) = &snippet.outcome else { return Ok(()) };
    if let Some(text) = &outcome.result {
        value.insert("text/plain".to_owned(), lines(text));
        json.element(&json!({
            "output_type": "execute_result",
            "execution_count": snippet.id.0,
            "data": value,
            "metadata": {},
        }))?;
    }
    if let Some(error) = &outcome.error {
        json.element(&json!({
            "output_type": "error",
            "ename": error.type_name,
            "evalue": error.message,
            "traceback": error.traceback.lines().map(|line| crate::domain::terminal_text::visible(line)).collect::<Vec<_>>(),
        }))?;
    }
    Ok(())
}

fn stream_output(name: &str, text: &str) -> Value {
    json!({ "output_type": "stream", "name": name, "text": lines(text) })
}

/// Returns the representations of a display by media type.
fn forms(display: &Display, number: usize) -> Map<String, Value> {
    let mut data = Map::new();
    for form in display.forms.iter().filter(|form| !form.is_dropped()) {
        if let Some(value) = form_value(form) {
            data.insert(form.mime.clone(), value);
        }
    }
    if number > 0 && !data.contains_key("text/plain") {
        data.insert("text/plain".to_owned(), json!([format!("[{}]", display.label(number))]));
    }
    data
}

/// Encodes a representation for nbformat: text as lines, JSON as itself, all else as base64.
fn form_value(form: &Form) -> Option<Value> {
    let is_json = form.mime == "application/json" || form.mime.ends_with("+json");
    if is_json {
        return serde_json::from_slice(&form.data).ok();
    }
    let is_text = form.mime.starts_with("text/")
        || matches!(form.mime.as_str(), "image/svg+xml" | "application/javascript" | "application/xml");
    if is_text {
        return std::str::from_utf8(&form.data).ok().map(lines);
    }
    Some(json!(STANDARD.encode(&form.data)))
}

/// Splits text into the lines that notebooks have.
fn lines(text: &str) -> Value {
    text.split_inclusive('\n').collect()
}
