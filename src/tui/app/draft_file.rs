//! The file in which the person's own editor gets the draft.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use crate::session::discovery::paths::Paths;
use crate::tui::view::View;

/// Writes the draft to a file that only the person can read.
pub(in crate::tui::app) fn write(code: &str) -> Result<PathBuf, String> {
    let folder = Paths::of_this_process().state().map_err(|error| error.to_string())?;
    let file = folder.join(format!("input-{}.py", std::process::id()));
    let written = || {
        let _ = fs::remove_file(&file);
        let mut opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file)?;
        opened.write_all(code.as_bytes())?;
        if code.ends_with('\n') { Ok(()) } else { opened.write_all(b"\n") }
    };
    written().map_err(|error: io::Error| format!("{}: {error}", file.display()))?;
    Ok(file)
}

/// Reads the draft back from the editor's file, also when an earlier process opened the editor.
pub(in crate::tui::app) fn read_back(view: &mut View, refusal: Option<String>) {
    let Some(file) = view.composer.external_edit.take() else { return };
    view.on_edited(match refusal {
        Some(why) => Err(why),
        None => fs::read(&file)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| format!("what was edited cannot be read: {}: {error}", file.display())),
    });
    let _ = fs::remove_file(&file);
}
