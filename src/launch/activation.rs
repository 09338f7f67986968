//! The variables that make an environment the active one, as its `activate` does. Then `python`, `pip` and the programs
//! of packages are those of the session's Python, however a snippet starts them.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{AccessFlags, access};

use super::own_programs;

/// Makes the environment of `python` that of the session process. `venv` is its folder, if it is a virtual one.
pub fn activate(command: &mut Command, python: &Path, venv: Option<&Path>) {
    match venv {
        Some(venv) => command.env("VIRTUAL_ENV", venv),
        // That of another Python: tools such as uv would install there.
        None => command.env_remove("VIRTUAL_ENV"),
    };
    // Without a cache folder, what PATH has must do.
    let own = own_programs::folder(python).ok();
    if let Some(path) = search_path(env::var_os("PATH").as_deref(), own, venv) {
        command.env("PATH", path);
    }
}

/// Where systems look for programs without a PATH.
const NO_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Returns the PATH with the session's own programs first. Then comes the environment, unless its `python` is found
/// already: what the person has put before it has a reason.
fn search_path(path: Option<&OsStr>, own: Option<PathBuf>, venv: Option<&Path>) -> Option<OsString> {
    let folders = env::split_paths(path.unwrap_or(OsStr::new(NO_PATH)));
    let folders: Vec<_> = folders.filter(|folder| Some(folder) != own.as_ref()).collect();
    let found = folders.iter().find(|folder| access(&folder.join("python"), AccessFlags::X_OK).is_ok());
    let bin = venv.map(|venv| venv.join("bin")).filter(|bin| found != Some(bin));
    // A folder with a colon in its name cannot be on PATH.
    let can_be_on_path = |folder: &PathBuf| env::join_paths([folder]).is_ok();
    env::join_paths(own.into_iter().chain(bin).filter(can_be_on_path).chain(folders)).ok()
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
        let joined = |path: &OsStr, venv: &Path| search_path(Some(path), None, Some(venv));
        assert_eq!(joined(&active, &venv), Some(active.clone()));
        assert_eq!(joined(&path(&[&other, &bin]), &venv), Some(path(&[&bin, &other, &bin])));
        let without = search_path(None, None, Some(&venv)).unwrap().into_string().unwrap();
        assert!(without.contains("venv/bin") && without.ends_with("/usr/bin:/bin"), "{without}");
        assert_eq!(joined(&active, Path::new("/a:b")), Some(active.clone()));
        // The session's own programs come before all, once.
        let own = root.path().join("own");
        let first = path(&[&own, &tools, &bin, &other]);
        assert_eq!(search_path(Some(&active), Some(own.clone()), Some(&venv)), Some(first.clone()));
        assert_eq!(search_path(Some(&first), Some(own.clone()), Some(&venv)), Some(first));
        assert_eq!(search_path(Some(&path(&[&other])), Some(own.clone()), None), Some(path(&[&own, &other])));
    }
}
