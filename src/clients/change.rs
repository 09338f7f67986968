//! A change of one file: read, shown as a diff, written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::backup;
use crate::session::discovery::paths::Paths;

/// A file and its text before and after. `None` is a file that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    pub path: PathBuf,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Why a file is not read or written. The text follows the path in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("is a link to nowhere; remove the link or restore the file that it leads to")]
    DeadLink,
    #[error("is not a regular file")]
    NotAFile,
    #[error("is not text in UTF-8")]
    NotText,
    #[error("is read-only, so another program may maintain it; change the file there, or allow writing with chmod u+w")]
    ReadOnly,
    #[error("was changed by another program at the same time; try again")]
    Raced,
    #[error("was not changed, because no copy of it could be kept: {0}")]
    NoBackup(String),
    #[error("cannot be written: {0}")]
    Unwritable(io::Error),
}

/// Reads a configuration. `None` if there is none.
pub fn read(path: &Path) -> Result<Option<String>, ChangeError> {
    match path.metadata() {
        Ok(facts) if facts.is_file() => {}
        Ok(_) => return Err(ChangeError::NotAFile),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return if path.symlink_metadata().is_ok() { Err(ChangeError::DeadLink) } else { Ok(None) };
        }
        Err(error) => return Err(ChangeError::Unreadable(error)),
    }
    let bytes = fs::read(path).map_err(ChangeError::Unreadable)?;
    String::from_utf8(bytes).map(Some).map_err(|_| ChangeError::NotText)
}

impl FileChange {
    pub fn is_empty(&self) -> bool {
        self.before == self.after
    }

    /// Returns the difference in the unified format, under the names that are given.
    pub fn diff(&self, shown: &str) -> String {
        let name = |text: &Option<String>| if text.is_some() { shown } else { "/dev/null" }.to_owned();
        let (before, after) = (self.before.as_deref().unwrap_or_default(), self.after.as_deref().unwrap_or_default());
        let diff = TextDiff::from_lines(before, after);
        diff.unified_diff().context_radius(3).header(&name(&self.before), &name(&self.after)).to_string()
    }

    /// Writes the change, and returns where the text before is kept.
    pub fn apply(&self, paths: &Paths) -> Result<Option<PathBuf>, ChangeError> {
        // Through a link, the file itself is replaced and the link stays.
        let target = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let mode = target.metadata().ok().map(|facts| facts.permissions().mode());
        if mode.is_some_and(|mode| mode & 0o222 == 0) {
            return Err(ChangeError::ReadOnly);
        }
        if read(&self.path)? != self.before {
            return Err(ChangeError::Raced);
        }
        let kept = match &self.before {
            Some(before) => Some(
                backup::keep(paths, &self.path, before).map_err(|error| ChangeError::NoBackup(error.to_string()))?,
            ),
            None => None,
        };
        let written = match &self.after {
            None => fs::remove_file(&target),
            Some(after) => write(&target, after),
        };
        written.map_err(ChangeError::Unwritable)?;
        Ok(kept)
    }
}

fn write(target: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    match replace(target, text) {
        // The folder may be closed, or the file may be mounted by itself, as in containers. A copy has been kept.
        Err(error) if target.exists() && is_about_the_folder(&error) => {
            let mut file = OpenOptions::new().write(true).truncate(true).open(target)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()
        }
        done => done,
    }
}

fn is_about_the_folder(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem | ResourceBusy | CrossesDevices)
}

/// Writes a new file beside the old one, with its owner and permissions, and puts it in the place of the old one.
fn replace(target: &Path, text: &str) -> io::Result<()> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let draft = target.with_file_name(format!(".{name}.fourhands-{}", std::process::id()));
    let _ = fs::remove_file(&draft);
    let written = write_draft(&draft, target, text).and_then(|()| fs::rename(&draft, target));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

fn write_draft(draft: &Path, target: &Path, text: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(text.as_bytes())?;
    match target.metadata() {
        Ok(old) => {
            if (old.uid(), old.gid()) != (file.metadata()?.uid(), file.metadata()?.gid()) {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
            file.set_permissions(old.permissions())?;
        }
        Err(_) => file.set_permissions(fs::Permissions::from_mode(0o644))?,
    }
    file.sync_all()
}
