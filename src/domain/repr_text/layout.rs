//! The lines of a value at a width. What fits stays on one line; a group that does not fit has its items on lines of
//! their own, or as many short ones on a line as fit.

use std::ops::Range;

use super::structure::{Element, Group, ReprText};

/// A line of the text: `range` without the white space around it, after `indent` cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReprLine {
    pub indent: usize,
    pub range: Range<usize>,
}

/// Cells by which items are indented.
const INDENT: usize = 2;
/// Levels of brackets that are broken.
const MAX_DEPTH: usize = 60;
/// Bytes of an item of which several may share a line.
const MAX_SHORT_ITEM: usize = 24;
/// A longer text than this many bytes for each cell does not fit, whatever its characters.
const MAX_BYTES_PER_CELL: usize = 16;

impl ReprText<'_> {
    /// Returns the lines at `width` cells. A part that cannot be broken may be wider.
    #[must_use]
    pub fn lines(&self, width: usize, measure: fn(&str) -> usize) -> Vec<ReprLine> {
        lines(self, width, measure)
    }
}

fn lines(repr: &ReprText<'_>, width: usize, measure: fn(&str) -> usize) -> Vec<ReprLine> {
    let mut writer = Writer { repr, width, measure, breaks: Vec::new(), line: 0, indent: 0 };
    writer.item(&repr.top, 0, 0, 0);
    let text = repr.text;
    let starts = std::iter::once((0, 0)).chain(writer.breaks.iter().copied());
    let ends = writer.breaks.iter().map(|(at, _)| *at).chain([text.len()]);
    let line = |((start, indent), end): ((usize, usize), usize)| ReprLine {
        indent,
        range: start..start + text[start..end].trim_end().len(),
    };
    starts.zip(ends).map(line).collect()
}

struct Writer<'a> {
    repr: &'a ReprText<'a>,
    width: usize,
    measure: fn(&str) -> usize,
    /// Where lines begin, and their indents.
    breaks: Vec<(usize, usize)>,
    /// Where the current line begins, and its indent.
    line: usize,
    indent: usize,
}

impl Writer<'_> {
    fn group(&self, group: usize) -> &Group {
        &self.repr.groups[group]
    }

    fn break_at(&mut self, at: usize, indent: usize) {
        let rest = &self.repr.text[at..];
        let at = at + (rest.len() - rest.trim_start_matches(' ').len());
        self.breaks.push((at, indent));
        (self.line, self.indent) = (at, indent);
    }

    /// The cells of the current line up to `end`; no more than tells that the line is too long.
    fn column(&self, end: usize) -> usize {
        let line = &self.repr.text[self.line..end];
        if line.len() > self.width.saturating_mul(MAX_BYTES_PER_CELL) {
            return usize::MAX / 2;
        }
        self.indent + (self.measure)(line)
    }

    /// Lays out an item that begins on the current line, with `after` cells behind it on its last line.
    fn item(&mut self, item: &Element, after: usize, indent: usize, depth: usize) {
        if self.is_verbatim(item) {
            return self.verbatim(item);
        }
        let has_lines = self.repr.text[item.range.clone()].contains('\n');
        if !has_lines && self.column(item.range.end) + after <= self.width || depth >= MAX_DEPTH {
            return;
        }
        let length = |group: &&usize| self.group(**group).range.len();
        let Some(group) = item.groups.iter().max_by_key(length).copied() else { return };
        let behind = item.range.end - self.group(group).range.end;
        self.contents(group, after + behind, indent, depth + 1);
    }

    fn contents(&mut self, group: usize, after: usize, indent: usize, depth: usize) {
        let repr = self.repr;
        let group = &repr.groups[group];
        let Some((last, before)) = group.items.split_last() else { return };
        // A group alone in its brackets shares their lines: `Counter({`.
        let has_room = || self.column(last.range.start) <= self.width * 2 / 3;
        let is_plain = |item: &Element| item.groups.is_empty() && !item.is_keyed && !item.spans_lines;
        let shares = before.is_empty()
            || group.is_call && !last.is_keyed && !last.groups.is_empty() && before.iter().all(is_plain) && has_room();
        if shares {
            return self.item(last, after + 1, indent, depth);
        }
        let is_short = |item: &Element| is_plain(item) && item.range.len() <= MAX_SHORT_ITEM;
        let fills = group.items.iter().all(is_short);
        for (number, item) in group.items.iter().enumerate() {
            if number == 0 || !fills || self.column(item.range.end) + 1 > self.width {
                self.break_at(item.range.start, indent + INDENT);
            }
            if !fills {
                self.item(item, 1, indent + INDENT, depth);
            }
        }
        self.break_at(group.range.end - 1, indent);
    }

    /// Returns whether the item has lines of its own, as an array has.
    fn is_verbatim(&self, item: &Element) -> bool {
        item.spans_lines
            || item.groups.iter().any(|group| {
                let group = self.group(*group);
                if group.is_call { self.has_lines(group) } else { group.spans_lines }
            })
    }

    /// Returns whether lines break within the group, or within a list alone or first in the group.
    fn has_lines<'a>(&'a self, mut group: &'a Group) -> bool {
        loop {
            let first = group.items.first().and_then(|item| Some((item, self.group(*item.groups.first()?))));
            match first {
                _ if group.spans_lines => return true,
                Some((item, inner)) if inner.range.start == item.range.start => group = inner,
                _ => return false,
            }
        }
    }

    /// Keeps the lines of an item, below where it begins.
    fn verbatim(&mut self, item: &Element) {
        let column = self.column(item.value);
        let text = self.repr.text;
        let ends: Vec<usize> = text[item.range.clone()].match_indices('\n').map(|(at, _)| at).collect();
        for end in ends {
            let start = item.range.start + end + 1;
            let spaces = text[start..].len() - text[start..].trim_start_matches(' ').len();
            self.break_at(start, column + spaces);
        }
    }
}
