//! What was written lies behind: lines, and at their end perhaps a prompt.

use std::fs::File;

use crate::domain::terminal_text::visible;
use crate::session::outlet::write_all;

#[derive(Debug)]
pub struct Paper {
    out: File,
    /// Something stands on the last line.
    begun: bool,
    /// It is a prompt, so nothing need be asked again.
    prompted: bool,
    gone: bool,
}

impl Paper {
    pub fn new(out: File) -> Self {
        Self { out, begun: false, prompted: false, gone: false }
    }

    /// Nobody can read it any more.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Whole lines. Whatever is in them cannot do anything to the terminal.
    pub fn line(&mut self, text: &str) {
        let before = if std::mem::take(&mut self.begun) { "\n" } else { "" };
        self.prompted = false;
        self.write(&format!("{before}{}\n", visible(text)));
    }

    /// Unless one stands there already.
    pub fn prompt(&mut self, text: &str) {
        if !self.prompted {
            self.ask(text);
            self.prompted = true;
        }
    }

    /// The words of one who asks; the answer follows on the same line.
    pub fn ask(&mut self, text: &str) {
        let before = if self.begun { "\n" } else { "" };
        self.write(&format!("{before}{}", visible(text)));
        self.begun = !text.is_empty();
        self.prompted = false;
    }

    /// What comes next begins a line.
    pub fn end_line(&mut self) {
        if std::mem::take(&mut self.begun) {
            self.write("\n");
        }
        self.prompted = false;
    }

    /// The terminal has echoed it with its end, if it `echoes`.
    pub fn line_was_typed(&mut self, echoes: bool) {
        if echoes {
            self.begun = false;
        }
        self.prompted = false;
    }

    fn write(&mut self, text: &str) {
        self.gone = self.gone || write_all(&self.out, text.as_bytes()).is_err();
    }
}
