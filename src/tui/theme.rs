//! Styles by role. Drawing uses roles only; [`Theme::paint`] replaces them with colours at the end. Every role also has
//! a glyph, a word or a place, so that nothing depends on colour alone. Without colours, modifiers remain.

mod palette;

use ratatui::style::{Color, Modifier, Style};

pub use palette::{DIM as DIM_NAME, Ground, Name, Role, Theme, colour_named, colour_names};

use crate::domain::lexer::TokenClass;
use crate::domain::terminal_text::{Colour, StyledText};
use crate::domain::{Status, Stream};

pub const PLAIN: Style = Style::new();
pub const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
/// The rule of the area that has the focus.
pub const FOCUS: Style = Role::Focus.style();
/// The person's name, and the bar beside the person's code.
pub const YOU: Style = Role::You.style();
pub const ERROR: Style = Role::Error.style();
pub const STDERR: Style = Role::Stderr.style().add_modifier(Modifier::DIM);
/// News for the person that is not an error.
pub const NOTICE: Style = Role::Notice.style();
/// Marks of variables that the last snippet touched.
pub const TOUCHED: Style = Role::Touched.style();
pub const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);
/// The current match.
pub const FOUND: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::REVERSED.union(Modifier::BOLD));
pub const KEY: Style = BOLD;
/// A bracket at the cursor, and its partner.
pub const BRACKET: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED));

pub const fn status(status: Status) -> Style {
    match status {
        Status::Queued | Status::Cancelled => DIM,
        Status::Running | Status::Interrupted => Role::Running.style(),
        Status::Ok => Role::Ok.style(),
        Status::Error => ERROR,
    }
}

const SPINNER: [&str; 8] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"];

/// Milliseconds per step of the spinner.
pub const SPINNER_PACE: u64 = 250;

pub const fn glyph(status: Status, now: u64) -> &'static str {
    match status {
        Status::Queued => "◌",
        Status::Running => SPINNER[(now / SPINNER_PACE % SPINNER.len() as u64) as usize],
        Status::Ok => "✓",
        Status::Error => "✗",
        Status::Interrupted => "■",
        Status::Cancelled => "⊘",
    }
}

pub const fn code(class: TokenClass) -> Style {
    match class {
        TokenClass::Keyword => Role::Keyword.style(),
        TokenClass::Builtin => Role::Builtin.style(),
        TokenClass::Definition => Role::Definition.style().add_modifier(Modifier::BOLD),
        TokenClass::Decorator => Role::Definition.style(),
        TokenClass::String => Role::String.style(),
        TokenClass::Number => Role::Number.style(),
        TokenClass::Comment => Role::Comment.style().add_modifier(Modifier::DIM),
        TokenClass::Operator => PLAIN,
    }
}

/// The style that output requested. Uncoloured stderr gets a colour of ours, but for progress bars: they are no errors.
pub fn output_style(piece: &StyledText) -> Style {
    let requested = piece.style;
    let is_message = piece.stream == Stream::Stderr && !piece.redrawn;
    let mut style = if is_message && requested.fg.is_none() && requested.bg.is_none() { STDERR } else { PLAIN };
    // Black and white text may be unreadable on the background of the theme.
    let extreme = matches!(requested.fg, Some(Colour::Indexed(0 | 7 | 15))) && requested.bg.is_none();
    if let Some(fg) = requested.fg.filter(|_| !extreme) {
        style = style.fg(colour(fg));
    }
    if let Some(bg) = requested.bg {
        style = style.bg(colour(bg));
    }
    let modifiers = [
        (requested.bold, Modifier::BOLD),
        (requested.dim, Modifier::DIM),
        (requested.italic, Modifier::ITALIC),
        (requested.underline, Modifier::UNDERLINED),
        (requested.reverse, Modifier::REVERSED),
        (requested.crossed_out, Modifier::CROSSED_OUT),
    ];
    for (_, modifier) in modifiers.into_iter().filter(|(set, _)| *set) {
        style = style.add_modifier(modifier);
    }
    style
}

/// The first sixteen colours by name, which fit the terminal's background. Their numbers stand for roles.
const fn colour(colour: Colour) -> Color {
    match colour {
        Colour::Indexed(index) if index < 16 => palette::SIXTEEN[index as usize].1,
        Colour::Indexed(index) => Color::Indexed(index),
        Colour::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}
