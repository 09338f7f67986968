//! The prompt for the file name of an export.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

use super::export_prompt::ExportPrompt;
use super::frame::frame;
use crate::export::Format;
use crate::tui::draw::canvas::put;
use crate::tui::draw::layout::{Layout, SizeClass};
use crate::tui::input::keymap::{Action, Context};
use crate::tui::search::draw;
use crate::tui::view::View;
use crate::tui::{text, theme};

/// Draws the prompt near the input, where the eye is. Returns the position of the terminal's cursor.
pub fn draw(view: &View, prompt: &ExportPrompt, layout: &Layout, buffer: &mut Buffer) -> Position {
    let screen = layout.status.right();
    let width = 76.min(screen);
    let area = Rect { x: (screen - width) / 2, y: layout.rule.y.saturating_sub(4), width, height: 4 };
    Clear.render(area, buffer);
    let title = match &prompt.card {
        Some((_, name)) => format!(" write the output of {name} to "),
        None => " write the session to ".to_owned(),
    };
    frame(area, &title, buffer);
    let inside = Rect { x: area.x + 2, width: width - 4, ..area };
    let line = Rect { y: area.y + 1, height: 1, ..inside };
    let cursor = draw::typed(&prompt.file(), prompt.editor.cursor().1, line, buffer);
    let compact = layout.class == SizeClass::Compact;
    if let Some(refused) = &prompt.refused {
        let why = text::name(refused).into_owned();
        put(buffer, inside, inside.x, area.y + 2, &text::cut_front(&why, usize::from(inside.width)), theme::ERROR);
    } else if prompt.busy {
        put(buffer, inside, inside.x, area.y + 2, "writing …", theme::NOTICE);
    } else {
        let mut x = inside.x;
        let all_formats = Format::ALL.map(Format::name).join(" ");
        let formats = (Action::NextFormat, if compact { "format" } else { &*all_formats });
        let formats = Some(formats).filter(|_| prompt.card.is_none());
        let hints = [(Action::Choose, "write")].into_iter().chain(formats).chain([(Action::Back, "close")]);
        for (action, what) in hints {
            let Some(key) = view.keys.key_in(Context::Prompt, action) else { continue };
            x = put(buffer, inside, x, area.y + 2, &key.to_string(), theme::KEY);
            x = put(buffer, inside, x, area.y + 2, &format!(" {what}   "), theme::DIM);
        }
    }
    cursor
}
