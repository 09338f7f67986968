//! The inspector's box: all details of one value, by aspect and page.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::draw_sidebar::{preview, seconds, setter};
use super::inspector::Inspector;
use super::order::sort;
use crate::domain::{Aspect, InspectError, Inspection, TablePage, TextPage, Timestamp, units};
use crate::tui::draw::canvas::{elapsed, put_right};
use crate::tui::draw::layout::{Class, Layout};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::overlays::frame::frame;
use crate::tui::transcript::data_frame::Table;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// The most cells of a table's column, except for the last.
const MAX_COLUMN_WIDTH: usize = 40;

fn area(layout: &Layout) -> Rect {
    Rect { x: 0, y: 0, width: layout.status.right(), height: layout.status.y }
}

/// The number of rows that do not fit.
pub fn hidden(view: &View, layout: &Layout) -> usize {
    let area = area(layout);
    rows(view, usize::from(area.width) - 4, 0).len().saturating_sub(usize::from(area.height) - 2)
}

pub fn draw(view: &View, layout: &Layout, scroll: usize, now: Timestamp, buffer: &mut Buffer) {
    let Some(inspector) = &view.variables.inspector else { return };
    let area = area(layout);
    Clear.render(area, buffer);
    let room = usize::from(area.width).saturating_sub(8);
    let title = format!(" {} ", text::cut(&text::name(&inspector.request.path), room));
    frame(area, &title, buffer);
    let rows = rows(view, usize::from(area.width) - 4, now);
    for (line, y) in rows.iter().skip(scroll).zip(area.y + 1..area.bottom() - 1) {
        buffer.set_line(area.x + 2, y, line, area.width - 4);
    }
    let inside = usize::from(area.height) - 2;
    let more = rows.len().saturating_sub(scroll + inside);
    let aspects: &[_] = &[Action::PreviousAspect, Action::NextAspect];
    let pages: &[_] = &[Action::NextPage, Action::PreviousPage];
    let (again, close, down): (&[_], &[_], &[_]) = (&[Action::LookAgain], &[Action::Back], &[Action::PageDown]);
    let more_text = format!("{more} more");
    let below = [(down, &*more_text)];
    let below = if more > 0 { &below[..] } else { &[] };
    let keys = |hints: &[_], between| view.keys.hints(Context::Inspector, hints, between);
    let hint = if layout.class == Class::Compact {
        let more_text = if more > 0 { format!("{more_text}  ") } else { String::new() };
        format!(" {more_text}{} ", keys(&[(aspects, ""), (pages, ""), (close, "")], "  "))
    } else {
        let all = [below, &[(aspects, "view"), (pages, "page"), (again, "again"), (close, "close")]].concat();
        format!(" {} ", keys(&all, "   "))
    };
    put_right(buffer, area, area.right() - 2, area.bottom() - 1, &hint, theme::DIM);
}

fn rows(view: &View, width: usize, now: Timestamp) -> Vec<Line<'static>> {
    let Some(inspector) = &view.variables.inspector else { return Vec::new() };
    let mut rows = head(view, inspector, width);
    rows.extend(tabs(inspector, width));
    if view.transcript.last_finished().map(|snippet| snippet.id) != inspector.after {
        rows.push(Line::styled(format!("snippets have run since; {}", looks_again(view)), theme::NOTICE));
    }
    let blank = rows.len();
    rows.push(Line::default());
    // The last answer stays in sight while Python is busy.
    let same = |last: &&Inspection| last.aspect == inspector.request.aspect && last.page == inspector.request.page;
    let stale = inspector.last.as_deref().filter(same);
    let answer = match (&inspector.answer, stale) {
        (Some(Ok(answer)), _) => Some(&**answer),
        (None, None) => {
            rows.push(Line::styled("looking …", theme::DIM));
            None
        }
        (None, Some(last)) => Some(last),
        (Some(Err(error)), stale) => {
            let reason = text::fill(&text::name(&refusal(view, error)), width);
            rows.extend(reason.into_iter().map(|line| Line::styled(line, theme::NOTICE)));
            if matches!(error, InspectError::Busy { .. }) { stale } else { None }
        }
    };
    if let Some(answer) = answer {
        let keys =
            [Action::ColumnsLeft, Action::ColumnsRight].map(|action| view.keys.key_in(Context::Inspector, action));
        let keys = keys.into_iter().flatten().map(|key| key.to_string()).collect::<Vec<_>>().join(" ");
        for (part, style) in
            [(&answer.signature, theme::BOLD), (&answer.place, theme::DIM), (&answer.doc, theme::PLAIN)]
        {
            if let Some(part) = part {
                rows.extend(lines(part, width, style));
            }
        }
        if let Some(page) = &answer.text {
            rows.extend(heading(&text_range(page)));
            rows.extend(lines(&page.text, width, theme::PLAIN));
        }
        for table in &answer.tables {
            if rows.last().is_some_and(|row| row.width() > 0) {
                rows.push(Line::default());
            }
            let titled = answer.tables.len() > 1 || answer.aspect == Aspect::Overview;
            rows.extend(table_rows(table, titled, inspector.column, width, &keys));
        }
        if !answer.notes.is_empty() {
            rows.push(Line::default());
        }
        for note in &answer.notes {
            // The argument that a client passes is called a view here.
            let note = note.replace("what=\"repr\"", "the view repr");
            rows.extend(text::fill(&text::name(&note), width).into_iter().map(|line| Line::styled(line, theme::DIM)));
        }
    }
    if let (None | Some(Err(_)), Some(_)) = (&inspector.answer, answer) {
        // The age is in an empty line, so that nothing moves when the answer comes.
        let age = seconds(elapsed(inspector.last_at, now));
        rows[blank] = Line::styled(format!("what stands below is {age} old"), theme::NOTICE);
    }
    rows
}

/// Type, shape, size, and author; before the first answer from the table of variables.
fn head(view: &View, inspector: &Inspector, width: usize) -> Vec<Line<'static>> {
    let known = view.transcript.variables().rows.iter().find(|variable| variable.name == inspector.request.path);
    let mut parts = Vec::new();
    match (&inspector.last, known) {
        (Some(answer), _) => {
            parts.extend([answer.type_name.clone(), answer.shape.clone(), answer.dtype.clone()]);
            parts.extend(answer.size.map(units::bytes));
            if !answer.bases.is_empty() {
                parts.push(format!("of {}", answer.bases.join(", ")));
            }
        }
        (None, Some(variable)) => {
            parts.extend([sort(variable).to_owned(), variable.shape.clone(), preview(variable).to_owned()]);
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
            format!("{} {} to {last} of {total}", table.title, (table.offset + 1).min(last.max(1)))
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
        0 if layout.is_cut && layout.shown.len() > 1 => "last column cut".to_owned(),
        0 => String::new(),
        after => units::count(after, "more column"),
    };
    let hint = match (layout.shown.start, after.is_empty()) {
        (0, true) => String::new(),
        (0, false) => format!("… {after} "),
        (before, _) => format!("{before} before … {after} ").replace("  ", " "),
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
    view.keys.hints(Context::Inspector, &[(&[Action::LookAgain], "looks again")], "")
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
        InspectError::Failed(what) => format!("Looking at it failed: {what}"),
    }
}
