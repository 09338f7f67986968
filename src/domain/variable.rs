//! Variables as text: names and descriptions, never the objects, and never the result of a user's `__repr__`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Author, SnippetId, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableKind {
    Data,
    Function,
    Class,
    /// Another object that can be called.
    Callable,
    Module,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    pub name: String,
    pub kind: VariableKind,
    /// Such as `int`, `DataFrame`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Length, shape or the like in a few characters: `48210×9`, `326`, `(df, …)`; may be empty.
    pub shape: String,
    /// Bytes, where they are cheap to learn: containers without their items, the data of arrays and frames, objects by
    /// their pointers.
    pub size: Option<u64>,
    /// A short `repr`-like text on one line; empty where reading the value is not safe.
    pub preview: String,
    /// `str()` of the value where it differs from `preview` (strings).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The snippet that last bound or visibly changed it.
    pub set_by: Option<SnippetId>,
}

/// The names that do not start with an underscore, sorted, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableTable {
    /// At most [`VariableTable::MAX_ROWS`]. Shared, because every list and each change makes a copy of the table.
    pub rows: Arc<[Variable]>,
    /// The number of all names.
    pub total: usize,
    /// The number of names that match the query.
    pub matching: usize,
    /// The number of matching names after the rows.
    pub left: usize,
    /// Whether there are names that start with an underscore.
    pub has_private: bool,
    pub taken_at: Timestamp,
}

impl VariableTable {
    pub const MAX_ROWS: usize = 2_000;
}

/// A filter on names; by default all match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariableQuery {
    /// The text that the name or its type contains, in lower case.
    part: String,
    /// Only names that sort after this one match.
    after: Option<String>,
}

impl VariableQuery {
    #[must_use]
    pub fn new(part: &str, after: Option<String>) -> Self {
        Self { part: part.trim().to_lowercase(), after }
    }

    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.part.is_empty() && self.after.is_none()
    }

    #[must_use]
    pub fn part(&self) -> &str {
        &self.part
    }

    /// Returns whether the name of a variable or of a type matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.part.is_empty() || name.to_lowercase().contains(&self.part)
    }

    #[must_use]
    pub fn is_ahead(&self, name: &str) -> bool {
        self.after.as_deref().is_none_or(|after| name > after)
    }
}

/// The changes that a snippet made to the namespace, as far as they are cheap to detect: bindings, types, lengths and
/// shapes, items at the ends of a list or the beginning of a dict, values of a small array.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableChanges {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
    /// Those of the changed ones that have another object now; within the others, something has changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rebound: Vec<String>,
    /// Those that the person has locked, and that have another object now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locked: Vec<String>,
    /// Those whose objects were another author's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clashes: Vec<Clash>,
    /// The changed and removed ones with the snippets that had bound their objects, until the session has found the
    /// clashes among them.
    #[serde(skip)]
    pub bound_before: Vec<(String, SnippetId)>,
}

/// A name that a snippet has rebound, changed or deleted although another author had bound it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clash {
    pub name: String,
    pub owner: Author,
}

/// The names that can be bound again to their objects from before a snippet.
pub type UndoableNames = BTreeMap<SnippetId, Vec<Arc<str>>>;

impl VariableChanges {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// The names by what happened to them: `new`, `rebound`, `changed` within, `deleted`.
    #[must_use]
    pub fn by_fate(&self) -> Vec<(&'static str, Vec<&str>)> {
        let rebound: HashSet<&String> = self.rebound.iter().collect();
        let (rebound, changed) = self.changed.iter().partition(|name| rebound.contains(name));
        let all: [(_, Vec<&String>); 4] = [
            ("new", self.added.iter().collect()),
            ("rebound", rebound),
            ("changed", changed),
            ("deleted", self.removed.iter().collect()),
        ];
        let named = all.into_iter().filter(|(_, names)| !names.is_empty());
        named.map(|(fate, names)| (fate, names.into_iter().map(String::as_str).collect())).collect()
    }

    /// What happened to names of other authors, such as `rebound df, x`, by owner.
    #[must_use]
    pub fn clash_phrases(&self) -> Vec<(&Author, String)> {
        let mut phrases: Vec<(&Author, String)> = Vec::new();
        for (fate, names) in self.by_fate() {
            for clash in self.clashes.iter().filter(|clash| names.contains(&clash.name.as_str())) {
                let begins = format!("{fate} ");
                match phrases.iter_mut().find(|(owner, phrase)| **owner == clash.owner && phrase.starts_with(&begins)) {
                    Some((_, phrase)) => phrase.extend([", ", &clash.name]),
                    None => phrases.push((&clash.owner, begins + &clash.name)),
                }
            }
        }
        phrases
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClientId;

    #[test]
    fn changes_are_told_by_fate_and_clashes_by_owner() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let cursor = Author::Client { id: ClientId(2), name: "cursor".into() };
        let clash = |name: &str, owner: &Author| Clash { name: name.to_owned(), owner: owner.clone() };
        let changes = VariableChanges {
            added: names(&["n"]),
            changed: names(&["df", "items", "x"]),
            removed: names(&["old"]),
            rebound: names(&["df", "x"]),
            clashes: vec![
                clash("df", &Author::You),
                clash("items", &cursor),
                clash("old", &Author::You),
                clash("x", &Author::You),
            ],
            ..VariableChanges::default()
        };
        let fates = changes.by_fate();
        assert_eq!(fates[1..3], [("rebound", vec!["df", "x"]), ("changed", vec!["items"])]);
        assert_eq!((fates[0].0, fates[3].0), ("new", "deleted"));
        let told: Vec<String> = changes.clash_phrases().iter().map(|(by, what)| format!("{what} of {by}")).collect();
        assert_eq!(told, ["rebound df, x of you", "changed items of cursor", "deleted old of you"]);
        assert!(VariableChanges::default().by_fate().is_empty());
    }
}
