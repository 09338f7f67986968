//! The output of commands, and their exit codes.

use std::io::{self, IsTerminal, Write};
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
    let text = format!("fourhands: {what}\n");
    let size = io::stderr().is_terminal().then(crossterm::terminal::size).and_then(Result::ok);
    let columns = size.map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0);
    write_soon(io::stderr(), &columns.map_or(text.clone(), |columns| wrapped(&text, columns)));
}

/// Wraps prose between words. A command in backticks stays whole, so that the terminal copies it as one, and so does a
/// word that is longer than a row. Lines after the first of a paragraph are indented like that.
fn wrapped(text: &str, columns: usize) -> String {
    let mut wrapped = String::with_capacity(text.len() + text.len() / columns + 1);
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let mut used = 0;
        let mut is_command = false;
        for (number, word) in line.split(' ').enumerate() {
            let cells = text::width(word.trim_end_matches('\n'));
            let rest = if is_command { 0 } else { rest_of_command(line, number) };
            if number > 0 && !is_command && used > indent && used + 1 + cells + rest > columns {
                wrapped.push('\n');
                wrapped.push_str(&" ".repeat(indent));
                used = indent;
            } else if number > 0 {
                wrapped.push(' ');
                used += 1;
            }
            wrapped.push_str(word);
            used += cells;
            is_command = if is_command { word.matches('`').count() % 2 == 0 } else { rest > 0 };
        }
    }
    wrapped
}

/// Returns the cells of the words behind the word `number` of a line that belong to the command which that word begins.
fn rest_of_command(line: &str, number: usize) -> usize {
    let is_odd = |word: &str| word.matches('`').count() % 2 == 1;
    let mut words = line.split(' ').skip(number);
    if !words.next().is_some_and(is_odd) {
        return 0;
    }
    let mut cells = 0;
    for word in words {
        cells += 1 + text::width(word.trim_end_matches('\n'));
        if is_odd(word) {
            return cells;
        }
    }
    0
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

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn errors_wrap_between_words_and_keep_commands_whole() {
        let text =
            "fourhands: no session runs. Start one with `fourhands --session a` in the folder.\n  args  [\"bridge\"]\n";
        assert_eq!(
            wrapped(text, 40),
            "fourhands: no session runs. Start one\nwith `fourhands --session a` in the\nfolder.\n  args  [\"bridge\"]\n"
        );
        assert_eq!(wrapped("  a /a/long/path b\n", 8), "  a\n  /a/long/path\n  b\n");
        assert_eq!(wrapped("a `b c\n", 4), "a `b\nc\n", "a backtick without its pair");
        assert_eq!(wrapped("日本 語\n", 5), "日本\n語\n");
    }
}
