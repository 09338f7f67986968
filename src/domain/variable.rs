//! Variables as text: names and descriptions, never the objects, and never the result of a user's `__repr__`.

use serde::{Deserialize, Serialize};

use super::{SnippetId, Timestamp};

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
    /// At most [`VariableTable::MAX_ROWS`].
    pub rows: Vec<Variable>,
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
    /// Those that the person has locked, and that have another object now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locked: Vec<String>,
}

impl VariableChanges {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}
