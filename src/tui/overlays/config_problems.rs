//! The problems of `config.toml`, shown at the start until the next key.

use std::path::Path;

use crate::tui::settings::Problem;

#[derive(Debug)]
pub struct ConfigProblems {
    pub file: String,
    pub lines: Vec<String>,
}

impl ConfigProblems {
    /// Returns `None` if there are no problems.
    pub fn new(path: &Path, problems: &[Problem]) -> Option<Self> {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        (!lines.is_empty()).then(|| Self { file: path.display().to_string(), lines })
    }
}
