//! The text of a value in rows: broken by its structure where it has one, with the colours of code.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::domain::char_boundary::floor_char_boundary;
use crate::domain::lexer::Token;
use crate::domain::repr_text::{ReprLine, ReprText};
use crate::tui::{text, theme};

/// The rows of a value.
pub struct ValueRows {
    pub rows: Vec<Line<'static>>,
    /// The lines of the whole value, which may be wrapped to several rows each.
    pub lines: usize,
    /// Whether a line is wider than the rows.
    pub is_wide: bool,
}

/// Returns the rows of a value with its lines at `width` cells, no more than about `max_rows`. Lines that are wider are
/// wrapped, or not if they are to be scrolled sideways.
pub fn rows(value: &str, width: usize, wraps: bool, max_rows: usize) -> ValueRows {
    let structured = ReprText::parse(value).filter(|repr| !repr.is_opaque());
    let Some(repr) = structured else { return unstructured(value, width, wraps, max_rows) };
    let lines = repr.lines(width, text::width);
    let end = lines.get(max_rows).map_or(value.len(), |line| line.range.start);
    let tokens = repr.tokens(end);
    let (mut rows, mut next, mut is_wide) = (Vec::new(), 0, false);
    for ReprLine { indent, range } in &lines {
        if rows.len() >= max_rows {
            break;
        }
        // A deeply nested value keeps room for its text.
        let indent = (*indent).min(width / 2);
        let line = &value[range.clone()];
        let range = range.start..range.start + shown_bytes(line, width, wraps, max_rows);
        while tokens.get(next).is_some_and(|token| token.range.end <= range.start) {
            next += 1;
        }
        let pieces = pieces(value, range, &tokens[next..]);
        let wrapped = text::wrap(pieces, if wraps { width.saturating_sub(indent) } else { usize::MAX }, 8);
        is_wide |= wrapped.len() > 1;
        rows.extend(wrapped.into_iter().map(|mut row| {
            if indent > 0 {
                row.spans.insert(0, Span::raw(" ".repeat(indent)));
            }
            row
        }));
    }
    ValueRows { rows, lines: lines.len(), is_wide }
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
fn pieces<'a>(value: &'a str, range: std::ops::Range<usize>, tokens: &[Token]) -> Vec<(&'a str, Style)> {
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
    ValueRows { rows, lines: value.lines().count(), is_wide }
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
