//! The box with the problems of `config.toml`. It does not cover the input, and the next key closes it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::config_problems::ConfigProblems;
use super::frame::frame;
use crate::domain::units;
use crate::tui::draw::canvas::{put, put_right};
use crate::tui::draw::layout::Layout;
use crate::tui::view::View;
use crate::tui::{text, theme};

const MAX_WIDTH: u16 = 100;

pub fn draw(view: &View, problems: &ConfigProblems, layout: &Layout, buffer: &mut Buffer) {
    let room = Rect { width: layout.status.right(), ..layout.transcript };
    let width = MAX_WIDTH.min(room.width);
    let inside = usize::from(width) - 4;
    let file = text::name(&view.short_path(&problems.file)).into_owned();
    let mut rows = vec![(text::cut_front(&file, inside).into_owned(), theme::DIM)];
    let mut shown = 0;
    for line in &problems.lines {
        let lines = text::fill(&text::name(line), inside);
        // The last row counts the problems that do not fit.
        if rows.len() + lines.len() + 3 > usize::from(room.height) && shown > 0 {
            break;
        }
        rows.extend(lines.into_iter().map(|line| (line, theme::PLAIN)));
        shown += 1;
    }
    let more = problems.lines.len() - shown;
    if more > 0 {
        rows.push((format!("… {more} more: fourhands config"), theme::DIM));
    }
    let height = (rows.len() as u16 + 2).min(room.height);
    let area = Rect { x: (room.width - width) / 2, y: room.y + (room.height - height) / 2, width, height };
    Clear.render(area, buffer);
    let title = format!(" {} in config.toml ", units::count(problems.lines.len(), "error"));
    frame(area, &title, buffer);
    let text = Rect { x: area.x + 2, width: area.width - 4, ..area };
    for ((row, style), y) in rows.iter().zip(area.y + 1..area.bottom() - 1) {
        put(buffer, text, text.x, y, row, *style);
    }
    put_right(buffer, area, area.right() - 2, area.bottom() - 1, " rest in effect; press any key ", theme::DIM);
}
