//! The output of commands, and their exit codes.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use crate::domain::terminal_text::visible;
use crate::session::outlet::write_within;
use crate::tui::text;

/// The exit code of an error that another command line avoids.
pub const USAGE: u8 = 2;
/// The exit code for an unknown session.
pub const UNKNOWN: u8 = 3;

/// The longest wait for stderr or stdout at the end of a command.
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

/// Prints an error and returns the exit code.
pub fn fail(code: u8, what: &dyn std::fmt::Display) -> ExitCode {
    warn(what);
    ExitCode::from(code)
}

/// Prints a message on stderr, with control characters made visible, since paths, names and answers may contain any.
pub fn warn(what: &dyn std::fmt::Display) {
    write_soon(io::stderr(), &format!("fourhands: {what}\n"));
}

/// Writes text, but gives up soon if nobody reads it.
pub fn write_soon(out: impl AsFd, text: &str) {
    let _ = write_within(out, visible(text).as_bytes(), WRITE_TIMEOUT);
}

/// Lists the first `max` names, each cut to a bounded length, and the number of the others.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>, max: usize) -> String {
    /// Terminal cells of a name.
    const MAX_NAME_CELLS: usize = 40;
    let mut names = names.into_iter();
    let shown: Vec<_> =
        names.by_ref().take(max).map(|name| text::cut(&text::name(name), MAX_NAME_CELLS).into_owned()).collect();
    match names.count() {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// Writes to stdout. Ignores a reader that has closed the pipe.
pub fn print(text: &str) {
    let _ = io::stdout().write_all(visible(text).as_bytes());
}
