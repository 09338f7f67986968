//! The variables in the order of the lists: at the side, and in the drawer.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::sorting::{Sorting, natural};
use crate::domain::{Variable, VariableKind};
use crate::tui::composer::editor::Editor;
use crate::tui::fuzzy::Fuzzy;
use crate::tui::view::View;

/// The names that the last snippet added or changed.
pub fn touched(view: &View) -> HashSet<&str> {
    let outcome = view.transcript.last_finished().and_then(|snippet| snippet.outcome.as_ref());
    outcome.map_or_else(HashSet::new, |outcome| {
        outcome.changes.added.iter().chain(&outcome.changes.changed).map(String::as_str).collect()
    })
}

/// The type of a variable, or `class`, `function` or `module`.
pub fn sort(variable: &Variable) -> &str {
    match variable.kind {
        VariableKind::Class => "class",
        VariableKind::Function => "function",
        VariableKind::Module => "module",
        VariableKind::Data | VariableKind::Callable => &variable.type_name,
    }
}

/// Data first.
fn place(kind: VariableKind) -> u8 {
    match kind {
        VariableKind::Data => 0,
        VariableKind::Class => 1,
        VariableKind::Function | VariableKind::Callable => 2,
        VariableKind::Module => 3,
    }
}

/// The variables in the chosen order, equal ones by name; with a filter, the best match first.
pub fn sorted(view: &View) -> Vec<&Variable> {
    let mut rows: Vec<&Variable> = view.transcript.variables().rows.iter().collect();
    rows.sort_by(|one, other| natural(&one.name, &other.name));
    match view.variables.sorting {
        Sorting::Kind => rows.sort_by_key(|variable| place(variable.kind)),
        Sorting::Name => {}
        Sorting::Type => rows.sort_by(|one, other| sort(one).cmp(sort(other))),
        Sorting::Size => rows.sort_by_key(|variable| Reverse(variable.size)),
        Sorting::Changed => rows.sort_by_key(|variable| Reverse(variable.set_by)),
    }
    let query = view.variables.query.as_ref().map(Editor::code).unwrap_or_default();
    if query.trim().is_empty() { rows } else { best(rows, &query) }
}

/// The same for a list that has no room for all: among the data, and among the rest, what just changed comes first.
pub fn sorted_for_few_rows(view: &View) -> Vec<&Variable> {
    let mut rows = sorted(view);
    if view.variables.sorting == Sorting::Kind && view.variables.query.is_none() {
        let touched = touched(view);
        rows.sort_by_key(|variable| (place(variable.kind), !touched.contains(variable.name.as_str())));
    }
    rows
}

/// The variables whose name or type matches the query, the best match first.
fn best<'a>(rows: Vec<&'a Variable>, query: &str) -> Vec<&'a Variable> {
    let mut fuzzy = Fuzzy::new(query);
    let mut found: Vec<_> = rows
        .into_iter()
        // A match in the name ranks above any match in the type.
        .filter_map(|row| {
            let by_name = fuzzy.score(&row.name).map(|score| (true, score));
            let rank = by_name.or_else(|| Some((false, fuzzy.score(&row.type_name)?)));
            Some((rank?, row))
        })
        .collect();
    found.sort_by_key(|(rank, _)| Reverse(*rank));
    found.into_iter().map(|(_, row)| row).collect()
}
