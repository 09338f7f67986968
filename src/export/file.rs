//! The file of an export. It is written completely or not at all, is private, and replaces another file only on
//! request.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What happens to a file that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exists {
    Refuse,
    Replace,
}

/// Lets `fill` write the content of `path`.
///
/// # Errors
/// If the file cannot be written, or exists and must not be replaced; as a sentence.
pub fn save<T>(path: &Path, exists: Exists, fill: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> Result<T, String> {
    if exists == Exists::Refuse && path.symlink_metadata().is_ok() {
        return Err(there(path));
    }
    write(path, exists, fill).map_err(|error| refusal(path, &error))
}

/// The folder of figures.
pub struct FigureFolder<'a> {
    pub folder: Option<&'a Path>,
    pub exists: Exists,
}

impl FigureFolder<'_> {
    /// Writes a figure. Creates the folder for the first one.
    ///
    /// # Errors
    /// If it cannot be written; as a sentence.
    pub fn save(&mut self, name: &str, data: &[u8]) -> io::Result<()> {
        let Some(folder) = self.folder else { return Ok(()) };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| io::Error::other(explained(folder, &error)))?;
        let figure = folder.join(name);
        let written = write(&figure, self.exists, |out| out.write_all(data));
        written.map_err(|error| io::Error::other(refusal(&figure, &error)))
    }
}

fn refusal(path: &Path, error: &io::Error) -> String {
    // An error of a figure is a sentence already.
    if error.kind() == io::ErrorKind::Other {
        return error.to_string();
    }
    if error.kind() == io::ErrorKind::AlreadyExists { there(path) } else { explained(path, error) }
}

fn there(path: &Path) -> String {
    format!("{} already exists", path.display())
}

fn explained(path: &Path, error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "its folder does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    };
    format!("{} cannot be written: {reason}", path.display())
}

fn write<T>(path: &Path, exists: Exists, fill: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // The target of a link is replaced, not the link. A device or a pipe is written to.
    let path = if exists == Exists::Replace {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    } else {
        path.to_owned()
    };
    if path.metadata().is_ok_and(|facts| !facts.is_file()) {
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(&path)?);
        let filled = fill(&mut out)?;
        out.flush()?;
        return Ok(filled);
    }
    let draft = draft_of(&path)?;
    let written = (|| {
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        let mut out = BufWriter::with_capacity(64 << 10, opened);
        let content = fill(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        let placed = match exists {
            Exists::Replace => fs::rename(&draft, &path),
            // Unlike a rename, a hard link never replaces a file.
            Exists::Refuse => match fs::hard_link(&draft, &path) {
                Ok(()) => fs::remove_file(&draft),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                // The file system has no links.
                Err(_) => fs::rename(&draft, &path),
            },
        };
        placed.map(|()| content)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

fn draft_of(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let name: String = name.chars().take(60).collect();
    Ok(path.with_file_name(format!(".{name}.{}.draft", std::process::id())))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_complete_private_and_replaced_only_on_request() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.py");
        let save = |text: &str, path: &Path, exists| super::save(path, exists, |out| out.write_all(text.as_bytes()));
        let figures = folder.path().join("a/figures");
        save("1", &path, Exists::Refuse).unwrap();
        FigureFolder { folder: Some(&figures), exists: Exists::Refuse }.save("f.png", &[1]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(figures.join("f.png")).unwrap(), [1]);
        let refused = save("2", &path, Exists::Refuse).unwrap_err();
        assert!(refused.ends_with("a.py already exists"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
        save("2", &path, Exists::Replace).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
        let refused = save("3", &folder.path().join("no/b.py"), Exists::Refuse).unwrap_err();
        assert!(refused.contains("its folder does not exist"), "{refused}");
        let refused = save("3", folder.path(), Exists::Replace).unwrap_err();
        assert!(refused.contains("it is a directory"), "{refused}");
        save("3", Path::new("/dev/null"), Exists::Replace).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "no draft is left behind");
    }
}
