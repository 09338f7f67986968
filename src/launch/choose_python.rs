//! The choice of a Python: the requested one, else that of the active environment, else `python3` on the PATH.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::probe;
use super::python::{NoPython, Origin, Python};
use super::python_cache::PythonCache;

/// The environment in which a Python is searched, as values, so that tests can set it.
#[derive(Clone, Debug, Default)]
pub struct PythonSearchEnv {
    pub cwd: PathBuf,
    pub virtual_env: Option<OsString>,
    pub conda_prefix: Option<OsString>,
    pub path: Option<OsString>,
    /// The environment in which a tool such as pipx keeps this program. Its Python is nobody's choice.
    pub tool: Option<PathBuf>,
}

/// The Python for a session, and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub python: Python,
    pub origin: Origin,
    /// What was passed over, as a sentence for the person.
    pub note: Option<String>,
}

impl PythonSearchEnv {
    pub fn of_this_process() -> io::Result<Self> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty());
        Ok(Self {
            cwd: env::current_dir()?,
            virtual_env: set("VIRTUAL_ENV"),
            conda_prefix: set("CONDA_PREFIX"),
            path: set("PATH"),
            tool: env::current_exe().ok().and_then(|program| tool_environment(&program)),
        })
    }

    fn choose(&self, requested: Option<&Path>) -> Result<(PathBuf, Origin), NoPython> {
        if let Some(requested) = requested {
            return Ok((self.requested(requested)?, Origin::Requested));
        }
        let virtual_env = self.virtual_env.as_ref().map(|folder| self.cwd.join(folder));
        if let Some(folder) = virtual_env.filter(|folder| !self.is_of_the_tool(folder)) {
            let python = interpreter_in(&folder).ok_or(NoPython::EmptyVirtualEnv(folder))?;
            return Ok((python, Origin::VirtualEnv));
        }
        if let Some(folder) = self.conda_prefix.as_ref().map(|folder| self.cwd.join(folder)) {
            if let Some(python) = interpreter_in(&folder) {
                return Ok((python, Origin::Conda));
            }
            if !folder.is_dir() {
                return Err(NoPython::GoneConda(folder));
            }
        }
        for folder in self.cwd.ancestors().map(|folder| folder.join(".venv")) {
            if let Some(python) = interpreter_in(&folder) {
                return Ok((python, Origin::DotVenv));
            }
            if folder.join("pyvenv.cfg").is_file() {
                return Err(NoPython::EmptyDotVenv(folder));
            }
        }
        let python = self.on_path(Path::new("python3")).ok_or(NoPython::NotFound)?;
        Ok((python, Origin::SearchPath))
    }

    /// What was passed over. A conda environment often has no Python, and a `.venv` may be an empty folder or a link to
    /// one that is gone. Then the search goes on, and a note says so.
    fn note(&self, origin: Origin) -> Option<String> {
        let chosen = match origin {
            Origin::DotVenv => "that of a .venv",
            Origin::SearchPath => "python3 on PATH",
            Origin::Requested | Origin::VirtualEnv | Origin::Conda => return None,
        };
        let conda = self.conda_prefix.as_ref().map(|folder| {
            let folder = self.cwd.join(folder);
            let folder = folder.display();
            format!(
                "The conda environment {folder} has no Python, so {chosen} was chosen; `conda install python` adds one."
            )
        });
        let dot_venv = self.passed_dot_venv().map(|folder| {
            let is_there = folder.exists();
            let folder = folder.display();
            if is_there {
                format!("{folder} has no Python, so {chosen} was chosen; `python3 -m venv {folder}` makes it an environment.")
            } else {
                format!("{folder} is a link to nowhere, so {chosen} was chosen; remove the link or restore what it led to.")
            }
        });
        let notes: Vec<String> = [conda, dot_venv].into_iter().flatten().collect();
        (!notes.is_empty()).then(|| notes.join(" "))
    }

    /// The nearest `.venv` if it is no environment. Files of this name belong to other tools.
    fn passed_dot_venv(&self) -> Option<PathBuf> {
        let mut folders = self.cwd.ancestors().map(|folder| folder.join(".venv"));
        let nearest = folders.find(|folder| folder.symlink_metadata().is_ok_and(|facts| !facts.is_file()))?;
        interpreter_in(&nearest).is_none().then_some(nearest)
    }

    fn is_of_the_tool(&self, folder: &Path) -> bool {
        let same = |tool: &PathBuf| folder == tool || folder.canonicalize().is_ok_and(|folder| folder == *tool);
        self.tool.as_ref().is_some_and(same)
    }

    /// Resolves an interpreter, the folder of a virtual environment, or the bare name of a command.
    fn requested(&self, requested: &Path) -> Result<PathBuf, NoPython> {
        let path = self.cwd.join(requested);
        if path.is_dir() {
            return interpreter_in(&path).ok_or(NoPython::EmptyFolder(path));
        }
        let bare = requested.components().count() == 1 && !requested.is_absolute();
        if bare && !path.exists() {
            return Ok(self.on_path(requested).unwrap_or_else(|| requested.to_owned()));
        }
        Ok(path)
    }

    fn on_path(&self, name: &Path) -> Option<PathBuf> {
        use nix::unistd::{AccessFlags, access};
        env::split_paths(self.path.as_ref()?)
            .filter(|folder| !folder.as_os_str().is_empty())
            .map(|folder| self.cwd.join(folder))
            .filter(|folder| !folder.parent().is_some_and(|environment| self.is_of_the_tool(environment)))
            .map(|folder| folder.join(name))
            .find(|path| path.is_file() && access(path, AccessFlags::X_OK).is_ok())
    }
}

/// Returns the interpreter of an environment, even if it is a dead link: the probe says what is wrong with it.
fn interpreter_in(folder: &Path) -> Option<PathBuf> {
    let python = folder.join("bin").join("python");
    python.symlink_metadata().is_ok().then_some(python)
}

/// Returns the environment of a tool's own in which a program lies: of pipx, `uv tool` or uvx. An environment into
/// which a person installed the program is none.
fn tool_environment(program: &Path) -> Option<PathBuf> {
    let folder = program.canonicalize().ok()?.parent()?.parent()?.to_owned();
    let is_in_cache = || folder.components().any(|part| part.as_os_str() == "archive-v0");
    let is_of_a_tool = ["pipx_metadata.json", "uv-receipt.toml"].iter().any(|file| folder.join(file).is_file());
    (folder.join("pyvenv.cfg").is_file() && (is_of_a_tool || is_in_cache())).then_some(folder)
}

/// Returns what to do about a Python that worked when the session began.
pub fn remedy(executable: &Path) -> String {
    let gone = if executable.exists() { "" } else { " The file no longer exists: recreate that environment." };
    format!("Fix that Python, or end the session and resume it with another --python.{gone}")
}

/// Finds the Python for a session, and checks that it can hold one.
pub fn find(requested: Option<&Path>, env: &PythonSearchEnv) -> Result<Chosen, NoPython> {
    find_in(&mut PythonCache::load(), requested, env)
}

/// Like [`find`], but asks the Python itself, and keeps nothing of its answer.
pub fn look(requested: Option<&Path>, env: &PythonSearchEnv) -> Result<Chosen, NoPython> {
    find_in(&mut PythonCache::default(), requested, env)
}

fn find_in(cache: &mut PythonCache, requested: Option<&Path>, env: &PythonSearchEnv) -> Result<Chosen, NoPython> {
    let (path, origin) = env.choose(requested)?;
    let note = env.note(origin);
    if let Some(python) = cache.get(&path) {
        return Ok(Chosen { python, origin, note });
    }
    let python = probe::probe(&path).map_err(|fault| NoPython::Unfit { path: path.clone(), origin, fault })?;
    cache.add(&path, &python);
    Ok(Chosen { python, origin, note })
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
    fn the_environment_is_searched_in_the_documented_order() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for python in ["venv/bin/python", "conda/bin/python", "work/.venv/bin/python", "bin/python3", "mine"] {
            touch(&at(python));
        }
        let mut env = PythonSearchEnv {
            cwd: at("work/deep/er"),
            virtual_env: Some(at("venv").into()),
            conda_prefix: Some(at("conda").into()),
            path: Some(env::join_paths([at("nothing"), at("bin")]).unwrap()),
            tool: None,
        };
        let chosen =
            |env: &PythonSearchEnv, requested: Option<&Path>| env.choose(requested).map_err(|error| error.to_string());

        assert_eq!(chosen(&env, Some(&at("mine"))), Ok((at("mine"), Origin::Requested)));
        assert_eq!(chosen(&env, Some(&at("conda"))), Ok((at("conda/bin/python"), Origin::Requested)), "a folder");
        assert_eq!(chosen(&env, Some(Path::new("python3"))), Ok((at("bin/python3"), Origin::Requested)), "a bare name");
        assert_eq!(chosen(&env, None), Ok((at("venv/bin/python"), Origin::VirtualEnv)));
        env.virtual_env = None;
        assert_eq!(chosen(&env, None), Ok((at("conda/bin/python"), Origin::Conda)));
        env.conda_prefix = Some(at("bin").into());
        assert_eq!(chosen(&env, None), Ok((at("work/.venv/bin/python"), Origin::DotVenv)), "conda without a Python");
        assert!(env.note(Origin::DotVenv).is_some_and(|note| note.contains("/bin has no Python")));
        assert_eq!(env.note(Origin::Requested), None);
        env.cwd = at("elsewhere");
        assert_eq!(chosen(&env, None), Ok((at("bin/python3"), Origin::SearchPath)));
        env.path = None;
        assert!(chosen(&env, None).unwrap_err().contains("--python PATH"));
    }

    #[test]
    fn a_virtual_env_that_is_gone_is_an_error() {
        let env = PythonSearchEnv { cwd: "/".into(), virtual_env: Some("/no/such/env".into()), ..Default::default() };
        let message = env.choose(None).unwrap_err().to_string();
        assert!(message.contains("/no/such/env") && message.contains("unset VIRTUAL_ENV"), "{message}");
    }

    #[test]
    fn a_broken_environment_is_said_and_not_passed_over() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for file in ["bin/python3", "work/.venv/pyvenv.cfg", "work/deep/.venv/notes.txt"] {
            touch(&at(file));
        }
        let path = Some(at("bin").into());
        let mut env = PythonSearchEnv { cwd: at("work/deep"), path, ..Default::default() };
        let message = env.choose(None).unwrap_err().to_string();
        assert!(message.contains("work/.venv has no bin/python") && message.contains("--python"), "{message}");
        // One that is no environment at all is passed over with a note.
        std::fs::remove_file(at("work/.venv/pyvenv.cfg")).unwrap();
        assert_eq!(env.choose(None).unwrap().1, Origin::SearchPath);
        let note = env.note(Origin::SearchPath).unwrap();
        assert!(note.contains("work/deep/.venv has no Python, so python3 on PATH was chosen"), "{note}");
        std::fs::remove_dir_all(at("work/deep/.venv")).unwrap();
        std::os::unix::fs::symlink("/no/such/environment", at("work/deep/.venv")).unwrap();
        let note = env.note(Origin::SearchPath).unwrap();
        assert!(note.contains("work/deep/.venv is a link to nowhere"), "{note}");
        assert_eq!(env.note(Origin::Requested), None);
        env.cwd = at("bin");
        assert_eq!(env.note(Origin::SearchPath), None);
        env.conda_prefix = Some(at("gone").into());
        let message = env.choose(None).unwrap_err().to_string();
        assert!(message.contains("CONDA_PREFIX is") && message.contains("/gone, which does not exist"), "{message}");
    }

    #[test]
    fn the_environment_of_a_tool_is_not_the_persons() {
        let root = tempfile::tempdir().unwrap();
        let tool = root.path().canonicalize().unwrap().join("venvs/fourhands");
        for file in ["bin/fourhands", "bin/python", "bin/python3", "pyvenv.cfg"] {
            touch(&tool.join(file));
        }
        touch(&root.path().join("usr/bin/python3"));
        std::fs::create_dir(root.path().join("local")).unwrap();
        let link = root.path().join("local/fourhands");
        std::os::unix::fs::symlink(tool.join("bin/fourhands"), &link).unwrap();
        assert_eq!(tool_environment(&link), None, "a person's own environment");
        touch(&tool.join("pipx_metadata.json"));
        assert_eq!(tool_environment(&link), Some(tool.clone()));
        let env = PythonSearchEnv {
            cwd: root.path().into(),
            virtual_env: Some(tool.clone().into()),
            path: Some(env::join_paths([tool.join("bin"), root.path().join("usr/bin")]).unwrap()),
            tool: tool_environment(&link),
            ..Default::default()
        };
        assert_eq!(env.choose(None).unwrap(), (root.path().join("usr/bin/python3"), Origin::SearchPath));
    }

    #[test]
    fn a_relative_path_starts_from_the_working_directory() {
        let root = tempfile::tempdir().unwrap();
        touch(&root.path().join("env/bin/python"));
        let env = PythonSearchEnv { cwd: root.path().into(), ..Default::default() };
        for requested in ["env", "./env", "env/bin/python"] {
            let (path, _) = env.choose(Some(Path::new(requested))).unwrap();
            assert!(path.is_absolute() && path.ends_with("env/bin/python"), "{requested}: {}", path.display());
        }
    }
}
