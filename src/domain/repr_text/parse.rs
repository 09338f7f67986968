//! The parser: brackets, commas and strings. It needs no stack of calls, because values may be nested deeply.

use std::ops::Range;

use super::structure::{Element, Group, ReprText};

/// A bracket that is not closed yet.
struct Open {
    start: usize,
    closing: u8,
    items: Vec<Element>,
    item: Element,
    spans_lines: bool,
}

impl Open {
    fn new(start: usize, closing: u8, inside: usize) -> Self {
        let item = Element { range: inside..inside, ..Element::default() };
        Self { start, closing, items: Vec::new(), item, spans_lines: false }
    }

    /// Ends the item before `at`.
    fn end_item(&mut self, text: &str, at: usize) {
        let mut item = std::mem::take(&mut self.item);
        let inside = &text[item.range.start..at];
        let start = item.range.start + (inside.len() - inside.trim_start().len());
        item.range = start..start + inside.trim().len();
        let value = &text[item.value.max(start)..at];
        item.value = item.value.max(start) + (value.len() - value.trim_start().len());
        if !item.range.is_empty() {
            self.items.push(item);
        }
        self.item.range = at + 1..at + 1;
    }
}

impl<'a> ReprText<'a> {
    /// Returns `None` for a text that is no `repr` of one value, as far as its characters tell.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        parse(text)
    }
}

impl Element {
    fn key_ends(&mut self, at: usize) {
        if !self.is_keyed {
            (self.is_keyed, self.value) = (true, at + 1);
        }
    }
}

fn parse(text: &str) -> Option<ReprText<'_>> {
    let bytes = text.as_bytes();
    let mut groups: Vec<Group> = Vec::new();
    let mut opaque: Vec<Range<usize>> = Vec::new();
    let mut stack = vec![Open::new(0, 0, 0)];
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let is_top = stack.len() == 1;
        let open = stack.last_mut()?;
        match byte {
            b'\'' | b'"' if !is_apostrophe(bytes, at) => {
                let end = string_end(bytes, at)?;
                open.item.spans_lines |= text[at..end].contains('\n');
                at = end;
                continue;
            }
            b'<' if begins_atom(bytes, at) => {
                let end = opaque_end(bytes, at)?;
                open.item.spans_lines |= text[at..end].contains('\n');
                opaque.push(at..end);
                at = end;
                continue;
            }
            b'(' => stack.push(Open::new(at, b')', at + 1)),
            b'[' => stack.push(Open::new(at, b']', at + 1)),
            b'{' => stack.push(Open::new(at, b'}', at + 1)),
            b')' | b']' | b'}' => {
                let mut open = stack.pop().filter(|open| open.closing == byte)?;
                open.end_item(text, at);
                let before = bytes[..open.start].last();
                let is_call = before.is_some_and(|before| before.is_ascii_alphanumeric() || *before == b'_');
                groups.push(Group {
                    range: open.start..at + 1,
                    items: open.items,
                    is_call,
                    spans_lines: open.spans_lines,
                });
                stack.last_mut()?.item.groups.push(groups.len() - 1);
            }
            b',' if !is_top => open.end_item(text, at),
            b':' if open.closing == b'}' => open.item.key_ends(at),
            b'=' if open.closing == b')' => open.item.key_ends(at),
            b'\n' if !is_top => open.spans_lines = true,
            // Words outside brackets are no value.
            _ if is_top && !(byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte) || byte >= 128) => return None,
            _ => {}
        }
        at += 1;
    }
    let mut top = stack.pop().filter(|_| stack.is_empty())?.item;
    top.range = 0..text.len();
    // A number or a name, or one group with perhaps a name before.
    let is_one = top.groups.len() <= 1 && top.groups.last().is_none_or(|group| groups[*group].range.end == text.len());
    (is_one && !text.is_empty()).then_some(ReprText { text, top, groups, opaque })
}

/// Returns whether the quote is within a word, as in `it's`, and not after the prefix of a string, as in `b'…'`.
fn is_apostrophe(bytes: &[u8], at: usize) -> bool {
    let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_' || **byte >= 128;
    let word: Vec<u8> = bytes[..at].iter().rev().take_while(is_word).take(3).copied().collect();
    !(word.is_empty() || word.len() <= 2 && word.iter().all(|byte| b"bBrRuUfF".contains(byte)))
}

fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let quote = bytes[start];
    let mut at = start + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Returns whether a value begins at `at`.
fn begins_atom(bytes: &[u8], at: usize) -> bool {
    let before = bytes[..at].iter().rev().find(|byte| !byte.is_ascii_whitespace());
    before.is_none_or(|before| b"([{,:=".contains(before))
}

/// Returns the end of `<…>`: the first `>` that closes it and stands where a value may end.
fn opaque_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'<' => depth += 1,
            b'>' => {
                depth -= 1;
                if depth <= 0 && bytes.get(at + 1).is_none_or(|next| b",)]}:".contains(next)) {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
