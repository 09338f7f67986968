//! The lines that a person types, or that come from a file or a pipe.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};

use super::hangup;

/// Bytes after which a line without an end is cut.
const MAX_LINE: u64 = 16 << 20;

#[derive(Debug, PartialEq, Eq)]
pub enum InputLine {
    /// Without its line end.
    Text(String),
    /// Ctrl-D, or the end of the file.
    End,
    /// No more lines can be read.
    Gone,
}

/// Reads all lines, until `take` refuses one.
pub fn read(file: File, take: impl FnMut(InputLine) -> bool) {
    let terminal = if file.is_terminal() { file.try_clone().ok() } else { None };
    // A terminal goes on after Ctrl-D, unless it has hung up: then reading gives an end for ever.
    let goes_on = || terminal.as_ref().is_some_and(|terminal| !hangup::has_hung_up(terminal));
    read_from(BufReader::new(file), goes_on, take);
}

fn read_from(mut from: impl BufRead, goes_on: impl Fn() -> bool, mut take: impl FnMut(InputLine) -> bool) {
    loop {
        let mut bytes = Vec::new();
        let line = match io::Read::take(&mut from, MAX_LINE).read_until(b'\n', &mut bytes) {
            Ok(0) => InputLine::End,
            Ok(_) => {
                let text = String::from_utf8_lossy(&bytes);
                InputLine::Text(text.trim_end_matches(['\n', '\r']).to_owned())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => InputLine::Gone,
        };
        let is_last = line == InputLine::Gone || (line == InputLine::End && !goes_on());
        if !take(line) || is_last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_are_read_and_then_the_end() {
        let (to, lines) = std::sync::mpsc::channel();
        read_from(&b"x = 1\r\n\xff\nlast"[..], || false, |line| to.send(line).is_ok());
        let text = |text: &str| Ok(InputLine::Text(text.to_owned()));
        assert_eq!(lines.try_recv(), text("x = 1"));
        assert_eq!(lines.try_recv(), text("\u{fffd}"));
        assert_eq!(lines.try_recv(), text("last"));
        assert_eq!(lines.try_recv(), Ok(InputLine::End));
        assert!(lines.try_recv().is_err());
    }
}
