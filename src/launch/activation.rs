//! The variables that make a virtual environment the active one, as its `activate` does. Then `python` and the programs
//! of packages are those of the session's Python, however a snippet starts them.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use nix::unistd::{AccessFlags, access};

/// Makes `venv` the active environment of the session process.
pub fn activate(command: &mut Command, venv: &Path) {
    command.env("VIRTUAL_ENV", venv);
    if let Some(path) = search_path(env::var_os("PATH").as_deref(), venv) {
        command.env("PATH", path);
    }
}

/// Returns the PATH on which the environment comes first. `None` if `python` is found in it already: what the person
/// has put before it has a reason.
fn search_path(path: Option<&OsStr>, venv: &Path) -> Option<OsString> {
    let bin = venv.join("bin");
    let folders: Vec<_> = path.into_iter().flat_map(env::split_paths).collect();
    let found = folders.iter().find(|folder| access(&folder.join("python"), AccessFlags::X_OK).is_ok());
    if found.is_some_and(|folder| *folder == bin) {
        return None;
    }
    // Fails for a folder with a colon in its name, which PATH cannot hold.
    env::join_paths([bin].into_iter().chain(folders)).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;

    #[test]
    fn the_environment_comes_first_unless_its_python_does_already() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["venv/bin", "other", "tools"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let (venv, other, tools) = (root.path().join("venv"), root.path().join("other"), root.path().join("tools"));
        for python in [venv.join("bin/python"), other.join("python")] {
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(python).unwrap();
        }
        let path = |folders: &[&Path]| env::join_paths(folders).unwrap();
        let bin = venv.join("bin");
        let active = path(&[&tools, &bin, &other]);
        assert_eq!(search_path(Some(&active), &venv), None);
        assert_eq!(search_path(Some(&path(&[&other, &bin])), &venv), Some(path(&[&bin, &other, &bin])));
        assert_eq!(search_path(None, &venv), Some(bin.into_os_string()));
        assert_eq!(search_path(Some(&active), Path::new("/a:b")), None);
    }
}
