//! Looking into one value on demand: what is asked, and what is told.

use serde::{Deserialize, Serialize};

use super::{SnippetId, Variable};

/// What to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Type, doc, signature, and what says most about a value of its kind.
    #[default]
    Overview,
    Repr,
    Doc,
    Source,
    Attributes,
    Items,
    Columns,
    Rows,
    Stats,
}

impl Aspect {
    pub const ALL: [Self; 9] = [
        Self::Overview,
        Self::Columns,
        Self::Rows,
        Self::Stats,
        Self::Items,
        Self::Attributes,
        Self::Repr,
        Self::Doc,
        Self::Source,
    ];

    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Repr => "repr",
            Self::Doc => "doc",
            Self::Source => "source",
            Self::Attributes => "attributes",
            Self::Items => "items",
            Self::Columns => "columns",
            Self::Rows => "rows",
            Self::Stats => "stats",
        }
    }
}

/// A question about a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspect {
    /// A name, or a path of attributes and literal indices from one: `df["a"]`, `model.layers[0]`.
    pub path: String,
    pub aspect: Aspect,
    /// From 0.
    pub page: u32,
}

/// What is told of a value. All text and all tables are bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inspection {
    pub path: String,
    pub aspect: Aspect,
    pub page: u32,
    /// With its module: `pandas.DataFrame`.
    pub type_name: String,
    /// The classes it inherits from, nearest first, `object` left out.
    pub bases: Vec<String>,
    /// As in the variable table.
    pub shape: String,
    pub dtype: String,
    pub length: Option<u64>,
    pub size: Option<u64>,
    pub signature: Option<String>,
    /// `file:line` of its definition.
    pub place: Option<String>,
    pub doc: Option<String>,
    /// `repr` or source.
    pub text: Option<TextPage>,
    pub tables: Vec<TablePage>,
    /// What to know of the above: what was sampled, what failed.
    pub notes: Vec<String>,
    /// What else can be looked at.
    pub aspects: Vec<Aspect>,
}

/// A piece of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextPage {
    pub text: String,
    /// Characters before it.
    pub offset: u64,
    /// Characters in all, where that is known.
    pub total: Option<u64>,
    pub has_more: bool,
}

/// Some rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TablePage {
    /// `columns`, `rows`, `items`, ...
    pub title: String,
    pub headers: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Rows before these.
    pub offset: u64,
    /// Rows in all, where that is known.
    pub total: Option<u64>,
    pub has_more: bool,
}

/// Why nothing could be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InspectError {
    /// A sentence: no such name, no such attribute, not a path, ...
    Refused(String),
    /// Code of the value did not end in time and was stopped, or cannot be stopped.
    Stopped { seconds: u64, has_ended: bool },
    /// Python was busy for as long as the question waited. `known` is what the last look at the variables told.
    Busy { running: Option<SnippetId>, known: Option<Box<Variable>> },
    /// It failed inside.
    Failed(String),
}
