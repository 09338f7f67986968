//! Tables with aligned columns, cut to a width. Hidden columns are counted, and row labels stay in sight.

use std::ops::Range;
use std::sync::Arc;

use ratatui::text::{Line, Span};

use crate::domain::{DisplayedFrame, FramePreview, Output, units};
use crate::tui::{text, theme};

/// Cells between two columns.
const COLUMN_GAP: usize = 2;
/// Rows shown from the end of an incomplete frame.
const MAX_TAIL_ROWS: usize = 3;

/// The cells of a table as text.
pub struct Table<'a> {
    /// The heading of the labels, and the labels; empty if the rows have none.
    labels: Vec<&'a str>,
    /// Column by column, the name first.
    columns: Vec<Vec<&'a str>>,
    /// The lines above the rows: the names, and perhaps the types.
    heads: usize,
}

/// Some columns of a table, side by side.
pub struct TableLayout {
    /// The line of names, and one line per row.
    pub lines: Vec<String>,
    /// The columns in these lines.
    pub shown: Range<usize>,
    /// Whether the last of the columns is cut.
    pub is_cut: bool,
}

/// The least width to which the last column in sight is cut; only columns of text are.
const MIN_CUT_WIDTH: usize = 8;

impl<'a> Table<'a> {
    pub fn new(labels: Vec<&'a str>, names: &'a [String], rows: &[&'a [String]]) -> Self {
        let column = |place: usize| {
            let cells = rows.iter().map(|row| row.get(place).map_or("", String::as_str));
            std::iter::once(names[place].as_str()).chain(cells).collect()
        };
        Self { labels, columns: (0..names.len()).map(column).collect(), heads: 1 }
    }

    /// The first of the rows are the types of the columns.
    pub fn with_types(self) -> Self {
        Self { heads: 2, ..self }
    }

    /// Lays out as many columns from `first` on as fit, at least one; the last column cannot be scrolled away. With
    /// `max_width`, all columns but the last are cut to that many cells.
    pub fn layout(&self, first: usize, width: usize, max_width: Option<usize>) -> TableLayout {
        let from = first.min(self.columns.len().saturating_sub(1));
        let can_cut = max_width.is_some();
        let mut pieces = Vec::new();
        let mut used = 0;
        if !self.labels.is_empty() {
            let labels = Column::of(&self.labels, width / 3, self.heads);
            used = labels.width + COLUMN_GAP;
            pieces.push(labels);
        }
        let (mut to, mut is_cut) = (from, false);
        for cells in self.columns.iter().skip(from) {
            let room = width.saturating_sub(used).max(1);
            let max_width = max_width.filter(|_| to + 1 < self.columns.len()).unwrap_or(usize::MAX);
            let max_here = if to == from { room.min(max_width) } else { max_width };
            let mut column = Column::of(cells, max_here, self.heads);
            if to > from && column.width > room {
                // A part of a number would be another number.
                if can_cut && !column.right && room >= MIN_CUT_WIDTH {
                    column = Column::of(cells, room, self.heads);
                    is_cut = true;
                } else {
                    break;
                }
            }
            used += column.width + COLUMN_GAP;
            pieces.push(column);
            to += 1;
            if is_cut {
                break;
            }
        }
        let height = pieces.first().map_or(0, |piece| piece.cells.len());
        let line = |row: usize| pieces.iter().map(|piece| piece.cells[row].as_str()).collect::<Vec<_>>();
        TableLayout { lines: (0..height).map(|row| line(row).join("  ")).collect(), shown: from..to, is_cut }
    }
}

/// Cells padded to one width.
struct Column {
    cells: Vec<String>,
    width: usize,
    /// Whether the cells are aligned on the right.
    right: bool,
}

impl Column {
    /// Columns of numbers are aligned on the right.
    fn of(cells: &[&str], max_width: usize, heads: usize) -> Self {
        let cells: Vec<String> =
            cells.iter().map(|cell| text::cut(&text::name(cell), max_width).into_owned()).collect();
        let width = cells.iter().map(|cell| text::width(cell)).max().unwrap_or(0);
        let right = cells.iter().skip(heads).all(|cell| is_number(cell));
        let aligned = cells.into_iter().map(|cell| {
            let gap = " ".repeat(width - text::width(&cell));
            if right { format!("{gap}{cell}") } else { format!("{cell}{gap}") }
        });
        Self { cells: aligned.collect(), width, right }
    }
}

pub fn is_number(cell: &str) -> bool {
    let digits = cell.trim_start_matches(['-', '+']);
    // Lists of numbers, such as `0.5, 1.5`, are not aligned.
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && !digits.contains(", ")
        || matches!(cell, "" | "NaN" | "nan" | "null" | "None" | "NaT" | "<NA>" | "inf" | "-inf")
}

/// A data frame in `limit` lines, but at least five, from the column `first` on.
pub fn frame(frame: &FramePreview, first: usize, width: usize, limit: usize) -> Vec<Line<'static>> {
    let available = frame.cells.len();
    let is_whole = available as u64 == frame.rows;
    // The names, the number of hidden rows, and the size take a line each.
    let room = limit.saturating_sub(2 + usize::from(!is_whole)).max(1);
    let is_cut = available > room;
    let (head, tail) = match (is_cut, is_whole) {
        (false, true) => (available, 0),
        (false, false) => (frame.head, available - frame.head),
        (true, _) => {
            let room = if is_whole { room - 1 } else { room }.max(1);
            let tail = MAX_TAIL_ROWS.min(room / 3);
            ((room - tail).min(frame.head), tail)
        }
    };
    let places: Vec<usize> = (0..head).chain(available - tail..available).collect();
    let rows: Vec<&[String]> = places.iter().map(|place| frame.cells[*place].as_slice()).collect();
    let label = |place: &usize| frame.index.get(*place).map_or("", String::as_str);
    let labels = if frame.index.is_empty() {
        Vec::new()
    } else {
        std::iter::once(frame.corner.as_str()).chain(places.iter().map(label)).collect()
    };
    let layout = Table::new(labels, &frame.names, &rows).layout(first, width, None);
    let left_out = frame.rows.saturating_sub(places.len() as u64);
    let mut lines = Vec::with_capacity(layout.lines.len() + 2);
    for (number, line) in layout.lines.into_iter().enumerate() {
        let line = text::cut(line.trim_end(), width).into_owned();
        lines.push(Line::styled(line, if number == 0 { theme::DIM } else { theme::PLAIN }));
        if number == head && left_out > 0 {
            lines.push(note(&format!("⋮ {}", counted(left_out, "more row")), width));
        }
    }
    lines.push(size(frame, &layout.shown, width));
    lines
}

/// The size of a frame, such as `48210 rows × 9 columns   … 4 more columns ← →`.
fn size(frame: &FramePreview, shown: &Range<usize>, width: usize) -> Line<'static> {
    let (rows, columns) = (counted(frame.rows, "row"), counted(frame.columns, "column"));
    let whole = format!("{rows} × {columns}");
    let after = frame.columns.saturating_sub(shown.end as u64);
    let more = match (shown.start, after) {
        (0, 0) => return note(&whole, width),
        (0, after) => format!("   … {} ", units::count(after as usize, "more column")),
        (before, 0) => format!("   {} to the left ", units::count(before, "column")),
        (before, after) => format!("   {before} to the left, {after} to the right "),
    };
    let keys = "← →";
    let is_narrow = text::width(&whole) + text::width(&more) + text::width(keys) > width;
    let whole = if is_narrow { units::grouped_shape(&format!("{}×{}", frame.rows, frame.columns)) } else { whole };
    Line::from(vec![Span::styled(whole + &more, theme::DIM), Span::styled(keys, theme::KEY)])
}

fn counted(count: u64, singular: &str) -> String {
    format!("{} {singular}{}", units::grouped(count), if count == 1 { "" } else { "s" })
}

/// The ranges of an output that show frames, as [`Output::slice`] counts; unknown for a long output.
pub fn places<'a>(output: &Output, frames: &'a [Arc<DisplayedFrame>]) -> Vec<(Range<u64>, &'a FramePreview)> {
    let mut found = Vec::new();
    if frames.is_empty() || output.omitted() > 0 {
        return found;
    }
    let text: String = output.head().chain(output.tail()).map(|segment| segment.text.as_str()).collect();
    let mut from = 0;
    for DisplayedFrame { text: shown, frame } in frames.iter().map(|shown| &**shown) {
        let Some(at) = text[from..].find(&**shown).map(|at| from + at) else { continue };
        from = at + shown.len();
        from += usize::from(text[from..].starts_with('\n'));
        found.push((at as u64..from as u64, frame));
    }
    found
}

fn note(words: &str, width: usize) -> Line<'static> {
    Line::styled(text::cut(words, width).into_owned(), theme::DIM)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rows: usize, columns: usize) -> FramePreview {
        let cell = |row: usize, column: usize| {
            if column.is_multiple_of(2) { (row * 10).to_string() } else { "x".repeat(column) }
        };
        FramePreview {
            rows: rows as u64,
            columns: columns as u64,
            corner: "day".into(),
            index: (0..rows.min(25)).map(|row| format!("r{row}")).collect(),
            names: (0..columns).map(|column| format!("c{column}")).collect(),
            cells: (0..rows.min(25)).map(|row| (0..columns).map(|column| cell(row, column)).collect()).collect(),
            head: if rows > 25 { 20 } else { rows },
        }
    }

    fn shown(preview: &FramePreview, first: usize, width: usize, limit: usize) -> Vec<String> {
        frame(preview, first, width, limit).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn columns_are_aligned_and_those_out_of_sight_counted() {
        let lines = shown(&sample(3, 9), 0, 24, 14);
        assert_eq!(lines[0], "day  c0  c1  c2  c3   c4");
        assert_eq!(lines[3], "r2   20  x   20  xxx  20");
        assert_eq!(lines[4], "3×9   … 4 more columns ← →");
        assert_eq!(shown(&sample(3, 9), 0, 45, 14)[4], "3 rows × 9 columns   … 1 more column ← →");
        let lines = shown(&sample(3, 9), 3, 24, 14);
        assert!(lines[0].starts_with("day  c3   c4  c5"), "the labels stay: {lines:?}");
        assert!(lines[4].ends_with("3 to the left, 2 to the right ← →"), "{lines:?}");
        let lines = shown(&sample(3, 9), 99, 24, 14);
        assert!(lines[0].contains("c8") && lines[4].contains("8 columns to the left"), "{lines:?}");
    }

    #[test]
    fn rows_in_the_middle_give_way() {
        for (rows, limit) in [(3, 14), (25, 14), (1_000_000, 14), (1_000_000, 99), (25, 99), (100, 4), (1, 1), (50, 0)]
        {
            let lines = shown(&sample(rows, 3), 0, 60, limit);
            assert!(lines.len() <= limit.max(5), "{rows} {limit}: {lines:?}");
            let gap = lines.iter().position(|line| line.starts_with('⋮'));
            let cells = lines.iter().filter(|line| line.starts_with('r')).count();
            let left_out =
                gap.map_or(0, |gap| lines[gap].split(' ').nth(1).unwrap().replace(',', "").parse::<usize>().unwrap());
            assert_eq!(cells + left_out, rows, "{lines:?}");
        }
    }

    #[test]
    fn nothing_is_wider_than_its_room() {
        for width in 1..60 {
            for first in 0..9 {
                let layout = frame(&sample(30, 9), first, width, 14);
                assert!(layout.iter().rev().skip(1).all(|line| line.width() <= width), "{width}");
            }
        }
    }
}
