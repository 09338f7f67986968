//! The drawing of the list of candidates above the input, and of the signature of the call around the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Clear, Widget};

use super::candidates::CandidateList;
use super::draw;
use crate::domain::Timestamp;
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::{Layout, SizeClass};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::overlays::frame;
use crate::tui::text;
use crate::tui::theme;
use crate::tui::view::View;

/// Cells of the list, within its border: at most, and at least without and with documentation below.
const MAX_LIST: u16 = 60;
const MIN_LIST: u16 = 18;
const MIN_LIST_WITH_DOC: u16 = 50;
/// Cells of the documentation beside the list: at most, and at least.
const MAX_DOC: u16 = 76;
const MIN_DOC: u16 = 28;
/// Rows of a list that opened by itself at least, where there is room.
const MIN_ROWS: u16 = 6;
/// Rows of the box at least, if documentation stands beside the list.
const MIN_ROWS_WITH_DOC: usize = 10;
/// Bytes of a line of documentation that was broken because it was full.
const MIN_FULL_LINE: usize = 60;
/// Cells of a candidate's kind at most.
const MAX_KIND: usize = 16;

/// Where the documentation of the selected candidate stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DocPlace {
    None,
    /// So many cells.
    Beside(u16),
    /// So many rows, with or without a rule above.
    Below {
        rows: u16,
        rule: bool,
    },
}

impl DocPlace {
    fn of(popup: &CandidateList, layout: &Layout, list: u16) -> Self {
        let room = layout.rule.width.saturating_sub(list + 3);
        match layout.class {
            _ if popup.selected.is_none() => Self::None,
            SizeClass::Compact => Self::Below { rows: 1, rule: false },
            _ if room >= MIN_DOC => Self::Beside(room.min(MAX_DOC)),
            SizeClass::Medium => Self::Below { rows: 2, rule: true },
            SizeClass::Wide => Self::Below { rows: 3, rule: true },
        }
    }

    /// The rows that the list leaves to the documentation.
    fn rows(self) -> u16 {
        match self {
            Self::Below { rows, rule } => rows + u16::from(rule),
            Self::None | Self::Beside(_) => 0,
        }
    }
}

/// Returns the cells of the list.
fn list_width(popup: &CandidateList, layout: &Layout) -> u16 {
    let candidates = || popup.matches.iter().map(|index| &popup.candidates[*index]);
    let name = candidates().map(|candidate| text::width(&text::name(&candidate.name))).max().unwrap_or(0);
    let kind = candidates().map(|candidate| text::width(&candidate.kind)).max().unwrap_or(0).min(MAX_KIND);
    let most = MAX_LIST.min(layout.rule.width.saturating_sub(2));
    ((name + kind + 5).try_into().unwrap_or(u16::MAX)).clamp(MIN_LIST.min(most), most)
}

/// Returns the rows of candidates that are shown at once. A list that opened by itself leaves half of the transcript in
/// sight.
pub fn rows(popup: &CandidateList, layout: &Layout) -> usize {
    let doc = DocPlace::of(popup, layout, list_width(popup, layout)).rows();
    let room = layout.rule.y.saturating_sub(layout.transcript.y).saturating_sub(2 + doc);
    let room = if popup.selected.is_none() { (room / 2).max(MIN_ROWS).min(room) } else { room };
    popup.matches.len().min(room.into())
}

/// The areas of an open list.
struct Areas {
    /// With the border.
    all: Rect,
    list: Rect,
    doc: Rect,
    place: DocPlace,
    /// The column between list and documentation.
    rule: Option<u16>,
}

impl Areas {
    /// Places the list above the input; `None` if there is no room.
    fn of(popup: &CandidateList, layout: &Layout, cursor: Position) -> Option<Self> {
        let rows = rows(popup, layout);
        if rows == 0 {
            return None;
        }
        let list_width = list_width(popup, layout);
        let place = DocPlace::of(popup, layout, list_width);
        let screen = layout.rule.width;
        let room = layout.rule.y.saturating_sub(layout.transcript.y + 2);
        let column = (layout.margin + 2).saturating_add(popup.column().try_into().unwrap_or(u16::MAX));
        // In a wrapped line, the list begins at the cursor.
        let column = if column > cursor.x { cursor.x } else { column };
        let left_of = |inner: u16| column.saturating_sub(2).min(screen.saturating_sub(inner + 2));
        let mut is_left = false;
        let (x, inner, height) = match place {
            DocPlace::None => (left_of(list_width), list_width, rows as u16),
            DocPlace::Beside(doc) => {
                let (x, doc, left) = beside(left_of(list_width), list_width, doc, screen);
                is_left = left;
                (x, list_width + 1 + doc, (rows.max(MIN_ROWS_WITH_DOC) as u16).min(room))
            }
            DocPlace::Below { .. } => {
                let inner = list_width.max(MIN_LIST_WITH_DOC).min(screen - 2);
                (left_of(inner), inner, rows as u16 + place.rows())
            }
        };
        let all = Rect { x, y: layout.rule.y - height - 2, width: inner + 2, height: height + 2 };
        let inside = Rect { x: all.x + 1, y: all.y + 1, width: inner, height };
        let (list, doc, rule) = match place {
            DocPlace::None => (inside, Rect::default(), None),
            DocPlace::Beside(_) => {
                let list_x = if is_left { inside.right() - list_width } else { inside.x };
                let (rule, doc_x) =
                    if is_left { (list_x - 1, inside.x) } else { (list_x + list_width, list_x + list_width + 1) };
                let doc = Rect { x: doc_x, width: inner - list_width - 1, ..inside };
                (Rect { x: list_x, width: list_width, ..inside }, doc, Some(rule))
            }
            DocPlace::Below { rows: doc, .. } => {
                let below = Rect { y: inside.bottom() - doc, height: doc, ..inside };
                (Rect { height: rows as u16, ..inside }, below, None)
            }
        };
        Some(Self { all, list, doc, place, rule })
    }
}

/// The list, if it is shown.
fn shown(view: &View) -> Option<&CandidateList> {
    let is_free = view.composer.completion.at_debugger || view.composer.shown_reply().is_none();
    view.composer.completion.popup.as_ref().filter(|_| is_free)
}

/// The first of the matches in sight.
fn first_row(popup: &CandidateList, rows: usize) -> usize {
    popup.selected.map_or(0, |selected| (selected + 1).saturating_sub(rows))
}

/// Returns whether a position is in the list or its documentation, and the match under it.
pub fn row_at(view: &View, layout: &Layout, at: Position, now: Timestamp) -> Option<Option<usize>> {
    let popup = shown(view)?;
    let areas = Areas::of(popup, layout, draw::cursor(view, layout, now)).filter(|areas| areas.all.contains(at))?;
    let row = first_row(popup, rows(popup, layout)) + usize::from(at.y.saturating_sub(areas.list.y));
    Some(Some(row).filter(|row| areas.list.contains(at) && *row < popup.matches.len()))
}

pub fn popup(view: &View, layout: &Layout, cursor: Position, buffer: &mut Buffer) {
    let Some(popup) = shown(view) else { return };
    let Some(Areas { all: area, list, doc, place, rule }) = Areas::of(popup, layout, cursor) else { return };
    let rows = rows(popup, layout);
    Clear.render(area, buffer);
    frame::frame(area, "", buffer);
    match place {
        DocPlace::Below { rule: true, .. } => frame::row(area, list.bottom(), buffer),
        _ => rule.into_iter().for_each(|rule| frame::column(area, rule, buffer)),
    }
    candidates(popup, rows, list, buffer);
    documentation(popup, place, doc, buffer);
    let count = match (popup.selected, popup.left_out) {
        _ if popup.incomplete => " Python is busy: variables only ".to_owned(),
        (Some(selected), 0) if popup.matches.len() > rows => format!(" {} of {} ", selected + 1, popup.matches.len()),
        (Some(selected), more) if more > 0 => format!(" {} of {} ", selected + 1, popup.matches.len() + more),
        (None, _) => format!(" {} ", view.keys.hints(Context::Completion, &[(&[Action::Accept], "")], "")),
        _ => String::new(),
    };
    // A note that is wider than the list goes on below the documentation.
    let end = if text::width(&count) < usize::from(list.width) { list.right() } else { area.right() };
    put_right(buffer, area, end.max(area.x + 1) - 1, area.bottom() - 1, &count, theme::DIM);
}

/// Returns the column of the box, the width of the documentation, and whether that is on the left. A list at the column
/// `list`, where the word is, stays there if there is room beside it.
fn beside(list: u16, list_width: u16, doc: u16, screen: u16) -> (u16, u16, bool) {
    let (right, left) = (screen - list - list_width.min(screen - list), list);
    if right >= MIN_DOC + 3 {
        (list, (right - 3).min(MAX_DOC), false)
    } else if left > MIN_DOC {
        let doc = (left - 1).min(MAX_DOC);
        (list - doc - 1, doc, true)
    } else {
        (screen - list_width - doc - 3, doc, false)
    }
}

fn candidates(popup: &CandidateList, rows: usize, area: Rect, buffer: &mut Buffer) {
    let first = first_row(popup, rows);
    for ((row, index), y) in popup.matches.iter().enumerate().skip(first).take(rows).zip(area.y..) {
        let candidate = &popup.candidates[*index];
        let chosen = popup.selected == Some(row);
        let style = if chosen { theme::SELECTED } else { theme::PLAIN };
        if chosen {
            for x in area.left()..area.right() {
                buffer[(x, y)].set_style(style);
            }
        }
        let kind = text::cut(&candidate.kind, MAX_KIND);
        let dim = if chosen { style } else { theme::DIM };
        let end = put_right(buffer, area, area.right() - 1, y, &kind, dim);
        let room = usize::from(end.saturating_sub(area.x + 3));
        put(buffer, area, area.x + 1, y, &text::cut(&text::name(&candidate.name), room), style);
    }
}

/// Draws signature and documentation of the selected candidate.
fn documentation(popup: &CandidateList, place: DocPlace, area: Rect, buffer: &mut Buffer) {
    let Some(doc) = popup.doc.as_ref().filter(|_| area.height > 0) else { return };
    let (width, rows) = (usize::from(area.width - 2), usize::from(area.height));
    let lines = match place {
        DocPlace::Beside(_) => doc_page(doc, width, rows),
        _ => doc_rows(&text::name(doc.lines().next().unwrap_or_default()), width, rows),
    };
    for (line, y) in lines.iter().zip(area.y..) {
        put(buffer, area, area.x + 1, y, line, theme::DIM);
    }
}

/// Returns the signature, and as much of the documentation as `rows` can show.
fn doc_page(doc: &str, width: usize, rows: usize) -> Vec<String> {
    let (head, body) = doc.split_once('\n').unwrap_or((doc, ""));
    let (signature, summary) = match head.split_once(")  ") {
        Some((signature, summary)) => (format!("{signature})"), summary),
        None => (String::new(), head),
    };
    let mut lines = Vec::new();
    if !signature.is_empty() {
        lines.extend(text::fill(&text::name(&signature), width));
        lines.push(String::new());
    }
    for paragraph in paragraphs(if body.is_empty() { summary } else { body }) {
        let paragraph = text::name(&paragraph);
        let indent = " ".repeat(indentation(&paragraph).min(width / 2));
        let filled = text::fill(paragraph.trim(), width - indent.len());
        lines.extend(filled.into_iter().map(|line| format!("{indent}{line}")));
    }
    let is_cut = lines.len() > rows;
    lines.truncate(rows);
    if let Some(last) = lines.last_mut().filter(|_| is_cut) {
        *last = text::cut(&format!("{last} …"), width).into_owned();
    }
    lines
}

/// Joins the lines of paragraphs: a line that goes on where the one before was full.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut before = "";
    for line in text.lines() {
        let goes_on =
            before.len() >= MIN_FULL_LINE && indentation(before) == indentation(line) && !line.trim().is_empty();
        match paragraphs.last_mut() {
            Some(paragraph) if goes_on => {
                paragraph.push(' ');
                paragraph.push_str(line.trim());
            }
            _ => paragraphs.push(line.to_owned()),
        }
        before = line;
    }
    paragraphs
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Returns the documentation in rows. Where not all fits, the signature gets one row, so that the description has room.
fn doc_rows(doc: &str, width: usize, rows: usize) -> Vec<String> {
    let all = text::fill(doc, width);
    if all.len() <= rows {
        return all;
    }
    let place = doc.find(")  ").filter(|_| rows > 1).map_or(0, |place| place + 1);
    let (signature, description) = doc.split_at(place);
    let mut lines = Vec::new();
    if !signature.is_empty() {
        lines.push(signature.to_owned());
    }
    lines.extend(text::fill(description.trim_start(), width));
    let is_cut = lines.len() > rows;
    lines.truncate(rows);
    if let Some(last) = lines.last_mut().filter(|_| is_cut) {
        last.push_str(" …");
    }
    lines.iter().map(|line| text::cut(line, width).into_owned()).collect()
}

/// Returns the signature of the call around the cursor in at most `room` cells; the active parameter is underlined.
pub fn signature(view: &View, room: usize) -> Vec<(String, Style)> {
    let Some((signature, active)) = view.composer.completion.signature() else { return Vec::new() };
    let plain = theme::DIM;
    let chosen = theme::BOLD.add_modifier(Modifier::UNDERLINED);
    let mut pieces = vec![(format!("{}(", text::name(&signature.name)), plain)];
    let all: Vec<String> = signature.parameters.iter().map(|one| text::name(one).into_owned()).collect();
    let cells: usize = all.iter().map(|one| text::width(one) + 2).sum();
    let begin = text::width(&pieces[0].0);
    // Where not all parameters fit, those before the active one are left out.
    let mut first = 0;
    if begin + cells > room {
        let upto = |from: usize| all[from..=active.unwrap_or(0)].iter().map(|one| text::width(one) + 2).sum::<usize>();
        while first < active.unwrap_or(0) && begin + 3 + upto(first) + 4 > room {
            first += 1;
        }
    }
    if first > 0 {
        pieces.push(("…, ".to_owned(), plain));
    }
    for (index, one) in all.iter().enumerate().skip(first) {
        pieces.push((one.clone(), if active == Some(index) { chosen } else { plain }));
        if index + 1 < all.len() {
            pieces.push((", ".to_owned(), plain));
        }
    }
    pieces.push((") ".to_owned(), plain));
    if !signature.doc.is_empty() {
        pieces.push((format!(" {} ", text::name(&signature.doc)), plain));
    }
    let mut left = room;
    let mut fitting = Vec::new();
    for (piece, style) in pieces {
        let width = text::width(&piece);
        if width > left {
            if left > 1 {
                fitting.push((text::cut(&piece, left).into_owned(), style));
            }
            break;
        }
        left -= width;
        fitting.push((piece, style));
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_beside_the_list_is_wrapped_anew() {
        let doc = "f(x)  Does it.\nDoes it with all that is given to it, in the order in which that\nwas given.\n\nx : int\n    A number.";
        let expected = [
            "f(x)",
            "",
            "Does it with all that is given to it, in",
            "the order in which that was given.",
            "",
            "x : int",
            "    A number.",
        ];
        assert_eq!(doc_page(doc, 40, 20), expected);
        assert_eq!(doc_page(doc, 40, 3), ["f(x)", "", "Does it with all that is given to it, i…"]);
        assert_eq!(doc_page("int  A number.", 40, 3), ["int  A number."]);
    }

    #[test]
    fn a_long_signature_leaves_room_for_the_description() {
        let rows = |doc: &str, rows| doc_rows(doc, 20, rows);
        assert_eq!(rows("f(x)  Does it.", 2), ["f(x)  Does it."]);
        let long = "f(one, two, three, four, five, six, seven)  Does what it says, and no more than that.";
        assert_eq!(rows(long, 3), ["f(one, two, three, …", "Does what it says,", "and no more than …"]);
        assert_eq!(rows(long, 2), ["f(one, two, three, …", "Does what it says, …"]);
        assert_eq!(rows(long, 1), ["f(one, two, three, …"]);
        assert_eq!(rows("int  A number that is whole, of any size.", 2), ["int  A number that", "is whole, of any …"]);
    }
}
