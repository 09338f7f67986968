//! Wrapping of lines into rows of the screen, and the cells that a grapheme takes.

use std::borrow::Cow;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::indent::INDENT;
use crate::domain::terminal_text::{is_invisible, with_invisible_shown};
use crate::tui::text;

/// Characters of a grapheme that are drawn; no language needs more.
const MAX_CLUSTER: usize = 16;

/// Returns how a grapheme is drawn at a column of its row, and in how many cells. Invisible characters become a dot.
pub fn glyph(grapheme: &str, column: usize) -> (Cow<'_, str>, usize) {
    if grapheme == "\t" {
        let cells = INDENT - column % INDENT;
        return (Cow::Owned(" ".repeat(cells)), cells);
    }
    let end = grapheme.char_indices().nth(MAX_CLUSTER).map_or(grapheme.len(), |(end, _)| end);
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

/// Counts the rows that a line takes.
pub fn row_count(line: &str, width: usize) -> usize {
    let width = width.max(2);
    if line.len() <= width && is_plain(line) {
        1
    } else if is_plain(line) {
        line.len().div_ceil(width)
    } else {
        rows(line, width).len()
    }
}

/// Returns the bytes of the line in each of its rows.
pub fn rows(line: &str, width: usize) -> Vec<Range<usize>> {
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

/// Returns the row of a line that a byte is in, and its column.
pub fn locate(line: &str, byte: usize, width: usize) -> (usize, usize) {
    let all = rows(line, width);
    let row = all.iter().rposition(|row| row.start <= byte).unwrap_or(0);
    (row, cells(&line[all[row].start..byte]))
}

/// Returns the byte at a column of a row, or the last byte that the cursor can be at.
pub fn byte_at(line: &str, row: usize, column: usize, width: usize) -> usize {
    let all = rows(line, width);
    let is_last = row + 1 >= all.len();
    let range = all[row.min(all.len() - 1)].clone();
    let mut at = 0;
    for (place, grapheme) in line[range.clone()].grapheme_indices(true) {
        let (_, cells) = glyph(grapheme, at);
        // The place behind the last grapheme of this row is the beginning of the next row.
        let is_last_of_row = !is_last && place + grapheme.len() == range.len();
        if at + cells > column || is_last_of_row {
            return range.start + place;
        }
        at += cells;
    }
    range.end
}

/// Counts the cells that the beginning of a row takes.
pub fn cells(text: &str) -> usize {
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
        let shown = |line: &'static str, width| rows(line, width).into_iter().map(|row| &line[row]).collect::<Vec<_>>();
        assert_eq!(shown("", 4), [""]);
        assert_eq!(shown("abcd", 4), ["abcd"]);
        assert_eq!(shown("abcde", 4), ["abcd", "e"]);
        assert_eq!(shown("a漢漢漢", 4), ["a漢", "漢漢"]);
        assert_eq!(shown("ab\tc", 4), ["ab\t", "c"]);
        for line in ["", "abcd", "abcde", "a漢漢漢", "abcdefghi"] {
            assert_eq!(row_count(line, 4), rows(line, 4).len(), "{line:?}");
        }
    }

    #[test]
    fn places_and_columns_go_both_ways() {
        let line = "ab漢cde\u{301}f";
        for (byte, _) in line.grapheme_indices(true) {
            let (row, column) = locate(line, byte, 4);
            assert_eq!(byte_at(line, row, column, 4), byte, "{row} {column}");
        }
        assert_eq!(locate("abcd", 4, 4), (0, 4), "the cursor has a cell more");
        assert_eq!(byte_at("abcdef", 0, 99, 4), 3);
        assert_eq!(byte_at("abcdef", 1, 99, 4), 6);
    }
}
