//! What a reset would destroy that others have made.

use std::fmt::Write;

use crate::domain::{Author, Snippet, SnippetId, Transcript, VariableKind, units};
use crate::mcp::results::truncate::short;

/// Names told of one author, and authors told.
const NAMES: usize = 5;
const AUTHORS: usize = 3;
/// Characters of a name.
const NAME: usize = 40;

/// The question whether `by` may do it, in a few sentences; `None` if others lose nothing. Imports are no loss.
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
        // The person first, then whoever has most to lose.
        lost.sort_by_key(|(owner, names)| (!owner.is_you(), usize::MAX - names.len()));
        let more = lost.len().saturating_sub(AUTHORS);
        let told: Vec<String> =
            lost.iter().take(AUTHORS).map(|(owner, names)| format!("{} by {}", list(names), who(owner, by))).collect();
        let more = if more > 0 { format!("; and more by {}", units::count(more, "other")) } else { String::new() };
        let _ = write!(text, " It clears what others made: {}{more}.", told.join("; "));
    }
    if let Some(running) = running {
        let then = if restarts { "it is interrupted" } else { "what it makes is cleared at its end" };
        let _ = write!(text, " Snippet {} by {} is running: {then}.", running.id, who(&running.author, by));
    }
    if waiting > 0 {
        let waiting = units::count(waiting, "snippet");
        let then = if restarts { "will not run" } else { "run first, and what they make is cleared" };
        let _ = write!(text, " In the queue by others: {waiting}, which {then}.");
    }
    Some(text)
}

/// A client has other names at other times.
fn is_same(one: &Author, other: &Author) -> bool {
    match (one, other) {
        (Author::Client { id, .. }, Author::Client { id: other, .. }) => id == other,
        _ => one == other,
    }
}

fn who(author: &Author, reader: &Author) -> String {
    match author {
        Author::You => "the person at the dashboard".to_owned(),
        _ if author.name() == reader.name() => format!("an earlier {}", author.label_for_models()),
        Author::Client { .. } => author.label_for_models().into_owned(),
    }
}

fn list(names: &[&str]) -> String {
    let told: Vec<String> = names.iter().take(NAMES).map(|name| short(name, NAME)).collect();
    match names.len().saturating_sub(NAMES) {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    }
}
