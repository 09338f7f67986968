//! What the person wants otherwise than by default: `config.toml` in their configuration folder.

mod config;
mod example;
mod file;
mod keys;
mod reader;
mod sessions;

use std::fmt;

pub use config::parse;
pub use example::{EXAMPLE, all_keys};
pub use file::{Loaded, path, read};

use super::input::keymap::Keymap;
use super::theme::Theme;
use crate::domain::retention::RetentionLimits;

/// What a `config.toml` may settle. The default is what holds without one.
#[derive(Clone, Debug)]
pub struct Settings {
    pub keys: Keymap,
    pub theme: Theme,
    /// Vi's keys in the editor.
    pub vi: bool,
    /// The dashboard takes the mouse.
    pub mouse: bool,
    pub outside: Outside,
    /// One of [`WAYS`](super::images::terminal::WAYS).
    pub figures: &'static str,
    /// What snippet code starts outlives its Python.
    pub keep_processes: bool,
    /// What sessions that bridges hold get of the environment beside the usual.
    pub keep_env: Vec<String>,
    /// What the journal keeps.
    pub journal: RetentionLimits,
}

/// What the terminal is told beside the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside {
    pub title: bool,
    pub progress: bool,
    pub notices: bool,
}

impl Default for Outside {
    fn default() -> Self {
        Self { title: true, progress: true, notices: true }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keys: Keymap::default(),
            theme: Theme::default(),
            vi: false,
            mouse: true,
            outside: Outside::default(),
            figures: super::images::terminal::WAYS[0],
            keep_processes: false,
            keep_env: Vec::new(),
            journal: RetentionLimits::default(),
        }
    }
}

/// Something in the file that cannot be followed. The rest of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, from one; none if it is about the whole file.
    pub place: Option<(usize, usize)>,
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// The one of `known` that was probably meant, as the end of a sentence; empty if none is near.
fn meant<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    let wrong = wrong.to_lowercase();
    let near = known.map(|name| (strsim::damerau_levenshtein(&wrong, name), name)).min();
    // As many slips as a third of the word.
    near.filter(|(slips, name)| *slips <= name.len().max(4) / 3)
        .map(|(_, name)| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}
