//! Phrases about what waiting code would touch, from a look at its text; advice only.

use std::fmt::Write;

use crate::domain::lexer::Footprint;
use crate::domain::{Author, Snippet, Transcript, VariableKind};
use crate::tui::text;

/// Names of a kind that are shown.
const MAX_NAMES: usize = 8;

/// Phrases such as `rebinds df (yours)` and `files: shutil.rmtree`, the weightiest first.
pub fn phrases(transcript: &Transcript, snippet: &Snippet, footprint: &Footprint) -> Vec<String> {
    let (table, gate) = (transcript.variables(), transcript.gate());
    let known = |name: &str| table.rows.iter().find(|variable| variable.name == name);
    // With the owner, where that is somebody else.
    let named = |name: &String| {
        let setter = known(name).and_then(|variable| transcript.snippet(variable.set_by?));
        let owner = match setter.map(|setter| &setter.author) {
            Some(Author::You) => " (yours)".to_owned(),
            Some(author) if *author != snippet.author => format!(" ({}'s)", text::name(author.name())),
            _ => String::new(),
        };
        let lock = if gate.locked.contains(name.as_str()) { " (locked)" } else { "" };
        format!("{}{owner}{lock}", text::name(name))
    };
    let is_value = |name: &&String| known(name).is_some_and(|variable| variable.kind != VariableKind::Module);
    let mut phrases = Vec::new();
    let mut add = |what: &str, names: Vec<String>| {
        if names.is_empty() {
            return;
        }
        let more = names.len().saturating_sub(MAX_NAMES);
        let mut phrase = format!("{what} {}", names[..names.len() - more].join(", "));
        if more > 0 {
            let _ = write!(phrase, " and {more} more");
        }
        phrases.push(phrase);
    };
    add("deletes", footprint.deletes.iter().map(named).collect());
    add("rebinds", footprint.rebinds.iter().filter(is_value).map(named).collect());
    add("changes", footprint.changes.iter().map(named).collect());
    let mut kinds: Vec<_> = footprint.calls.iter().map(|(kind, _)| *kind).collect();
    kinds.dedup();
    let mut seen = Vec::new();
    for kind in kinds {
        if !seen.contains(&kind) {
            seen.push(kind);
            let calls = footprint.calls.iter().filter(|(of, _)| *of == kind);
            add(&format!("{}:", kind.label()), calls.map(|(_, name)| text::name(name).into_owned()).collect());
        }
    }
    add("imports", footprint.imports.iter().map(|name| text::name(name).into_owned()).collect());
    add("reads", footprint.reads.iter().filter(is_value).map(named).collect());
    let new = |name: &&String| known(name).is_none() && !footprint.imports.contains(name);
    add("new", footprint.rebinds.iter().filter(new).map(|name| text::name(name).into_owned()).collect());
    phrases
}
