//! The structure of a value's text.

use std::ops::Range;

use crate::domain::lexer::{self, Token};

/// A text that looks like the `repr` of one value.
#[derive(Debug)]
pub struct ReprText<'a> {
    pub(super) text: &'a str,
    pub(super) top: Element,
    /// All pairs of brackets, inner ones first.
    pub(super) groups: Vec<Group>,
    /// Texts such as `<Foo at 0x7f>`, which follow no rules.
    pub(super) opaque: Vec<Range<usize>>,
}

/// What stands between two commas.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub range: Range<usize>,
    /// Where the value begins, after a key or a name.
    pub value: usize,
    /// The groups of the item itself, as indices.
    pub groups: Vec<usize>,
    /// Whether the item is `key: value` or `name=value`.
    pub is_keyed: bool,
    /// Whether a string or an opaque text of the item spans lines.
    pub spans_lines: bool,
}

/// A pair of brackets with what is inside.
#[derive(Debug)]
pub(super) struct Group {
    /// With the brackets.
    pub range: Range<usize>,
    pub items: Vec<Element>,
    /// Whether a name stands before the bracket, as in `Counter({…})`.
    pub is_call: bool,
    /// Whether lines break between the items.
    pub spans_lines: bool,
}

impl ReprText<'_> {
    /// Returns whether the value has parts: items, or arguments of a call.
    #[must_use]
    pub fn has_parts(&self) -> bool {
        self.top.groups.iter().any(|group| !self.groups[*group].items.is_empty())
    }

    /// Returns whether the text names an object without describing it, such as `<Foo at 0x7f>`.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        self.opaque.first() == Some(&self.top.range)
    }

    /// Returns the tokens before `end`, in order. Lines end between tokens.
    #[must_use]
    pub fn tokens(&self, end: usize) -> Vec<Token> {
        let ends = self.opaque.iter().map(|opaque| opaque.start).chain([self.text.len()]);
        let starts = std::iter::once(0).chain(self.opaque.iter().map(|opaque| opaque.end));
        let parts = starts.zip(ends).take_while(|(start, _)| *start < end).flat_map(|(start, to)| {
            let end = to.min(end);
            let tokens = lexer::tokens(&self.text[start..end]);
            tokens
                .into_iter()
                .map(move |token| Token { range: token.range.start + start..token.range.end + start, ..token })
        });
        parts.collect()
    }
}
