//! The cost of a reset for other authors.

use std::fmt::Write;

use crate::domain::{Author, Snippet, SnippetId, Transcript, VariableKind, units};
use crate::mcp::results::truncate::one_line;

/// Authors in a question, names of one author, and characters of a name.
const MAX_AUTHORS: usize = 3;
const MAX_NAMES: usize = 5;
const MAX_NAME: usize = 40;

/// The question whether `by` may reset. `None` if others lose nothing; an import is no loss.
pub fn question(transcript: &Transcript, by: &Author, restarts: bool) -> Option<String> {
    let author = |id: SnippetId| transcript.snippet(id).map(|snippet| &snippet.author);
    let mut lost: Vec<(&Author, Vec<&str>)> = Vec::new();
    for variable in transcript.variables().rows.iter().filter(|variable| variable.kind != VariableKind::Module) {
        let Some(owner) = variable.set_by.and_then(author).filter(|owner| !is_same(owner, by)) else { continue };
        match lost.iter_mut().find(|(other, _)| is_same(other, owner)) {
            Some((_, names)) => names.push(&variable.name),
            None => lost.push((owner, vec![&variable.name])),
        }
    }
    let is_of_others = |snippet: &&Snippet| !is_same(&snippet.author, by);
    let running = transcript.running().filter(is_of_others);
    let waiting = transcript.queue().iter().filter_map(|id| transcript.snippet(*id)).filter(is_of_others).count();
    if lost.is_empty() && running.is_none() && waiting == 0 {
        return None;
    }
    let what = if restarts { "Restart Python in" } else { "Reset" };
    let mut text = format!("{what} the shared Python session?");
    if !lost.is_empty() {
        // The person comes first, then the authors who lose most.
        lost.sort_by_key(|(owner, names)| (!owner.is_you(), usize::MAX - names.len()));
        let more = lost.len().saturating_sub(MAX_AUTHORS);
        let losses: Vec<String> = lost
            .iter()
            .take(MAX_AUTHORS)
            .map(|(owner, names)| format!("{} by {}", name_list(names), owner_label(owner, by)))
            .collect();
        let more = if more > 0 { format!("; and more by {}", units::count(more, "other")) } else { String::new() };
        let _ = write!(text, " It deletes variables of others: {}{more}.", losses.join("; "));
    }
    if let Some(running) = running {
        let then = if restarts { "it is interrupted" } else { "its variables are cleared when it ends" };
        let _ = write!(text, " Snippet {} by {} is running: {then}.", running.id, owner_label(&running.author, by));
    }
    if waiting > 0 {
        let waiting = units::count(waiting, "snippet");
        let then = if restarts { "will not run" } else { "run first; their variables are then cleared" };
        let _ = write!(text, " Queued by others: {waiting}, which {then}.");
    }
    Some(text)
}

/// A client can change its name.
fn is_same(one: &Author, other: &Author) -> bool {
    match (one, other) {
        (Author::Client { id, .. }, Author::Client { id: other, .. }) => id == other,
        _ => one == other,
    }
}

fn owner_label(author: &Author, reader: &Author) -> String {
    match author {
        Author::You => "the person at the dashboard".to_owned(),
        _ if author.name() == reader.name() => format!("an earlier {}", author.label_for_models()),
        Author::Client { .. } => author.label_for_models().into_owned(),
    }
}

fn name_list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(MAX_NAMES).map(|name| one_line(name, MAX_NAME)).collect();
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
