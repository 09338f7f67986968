//! The person's settings, read from `config.toml` in their configuration folder.

mod config;
mod example;
mod file;
mod gate;
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
use crate::domain::{GateMode, RiskRules, Unattended};

/// All settings of a `config.toml`. The default holds without a file.
#[derive(Clone, Debug)]
pub struct Settings {
    pub keys: Keymap,
    pub theme: Theme,
    /// Whether the editor has vi's keys.
    pub vi: bool,
    /// Whether the dashboard captures the mouse.
    pub mouse: bool,
    pub osc: OscSettings,
    /// One of [`WAYS`](super::images::terminal::WAYS).
    pub figures: &'static str,
    /// Whether processes that snippets start outlive their Python.
    pub keep_processes: bool,
    /// Whether Python makes safe points.
    pub safe_points: bool,
    /// Environment variables that bridge sessions inherit in addition to the usual ones.
    pub keep_env: Vec<String>,
    /// The limits of the journal.
    pub journal: RetentionLimits,
    pub gate: GateSettings,
}

/// What a session begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateSettings {
    pub mode: GateMode,
    pub unattended: Unattended,
    pub rules: RiskRules,
}

/// What the dashboard sends to the terminal besides the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OscSettings {
    pub title: bool,
    pub progress: bool,
    pub notices: bool,
}

impl Default for OscSettings {
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
            osc: OscSettings::default(),
            figures: super::images::terminal::WAYS[0],
            keep_processes: false,
            safe_points: false,
            keep_env: Vec::new(),
            journal: RetentionLimits::default(),
            gate: GateSettings::default(),
        }
    }
}

/// A fault in the file. All other settings hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, from 1; `None` for a fault of the whole file.
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

/// The nearest name in `known`, as the end of a sentence; empty if none is near.
fn meant<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> String {
    let wrong = wrong.to_lowercase();
    let near = known.map(|name| (strsim::damerau_levenshtein(&wrong, name), name)).min();
    // At most one mistake per three letters.
    near.filter(|(slips, name)| *slips <= name.len().max(4) / 3)
        .map(|(_, name)| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}
