//! Saving a display to a file.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::{Display, home_path};
use crate::tui::overlays::export::Refused;

/// A display to write to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saving {
    pub display: Arc<Display>,
    /// The path as the person typed it; `None` for a file in the temporary folder.
    pub file: Option<String>,
    /// The file name in the temporary folder.
    pub name: String,
    pub replaces: bool,
}

pub fn ending(mime: &str) -> &str {
    match mime {
        "image/jpeg" => "jpg",
        "image/svg+xml" => "svg",
        "text/markdown" => "md",
        "text/latex" => "tex",
        "text/plain" => "txt",
        "image/png" | "image/gif" | "image/webp" | "text/html" | "application/json" => {
            mime.rsplit('/').next().unwrap_or_default()
        }
        _ => "bin",
    }
}

/// Writes a display to its file. It blocks, so the loop calls it on another thread.
pub fn write(saving: &Saving, cwd: &Path, home: Option<&str>) -> Result<PathBuf, Refused> {
    let refused = |why| Refused { why, exists: false };
    let Some(form) = saving.display.forms.first() else { return Err(refused("nothing to save".to_owned())) };
    let temporary = std::env::temp_dir();
    let path = match &saving.file {
        None => temporary.join(&saving.name),
        Some(file) => home_path::expand(file, home, cwd),
    };
    // A path made for the clipboard leads to a new file and replaces no other.
    let others = (2..100).map(|n| temporary.join(format!("{n}-{}", saving.name)));
    for path in std::iter::once(path).chain(others) {
        let mut options = OpenOptions::new();
        options.write(true).mode(if saving.file.is_some() { 0o666 } else { 0o600 });
        if saving.replaces {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        let written = options.open(&path).and_then(|mut file| file.write_all(&form.data));
        return match written {
            Ok(()) => Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && saving.file.is_none() => continue,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Refused { why: format!("{} already exists", path.display()), exists: true })
            }
            Err(error) => Err(refused(format!("{} cannot be written: {error}", path.display()))),
        };
    }
    Err(refused(format!("{} holds too many files called {}", temporary.display(), saving.name)))
}
