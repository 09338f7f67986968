//! The prompt for the file that the session is written to.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

use super::overlay::frame;
use super::put;
use crate::tui::export::ExportPrompt;
use crate::tui::layout::{Class, Layout};
use crate::tui::{text, theme};

/// Above the input, so that the eye need not go far. Returns where the terminal's cursor belongs.
pub fn draw(prompt: &ExportPrompt, layout: &Layout, buffer: &mut Buffer) -> Position {
    let screen = layout.status.right();
    let width = 76.min(screen);
    let area = Rect { x: (screen - width) / 2, y: layout.rule.y.saturating_sub(4), width, height: 4 };
    Clear.render(area, buffer);
    frame(area, " write the session to ", buffer);
    let inside = Rect { x: area.x + 2, width: width - 4, ..area };
    let file = text::name(&prompt.file()).into_owned();
    // Of a long name the end is seen, unless the cursor is before it.
    let room = usize::from(inside.width) - 1;
    let (_, column) = prompt.editor.cursor();
    let before: String = file.chars().take(column).collect();
    let from = text::width(&before).saturating_sub(room);
    let mut skipped = 0;
    let shown: String = file
        .chars()
        .skip_while(|c| {
            let skip = skipped < from;
            skipped += text::width(c.encode_utf8(&mut [0; 4]));
            skip
        })
        .collect();
    put(buffer, inside, inside.x, area.y + 1, &shown, theme::PLAIN);
    let compact = layout.class == Class::Compact;
    if let Some(refused) = &prompt.refused {
        let why = text::name(refused).into_owned();
        put(buffer, inside, inside.x, area.y + 2, &text::cut_front(&why, usize::from(inside.width)), theme::ERROR);
    } else if prompt.busy {
        put(buffer, inside, inside.x, area.y + 2, "writing …", theme::NOTICE);
    } else {
        let mut x = inside.x;
        for (key, what) in
            [("Enter", "write"), ("Tab", if compact { "format" } else { "py ipynb md html json" }), ("Esc", "close")]
        {
            x = put(buffer, inside, x, area.y + 2, key, theme::KEY);
            x = put(buffer, inside, x, area.y + 2, &format!(" {what}   "), theme::DIM);
        }
    }
    let column = text::width(&before) - from.min(text::width(&before));
    Position { x: (inside.x + column as u16).min(inside.right() - 1), y: area.y + 1 }
}
