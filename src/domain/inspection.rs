//! Inspection of one value on demand: requests and results.

use serde::{Deserialize, Serialize};

use super::{SnippetId, Variable};

/// The part of a value to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Type, documentation, signature, and the parts that say most about a value of its kind.
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

/// A request to inspect a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InspectRequest {
    /// A name, or a path of attributes and literal indices from one: `df["a"]`, `model.layers[0]`.
    pub path: String,
    /// The snippet whose value the path calls `_`; the path has no other names then.
    pub result_of: Option<SnippetId>,
    pub aspect: Aspect,
    /// Counted from 0.
    pub page: u32,
    /// The rows to return instead of a page.
    pub window: Option<RowWindow>,
}

impl InspectRequest {
    /// Whether the answer may need code of the value: its `__repr__`, or a property or `__getitem__` in the path.
    #[must_use]
    pub fn may_run_code(&self) -> bool {
        self.aspect == Aspect::Repr || self.path.contains(['.', '['])
    }
}

/// A part of a table, for a view that scrolls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowWindow {
    /// The number of rows before it, in the order requested and without those that the filter leaves out.
    pub start: u64,
    pub count: u32,
    pub first_column: u32,
    /// The column that the rows are sorted by, and whether the greatest comes first.
    pub order: Option<(u32, bool)>,
    /// A comparison such as `price > 3`, or a text that a row contains; empty for all rows.
    pub filter: String,
    /// The last finished snippet: an order computed before it may no longer be right.
    pub after: Option<SnippetId>,
}

/// The description of a value. All texts and tables are bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inspection {
    pub path: String,
    pub aspect: Aspect,
    pub page: u32,
    /// The name with its module, such as `pandas.DataFrame`.
    pub type_name: String,
    /// The base classes, nearest first, without `object`.
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
    /// The `repr` or the source.
    pub text: Option<TextPage>,
    pub tables: Vec<TablePage>,
    /// Remarks on the result: what was sampled, what failed.
    pub notes: Vec<String>,
    /// The other aspects that the value has.
    pub aspects: Vec<Aspect>,
}

/// A piece of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TextPage {
    pub text: String,
    /// The number of characters before it.
    pub offset: u64,
    /// The number of characters of the whole text, if it is known.
    pub total: Option<u64>,
    pub has_more: bool,
}

/// Some rows of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TablePage {
    /// Such as `columns`, `rows` or `items`.
    pub title: String,
    pub headers: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// The number of rows before these.
    pub offset: u64,
    /// The number of rows of the whole table, if it is known.
    pub total: Option<u64>,
    pub has_more: bool,
    /// For each row, what leads from the value to the row's own value, such as `["a"]`; empty where nothing does.
    pub steps: Vec<String>,
    /// The types of the columns, below their headers; empty if they have none.
    pub dtypes: Vec<String>,
    /// The number of columns before these, without the first, which has the rows' labels.
    pub first_column: u64,
    /// The number of columns of the whole table, without that of the labels, if it is more than these.
    pub columns: Option<u64>,
}

/// Why an inspection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InspectError {
    /// The request is wrong, such as an unknown name or attribute; a sentence.
    Refused(String),
    /// Code of the value exceeded the time limit, and was stopped or cannot be stopped.
    Stopped { seconds: u64, has_ended: bool },
    /// Python was busy while the request waited. `known` is the value's row in the last variable table.
    Busy { running: Option<SnippetId>, known: Option<Box<Variable>> },
    /// A background task of this snippet keeps Python to itself.
    Background(SnippetId),
    /// The inspection itself failed.
    Failed(String),
}
