//! The scrolling table of the inspector: a line about it, the heads, and the rows in sight.

use ratatui::text::{Line, Span};

use super::inspector::Inspector;
use crate::domain::{Aspect, TablePage, units};
use crate::tui::transcript::data_frame::Table;
use crate::tui::{text, theme};

/// The most cells of a column, except for the last.
const MAX_COLUMN_WIDTH: usize = 40;
/// Rows inside the frame below which the types of columns give way to rows.
const MIN_HEIGHT_FOR_TYPES: usize = 14;

/// The lines above the rows.
pub fn heads(inspector: &Inspector, height: usize) -> usize {
    2 + usize::from(has_types(inspector.table(), height))
}

fn has_types(table: Option<&TablePage>, height: usize) -> bool {
    height >= MIN_HEIGHT_FOR_TYPES && table.is_some_and(|table| !table.dtypes.is_empty())
}

/// Draws the table. `above` lines of the `height` lines are taken; `age` is that of rows that could not be refreshed.
pub fn lines(
    inspector: &Inspector,
    table: &TablePage,
    notes: &[String],
    age: Option<String>,
    width: usize,
    (above, height): (usize, usize),
) -> Vec<Line<'static>> {
    let grid = &inspector.grid;
    let with_types = has_types(Some(table), height);
    let heads = 1 + usize::from(with_types);
    let (label, names) = match table.headers.split_first() {
        Some((label, names)) => (label.as_str(), names),
        None => ("", &[][..]),
    };
    let first_column = table.first_column as usize;
    let names: Vec<String> =
        names.iter().enumerate().map(|(n, name)| name_of(inspector, first_column + n, name)).collect();
    let types = with_types.then_some(&table.dtypes);
    let rows: Vec<&Vec<String>> = types.into_iter().chain(&table.rows).collect();
    let cells: Vec<&[String]> = rows.iter().map(|row| row.get(1..).unwrap_or_default()).collect();
    let first = rows.iter().map(|row| row.first().map_or("", String::as_str));
    let labels = std::iter::once(label).chain(first).collect();
    let laid_out = Table::new(labels, &names, &cells);
    let laid_out = if with_types { laid_out.with_types() } else { laid_out };
    let layout = laid_out.layout(grid.column.saturating_sub(first_column), width, Some(MAX_COLUMN_WIDTH));
    let in_sight = height.saturating_sub(above + heads + 1) as u64;
    let shown = first_column + layout.shown.start..first_column + layout.shown.end;
    let mut lines = vec![about(inspector, table, notes, age, &shown, in_sight, width)];
    lines.extend(layout.lines.iter().take(heads).map(|line| Line::styled(line.trim_end().to_owned(), theme::DIM)));
    let total = table.total.unwrap_or(table.offset + table.rows.len() as u64);
    for row in grid.top..total.min(grid.top.saturating_add(in_sight)) {
        let place = row.checked_sub(table.offset).map(|place| place as usize + heads);
        let text = place.and_then(|place| layout.lines.get(place)).map_or("…", |line| line.trim_end());
        let line = Line::styled(text.to_owned(), if text == "…" { theme::DIM } else { theme::PLAIN });
        lines.push(if row == grid.row { under_cursor(&line, width) } else { line });
    }
    if total == 0 {
        lines.push(Line::styled("none", theme::DIM));
    }
    lines
}

/// The name of a column, with a mark if the rows are sorted by the column.
fn name_of(inspector: &Inspector, column: usize, name: &str) -> String {
    match inspector.grid.order {
        Some((sorted, descending)) if sorted as usize == column => {
            format!("{name} {}", if descending { "▼" } else { "▲" })
        }
        _ => name.to_owned(),
    }
}

/// The line above the heads: the rows and columns in sight, and what to know of them.
fn about(
    inspector: &Inspector,
    table: &TablePage,
    notes: &[String],
    age: Option<String>,
    shown: &std::ops::Range<usize>,
    in_sight: u64,
    width: usize,
) -> Line<'static> {
    let grid = &inspector.grid;
    let total = table.total.unwrap_or(table.offset + table.rows.len() as u64);
    let last = total.min(grid.top.saturating_add(in_sight));
    let mut parts = vec![if total == 0 {
        format!("no {}", table.title)
    } else {
        let (from, to) = (units::grouped(grid.top), units::grouped(last.saturating_sub(1)));
        let is_counted = matches!(inspector.request.aspect, Aspect::Rows | Aspect::Items);
        match (last == total && grid.top == 0, is_counted) {
            (true, _) => format!("{} {}", units::grouped(total), table.title),
            // Rows and items are counted as Python counts.
            (false, true) => format!("{} {from} to {to} of {}", table.title, units::grouped(total)),
            (false, false) => {
                let (from, to) = (units::grouped(grid.top.saturating_add(1)), units::grouped(last));
                format!("{} {from} to {to} of {}", table.title, units::grouped(total))
            }
        }
    }];
    let columns = table.columns.map_or(table.headers.len().saturating_sub(1), |columns| columns as usize);
    if shown.len() < columns {
        parts.push(format!("columns {} to {} of {} ← →", shown.start + 1, shown.end, units::grouped(columns as u64)));
    }
    parts.extend(notes.iter().cloned());
    if let Some(age) = age {
        parts.push(format!("{age} old"));
    }
    Line::styled(text::cut(&text::name(&parts.join("   ")), width).into_owned(), theme::DIM)
}

/// A line as it looks under the cursor, over the whole width.
pub fn under_cursor(line: &Line<'static>, width: usize) -> Line<'static> {
    let text = line.to_string();
    let gap = " ".repeat(width.saturating_sub(text::width(&text)));
    Line::from(Span::styled(text + &gap, theme::SELECTED))
}
