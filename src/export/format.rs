//! The formats of exports.

use std::fmt;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A Python script.
    Py,
    /// A Jupyter notebook.
    Ipynb,
    Md,
    Html,
    Json,
}

impl Format {
    pub const ALL: [Self; 5] = [Self::Py, Self::Ipynb, Self::Md, Self::Html, Self::Json];

    /// The name on the command line, and the extension of files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Py => "py",
            Self::Ipynb => "ipynb",
            Self::Md => "md",
            Self::Html => "html",
            Self::Json => "json",
        }
    }

    /// Lists all names in a sentence, each after `mark`: `.py, .ipynb or .md`.
    #[must_use]
    pub fn list(mark: &str) -> String {
        let names = Self::ALL.map(|format| format!("{mark}{}", format.name()));
        let (last, others) = names.split_last().unwrap_or((&names[0], &[]));
        format!("{} or {last}", others.join(", "))
    }

    /// Returns the format for the extension of a file name.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "markdown" => Some(Self::Md),
            "htm" => Some(Self::Html),
            ending => Self::ALL.into_iter().find(|format| format.name() == ending),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_formats_are_listed() {
        assert_eq!(Format::list("."), ".py, .ipynb, .md, .html or .json");
    }
}
