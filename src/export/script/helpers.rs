//! The Python helpers and imports that a script needs in place of a session.

use std::collections::BTreeSet;

use crate::domain::lexer::string_literal;

/// A helper function or class that replaces a feature of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Helper {
    Output,
    Display,
    Ipython,
    Loop,
    RunAwait,
    Expand,
    Lines,
    RunFile,
    ChangeFolder,
}

impl Helper {
    pub fn source(self) -> &'static str {
        match self {
            Self::Output => include_str!("output.py"),
            Self::Display => include_str!("display.py"),
            Self::Ipython => include_str!("ipython.py"),
            Self::Loop => include_str!("loop.py"),
            Self::RunAwait => include_str!("run_await.py"),
            Self::Expand => include_str!("expand.py"),
            Self::Lines => include_str!("lines.py"),
            Self::RunFile => include_str!("run_file.py"),
            Self::ChangeFolder => include_str!("change_folder.py"),
        }
    }
}

/// The lines that the cells need at the head of the script.
#[derive(Debug, Default)]
pub struct Needs {
    pub futures: BTreeSet<String>,
    pub imports: BTreeSet<&'static str>,
    pub helpers: BTreeSet<Helper>,
    /// Some code reads the exit codes of commands.
    pub exit_codes: bool,
    /// Some code uses `IPython`'s methods on the output lines of commands.
    pub rich_lines: bool,
}

/// Returns a string literal, on several lines where that is easier to read.
pub fn string_block(text: &str) -> String {
    let hidden = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !text.contains('\n')
        || text.contains(['\\', '\r'])
        || text.contains("\"\"\"")
        || text.contains(hidden)
        || text.ends_with('"')
    {
        return string_literal(text);
    }
    format!("\"\"\"\\\n{text}\"\"\"")
}
