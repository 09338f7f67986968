//! Writing an export: whole or not at all, for nobody else to read, and over another file only where that is meant.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Export;

/// What to do about a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exists {
    Refuse,
    Replace,
}

/// Writes the text to `path` and the figures to `figures`. Answers what is to be said on failure, as a sentence.
///
/// # Errors
/// If it cannot be written, or is there already and shall not be replaced.
pub fn save(export: &Export, path: &Path, figures: Option<&Path>, exists: Exists) -> Result<(), String> {
    if exists == Exists::Refuse && path.symlink_metadata().is_ok() {
        return Err(there(path));
    }
    if let (Some(folder), false) = (figures, export.figures.is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| explained(folder, &error))?;
        for (name, data) in &export.figures {
            let figure = folder.join(name);
            write(&figure, data, exists).map_err(|error| refusal(&figure, &error))?;
        }
    }
    write(path, export.text.as_bytes(), exists).map_err(|error| refusal(path, &error))
}

fn refusal(path: &Path, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::AlreadyExists { there(path) } else { explained(path, error) }
}

fn there(path: &Path) -> String {
    format!("{} is there already", path.display())
}

fn explained(path: &Path, error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "its folder does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "no right to write there".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    };
    format!("{} cannot be written: {reason}", path.display())
}

fn write(path: &Path, data: &[u8], exists: Exists) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // What a link leads to is replaced, not the link. A device or a pipe is written to.
    let path = if exists == Exists::Replace {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    } else {
        path.to_owned()
    };
    if path.metadata().is_ok_and(|facts| !facts.is_file()) {
        return OpenOptions::new().write(true).open(&path)?.write_all(data);
    }
    let draft = draft_of(&path)?;
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(data)?;
        file.sync_all()?;
        match exists {
            Exists::Replace => fs::rename(&draft, &path),
            // A link is made only where nothing is, which a rename does not see to.
            Exists::Refuse => match fs::hard_link(&draft, &path) {
                Ok(()) => fs::remove_file(&draft),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                // A file system without links.
                Err(_) => fs::rename(&draft, &path),
            },
        }
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
    fn a_file_is_whole_private_and_replaced_only_when_meant() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.py");
        let export =
            |text: &str| Export { text: text.to_owned(), figures: vec![("f.png".into(), vec![1])], snippets: 1 };
        let figures = folder.path().join("a/figures");
        save(&export("1"), &path, Some(&figures), Exists::Refuse).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read(figures.join("f.png")).unwrap(), [1]);
        let refused = save(&export("2"), &path, None, Exists::Refuse).unwrap_err();
        assert!(refused.ends_with("a.py is there already"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "1");
        save(&export("2"), &path, None, Exists::Replace).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
        let refused = save(&export("3"), &folder.path().join("no/b.py"), None, Exists::Refuse).unwrap_err();
        assert!(refused.contains("its folder does not exist"), "{refused}");
        let refused = save(&export("3"), folder.path(), None, Exists::Replace).unwrap_err();
        assert!(refused.contains("it is a folder"), "{refused}");
        save(&export("3"), Path::new("/dev/null"), None, Exists::Replace).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "no draft is left behind");
    }
}
