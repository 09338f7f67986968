//! The text of a value in rows: broken by its structure where it has one, with the colours of code.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::lexer::Token;
use crate::domain::repr_text::{ReprLine, ReprText};
use crate::domain::units;
use crate::tui::{text, theme};

/// The rows of a value.
pub struct ValueRows {
    pub rows: Vec<Line<'static>>,
    /// The lines of the whole value, which may be wrapped to several rows each.
    pub lines: usize,
    /// Whether a line is wider than the rows.
    pub is_wide: bool,
    /// Whether items of containers within the value are left out.
    pub is_folded: bool,
}

/// A line of a value: a part of its text, or a container within the value whose items are left out.
enum ShownLine {
    Whole(ReprLine),
    Folded { open: ReprLine, items: usize, close: Range<usize> },
}

/// Lines of a value that is folded at most; folding reads all of them.
const MAX_FOLDED_LINES: usize = 5_000;

/// Returns the rows of a value with its lines at `width` cells, no more than about `max_rows`. Lines that are wider are
/// wrapped, or not if they are to be scrolled sideways.
pub fn rows(value: &str, width: usize, wraps: bool, max_rows: usize) -> ValueRows {
    let structured = ReprText::parse(value).filter(|repr| !repr.is_opaque());
    let Some(repr) = structured else { return unstructured(value, width, wraps, max_rows) };
    let lines = repr.lines(width, text::width);
    let folds = lines.len() > max_rows && lines.len() <= MAX_FOLDED_LINES;
    let lines = if folds { folded(lines, value) } else { lines.into_iter().map(ShownLine::Whole).collect() };
    let end = lines.get(max_rows).map_or(value.len(), ShownLine::start);
    let tokens = repr.tokens(end);
    let (mut rows, mut next, mut is_wide, mut is_folded) = (Vec::new(), 0, false, false);
    let mut styled = |range: Range<usize>| {
        while tokens.get(next).is_some_and(|token| token.range.end <= range.start) {
            next += 1;
        }
        pieces(value, range, &tokens[next..])
    };
    for line in &lines {
        if rows.len() >= max_rows {
            break;
        }
        let count;
        let (ReprLine { indent, range }, close) = match line {
            ShownLine::Whole(line) => (line, None),
            ShownLine::Folded { open, items, close } => {
                is_folded = true;
                count = format!("… {}", units::count(*items, "item"));
                (open, Some((count.as_str(), close.clone())))
            }
        };
        // A deeply nested value keeps room for its text.
        let indent = (*indent).min(width / 2);
        let range = range.start..range.start + shown_bytes(&value[range.clone()], width, wraps, max_rows);
        let mut pieces = styled(range);
        if let Some((count, close)) = close {
            pieces.push((count, theme::DIM));
            pieces.extend(styled(close));
        }
        let wrapped = text::wrap(pieces, if wraps { width.saturating_sub(indent) } else { usize::MAX }, 8);
        is_wide |= wrapped.len() > 1;
        rows.extend(wrapped.into_iter().map(|mut row| {
            if indent > 0 {
                row.spans.insert(0, Span::raw(" ".repeat(indent)));
            }
            row
        }));
    }
    ValueRows { rows, lines: lines.len(), is_wide, is_folded }
}

impl ShownLine {
    /// The byte of the value at which the line begins.
    fn start(&self) -> usize {
        match self {
            Self::Whole(line) | Self::Folded { open: line, .. } => line.range.start,
        }
    }
}

/// Leaves out the items of the containers within a value, so that all of its own items are seen.
fn folded(lines: Vec<ReprLine>, value: &str) -> Vec<ShownLine> {
    let Some(own) = lines.get(1).map(|line| line.indent).filter(|own| *own > 0) else {
        return lines.into_iter().map(ShownLine::Whole).collect();
    };
    let mut shown: Vec<ShownLine> = Vec::new();
    let mut within: Vec<ReprLine> = Vec::new();
    for line in lines {
        if line.indent > own {
            within.push(line);
            continue;
        }
        let opener = shown.pop_if(|last| !within.is_empty() && matches!(last, ShownLine::Whole(_)));
        match opener {
            Some(ShownLine::Whole(open)) if value[line.range.clone()].starts_with([')', ']', '}']) => {
                let items = items(&value[open.range.end..line.range.start]);
                within.clear();
                shown.push(ShownLine::Folded { open, items, close: line.range });
            }
            opener => {
                shown.extend(opener);
                shown.extend(within.drain(..).map(ShownLine::Whole));
                shown.push(ShownLine::Whole(line));
            }
        }
    }
    shown.extend(within.into_iter().map(ShownLine::Whole));
    shown
}

/// The number of items between the brackets of a container.
fn items(text: &str) -> usize {
    let (mut depth, mut quote, mut escaped, mut count, mut is_open) = (0_usize, None, false, 0, false);
    for c in text.chars() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, ',') if depth == 0 => (count, is_open) = (count + usize::from(is_open), false),
            (None, c) if c.is_whitespace() => {}
            (None, c) => {
                is_open = true;
                match c {
                    '\'' | '"' => quote = Some(c),
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
        }
    }
    count + usize::from(is_open)
}

/// Returns the text of a value with its lines at `width` cells.
pub fn text(value: &str, width: usize) -> String {
    let structured = ReprText::parse(value).filter(|repr| !repr.is_opaque());
    let Some(repr) = structured else { return value.to_owned() };
    let line = |line: ReprLine| " ".repeat(line.indent.min(width / 2)) + &value[line.range];
    repr.lines(width, text::width).into_iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The bytes of a line that can be seen in that many rows.
fn shown_bytes(line: &str, width: usize, wraps: bool, max_rows: usize) -> usize {
    if !wraps {
        return line.len();
    }
    floor_char_boundary(line, max_rows.saturating_mul(width).saturating_mul(4).min(line.len()))
}

/// The part of `value` as styled pieces. The tokens begin with the first in the part.
fn pieces<'a>(value: &'a str, range: Range<usize>, tokens: &[Token]) -> Vec<(&'a str, Style)> {
    let (mut pieces, mut at) = (Vec::new(), range.start);
    for token in tokens.iter().take_while(|token| token.range.start < range.end) {
        let (start, end) = (token.range.start.max(at), token.range.end.min(range.end));
        pieces.push((&value[at..start], theme::PLAIN));
        pieces.push((&value[start..end], theme::code(token.class)));
        at = end;
    }
    pieces.push((&value[at..range.end], theme::PLAIN));
    pieces
}

fn unstructured(value: &str, width: usize, wraps: bool, max_rows: usize) -> ValueRows {
    let (mut rows, mut is_wide) = (Vec::new(), false);
    for line in value.lines() {
        if rows.len() >= max_rows {
            break;
        }
        let line = &line[..shown_bytes(line, width, wraps, max_rows)];
        let wrapped = text::wrap([(line, theme::PLAIN)], if wraps { width } else { usize::MAX }, 8);
        is_wide |= wrapped.len() > 1;
        rows.extend(wrapped);
    }
    ValueRows { rows, lines: value.lines().count(), is_wide, is_folded: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &str, width: usize) -> Vec<String> {
        rows(value, width, true, usize::MAX).rows.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn long_values_are_broken_by_their_structure() {
        assert_eq!(
            shown("{'漢字': ['x', 'y'], 'long': 'abcdefghijklmnop'}", 22),
            ["{", "  '漢字': ['x', 'y'],", "  'long': 'abcdefghijk", "  lmnop'", "}"]
        );
        assert_eq!(shown("day\n1    2", 20), ["day", "1    2"]);
        assert_eq!(shown("<Foo 'x>", 4), ["<Foo", " 'x>"]);
    }

    #[test]
    fn containers_within_a_long_value_are_folded() {
        let items = (0..30).map(|n| format!("{{'id': {n}, 'tags': ['x', 'y']}}")).collect::<Vec<_>>().join(", ");
        let value = format!("{{'a': [{items}], 'b': 1, 'c': {{'d': [1, 2], 'e': 'some text that is long'}}}}");
        let folded = rows(&value, 40, true, 12);
        let shown: Vec<String> = folded.rows.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["{", "  'a': [… 30 items],", "  'b': 1,", "  'c': {… 2 items}", "}"]);
        assert!(folded.is_folded && folded.lines == 5);
        assert!(!rows(&value, 40, true, usize::MAX).is_folded);
        // A list of its own items has nothing to fold.
        let list = rows(&format!("[{}]", "'a long item of a list', ".repeat(30)), 40, true, 12);
        assert!(!list.is_folded && list.lines > 12);
    }

    #[test]
    fn only_what_is_shown_is_made() {
        let value = format!("[{}]", "'abc', ".repeat(100_000));
        let made = rows(&value, 40, true, 15);
        assert!(made.rows.len() <= 16 && made.lines > 10_000, "{} {}", made.rows.len(), made.lines);
        let line = rows(&"x".repeat(1 << 20), 40, true, 15);
        assert!(line.rows.len() <= 60 && line.lines == 1, "{}", line.rows.len());
    }

    #[test]
    fn values_have_the_colours_of_code() {
        let row = &rows("[1, 'a', <b>]", 40, true, 9).rows[0];
        let style = |text: &str| row.spans.iter().find(|span| span.content == text).map(|span| span.style);
        assert_eq!(style("1"), Some(theme::code(crate::domain::lexer::TokenClass::Number)));
        assert_eq!(style("'a'"), Some(theme::code(crate::domain::lexer::TokenClass::String)));
    }
}
