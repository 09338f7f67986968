//! uv or pip at work: what they say is passed on, and the cause of a failure is found in it.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::domain::terminal_text::visible;
use crate::launch::python::Python;

/// What of an installer's words is searched for the cause, in bytes.
const MAX_WORDS: usize = 256 * 1024;

/// Exit codes of [`JUDGE`].
const DOES_NOT_FIT: i32 = 3;
const NO_RANGE: i32 = 4;
/// Ends with the code for its verdict on the range of versions that it is given. Every new environment has pip.
const JUDGE: &str = r"
import sys, platform
from pip._vendor.packaging.specifiers import InvalidSpecifier, SpecifierSet
try:
    fits = SpecifierSet(sys.argv[1]).contains(platform.python_version(), prereleases=True)
except InvalidSpecifier:
    sys.exit(4)
sys.exit(0 if fits else 3)
";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installer {
    /// The program.
    Uv(PathBuf),
    /// The pip of the environment, which the module venv of the Python makes.
    Pip,
}

/// Why nothing was installed. Displays as a sentence that follows what was to be done.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error(
        "the package index cannot be reached. Check the network, and the index and the proxy that pip and uv are \
         configured with"
    )]
    NoNetwork,
    #[error("no package index has all of these for this Python. Check the names and the versions")]
    UnknownPackage,
    #[error("a requirement is not valid. Write packages as pip takes them, such as --with 'polars,pandas>=2,<3'")]
    InvalidRequirement,
    #[error("the disk is full")]
    DiskFull,
    #[error(
        "Python cannot make virtual environments. On Debian and Ubuntu, `apt install python3-venv` adds that; or install \
         uv"
    )]
    NoVenv,
    #[error("Python {version} is not in `requires-python = \"{range}\"`. Choose another with --python PATH")]
    OtherPython { version: String, range: String },
    #[error("no Python fits its `requires-python`. Install one, or choose one with --python PATH")]
    NoPython,
    #[error("`requires-python = \"{0}\"` is not a range of versions")]
    NoRange(String),
    #[error("{program} cannot be started: {error}")]
    NotStarted { program: String, error: io::Error },
    #[error("the installer ended with {0}")]
    Other(std::process::ExitStatus),
}

impl Installer {
    /// uv if it is on the path, else pip.
    pub fn find(path: Option<&OsStr>) -> Self {
        let mut found = path.into_iter().flat_map(std::env::split_paths).map(|folder| folder.join("uv"));
        found.find(|program| is_executable(program)).map_or(Self::Pip, Self::Uv)
    }

    /// Makes an environment in `folder`. With `inherits`, the packages of the Python stay importable.
    pub fn create(&self, python: &Python, inherits: bool, folder: &Path) -> Result<(), InstallError> {
        let mut command = match self {
            Self::Uv(uv) => {
                let mut command = Command::new(uv);
                command.args(["venv", "--quiet", "--no-project", "--python"]).arg(&python.executable);
                command
            }
            Self::Pip => {
                let mut command = Command::new(&python.executable);
                command.args(["-m", "venv"]);
                command
            }
        };
        if inherits {
            command.arg("--system-site-packages");
        }
        run(command.arg(folder)).map_err(|error| match error {
            InstallError::Other(_) if *self == Self::Pip => InstallError::NoVenv,
            error => error,
        })
    }

    pub fn install(&self, python: &Path, requirements: &[String]) -> Result<(), InstallError> {
        if requirements.is_empty() {
            return Ok(());
        }
        let mut command = match self {
            Self::Uv(uv) => {
                let mut command = Command::new(uv);
                command.args(["pip", "install", "--python"]).arg(python);
                command
            }
            Self::Pip => {
                let mut command = Command::new(python);
                command.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]);
                if !io::stderr().is_terminal() {
                    command.arg("--quiet");
                }
                // A person may have set `user = true`, which does not work in environments.
                command.env("PIP_USER", "0");
                command
            }
        };
        run(command.arg("--").args(requirements))
    }
}

/// Checks that the Python of an environment with pip is in a range of versions.
pub fn judge(python: &Path, version: &str, range: &str) -> Result<(), InstallError> {
    let status = Command::new(python).args(["-I", "-c", JUDGE, range]).stdin(Stdio::null()).status();
    let status = status.map_err(|error| InstallError::NotStarted { program: python.display().to_string(), error })?;
    match status.code() {
        Some(0) => Ok(()),
        Some(DOES_NOT_FIT) => Err(InstallError::OtherPython { version: version.to_owned(), range: range.to_owned() }),
        Some(NO_RANGE) => Err(InstallError::NoRange(range.to_owned())),
        _ => Err(InstallError::Other(status)),
    }
}

/// Lets uv make or renew the environment of a script, and returns its Python.
pub fn script_environment(uv: &Path, script: &Path, python: Option<&Path>) -> Result<PathBuf, InstallError> {
    let command = |words: &[&str]| {
        let mut command = Command::new(uv);
        command.args(words).arg("--script").arg(script);
        command
    };
    let mut sync = command(&["sync"]);
    if let Some(python) = python {
        sync.arg("--python").arg(python);
    }
    match run(&mut sync) {
        // What is installed already will do.
        Err(InstallError::NoNetwork) => run(sync.arg("--offline"))?,
        result => result?,
    }
    let output = command(&["python", "find"]).env_remove("VIRTUAL_ENV").stdin(Stdio::null()).output();
    let output = output.map_err(|error| InstallError::NotStarted { program: uv.display().to_string(), error })?;
    let path = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    if output.status.success() { Ok(path.into()) } else { Err(InstallError::Other(output.status)) }
}

/// Runs an installer. Its output goes to stderr, since stdout may belong to a client.
fn run(command: &mut Command) -> Result<(), InstallError> {
    let program = command.get_program().display().to_string();
    let failed = |error| InstallError::NotStarted { program: program.clone(), error };
    let stdout = io::stderr().as_fd().try_clone_to_owned().map_err(failed)?;
    command.env_remove("VIRTUAL_ENV").env_remove("PYTHONHOME").stdin(Stdio::null()).stdout(stdout);
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(failed)?;
    let mut words = String::new();
    if let Some(stderr) = child.stderr.take() {
        let mut lines = BufReader::new(stderr);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let text = String::from_utf8_lossy(&line);
            let _ = io::stderr().write_all(visible(&text).as_bytes());
            if words.len() < MAX_WORDS {
                words.push_str(&text);
            }
            line.clear();
        }
    }
    let status = child.wait().map_err(failed)?;
    if status.success() { Ok(()) } else { Err(cause(&words).unwrap_or(InstallError::Other(status))) }
}

/// Finds the cause of a failure in the words of pip or uv. What stands behind the others comes first: without a
/// network, pip says that it found no version.
fn cause(words: &str) -> Option<InstallError> {
    let has = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    if has(&["No space left on device", "Disk quota exceeded"]) {
        return Some(InstallError::DiskFull);
    }
    let offline = [
        "Failed to establish a new connection",
        "Temporary failure in name resolution",
        "Name or service not known",
        "Network is unreachable",
        "ConnectTimeoutError",
        "ProxyError",
        "Cannot connect to proxy",
        "Read timed out",
        "error sending request",
        "dns error",
        "network was disabled",
        "Network connectivity is disabled",
    ];
    if has(&offline) {
        return Some(InstallError::NoNetwork);
    }
    if has(&["Invalid requirement", "Failed to parse"]) {
        return Some(InstallError::InvalidRequirement);
    }
    if has(&["No interpreter found"]) {
        return Some(InstallError::NoPython);
    }
    let unknown = ["No matching distribution found", "not found in the package registry", "No solution found"];
    has(&unknown).then_some(InstallError::UnknownPackage)
}

fn is_executable(program: &Path) -> bool {
    use nix::unistd::{AccessFlags, access};
    program.is_file() && access(program, AccessFlags::X_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_of_a_failure_is_found_in_the_words_of_pip_and_uv() {
        let named = |words: &str| cause(words).map(|cause| format!("{cause:?}"));
        let unknown = "ERROR: Could not find a version that satisfies the requirement nosuch (from versions: none)\nERROR: \
                       No matching distribution found for nosuch\n";
        let offline = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<x>: Failed to \
                       establish a new connection: [Errno -2] Name or service not known')': /simple/nosuch/\n";
        for (words, expected) in [
            (unknown, Some("UnknownPackage")),
            (&format!("{offline}{unknown}"), Some("NoNetwork")),
            ("  cause: Because nosuch was not found in the package registry and you require", Some("UnknownPackage")),
            ("error: Request failed after 3 retries\n  cause: dns error\n", Some("NoNetwork")),
            ("ERROR: Invalid requirement: 'a b=3'\nHint: = is not a valid operator.", Some("InvalidRequirement")),
            ("error: Failed to parse: `a b=3`", Some("InvalidRequirement")),
            (
                "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
                Some("DiskFull"),
            ),
            ("error: No interpreter found for Python >=3.99 in search path", Some("NoPython")),
            ("error: subprocess-exited-with-error", None),
        ] {
            assert_eq!(named(words).as_deref(), expected, "{words}");
        }
    }

    #[test]
    fn uv_is_taken_from_the_path() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str();
        let uv = folder.path().join("uv");
        std::fs::write(&uv, "").unwrap();
        assert_eq!(Installer::find(Some(path)), Installer::Pip, "not executable");
        std::fs::set_permissions(&uv, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(Installer::find(Some(path)), Installer::Uv(uv));
        assert_eq!(Installer::find(None), Installer::Pip);
    }
}
