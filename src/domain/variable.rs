//! The names of the namespace as they are shown: never the objects, and never the result of a user's `__repr__`.

use serde::{Deserialize, Serialize};

use super::{SnippetId, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
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
    pub kind: Kind,
    /// Such as `int`, `DataFrame`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Length, shape or the like in a few characters: `48210×9`, `326`, `(df, …)`; may be empty.
    pub shape: String,
    /// Bytes, where that is cheap to know: of containers without their items, of arrays and frames the data itself, objects
    /// by their pointers.
    pub size: Option<u64>,
    /// Short `repr`-like text on one line; empty where nothing safe can be said.
    pub preview: String,
    /// `str()` of the value where it differs from `preview` (strings).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The snippet that last bound or visibly changed it.
    pub set_by: Option<SnippetId>,
}

/// All names that do not start with an underscore, sorted, as they were at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableTable {
    /// At most [`VariableTable::MAX_ROWS`].
    pub rows: Vec<Variable>,
    /// How many there are in all.
    pub total: usize,
    /// How many of them match what was asked for.
    pub matching: usize,
    /// How many of those come after the rows.
    pub left: usize,
    /// Whether names that start with an underscore exist besides.
    pub has_private: bool,
    pub taken_at: Timestamp,
}

impl VariableTable {
    pub const MAX_ROWS: usize = 2_000;
}

/// Which names are asked for; all, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariableQuery {
    /// In lower case: what the name or its type contains.
    part: String,
    /// Only names that sort after this one.
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

    /// Whether a name or the name of a type matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.part.is_empty() || name.to_lowercase().contains(&self.part)
    }

    #[must_use]
    pub fn is_ahead(&self, name: &str) -> bool {
        self.after.as_deref().is_none_or(|after| name > after)
    }
}

/// What a snippet did to the namespace, as far as it is cheap to see: a changed binding, type, length or shape, other items
/// at the ends of a list or at the beginning of a dict, other values in a small array.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableChanges {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

impl VariableChanges {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}
