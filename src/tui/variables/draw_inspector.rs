//! The inspector's box: all details of one value, by aspect.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::draw_grid;
use super::draw_sidebar::{preview, seconds, setter};
use super::grid::GridPromptKind;
use super::inspector::{Inspector, is_scrolling};
use super::order::sort;
use crate::domain::terminal_text::{plain, visible};
use crate::domain::{Aspect, InspectError, Inspection, TablePage, TextPage, Timestamp, units};
use crate::tui::draw::canvas::{elapsed, put, put_right};
use crate::tui::draw::layout::{Layout, SizeClass};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::overlays::frame::frame;
use crate::tui::search::draw::typed;
use crate::tui::transcript::data_frame::Table;
use crate::tui::transcript::lines::highlight;
use crate::tui::transcript::value_text;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// The most cells of a table's column, except for the last.
const MAX_COLUMN_WIDTH: usize = 40;
/// Rows inside the frame below which a table shows rows instead of details.
const MIN_HEIGHT_FOR_DETAILS: usize = 14;

fn area(layout: &Layout) -> Rect {
    Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.y }
}

/// The width and the height inside the frame.
fn inside(layout: &Layout) -> (usize, usize) {
    let area = area(layout);
    (usize::from(area.width) - 4, usize::from(area.height) - 2)
}

/// The number of rows that do not fit.
pub fn hidden(view: &View, layout: &Layout) -> usize {
    let (width, height) = inside(layout);
    body(view, width, height, 0).lines.len().saturating_sub(height)
}

/// The number of rows of a scrolling table that fit.
pub fn table_height(view: &View, layout: &Layout) -> usize {
    let (width, height) = inside(layout);
    let Some(inspector) = &view.variables.inspector else { return height };
    height
        .saturating_sub(above_table(view, inspector, width, height).len() + draw_grid::heads(inspector, height))
        .max(1)
}

/// The line with the cursor in the body, and the height of the body.
pub fn cursor_line(view: &View, layout: &Layout) -> Option<(usize, usize)> {
    let (width, height) = inside(layout);
    Some((body(view, width, height, 0).cursor?, height))
}

/// Draws the box. Returns the position of the cursor while the person types a row number or a filter.
pub fn draw(view: &View, layout: &Layout, scroll: usize, now: Timestamp, buffer: &mut Buffer) -> Option<Position> {
    let inspector = view.variables.inspector.as_ref()?;
    let area = area(layout);
    Clear.render(area, buffer);
    let room = usize::from(area.width).saturating_sub(8);
    let path = text::name(&inspector.request.path);
    let path = match inspector.request.result_of {
        Some(snippet) => format!("result of {snippet}: {path}"),
        None => path.into_owned(),
    };
    // The end of a long way says where the person is.
    frame(area, &format!(" {} ", text::cut_front(&path, room)), buffer);
    let (width, height) = inside(layout);
    let lines = body(view, width, height, now).lines;
    for (line, y) in lines.iter().skip(scroll).zip(area.y + 1..area.bottom() - 1) {
        buffer.set_line(area.x + 2, y, line, area.width - 4);
    }
    let bottom = area.bottom() - 1;
    if let Some(prompt) = &inspector.prompt {
        let asks = match prompt.asks {
            GridPromptKind::RowNumber => " row: ",
            GridPromptKind::Filter => " filter, such as price > 3 or a text: ",
        };
        let x = put(buffer, area, area.x + 2, bottom, asks, theme::FOCUS);
        let line = Rect { x, y: bottom, width: (area.right() - 2).saturating_sub(x), height: 1 };
        buffer.set_style(line, theme::PLAIN);
        put(buffer, line, x, bottom, &" ".repeat(usize::from(line.width)), theme::PLAIN);
        return Some(typed(&prompt.editor.code(), prompt.editor.cursor().1, line, buffer));
    }
    let more = lines.len().saturating_sub(scroll + height);
    let hint = hints(view, inspector, layout, more, room + 2);
    put_right(buffer, area, area.right() - 2, bottom, &format!(" {hint} "), theme::DIM);
    None
}

/// The keys that do something here, the most useful first, as many as fit.
fn hints(view: &View, inspector: &Inspector, layout: &Layout, more: usize, room: usize) -> String {
    let is_compact = layout.class == SizeClass::Compact;
    let more_text = format!("{more} more");
    let mut hints: Vec<(&[Action], &str)> = Vec::new();
    if inspector.path_of_row().is_some() {
        hints.push((&[Action::Choose], "open"));
    }
    if !inspector.trail.is_empty() {
        hints.push((&[Action::WalkBack], "back"));
    }
    if inspector.request.aspect == Aspect::Rows && !is_compact {
        hints.extend([
            (&[Action::SortRows][..], "sort"),
            (&[Action::FilterRows], "filter"),
            (&[Action::GoToRow], "row"),
        ]);
    } else if more > 0 && inspector.total() == Some(0) {
        hints.push((&[Action::PageDown], &more_text));
    }
    if inspector.has_more() || inspector.request.page > 0 {
        hints.push((&[Action::NextPage, Action::PreviousPage], "page"));
    }
    hints.push((&[Action::NextAspect], "view"));
    if !is_compact {
        hints.extend([(&[Action::CopyValuePath][..], "copy path"), (&[Action::LookAgain], "refresh")]);
    }
    hints.push((&[Action::Back], "close"));
    loop {
        let shown = view.keys.hints(Context::Inspector, &hints, if is_compact { "  " } else { "   " });
        let Some(least) = hints.len().checked_sub(2).filter(|_| text::width(&shown) > room) else { return shown };
        hints.remove(least);
    }
}

/// The lines inside the frame.
#[derive(Default)]
struct Body {
    lines: Vec<Line<'static>>,
    /// The line of the row under the cursor.
    cursor: Option<usize>,
    /// The lines of rows that the cursor can go to: the first line, the first row, and how many.
    rows: Vec<(usize, u64, usize)>,
}

/// What a click in the inspector can choose.
#[derive(Clone, Copy)]
pub enum InspectorTarget {
    Aspect(Aspect),
    Row(u64),
}

/// Returns what is at a position.
pub fn part_at(view: &View, layout: &Layout, scroll: usize, at: Position) -> Option<InspectorTarget> {
    let inspector = view.variables.inspector.as_ref()?;
    let (width, height) = inside(layout);
    let area = area(layout);
    let line = usize::from(at.y.checked_sub(area.y + 1)?);
    let column = usize::from(at.x.checked_sub(area.x + 2)?);
    if line >= height || column >= width {
        return None;
    }
    let line = line + scroll;
    let first_tab = if is_low(inspector, height) { 0 } else { head(view, inspector, width).len() };
    let tabs = tabs(inspector, width);
    if let Some(line) = line.checked_sub(first_tab).filter(|line| *line < tabs.len()) {
        // Each word is followed by a gap.
        let before: usize = tabs[..line].iter().map(|row| row.spans.len() / 2).sum();
        let mut end = 0;
        let word = tabs[line].spans.chunks(2).position(|pair| {
            end += pair.iter().map(Span::width).sum::<usize>();
            column < end
        })?;
        return inspector.aspects().get(before + word).copied().map(InspectorTarget::Aspect);
    }
    let body = body(view, width, height, 0);
    let table = body.rows.iter().find(|(first, _, count)| (*first..first + count).contains(&line));
    table.map(|(first, row, _)| InspectorTarget::Row(row + (line - first) as u64))
}

/// Whether a table shows rows in the place of details.
fn is_low(inspector: &Inspector, height: usize) -> bool {
    is_scrolling(inspector.request.aspect) && height < MIN_HEIGHT_FOR_DETAILS
}

/// Type and size, the views, and a line for what to know: the lines above a table or a text.
fn above_table(view: &View, inspector: &Inspector, width: usize, height: usize) -> Vec<Line<'static>> {
    let mut rows = if is_low(inspector, height) { Vec::new() } else { head(view, inspector, width) };
    rows.extend(tabs(inspector, width));
    if view.transcript.last_finished().map(|snippet| snippet.id) != inspector.after {
        let again = looks_again(view);
        rows.push(Line::styled(format!("code has run since, and the value may have changed; {again}"), theme::NOTICE));
    }
    if !(is_scrolling(inspector.request.aspect) && inspector.table().is_some()) {
        rows.push(Line::default());
    }
    if let Some(Err(error)) = &inspector.answer {
        let reason = text::fill(&text::name(&refusal(view, error)), width);
        rows.extend(reason.into_iter().map(|line| Line::styled(line, theme::NOTICE)));
    }
    rows
}

fn body(view: &View, width: usize, height: usize, now: Timestamp) -> Body {
    let Some(inspector) = &view.variables.inspector else { return Body::default() };
    let mut rows = above_table(view, inspector, width, height);
    let failed = match &inspector.answer {
        Some(Err(error)) => {
            !(matches!(error, InspectError::Busy { .. } | InspectError::Background(_))
                || inspector.is_sorted_or_filtered())
        }
        _ => false,
    };
    let shown = inspector.shown().filter(|_| !failed);
    if let Some(table) = inspector.table().filter(|_| !failed) {
        let notes = inspector.shown().map_or(&[][..], |shown| &shown.notes);
        let age = matches!(inspector.answer, Some(Err(_))).then(|| seconds(elapsed(inspector.last_at, now)));
        let first = rows.len() + draw_grid::heads(inspector, height);
        let table = draw_grid::lines(inspector, table, notes, age, width, (rows.len(), height));
        rows.extend(table);
        let in_sight = inspector.total().unwrap_or(0).saturating_sub(inspector.grid.top);
        let count = rows.len().saturating_sub(first).min(usize::try_from(in_sight).unwrap_or(usize::MAX));
        return Body { rows: vec![(first, inspector.grid.top, count)], lines: rows, cursor: None };
    }
    let blank = rows.iter().rposition(|row| row.width() == 0);
    if inspector.answer.is_none() && shown.is_none() {
        rows.push(Line::styled("looking …", theme::DIM));
    }
    let mut body = Body { lines: rows, ..Body::default() };
    if let Some(answer) = shown {
        content(view, inspector, answer, width, &mut body);
    }
    if let (None | Some(Err(_)), Some(_)) = (&inspector.answer, shown) {
        // The age is in an empty line, so that nothing moves when the answer comes.
        if let Some(row) = blank.and_then(|blank| body.lines.get_mut(blank)) {
            *row = Line::styled(
                format!("the answer below is {} old", seconds(elapsed(inspector.last_at, now))),
                theme::NOTICE,
            );
        }
    }
    body
}

/// Adds the texts and the tables of an answer, with the cursor on one of the rows.
fn content(view: &View, inspector: &Inspector, answer: &Inspection, width: usize, body: &mut Body) {
    let rows = &mut body.lines;
    let keys = view.keys.hints(Context::Inspector, &[(&[Action::ColumnsLeft, Action::ColumnsRight], "")], "");
    let keys = keys.trim();
    for (part, style) in [(&answer.signature, theme::BOLD), (&answer.place, theme::DIM), (&answer.doc, theme::PLAIN)] {
        if let Some(part) = part {
            rows.extend(lines(part, width, style));
        }
    }
    if let Some(page) = &answer.text {
        rows.extend(heading(&text_range(page)));
        let is_value = matches!(answer.aspect, Aspect::Repr | Aspect::Overview) && page.offset == 0 && !page.has_more;
        match answer.aspect {
            _ if is_value => rows.extend(value_text::rows(&plain(&page.text), width, true, usize::MAX).rows),
            Aspect::Source => rows.extend(code(&page.text, width)),
            _ => rows.extend(lines(&page.text, width, theme::PLAIN)),
        }
    }
    let has_cursor = inspector.total() != Some(0);
    let mut before = 0;
    for table in &answer.tables {
        if rows.last().is_some_and(|row| row.width() > 0) {
            rows.push(Line::default());
        }
        let titled = answer.tables.len() > 1 || answer.aspect == Aspect::Overview;
        rows.extend(table_rows(table, titled, inspector.grid.column, width, keys));
        let count = table.rows.len() as u64;
        if has_cursor {
            body.rows.push((rows.len().saturating_sub(table.rows.len()), before, table.rows.len()));
        }
        if has_cursor && (before..before + count).contains(&inspector.grid.row) {
            let line = rows.len().saturating_sub((before + count - inspector.grid.row) as usize);
            if let Some(row) = rows.get_mut(line) {
                *row = draw_grid::under_cursor(row, width);
                body.cursor = Some(line);
            }
        }
        before += count;
    }
    if !answer.notes.is_empty() {
        rows.push(Line::default());
    }
    for note in &answer.notes {
        // The argument that a client passes is called a tab here.
        let note = note.replace("what=\"repr\"", "the repr tab");
        rows.extend(text::fill(&text::name(&note), width).into_iter().map(|line| Line::styled(line, theme::DIM)));
    }
}

/// Code with its colours.
fn code(source: &str, width: usize) -> Vec<Line<'static>> {
    let lines = highlight(&visible(source));
    let wrap =
        |line: &Vec<(String, Style)>| text::wrap(line.iter().map(|(text, style)| (text.as_str(), *style)), width, 4);
    lines.iter().flat_map(wrap).collect()
}

/// Type, shape, size, and author; before the first answer from the table of variables.
fn head(view: &View, inspector: &Inspector, width: usize) -> Vec<Line<'static>> {
    let known = view.transcript.variables().rows.iter().find(|variable| variable.name == inspector.request.path);
    let mut parts = Vec::new();
    match (&inspector.last, known) {
        (Some(answer), _) => {
            parts.extend([answer.type_name.clone(), units::grouped_shape(&answer.shape), answer.dtype.clone()]);
            parts.extend(answer.size.map(units::bytes));
            if !answer.bases.is_empty() {
                parts.push(format!("of {}", answer.bases.join(", ")));
            }
        }
        (None, Some(variable)) => {
            let shape = units::grouped_shape(&variable.shape);
            parts.extend([sort(variable).to_owned(), shape, preview(variable).to_owned()]);
            parts.extend(variable.size.map(units::bytes));
        }
        (None, None) => {}
    }
    let by = known.map(|variable| setter(view, variable)).filter(|by| !by.is_empty());
    parts.extend(by.map(|by| format!("set by {by}")));
    parts.retain(|part| !part.is_empty());
    let text = parts.join("  ");
    vec![Line::styled(text::cut(&text::name(&text), width).into_owned(), theme::BOLD)]
}

fn tabs(inspector: &Inspector, width: usize) -> Vec<Line<'static>> {
    let mut rows = vec![Line::default()];
    let mut used = 0;
    for aspect in inspector.aspects() {
        let word = aspect.word();
        if used > 0 && used + word.len() + 2 > width {
            rows.push(Line::default());
            used = 0;
        }
        let style = if *aspect == inspector.request.aspect { theme::SELECTED } else { theme::DIM };
        if let Some(row) = rows.last_mut() {
            row.push_span(Span::styled(word, style));
            row.push_span(Span::raw("  "));
        }
        used += word.len() + 2;
    }
    if used == 0 { Vec::new() } else { rows }
}

fn text_range(page: &TextPage) -> String {
    let last = page.offset + page.text.chars().count() as u64;
    match page.total {
        _ if page.offset == 0 && !page.has_more => String::new(),
        Some(total) => format!("characters {} to {last} of {total}", page.offset + 1),
        None => format!("characters {} to {last}", page.offset + 1),
    }
}

fn heading(words: &str) -> Option<Line<'static>> {
    (!words.is_empty()).then(|| Line::styled(words.to_owned(), theme::DIM))
}

fn lines(text: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    text.lines().flat_map(|line| text::wrap([(&*text::name(&line.replace('\t', "    ")), style)], width, 4)).collect()
}

/// Draws a table. The first column, which names the rows, stays in sight.
fn table_rows(table: &TablePage, titled: bool, first: usize, width: usize, keys: &str) -> Vec<Line<'static>> {
    let last = table.offset + table.rows.len() as u64;
    let range = match table.total {
        Some(total) if table.offset > 0 || last < total => {
            // Rows count as Python counts.
            let (first, last) = (units::grouped(table.offset), units::grouped(last.saturating_sub(1)));
            format!("{} {first} to {last} of {}", table.title, units::grouped(total))
        }
        _ if titled => table.title.clone(),
        _ => String::new(),
    };
    if table.rows.is_empty() {
        let none = Line::styled("none", theme::DIM);
        return heading(&range).into_iter().chain([none]).collect();
    }
    let (labels, names) = match table.headers.split_first() {
        Some((label, names)) if !names.is_empty() => (Some(label), names),
        _ => (None, &*table.headers),
    };
    let cells: Vec<&[String]> =
        table.rows.iter().map(|row| row.get(labels.iter().len()..).unwrap_or_default()).collect();
    let label = |row: &'_ Vec<String>| row.first().map_or("", String::as_str).to_owned();
    let first_column: Vec<String> = labels.cloned().into_iter().chain(table.rows.iter().map(label)).collect();
    let stay = if labels.is_some() { first_column.iter().map(String::as_str).collect() } else { Vec::new() };
    let layout = Table::new(stay, names, &cells).layout(first, width, Some(MAX_COLUMN_WIDTH));
    let after = match names.len() - layout.shown.end {
        0 if layout.is_cut && layout.shown.len() > 1 => "last column truncated".to_owned(),
        0 => String::new(),
        after => units::count(after, "more column"),
    };
    let hint = match (layout.shown.start, after.is_empty()) {
        (0, true) => String::new(),
        (0, false) => format!("… {after} "),
        (before, true) => format!("{} to the left ", units::count(before, "column")),
        (before, false) => format!("{} to the left, {after} ", units::count(before, "column")),
    };
    let mut rows: Vec<Line<'static>> = heading(&range).into_iter().collect();
    if !hint.is_empty() {
        let fits = text::width(&range) + text::width(&hint) + keys.len() + 3 <= width;
        let (gap, mut line) = match rows.pop_if(|_| fits) {
            Some(line) => ("   ", line),
            None => ("", Line::default()),
        };
        line.push_span(Span::styled(format!("{gap}{hint}"), theme::DIM));
        line.push_span(Span::styled(keys.to_owned(), theme::KEY));
        rows.push(line);
    }
    rows.extend(layout.lines.into_iter().enumerate().map(|(number, line)| {
        let style = if number == 0 { theme::DIM } else { theme::PLAIN };
        Line::styled(line.trim_end().to_owned(), style)
    }));
    rows
}

fn looks_again(view: &View) -> String {
    view.keys.hints(Context::Inspector, &[(&[Action::LookAgain], "refreshes")], "")
}

fn refusal(view: &View, error: &InspectError) -> String {
    match error {
        InspectError::Refused(sentence) => sentence.clone(),
        InspectError::Stopped { seconds, has_ended: true } => {
            format!("It did not end within {seconds} s and was stopped.")
        }
        InspectError::Stopped { seconds, has_ended: false } => {
            format!("It did not end within {seconds} s, and no interrupt has reached it yet: C code, most likely.")
        }
        InspectError::Busy { running: Some(snippet), .. } => {
            format!("Python runs snippet {snippet}; {} when that has ended.", looks_again(view))
        }
        InspectError::Busy { running: None, .. } => format!("Python is busy; {}.", looks_again(view)),
        InspectError::Background(snippet) => format!(
            "A background task of snippet {snippet} keeps Python busy ({} interrupts it); {} after that.",
            view.keys.key_hint(Action::Interrupt),
            looks_again(view)
        ),
        InspectError::Failed(what) => format!("Looking at it failed: {what}"),
    }
}
