//! Saving a display to a file.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::domain::{Display, home_path};
use crate::session::discovery::paths::make_private;
use crate::tui::overlays::export::Refused;

/// A display to write to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saving {
    pub display: Arc<Display>,
    /// The path as the person typed it; `None` for a copy in the session's folder.
    pub file: Option<String>,
    /// The file name in the session's folder.
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

/// Writes a display to its file. Without a name of the person's, the file is in `own`, the folder of the session's
/// whole outputs, and is removed with these. It blocks, so the loop calls it on another thread.
pub fn write(saving: &Saving, cwd: &Path, home: Option<&str>, own: Option<PathBuf>) -> Result<PathBuf, Refused> {
    let refused = |why| Refused { why, exists: false };
    let Some(form) = saving.display.forms.first() else { return Err(refused("nothing to save".to_owned())) };
    let path = match (&saving.file, own) {
        (Some(file), _) => home_path::expand(file, home, cwd),
        (None, Some(folder)) => {
            make_private(&folder).map_err(|error| refused(error.to_string()))?;
            folder.join(&saving.name)
        }
        (None, None) => {
            return Err(refused("the session has no folder for a copy; save the figure instead".to_owned()));
        }
    };
    let mut options = OpenOptions::new();
    options.write(true).mode(if saving.file.is_some() { 0o666 } else { 0o600 });
    if saving.replaces || saving.file.is_none() {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    match options.open(&path).and_then(|mut file| file.write_all(&form.data)) {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Refused { why: format!("{} already exists", path.display()), exists: true })
        }
        Err(error) => Err(refused(format!("{} cannot be written: {error}", path.display()))),
    }
}
