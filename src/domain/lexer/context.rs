//! What is written at a cursor, and the call around the cursor.

use std::ops::Range;

/// The kind of text before the cursor. `prefix` is its beginning, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorContext {
    /// Nothing to complete: a comment, a number, the name after `def`.
    Nowhere,
    Name {
        prefix: String,
    },
    /// `of.prefix`; `of` is `None` if the value is more than names, attributes, items and literals.
    Attribute {
        of: Option<Vec<PathStep>>,
        prefix: String,
    },
    /// `of["prefix`, `of[:, "prefix`, `of[["a", "prefix`, or `of[prefix` without a quote.
    Key {
        of: Option<Vec<PathStep>>,
        prefix: String,
        quote: Option<char>,
        /// The number of commas between the bracket and the key.
        place: usize,
        /// Whether a bracket can follow the key: it is not within a list.
        ends: bool,
    },
    /// `import prefix`, `from prefix`; the prefix may have dots.
    Module {
        prefix: String,
    },
    /// `from module import prefix`
    Member {
        module: String,
        prefix: String,
    },
    /// The path of a file within a string, or a name that the string stands for.
    Path {
        prefix: String,
        quote: char,
        /// The value whose method is called with the string, and the arguments before the string:
        /// `of.method("prefix`, `function(of, name=["prefix`.
        of: Vec<Vec<PathStep>>,
    },
    /// `%prefix`, `%%prefix`
    Magic {
        prefix: String,
        cell: bool,
    },
}

/// A step of an expression that is looked up without running code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    Name(String),
    Attribute(String),
    /// `["key"]`
    Key(String),
    /// `[0]`
    Index(i64),
    /// `[a > 1]`, `[2:5]`: a choice of rows.
    Rows,
    /// A literal, by the name of its type.
    Literal(&'static str),
}

/// The innermost open call at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAtCursor {
    /// The called expression, as bytes of the code.
    pub callee: Range<usize>,
    /// The number of arguments before the cursor's argument.
    pub argument: usize,
    /// The keyword of the argument, if it has one.
    pub keyword: Option<String>,
}
