//! The folders of configurations, as values that tests can set.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, access};

#[derive(Clone, Debug)]
pub struct ConfigFolders {
    pub home: PathBuf,
    /// Settings of programs: `$XDG_CONFIG_HOME`, else `.config` in the home.
    pub config: PathBuf,
    /// Settings of programs with windows. Differs from `config` on macOS.
    pub app_data: PathBuf,
    /// The folder of `--project`.
    pub project: PathBuf,
    /// `$CLAUDE_CONFIG_DIR`.
    pub claude: Option<PathBuf>,
    /// `$CODEX_HOME`.
    pub codex: Option<PathBuf>,
    pub path: Option<OsString>,
}

impl ConfigFolders {
    /// Reads the environment of this process. `None` without a home folder.
    pub fn of_this_process() -> Option<Self> {
        let set = |value: Option<OsString>| value.map(PathBuf::from).filter(|path| path.is_absolute());
        let home = etcetera::home_dir().ok().filter(|home| home.is_absolute())?;
        let config = set(env::var_os("XDG_CONFIG_HOME")).unwrap_or_else(|| home.join(".config"));
        let app_data =
            if cfg!(target_os = "macos") { home.join("Library/Application Support") } else { config.clone() };
        Some(Self {
            config,
            app_data,
            project: env::current_dir().ok()?,
            claude: set(env::var_os("CLAUDE_CONFIG_DIR")),
            codex: set(env::var_os("CODEX_HOME")),
            path: env::var_os("PATH"),
            home,
        })
    }

    /// Returns the first program of this name on PATH.
    pub fn find_program(&self, name: &str) -> Option<PathBuf> {
        let folders = env::split_paths(self.path.as_ref()?).filter(|folder| folder.is_absolute());
        folders.map(|folder| folder.join(name)).find(|path| is_program(path))
    }

    /// Writes the home folder as `~`.
    pub fn shorten(&self, path: &Path) -> String {
        crate::domain::home_path::shorten(&path.to_string_lossy(), self.home.to_str())
    }
}

pub fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, AccessFlags::X_OK).is_ok()
}
