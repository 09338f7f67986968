//! Which Python: the one asked for, else that of the environment at hand, else `python3` on the PATH.

use crate::launch::python::NoPython;
use crate::launch::python::Origin;
use crate::launch::python::Python;
use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::probe::{self};
use super::remembered::Remembered;

/// Where to look: the environment as values, so that the order can be tested.
#[derive(Clone, Debug, Default)]
pub struct PythonSearchEnv {
    pub cwd: PathBuf,
    pub virtual_env: Option<OsString>,
    pub conda_prefix: Option<OsString>,
    pub path: Option<OsString>,
}

impl PythonSearchEnv {
    pub fn of_this_process() -> io::Result<Self> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        Ok(Self {
            cwd: env::current_dir()?,
            virtual_env: set("VIRTUAL_ENV"),
            conda_prefix: set("CONDA_PREFIX"),
            path: set("PATH"),
        })
    }

    fn choose(&self, asked: Option<&Path>) -> Result<(PathBuf, Origin), NoPython> {
        if let Some(asked) = asked {
            return Ok((self.as_asked(asked)?, Origin::Asked));
        }
        if let Some(folder) = &self.virtual_env {
            let folder = self.cwd.join(folder);
            let python = interpreter_in(&folder).ok_or(NoPython::EmptyVirtualEnv(folder))?;
            return Ok((python, Origin::VirtualEnv));
        }
        // A conda environment without a Python is a common thing, so it decides nothing.
        if let Some(python) = self.conda_prefix.as_ref().and_then(|folder| interpreter_in(&self.cwd.join(folder))) {
            return Ok((python, Origin::Conda));
        }
        if let Some(python) = self.cwd.ancestors().find_map(|folder| interpreter_in(&folder.join(".venv"))) {
            return Ok((python, Origin::DotVenv));
        }
        let python = self.on_path(Path::new("python3")).ok_or(NoPython::NotFound)?;
        Ok((python, Origin::SearchPath))
    }

    /// An interpreter, the folder of a virtual environment, or the bare name of a command.
    fn as_asked(&self, asked: &Path) -> Result<PathBuf, NoPython> {
        let path = self.cwd.join(asked);
        if path.is_dir() {
            return interpreter_in(&path).ok_or(NoPython::EmptyFolder(path));
        }
        let bare = asked.components().count() == 1 && !asked.is_absolute();
        if bare && !path.exists() {
            return Ok(self.on_path(asked).unwrap_or_else(|| asked.to_owned()));
        }
        Ok(path)
    }

    fn on_path(&self, name: &Path) -> Option<PathBuf> {
        use nix::unistd::{AccessFlags, access};
        env::split_paths(self.path.as_ref()?)
            .filter(|folder| !folder.as_os_str().is_empty())
            .map(|folder| self.cwd.join(folder).join(name))
            .find(|path| path.is_file() && access(path, AccessFlags::X_OK).is_ok())
    }
}

/// The interpreter of an environment. A link that leads nowhere counts: the probe says what is wrong with it.
fn interpreter_in(folder: &Path) -> Option<PathBuf> {
    let python = folder.join("bin").join("python");
    python.symlink_metadata().is_ok().then_some(python)
}

/// What to do about a Python that was there when the session began.
pub fn remedy(executable: &Path) -> String {
    let gone = if executable.exists() { "" } else { " It is gone: create that environment again." };
    format!("Mend it, or end the session and resume it with another --python.{gone}")
}

/// Finds the Python for a session and makes sure that it can hold one.
pub fn find(asked: Option<&Path>, around: &PythonSearchEnv) -> Result<Python, NoPython> {
    let (path, origin) = around.choose(asked)?;
    let mut remembered = Remembered::load();
    if let Some(python) = remembered.recall(&path) {
        return Ok(python);
    }
    let python = probe::probe(&path).map_err(|fault| NoPython::Unfit { path: path.clone(), origin, fault })?;
    remembered.keep(&path, &python);
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        use std::os::unix::fs::OpenOptionsExt;
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o755).open(path).unwrap();
    }

    #[test]
    fn the_nearest_choice_wins_in_the_order_told() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for python in ["venv/bin/python", "conda/bin/python", "work/.venv/bin/python", "bin/python3", "mine"] {
            touch(&at(python));
        }
        let mut around = PythonSearchEnv {
            cwd: at("work/deep/er"),
            virtual_env: Some(at("venv").into()),
            conda_prefix: Some(at("conda").into()),
            path: Some(env::join_paths([at("nothing"), at("bin")]).unwrap()),
        };
        let chosen =
            |around: &PythonSearchEnv, asked: Option<&Path>| around.choose(asked).map_err(|error| error.to_string());

        assert_eq!(chosen(&around, Some(&at("mine"))), Ok((at("mine"), Origin::Asked)));
        assert_eq!(chosen(&around, Some(&at("conda"))), Ok((at("conda/bin/python"), Origin::Asked)), "a folder");
        assert_eq!(chosen(&around, Some(Path::new("python3"))), Ok((at("bin/python3"), Origin::Asked)), "a bare name");
        assert_eq!(chosen(&around, None), Ok((at("venv/bin/python"), Origin::VirtualEnv)));
        around.virtual_env = None;
        assert_eq!(chosen(&around, None), Ok((at("conda/bin/python"), Origin::Conda)));
        around.conda_prefix = Some(at("bin").into());
        assert_eq!(chosen(&around, None), Ok((at("work/.venv/bin/python"), Origin::DotVenv)), "conda without a Python");
        around.cwd = at("elsewhere");
        assert_eq!(chosen(&around, None), Ok((at("bin/python3"), Origin::SearchPath)));
        around.path = None;
        assert!(chosen(&around, None).unwrap_err().contains("--python PATH"));
    }

    #[test]
    fn a_virtual_env_that_is_gone_is_not_passed_over_in_silence() {
        let around =
            PythonSearchEnv { cwd: "/".into(), virtual_env: Some("/no/such/env".into()), ..Default::default() };
        let message = around.choose(None).unwrap_err().to_string();
        assert!(message.contains("/no/such/env") && message.contains("unset VIRTUAL_ENV"), "{message}");
    }

    #[test]
    fn a_relative_path_is_meant_from_the_working_directory() {
        let root = tempfile::tempdir().unwrap();
        touch(&root.path().join("env/bin/python"));
        let around = PythonSearchEnv { cwd: root.path().into(), ..Default::default() };
        for asked in ["env", "./env", "env/bin/python"] {
            let (path, _) = around.choose(Some(Path::new(asked))).unwrap();
            assert!(path.is_absolute() && path.ends_with("env/bin/python"), "{asked}: {}", path.display());
        }
    }
}
