//! The paths of effects: seen from the session's folder, and which of them are not reported.

use std::path::{Component, Path, PathBuf};

/// The folders that decide how a path is shown.
#[derive(Debug, Clone)]
pub struct SessionFolders {
    /// The session's working directory at its start.
    pub session: PathBuf,
    /// The folder for temporary files.
    pub temporary: PathBuf,
    /// Folders in which the session keeps files of its own.
    pub own: Vec<PathBuf>,
}

/// A path as an effect shows it.
#[derive(Debug, PartialEq, Eq)]
pub struct ShownPath {
    pub absolute: PathBuf,
    /// Relative to the session's folder, if the path lies in there.
    pub shown: String,
    pub outside: bool,
}

impl SessionFolders {
    /// Returns the folders with the paths that links lead to.
    #[must_use]
    pub fn without_links(&self) -> Self {
        let real = |folder: &PathBuf| folder.canonicalize().unwrap_or_else(|_| folder.clone());
        Self {
            session: real(&self.session),
            temporary: real(&self.temporary),
            own: self.own.iter().map(real).collect(),
        }
    }

    /// Places a path that is seen from `folder`; `None` for paths that are not reported: devices, bytecode, and the
    /// session's own files.
    pub fn place(&self, path: &Path, folder: &Path) -> Option<ShownPath> {
        let absolute = normalized(&folder.join(path));
        let is_cache = absolute.components().any(|part| part.as_os_str() == "__pycache__");
        let is_system = ["/dev", "/proc", "/sys"].iter().any(|top| absolute.starts_with(top));
        // Shared memory is a device for storage.
        let is_system = is_system && !absolute.starts_with("/dev/shm");
        if is_cache || is_system || self.own.iter().any(|own| absolute.starts_with(own)) {
            return None;
        }
        let within = absolute.strip_prefix(&self.session).ok();
        let shown = match within {
            Some(within) if within.as_os_str().is_empty() => ".".into(),
            Some(within) => within.to_string_lossy().into_owned(),
            None => absolute.to_string_lossy().into_owned(),
        };
        let outside = within.is_none() && !absolute.starts_with(&self.temporary) && !absolute.starts_with("/dev/shm");
        Some(ShownPath { absolute, shown, outside })
    }

    /// Returns whether opening a file to read is not worth counting: modules, and files of the system.
    pub fn is_part_of_python(path: &[u8]) -> bool {
        let ends: [&[u8]; 5] = [b".py", b".pyc", b".so", b".pth", b".pyi"];
        let begins: [&[u8]; 3] = [b"/proc/", b"/dev/", b"/sys/"];
        ends.iter().any(|end| path.ends_with(end)) || begins.iter().any(|begin| path.starts_with(begin))
    }
}

/// Removes `.` and `..` from an absolute path, as far as the text tells.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_folder_of_the_session() {
        let folders = SessionFolders {
            session: "/srv/data/work".into(),
            temporary: "/tmp".into(),
            own: vec!["/run/fourhands".into()],
        };
        let place = |path: &str, folder: &str| {
            folders.place(Path::new(path), Path::new(folder)).map(|place| (place.shown, place.outside))
        };
        let work = "/srv/data/work";
        assert_eq!(place("a.csv", work), Some(("a.csv".into(), false)));
        assert_eq!(place("a.csv", "/srv/data/work/sub"), Some(("sub/a.csv".into(), false)));
        assert_eq!(place("../a.csv", work), Some(("/srv/data/a.csv".into(), true)));
        assert_eq!(place("../work/./a.csv", work), Some(("a.csv".into(), false)));
        assert_eq!(place("/tmp/x", work), Some(("/tmp/x".into(), false)));
        for path in ["/dev/null", "__pycache__/a.pyc", "/proc/self/comm", "/run/fourhands/s.py"] {
            assert_eq!(place(path, work), None, "{path}");
        }
    }
}
