//! Append-only output: lines, and at the end possibly a prompt.

use std::fs::File;

use crate::domain::terminal_text::visible;
use crate::session::outlet::write_all;
use crate::tui::text;

#[derive(Debug)]
pub struct Printer {
    out: File,
    /// The last line has text without a line end.
    has_open_line: bool,
    /// The open line is a prompt, which is not repeated.
    has_prompt: bool,
    is_gone: bool,
}

impl Printer {
    pub fn new(out: File) -> Self {
        Self { out, has_open_line: false, has_prompt: false, is_gone: false }
    }

    /// Returns whether nobody can read the output any more.
    pub fn is_gone(&self) -> bool {
        self.is_gone
    }

    /// Writes whole lines, without control characters for the terminal. Sentences are broken between words.
    pub fn line(&mut self, text: &str) {
        let before = if std::mem::take(&mut self.has_open_line) { "\n" } else { "" };
        self.has_prompt = false;
        let text = visible(text);
        let width = terminal_width::terminal_size_of(&self.out).map(|(width, _)| usize::from(width.0));
        // Indented lines are code and values.
        let breaks = |line: &str| width.filter(|width| text::width(line) > *width && !line.starts_with(' '));
        let lines = text.split('\n').map(|line| match breaks(line) {
            Some(width) => text::fill(line, width.max(1)).join("\n"),
            None => line.to_owned(),
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        self.write(&format!("{before}{text}\n"));
    }

    /// Writes a prompt, unless there is one already.
    pub fn prompt(&mut self, text: &str) {
        if !self.has_prompt {
            self.ask(text);
            self.has_prompt = true;
        }
    }

    /// Writes a question; the answer follows on the same line.
    pub fn ask(&mut self, text: &str) {
        let before = if self.has_open_line { "\n" } else { "" };
        self.write(&format!("{before}{}", visible(text)));
        self.has_open_line = !text.is_empty();
        self.has_prompt = false;
    }

    /// Ends the open line.
    pub fn end_line(&mut self) {
        if std::mem::take(&mut self.has_open_line) {
            self.write("\n");
        }
        self.has_prompt = false;
    }

    /// To be called for each typed line. If the terminal `echoes`, that has ended the open line.
    pub fn line_was_typed(&mut self, echoes: bool) {
        if echoes {
            self.has_open_line = false;
        }
        self.has_prompt = false;
    }

    fn write(&mut self, text: &str) {
        self.is_gone = self.is_gone || write_all(&self.out, text.as_bytes()).is_err();
    }
}
