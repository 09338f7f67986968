//! A cache of probed Pythons. A probe takes 20 to 140 ms, reading this file next to nothing.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cache;
use crate::launch::python::Python;
use crate::session::discovery::paths;

const MAX_ENTRIES: usize = 32;

/// Errors are ignored: without the file, Pythons are probed again.
#[derive(Debug, Default)]
pub struct PythonCache {
    file: Option<PathBuf>,
    pythons: Vec<CachedPython>,
}

/// A probed Python, whose `sys.executable` equals the path of the probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct CachedPython {
    path: PathBuf,
    version: String,
    venv: Option<PathBuf>,
    identity: FileStamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct FileStamp {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl PythonCache {
    pub fn load() -> Self {
        cache::path().map_or_else(|_| Self::default(), |folder| Self::from_file(folder.join("pythons.json")))
    }

    fn from_file(file: PathBuf) -> Self {
        // A file that others can write is not trusted.
        if let Some(folder) = file.parent().filter(|folder| folder.exists())
            && cache::make_private_folder(folder).is_err()
        {
            return Self::default();
        }
        let pythons = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { file: Some(file), pythons }
    }

    pub fn get(&self, path: &Path) -> Option<Python> {
        let entry = self.pythons.iter().find(|entry| entry.path == path)?;
        (identity(path)? == entry.identity).then(|| Python {
            executable: entry.path.clone(),
            version: entry.version.clone(),
            venv: entry.venv.clone(),
        })
    }

    /// Adds the result of a probe. Launchers (a pyenv shim, a script) are left out, because their target depends on the
    /// working directory and the environment.
    pub fn add(&mut self, path: &Path, python: &Python) {
        let Some(identity) = identity(path) else { return };
        if python.executable != path || is_script(path) {
            return;
        }
        let entry = CachedPython {
            path: path.to_owned(),
            version: python.version.clone(),
            venv: python.venv.clone(),
            identity,
        };
        self.pythons.retain(|known| known.path != path);
        self.pythons.insert(0, entry);
        self.pythons.truncate(MAX_ENTRIES);
        let _ = self.store();
    }

    /// Writes through a temporary file, so that nobody reads half a file.
    fn store(&self) -> Option<()> {
        let file = self.file.as_ref()?;
        let folder = file.parent()?;
        cache::make_private_folder(folder).ok()?;
        let draft = folder.join(format!(".pythons-{}", std::process::id()));
        paths::draft(&draft, 0o600).ok()?.write_all(&serde_json::to_vec_pretty(&self.pythons).ok()?).ok()?;
        fs::rename(draft, file).ok()
    }
}

/// Returns the identity of the file to which the path leads.
fn identity(path: &Path) -> Option<FileStamp> {
    let file = path.metadata().ok()?;
    Some(FileStamp {
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
    fn an_interpreter_is_cached_until_its_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache/pythons.json");
        let path = folder.path().join("python");
        fs::write(&path, "\x7fELF").unwrap();

        PythonCache::from_file(cache.clone()).add(&path, &python(&path));
        assert_eq!(PythonCache::from_file(cache.clone()).get(&path), Some(python(&path)));

        fs::write(&path, "\x7fELF, newer").unwrap();
        assert_eq!(PythonCache::from_file(cache).get(&path), None);
    }

    #[test]
    fn launchers_are_not_cached() {
        let folder = tempfile::tempdir().unwrap();
        let mut pythons = PythonCache::from_file(folder.path().join("pythons.json"));
        let [shim, launcher] = ["shim", "launcher"].map(|name| folder.path().join(name));
        fs::write(&shim, "#!/bin/sh\n").unwrap();
        fs::write(&launcher, "\x7fELF").unwrap();

        pythons.add(&shim, &python(&shim));
        pythons.add(&launcher, &python(Path::new("/elsewhere/python")));
        assert!(pythons.pythons.is_empty());
    }

    #[test]
    fn the_file_is_private_and_a_file_that_others_can_write_is_not_trusted() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache");
        fs::create_dir(&cache).unwrap();
        fs::set_permissions(&cache, fs::Permissions::from_mode(0o755)).unwrap();
        let path = folder.path().join("python");
        fs::write(&path, "\x7fELF").unwrap();
        let file = cache.join("pythons.json");
        PythonCache::from_file(file.clone()).add(&path, &python(&path));
        let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
        assert_eq!((mode(&cache), mode(&file)), (0o700, 0o600), "what was too wide is closed");

        let link = folder.path().join("link");
        symlink(&cache, &link).unwrap();
        assert_eq!(PythonCache::from_file(link.join("pythons.json")).get(&path), None);
        assert!(PythonCache::from_file(file).get(&path).is_some());
    }

    /// Flipped bits, and parts cut out or doubled.
    #[test]
    fn garbage_in_the_file_counts_as_no_cache() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("python");
        fs::write(&path, "\x7fELF").unwrap();
        let file = folder.path().join("cache/pythons.json");
        PythonCache::from_file(file.clone()).add(&path, &python(&path));
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
            if let Some(found) = PythonCache::from_file(file.clone()).get(&path) {
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
        let mut pythons = PythonCache::from_file(broken.clone());
        assert_eq!(pythons.get(&path), None);
        pythons.add(&path, &python(&path));
        assert!(PythonCache::from_file(broken).get(&path).is_some(), "and it is mended");

        let mut pythons = PythonCache::from_file("/dev/null/pythons.json".into());
        pythons.add(&path, &python(&path));
        assert!(pythons.get(&path).is_some());
    }
}
