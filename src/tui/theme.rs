//! Styles by role, from the terminal's own sixteen colours. A glyph, a word or a place goes with each of them, so that
//! nothing is told by colour alone. Under `NO_COLOR` the modifiers are left.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::domain::lexer::Class;
use crate::domain::terminal_text::{Colour, Look};
use crate::domain::{Author, Status, Stream};

pub const PLAIN: Style = Style::new();
pub const DIM: Style = Style::new().add_modifier(Modifier::DIM);
pub const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
/// The rule of the place that has the focus.
pub const FOCUS: Style = Style::new().fg(Color::Cyan);
pub const ERROR: Style = Style::new().fg(Color::Red);
pub const STDERR: Style = Style::new().fg(Color::Red).add_modifier(Modifier::DIM);
/// What the person should notice, and no error.
pub const NOTICE: Style = Style::new().fg(Color::Yellow);
/// Marks of the variables that the last snippet touched.
pub const TOUCHED: Style = Style::new().fg(Color::Yellow);
pub const SELECTED: Style = Style::new().add_modifier(Modifier::REVERSED);
/// The place that was found, among the others.
pub const FOUND: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::REVERSED.union(Modifier::BOLD));
pub const KEY: Style = BOLD;
/// A bracket at the cursor, and its partner.
pub const BRACKET: Style = Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD.union(Modifier::UNDERLINED));

/// The bar beside the code, and the name in bold.
pub const fn author(author: &Author) -> Style {
    match author {
        Author::You => Style::new().fg(Color::Cyan),
        Author::Client { .. } => Style::new().fg(Color::Magenta),
    }
}

pub const fn status(status: Status) -> Style {
    match status {
        Status::Queued | Status::Cancelled => DIM,
        Status::Running | Status::Interrupted => Style::new().fg(Color::Yellow),
        Status::Ok => Style::new().fg(Color::Green),
        Status::Error => ERROR,
    }
}

const SPINNER: [&str; 8] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧"];

/// How often the spinner turns, in milliseconds.
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

pub const fn code(class: Class) -> Style {
    match class {
        Class::Keyword => Style::new().fg(Color::Magenta),
        Class::Builtin => Style::new().fg(Color::Cyan),
        Class::Definition => Style::new().fg(Color::Blue).add_modifier(Modifier::BOLD),
        Class::Decorator => Style::new().fg(Color::Blue),
        Class::String => Style::new().fg(Color::Green),
        Class::Number => Style::new().fg(Color::Yellow),
        Class::Comment => DIM,
        Class::Operator => PLAIN,
    }
}

/// What output asked for; what it wrote to stderr without asking for a colour is told apart by ours.
pub fn look(look: Look, stream: Stream) -> Style {
    let mut style = if stream == Stream::Stderr && look.fg.is_none() && look.bg.is_none() { STDERR } else { PLAIN };
    // On the ground of a light or of a dark theme, one of black and white cannot be read.
    let extreme = matches!(look.fg, Some(Colour::Indexed(0 | 7 | 15))) && look.bg.is_none();
    if let Some(fg) = look.fg.filter(|_| !extreme) {
        style = style.fg(colour(fg));
    }
    if let Some(bg) = look.bg {
        style = style.bg(colour(bg));
    }
    let modifiers = [
        (look.bold, Modifier::BOLD),
        (look.dim, Modifier::DIM),
        (look.italic, Modifier::ITALIC),
        (look.underline, Modifier::UNDERLINED),
        (look.reverse, Modifier::REVERSED),
        (look.crossed_out, Modifier::CROSSED_OUT),
    ];
    for (_, modifier) in modifiers.into_iter().filter(|(set, _)| *set) {
        style = style.add_modifier(modifier);
    }
    style
}

/// The first sixteen by name: they are the theme's own, readable on its ground.
const fn colour(colour: Colour) -> Color {
    match colour {
        Colour::Indexed(0) => Color::Black,
        Colour::Indexed(1) => Color::Red,
        Colour::Indexed(2) => Color::Green,
        Colour::Indexed(3) => Color::Yellow,
        Colour::Indexed(4) => Color::Blue,
        Colour::Indexed(5) => Color::Magenta,
        Colour::Indexed(6) => Color::Cyan,
        Colour::Indexed(7) => Color::Gray,
        Colour::Indexed(8) => Color::DarkGray,
        Colour::Indexed(9) => Color::LightRed,
        Colour::Indexed(10) => Color::LightGreen,
        Colour::Indexed(11) => Color::LightYellow,
        Colour::Indexed(12) => Color::LightBlue,
        Colour::Indexed(13) => Color::LightMagenta,
        Colour::Indexed(14) => Color::LightCyan,
        Colour::Indexed(15) => Color::White,
        Colour::Indexed(index) => Color::Indexed(index),
        Colour::Rgb(r, g, b) => Color::Rgb(r, g, b),
    }
}

/// Takes all colours out of a drawn screen; bold, dim and reversed stay.
pub fn without_colours(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        cell.fg = Color::Reset;
        cell.bg = Color::Reset;
    }
}
