//! The problems of `config.toml`, shown at the start until the next key.

use std::path::Path;

use crate::tui::settings::Problem;
use crate::tui::view::View;

#[derive(Debug)]
pub struct ConfigProblems {
    pub file: String,
    pub lines: Vec<String>,
}

impl ConfigProblems {
    /// `None` if all is well.
    pub fn new(path: &Path, problems: &[Problem]) -> Option<Self> {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        (!lines.is_empty()).then(|| Self { file: path.display().to_string(), lines })
    }
}

impl View {
    /// A path with the home folder as `~`.
    pub fn short(&self, path: &str) -> String {
        match self.home.as_deref().filter(|home| home.len() > 1).and_then(|home| path.strip_prefix(home)) {
            Some("") => "~".to_owned(),
            Some(rest) if rest.starts_with('/') => format!("~{rest}"),
            _ => path.to_owned(),
        }
    }
}
