//! Pythons that were found fit before. A probe costs 20 to 140 ms, a look into this file next to nothing.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cache;
use crate::launch::python::Python;
use crate::session::discovery::paths;

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
        cache::path().map_or_else(|_| Self::default(), |folder| Self::from_file(folder.join("pythons.json")))
    }

    fn from_file(file: PathBuf) -> Self {
        // What others may have put there is not believed.
        if let Some(folder) = file.parent().filter(|folder| folder.exists())
            && cache::folder(folder).is_err()
        {
            return Self::default();
        }
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
        cache::folder(folder).ok()?;
        let draft = folder.join(format!(".pythons-{}", std::process::id()));
        paths::draft(&draft, 0o600).ok()?.write_all(&serde_json::to_vec_pretty(&self.pythons).ok()?).ok()?;
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
    fn the_file_is_ours_alone_and_what_others_could_have_written_is_not_believed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        fs::create_dir(&cache).unwrap();
        fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().join("python");
        fs::write(&path, "\x7fELF").unwrap();
        let file = cache.join("pythons.json");
        Remembered::from_file(file.clone()).keep(&path, &python(&path));
        let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
        assert_eq!((mode(&cache), mode(&file)), (0o700, 0o600), "what was too wide is closed");

        let link = folder.path().join("link");
        symlink(&cache, &link).unwrap();
        assert_eq!(Remembered::from_file(link.join("pythons.json")).recall(&path), None);
        assert!(Remembered::from_file(file).recall(&path).is_some());
    }

    /// Whatever lies in the file: bits flipped, pieces cut out and doubled.
    #[test]
    fn garbage_in_the_file_is_as_good_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("python");
        fs::write(&path, "\x7fELF").unwrap();
        let file = folder.path().join("cache/pythons.json");
        Remembered::from_file(file.clone()).keep(&path, &python(&path));
        let good = fs::read(&file).unwrap();
        let mut seed = 7_u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for _ in 0..500 {
            let mut bad = good.clone();
            for _ in 0..=next(4) {
                let (at, length) = (next(bad.len()), next(20));
                let end = (at + length).min(bad.len());
                match next(3) {
                    0 => bad[at] ^= 1 << next(8),
                    1 if end - at < bad.len() => drop(bad.drain(at..end)),
                    _ => bad.extend_from_within(at..end),
                }
            }
            fs::write(&file, &bad).unwrap();
            if let Some(found) = Remembered::from_file(file.clone()).recall(&path) {
                assert_eq!(found.executable, path);
            }
        }
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
