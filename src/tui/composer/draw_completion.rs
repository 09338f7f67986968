//! Draws the list of candidates above the input, and the signature of the call around the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Clear, Widget};

use super::candidates::{CandidateList, ROWS};
use crate::domain::Candidate;
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::{Class, Layout};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::overlays::frame;
use crate::tui::text;
use crate::tui::theme;
use crate::tui::view::View;

/// Width of the list at most, with its border.
const MAX_WIDTH: u16 = 72;
/// Width of the list at least, without and with documentation.
const MIN_WIDTH: u16 = 20;
const MIN_WIDTH_WITH_DOC: u16 = 52;
/// Cells of a candidate's kind at most.
const MAX_KIND: usize = 16;

pub fn popup(view: &View, layout: &Layout, cursor: Position, buffer: &mut Buffer) {
    let Some(popup) = view.composer.completion.popup.as_ref().filter(|_| view.composer.reply.is_none()) else { return };
    let shown: Vec<&Candidate> = popup.matches.iter().map(|index| &popup.candidates[*index]).collect();
    let doc_rows: u16 = match popup.selected {
        None => 0,
        Some(_) => match layout.class {
            Class::Compact => 1,
            Class::Medium => 2,
            Class::Wide => 3,
        },
    };
    let top = layout.transcript.y;
    let room = layout.rule.y.saturating_sub(top);
    let Some(most) = room.checked_sub(2 + doc_rows).filter(|rows| *rows > 0) else { return };
    let rows = shown.len().min(ROWS).min(most.into());

    let screen = layout.rule.width;
    let name = shown.iter().map(|candidate| text::width(&text::name(&candidate.name))).max().unwrap_or(0);
    let kind = shown.iter().map(|candidate| text::width(&candidate.kind)).max().unwrap_or(0).min(MAX_KIND);
    let least = if doc_rows > 0 { MIN_WIDTH_WITH_DOC } else { MIN_WIDTH };
    let width = ((name + kind + 7) as u16).max(least).min(MAX_WIDTH).min(screen);
    let height = rows as u16 + doc_rows + 2;
    let column = (layout.margin + 2).saturating_add(popup.column().try_into().unwrap_or(u16::MAX));
    // In a wrapped line, the list begins at the cursor.
    let column = if column > cursor.x { cursor.x } else { column };
    let x = column.saturating_sub(2).min(screen - width);
    let area = Rect { x, y: layout.rule.y - height, width, height };
    Clear.render(area, buffer);
    frame::frame(area, "", buffer);

    let first = popup.selected.map_or(0, |selected| (selected + 1).saturating_sub(rows));
    let inside = Rect { x: area.x + 1, y: area.y + 1, width: width - 2, height: rows as u16 };
    for (row, candidate) in shown.iter().enumerate().skip(first).take(rows) {
        let y = inside.y + (row - first) as u16;
        let chosen = popup.selected == Some(row);
        let style = if chosen { theme::SELECTED } else { theme::PLAIN };
        if chosen {
            for x in inside.left()..inside.right() {
                buffer[(x, y)].set_style(style);
            }
        }
        let kind = text::cut(&candidate.kind, MAX_KIND);
        let dim = if chosen { style } else { theme::DIM };
        let end = put_right(buffer, inside, inside.right() - 1, y, &kind, dim);
        let room = usize::from(end.saturating_sub(inside.x + 3));
        put(buffer, inside, inside.x + 1, y, &text::cut(&text::name(&candidate.name), room), style);
    }
    documentation(popup, doc_rows, Rect { y: inside.bottom(), height: doc_rows, ..inside }, buffer);
    let left_out = popup.left_out;
    let count = match (popup.selected, left_out) {
        _ if popup.incomplete => " Python is busy: variables only ".to_owned(),
        (Some(selected), 0) if shown.len() > rows => format!(" {} of {} ", selected + 1, shown.len()),
        (Some(selected), _) if left_out > 0 => format!(" {} of {} ", selected + 1, shown.len() + left_out),
        (None, _) => format!(" {} ", view.keys.hints(Context::Completion, &[(&[Action::Accept], "")], "")),
        _ => String::new(),
    };
    put_right(buffer, area, area.right() - 2, area.bottom() - 1, &count, theme::DIM);
}

/// Draws signature and documentation of the selected candidate.
fn documentation(popup: &CandidateList, rows: u16, area: Rect, buffer: &mut Buffer) {
    let Some(doc) = popup.doc.as_ref().filter(|_| rows > 0) else { return };
    let lines = doc_rows(&text::name(doc), usize::from(area.width - 2), rows.into());
    for (line, y) in lines.iter().zip(area.y..) {
        put(buffer, area, area.x + 1, y, line, theme::DIM);
    }
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
