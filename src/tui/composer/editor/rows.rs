//! Lines of the input as rows of the screen: where a line goes on in the next row, and which cells a grapheme takes.

use std::borrow::Cow;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::INDENT;
use crate::domain::terminal_text::{is_invisible, with_invisible_shown};
use crate::tui::text;

/// More characters than this in one cell are no writing of any language.
const CLUSTER: usize = 16;

/// How a grapheme is drawn at a column of its row, and in how many cells. What would not be seen is a dot.
pub fn glyph(grapheme: &str, column: usize) -> (Cow<'_, str>, usize) {
    if grapheme == "\t" {
        let cells = INDENT - column % INDENT;
        return (Cow::Owned(" ".repeat(cells)), cells);
    }
    let end = grapheme.char_indices().nth(CLUSTER).map_or(grapheme.len(), |(end, _)| end);
    let grapheme = &grapheme[..end];
    if let Cow::Owned(_) = with_invisible_shown(grapheme) {
        let seen: String = grapheme.chars().filter(|c| !is_invisible(*c)).collect();
        let cells = text::width(&seen);
        return (Cow::Owned(seen + "·"), cells + 1);
    }
    match text::width(grapheme) {
        0 => (Cow::Borrowed("·"), 1),
        cells => (Cow::Borrowed(grapheme), cells),
    }
}

fn is_plain(line: &str) -> bool {
    line.bytes().all(|byte| (b' '..0x7f).contains(&byte))
}

/// How many rows a line takes.
pub fn count(line: &str, width: usize) -> usize {
    let width = width.max(2);
    if line.len() <= width && is_plain(line) {
        1
    } else if is_plain(line) {
        line.len().div_ceil(width)
    } else {
        of_line(line, width).len()
    }
}

/// The bytes of the line that stand in each of its rows.
pub fn of_line(line: &str, width: usize) -> Vec<Range<usize>> {
    let width = width.max(2);
    let mut rows = Vec::new();
    let mut begin = 0;
    if is_plain(line) {
        while line.len() - begin > width {
            rows.push(begin..begin + width);
            begin += width;
        }
    } else {
        let mut column = 0;
        for (place, grapheme) in line.grapheme_indices(true) {
            let (_, mut cells) = glyph(grapheme, column);
            if column + cells > width && column > 0 {
                rows.push(begin..place);
                (begin, column) = (place, 0);
                cells = glyph(grapheme, 0).1;
            }
            column += cells;
        }
    }
    rows.push(begin..line.len());
    rows
}

/// The row of a line that a byte stands in, and the column where it begins.
pub fn place(line: &str, byte: usize, width: usize) -> (usize, usize) {
    let rows = of_line(line, width);
    let row = rows.iter().rposition(|row| row.start <= byte).unwrap_or(0);
    (row, columns(&line[rows[row].start..byte]))
}

/// The byte that stands at a column of a row, or the last one that can.
pub fn byte_at(line: &str, row: usize, column: usize, width: usize) -> usize {
    let rows = of_line(line, width);
    let last = row + 1 >= rows.len();
    let range = rows[row.min(rows.len() - 1)].clone();
    let mut at = 0;
    for (place, grapheme) in line[range.clone()].grapheme_indices(true) {
        let (_, cells) = glyph(grapheme, at);
        // The end of a row that goes on is the beginning of the next.
        let is_last_of_row = !last && place + grapheme.len() == range.len();
        if at + cells > column || is_last_of_row {
            return range.start + place;
        }
        at += cells;
    }
    range.end
}

/// Cells that a part of a row takes from its beginning on.
pub fn columns(text: &str) -> usize {
    if is_plain(text) {
        return text.len();
    }
    text.graphemes(true).fold(0, |column, grapheme| column + glyph(grapheme, column).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_graphemes() {
        let shown =
            |line: &'static str, width| of_line(line, width).into_iter().map(|row| &line[row]).collect::<Vec<_>>();
        assert_eq!(shown("", 4), [""]);
        assert_eq!(shown("abcd", 4), ["abcd"]);
        assert_eq!(shown("abcde", 4), ["abcd", "e"]);
        assert_eq!(shown("a漢漢漢", 4), ["a漢", "漢漢"]);
        assert_eq!(shown("ab\tc", 4), ["ab\t", "c"]);
        for line in ["", "abcd", "abcde", "a漢漢漢", "abcdefghi"] {
            assert_eq!(count(line, 4), of_line(line, 4).len(), "{line:?}");
        }
    }

    #[test]
    fn places_and_columns_go_both_ways() {
        let line = "ab漢cde\u{301}f";
        for (byte, _) in line.grapheme_indices(true) {
            let (row, column) = place(line, byte, 4);
            assert_eq!(byte_at(line, row, column, 4), byte, "{row} {column}");
        }
        assert_eq!(place("abcd", 4, 4), (0, 4), "the cursor has a cell more");
        assert_eq!(byte_at("abcdef", 0, 99, 4), 3);
        assert_eq!(byte_at("abcdef", 1, 99, 4), 6);
    }
}
