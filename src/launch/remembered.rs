//! Pythons that were found fit before. A probe costs 20 to 140 ms, a look into this file next to nothing.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::discover::Python;

const MOST: usize = 32;

/// Nothing here is worth an error: without the file a Python is simply asked again.
#[derive(Debug, Default)]
pub struct Remembered {
    file: Option<PathBuf>,
    pythons: Vec<Entry>,
}

/// Only an interpreter that names itself by the very path it was asked by is kept, so the path serves for both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    path: PathBuf,
    version: String,
    venv: Option<PathBuf>,
    identity: Identity,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Remembered {
    pub fn load() -> Self {
        use etcetera::BaseStrategy;
        let Ok(strategy) = etcetera::choose_base_strategy() else { return Self::default() };
        Self::from_file(strategy.cache_dir().join("fourhands").join("pythons.json"))
    }

    fn from_file(file: PathBuf) -> Self {
        let pythons = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file: Some(file), pythons }
    }

    pub fn recall(&self, path: &Path) -> Option<Python> {
        let entry = self.pythons.iter().find(|entry| entry.path == path)?;
        (identity(path)? == entry.identity).then(|| Python {
            executable: entry.path.clone(),
            version: entry.version.clone(),
            venv: entry.venv.clone(),
        })
    }

    /// Remembers what `path` turned out to be. A launcher (a pyenv shim, a script) is not remembered: where it leads
    /// depends on the working directory and the environment.
    pub fn keep(&mut self, path: &Path, python: &Python) {
        let Some(identity) = identity(path) else { return };
        if python.executable != path || is_script(path) {
            return;
        }
        let entry =
            Entry { path: path.to_owned(), version: python.version.clone(), venv: python.venv.clone(), identity };
        self.pythons.retain(|known| known.path != path);
        self.pythons.insert(0, entry);
        self.pythons.truncate(MOST);
        let _ = self.store();
    }

    /// Through a draft, so that nobody ever reads half a file.
    fn store(&self) -> Option<()> {
        let file = self.file.as_ref()?;
        let folder = file.parent()?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).ok()?;
        let draft = folder.join(format!(".pythons-{}", std::process::id()));
        fs::write(&draft, serde_json::to_vec_pretty(&self.pythons).ok()?).ok()?;
        fs::rename(draft, file).ok()
    }
}

/// Of the file that the path leads to in the end.
fn identity(path: &Path) -> Option<Identity> {
    let file = path.metadata().ok()?;
    Some(Identity {
        device: file.dev(),
        inode: file.ino(),
        size: file.size(),
        changed: (file.mtime(), file.mtime_nsec()),
    })
}

fn is_script(path: &Path) -> bool {
    let mut start = [0; 2];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && &start == b"#!"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn python(path: &Path) -> Python {
        Python { executable: path.to_owned(), version: "3.12.1".to_owned(), venv: Some("/env".into()) }
    }

    #[test]
    fn an_interpreter_is_remembered_until_its_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache/pythons.json");
        let path = folder.path().join("python");
        fs::write(&path, "\x7fELF").unwrap();

        Remembered::from_file(cache.clone()).keep(&path, &python(&path));
        assert_eq!(Remembered::from_file(cache.clone()).recall(&path), Some(python(&path)));

        fs::write(&path, "\x7fELF, newer").unwrap();
        assert_eq!(Remembered::from_file(cache).recall(&path), None);
    }

    #[test]
    fn what_leads_elsewhere_is_asked_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut remembered = Remembered::from_file(folder.path().join("pythons.json"));
        let [shim, launcher] = ["shim", "launcher"].map(|name| folder.path().join(name));
        fs::write(&shim, "#!/bin/sh\n").unwrap();
        fs::write(&launcher, "\x7fELF").unwrap();

        remembered.keep(&shim, &python(&shim));
        remembered.keep(&launcher, &python(Path::new("/elsewhere/python")));
        assert!(remembered.pythons.is_empty());
    }

    #[test]
    fn a_broken_or_unwritable_cache_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("python");
        fs::write(&path, "\x7fELF").unwrap();
        let broken = folder.path().join("pythons.json");
        fs::write(&broken, "{ half").unwrap();
        let mut remembered = Remembered::from_file(broken.clone());
        assert_eq!(remembered.recall(&path), None);
        remembered.keep(&path, &python(&path));
        assert!(Remembered::from_file(broken).recall(&path).is_some(), "and it is mended");

        let mut remembered = Remembered::from_file("/dev/null/pythons.json".into());
        remembered.keep(&path, &python(&path));
        assert!(remembered.recall(&path).is_some());
    }
}
