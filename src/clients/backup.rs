//! Copies of configurations before a change.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::session::discovery::paths::{self, Paths};

/// Keeps `text`, which was in `path`, and returns where. Configurations hold secrets, so the copies are private.
pub fn keep(paths: &Paths, path: &Path, text: &str) -> Result<PathBuf, Box<dyn std::error::Error + Send + Sync>> {
    let folder = paths.state()?.join("backups");
    paths::make_private(&folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.trim_start_matches('.');
    let time = chrono::Local::now().format("%Y-%m-%dT%H-%M-%S");
    let free = |number: u32| {
        let number = if number == 0 { String::new() } else { format!("-{number}") };
        folder.join(format!("{time}{number}-{name}"))
    };
    for number in 0..100 {
        let copy = free(number);
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                return Ok(copy);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err("there are too many copies".into())
}
