//! The state of the session in a page, for a chat that is fresh or was compacted.

use std::fmt::Write;
use std::time::Duration;

use super::activity_since::{ending, first_lines, who};
use super::truncate::{cut, short};
use crate::domain::{
    Author, Entry, SessionInfo, Snippet, Timestamp, Transcript, Variable, VariableKind, VariableTable, units,
};
use crate::session::clock::now;
use crate::session::{Closed, SessionHandle};

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    pub variables: usize,
    pub runs: usize,
    /// Characters in all.
    pub most: usize,
}

/// A page.
pub const FULL: Length = Length { variables: 60, runs: 12, most: 8_000 };
/// Clients cut instructions at about 2 000 characters.
pub const SHORT: Length = Length { variables: 8, runs: 3, most: 700 };

/// Who has not said a name yet is nobody in particular.
pub async fn of(session: &SessionHandle, reader: Option<Author>, length: Length) -> Result<String, Closed> {
    let (info, attended, now) = (session.info().clone(), session.is_attended(), now());
    let told = session.read(move |transcript| told(transcript, &info, attended, reader.as_ref(), length, now)).await?;
    Ok(cut(&told, length.most, 0).0)
}

fn told(
    transcript: &Transcript,
    info: &SessionInfo,
    attended: bool,
    reader: Option<&Author>,
    length: Length,
    now: Timestamp,
) -> String {
    let name = |author: &Author| match reader {
        Some(reader) => who(author, reader),
        None => author.label_for_models().into_owned(),
    };
    let age = |at: Timestamp| units::age(Duration::from_millis(now.saturating_sub(at)));
    let mut text = format!(
        "Session {:?}, for {}: Python {} ({}), started in {}",
        info.name,
        age(info.started_at),
        info.python_version,
        info.python.display(),
        info.cwd.display()
    );
    if let Some(venv) = &info.venv {
        let _ = write!(text, ", venv {}", venv.display());
    }
    let mut here: Vec<String> = attended.then(|| "the person at the dashboard".to_owned()).into_iter().collect();
    here.extend(transcript.clients().iter().map(|client| {
        let author = Author::Client { id: client.id, name: client.name.clone() };
        let is_reader = if reader == Some(&author) { " (you)" } else { "" };
        format!("{}{is_reader}, {}", author.label_for_models(), units::count(client.runs as usize, "run"))
    }));
    let _ = write!(text, ".\nHere: {}.\n", if here.is_empty() { "nobody".to_owned() } else { here.join("; ") });
    match transcript.running() {
        None => text.push_str("Nothing is running.\n"),
        Some(snippet) => {
            let asks = if snippet.input.is_some() { " and waits for input" } else { "" };
            let (by, code) = (name(&snippet.author), what(snippet));
            let _ = writeln!(
                text,
                "Snippet {} by {by} is running{asks}: {code}; {} queued.",
                snippet.id,
                transcript.queue().len()
            );
        }
    }
    variables(&mut text, transcript.variables(), length.variables);
    runs(&mut text, transcript, &name, length.runs);
    text.truncate(text.trim_end().len());
    text
}

fn variables(text: &mut String, table: &VariableTable, most: usize) {
    // What was imported or defined can be told shortly; data is what a chat must know.
    let (data, code): (Vec<&Variable>, Vec<&Variable>) =
        table.rows.iter().partition(|variable| variable.kind == VariableKind::Data);
    if table.total == 0 {
        text.push_str("No names are defined.\n");
        return;
    }
    let _ = writeln!(text, "{} defined:", units::count(table.total, "name"));
    for variable in data.iter().take(most) {
        let _ = writeln!(text, "- {}", variable_line(variable));
    }
    let names: Vec<&str> = code.iter().take(most * 2).map(|variable| variable.name.as_str()).collect();
    if !names.is_empty() {
        let _ = writeln!(text, "- functions, classes, modules: {}", names.join(", "));
    }
    let told = data.len().min(most) + names.len();
    if told < table.total {
        let _ = writeln!(text, "- and {} more: list_defined_variables", table.total - told);
    }
}

/// Such as `df: DataFrame 48210×9, 3.4 MB`.
fn variable_line(variable: &Variable) -> String {
    let mut line = format!("{}: {}", short(&variable.name, 100), short(&variable.type_name, 60));
    if !variable.shape.is_empty() {
        let _ = write!(line, " {}", short(&variable.shape, 60));
    }
    if let Some(size) = variable.size.filter(|size| *size > 10_000) {
        let _ = write!(line, ", {}", units::bytes(size));
    }
    if !variable.preview.is_empty() && variable.preview != variable.shape {
        let _ = write!(line, " = {}", short(&variable.preview, 60));
    }
    line
}

fn runs(text: &mut String, transcript: &Transcript, name: &impl Fn(&Author) -> String, most: usize) {
    let mut lines = Vec::new();
    for entry in transcript.entries().iter().rev() {
        let line = match entry {
            Entry::Snippet(snippet) => {
                let end = snippet.outcome.as_ref().map_or_else(|| snippet.status.word().to_owned(), |o| ending(o));
                format!("- snippet {} by {}: {end}: {}", snippet.id, name(&snippet.author), what(snippet))
            }
            Entry::Reset { by, .. } => format!("- {} reset the environment: names before were cleared", name(by)),
            Entry::Restart { restart, .. } => match &restart.by {
                Some(by) => format!("- {} restarted Python: names before are gone", name(by)),
                None => {
                    format!("- Python died ({}) and was restarted: names before are gone", short(&restart.how, 200))
                }
            },
            Entry::Note { note, .. } => match &note.answers {
                Some(inquiry) => {
                    let (by, to) = (name(&note.by), name(&inquiry.by));
                    format!("- {by} answered {to} ({}): {}", short(&inquiry.text, 160), short(&note.text, 300))
                }
                None => format!("- note from {}: {}", name(&note.by), short(&note.text, 300)),
            },
            Entry::Background { .. } => continue,
        };
        lines.push(line);
        if lines.len() == most {
            break;
        }
    }
    if lines.is_empty() {
        text.push_str("Nothing was run yet.\n");
        return;
    }
    text.push_str("Last, newest at the end:\n");
    for line in lines.iter().rev() {
        let _ = writeln!(text, "{line}");
    }
}

/// The title of a snippet, or where its code begins.
pub fn what(snippet: &Snippet) -> String {
    snippet.title.as_deref().map_or_else(|| first_lines(&snippet.code), |title| short(title, 160))
}
