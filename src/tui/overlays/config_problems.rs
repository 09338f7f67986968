//! What is wrong with `config.toml`, told once at the start: the next key is typed as ever, and takes it away.

use std::path::Path;

use crate::tui::settings::Problem;
use crate::tui::view::View;

#[derive(Debug)]
pub struct Complaints {
    pub file: String,
    pub lines: Vec<String>,
    pub shown: bool,
}

impl Complaints {
    /// `None` if all is well.
    pub fn new(path: &Path, problems: &[Problem]) -> Option<Self> {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        (!lines.is_empty()).then(|| Self { file: path.display().to_string(), lines, shown: true })
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
