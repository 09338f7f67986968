//! Lines that several parts of a card use: notes, and highlighted code.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::domain::lexer::tokens;
use crate::tui::theme;

/// A note of the dashboard among the session's text.
pub fn note(text: String) -> Line<'static> {
    Line::from(Span::styled(text, theme::DIM))
}

/// The lines of `code` as styled pieces.
pub fn highlight(code: &str) -> Vec<Vec<(String, Style)>> {
    let mut lines = vec![Vec::new()];
    let mut at = 0;
    let mut put = |text: &str, style: Style| {
        for (index, part) in text.split('\n').enumerate() {
            if index > 0 {
                lines.push(Vec::new());
            }
            if let Some(line) = lines.last_mut()
                && !part.is_empty()
            {
                line.push((part.to_owned(), style));
            }
        }
    };
    for token in tokens(code) {
        put(&code[at..token.range.start], theme::PLAIN);
        at = token.range.end;
        put(&code[token.range], theme::code(token.class));
    }
    put(&code[at..], theme::PLAIN);
    if code.ends_with('\n') {
        lines.pop();
    }
    lines
}
