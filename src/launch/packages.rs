//! Environments with packages: made once for each list of packages, kept in the cache folder, and used again.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::cache;
use super::installer::{self, InstallError, Installer};
use super::python::Python;

/// Stands in an environment whose installation was completed, and says for what.
const COMPLETE: &str = "fourhands-packages";
/// How long an environment that nobody uses is kept.
const KEPT_UNUSED: Duration = Duration::from_secs(90 * 24 * 3600);
/// Characters of the names of packages in the name of a folder.
const MAX_NAMES: usize = 40;
/// Other processes may make the same environment, and fail.
const ATTEMPTS: usize = 3;

/// What an environment is to hold.
#[derive(Clone, Debug)]
pub struct EnvironmentSpec<'a> {
    pub base: &'a Python,
    /// As pip takes them, such as `pandas>=2`.
    pub requirements: &'a [String],
    /// The packages of the base stay importable.
    pub inherits: bool,
    /// A range of versions, such as `>=3.12`.
    pub requires_python: Option<&'a str>,
}

/// An environment with packages. Nobody removes it while this value lives.
#[derive(Debug)]
pub struct Environment {
    pub python: PathBuf,
    _in_use: Flock<File>,
}

/// Why there is no such environment. Displays as a sentence that follows what was to be done.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    #[error("the cache folder, which has the packages, cannot be used: {0}")]
    Cache(#[from] io::Error),
    #[error("{} is broken and in use by another session. End that session", .0.display())]
    InUse(PathBuf),
    #[error(transparent)]
    Install(#[from] InstallError),
}

/// Splits what a person wrote, such as `numpy,pandas>=2,<3`. A comma within brackets or before another limit separates
/// no packages. Paths that are there become absolute.
pub fn requirements<'a>(texts: impl IntoIterator<Item = &'a str>, cwd: &Path) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        let (mut depth, mut goes_on) = (0_usize, false);
        for part in text.split(',') {
            let is_limit = part.trim_start().starts_with(['<', '>', '=', '!', '~']);
            match found.last_mut().filter(|_| goes_on && (depth > 0 || is_limit)) {
                Some(last) => last.extend([",", part]),
                None => found.push(part.to_owned()),
            }
            depth = (depth + part.matches(['[', '(']).count()).saturating_sub(part.matches([']', ')']).count());
            goes_on = true;
        }
    }
    let is_path = |text: &str| text.contains('/') || Path::new(text).extension().is_some_and(|kind| kind == "whl");
    let absolute = |text: &str| {
        let path = cwd.join(text);
        if is_path(text) && path.exists() { path.display().to_string() } else { text.to_owned() }
    };
    found.iter().map(|text| text.trim()).filter(|text| !text.is_empty()).map(absolute).collect()
}

/// Returns an environment, and makes it if it is not there yet. `say` hears what takes time.
pub fn environment(
    spec: &EnvironmentSpec<'_>,
    installer: &Installer,
    say: &dyn Fn(&str),
) -> Result<Environment, PackagesError> {
    let cache = cache::path()?;
    cache::make_private_folder(&cache)?;
    let all = cache.join("environments");
    cache::make_private_folder(&all)?;
    let key = spec.key();
    let folder = all.join(format!("{}-{:08x}", short_names(spec.requirements), fnv(key.as_bytes()) >> 32));
    let python = folder.join("bin/python");
    let complete = folder.join(COMPLETE);
    let is_complete = || python.exists() && fs::read_to_string(&complete).is_ok_and(|text| text == key);
    for _ in 0..ATTEMPTS {
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(folder.with_extension("lock"))?;
        match Flock::lock(lock, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => {
                if !is_complete() {
                    remove_unused(&all);
                    say(&spec.progress());
                    make(spec, installer, &folder).inspect_err(|_| drop(fs::remove_dir_all(&folder)))?;
                    fs::write(&complete, &key)?;
                }
                lock.relock(FlockArg::LockShared).map_err(io::Error::from)?;
                return Ok(in_use(python, lock));
            }
            Err((lock, Errno::EWOULDBLOCK)) => {
                // Another session uses it, or is making it.
                let lock = Flock::lock(lock, FlockArg::LockSharedNonblock).or_else(|(lock, _)| {
                    say("waiting for another session, which installs the same packages …");
                    Flock::lock(lock, FlockArg::LockShared)
                });
                let lock = lock.map_err(|(_, errno)| io::Error::from(errno))?;
                if is_complete() {
                    return Ok(in_use(python, lock));
                }
            }
            Err((_, errno)) => return Err(io::Error::from(errno).into()),
        }
    }
    Err(PackagesError::InUse(folder))
}

/// Notes that the environment is used now, for [`remove_unused`].
fn in_use(python: PathBuf, lock: Flock<File>) -> Environment {
    let _ = lock.set_modified(SystemTime::now());
    Environment { python, _in_use: lock }
}

fn make(spec: &EnvironmentSpec<'_>, installer: &Installer, folder: &Path) -> Result<(), PackagesError> {
    if folder.symlink_metadata().is_ok() {
        fs::remove_dir_all(folder)?;
    }
    let EnvironmentSpec { base, requirements, inherits, requires_python } = *spec;
    // Packages of a virtual environment are out of reach for one that is made from it.
    let venv = base.venv.as_deref().filter(|_| inherits);
    installer.create(base, inherits && venv.is_none(), folder)?;
    let python = folder.join("bin/python");
    if let Some(range) = requires_python {
        installer::judge(&python, &base.version, range)?;
    }
    if let Some(venv) = venv {
        let library = Path::new("lib").join(format!("python{}", minor(&base.version))).join("site-packages");
        let line = format!("import site; site.addsitedir({})\n", python_text(&venv.join(&library)));
        fs::write(folder.join(&library).join("fourhands_base.pth"), line)?;
    }
    Ok(installer.install(&python, requirements)?)
}

/// Such as `3.12` of `3.12.1`.
fn minor(version: &str) -> &str {
    version.rfind('.').map_or(version, |end| &version[..end])
}

/// A path as an expression of Python.
fn python_text(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let bytes: String = path
        .as_os_str()
        .as_bytes()
        .iter()
        .map(|byte| match byte {
            b'\'' | b'\\' => format!("\\{}", *byte as char),
            b' '..=b'~' => (*byte as char).to_string(),
            _ => format!("\\x{byte:02x}"),
        })
        .collect();
    format!("__import__('os').fsdecode(b'{bytes}')")
}

impl EnvironmentSpec<'_> {
    fn progress(&self) -> String {
        match self.requirements {
            [] => "making an environment …".to_owned(),
            packages => format!("installing {} …", packages.join(", ")),
        }
    }

    /// What distinguishes environments. A local file is another one once it has changed.
    fn key(&self) -> String {
        let mut requirements: Vec<_> = self
            .requirements
            .iter()
            .map(|requirement| {
                let file = Path::new(requirement);
                let changed =
                    file.is_absolute().then(|| file.metadata().and_then(|facts| facts.modified()).ok()).flatten();
                let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                format!("{requirement} {}", changed.map_or(String::new(), |time| time.as_nanos().to_string()))
            })
            .collect();
        requirements.sort();
        requirements.dedup();
        let Self { base, inherits, requires_python, .. } = self;
        let range = requires_python.unwrap_or_default();
        format!("{}\n{} {inherits} {range}\n{}\n", base.executable.display(), base.version, requirements.join("\n"))
    }
}

/// Removes environments that nobody has used for long.
fn remove_unused(all: &Path) {
    for path in fs::read_dir(all).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let Ok(lock) = File::open(&path) else { continue };
        let used = lock.metadata().and_then(|facts| facts.modified()).ok();
        let is_old = used.and_then(|used| used.elapsed().ok()).is_some_and(|age| age > KEPT_UNUSED);
        if is_old && let Ok(_lock) = Flock::lock(lock, FlockArg::LockExclusiveNonblock) {
            // The lock itself stays: somebody may just have opened it.
            let _ = fs::remove_dir_all(path.with_extension(""));
        }
    }
}

/// The names of packages, for the name of a folder that people see as that of the environment.
fn short_names(requirements: &[String]) -> String {
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let short = |text: &String| {
        let name = text.rsplit('/').next().unwrap_or_default();
        // Names of wheels go on with the version after a hyphen.
        let name = name.strip_suffix(".whl").map_or(name, |wheel| wheel.split('-').next().unwrap_or_default());
        name.split(|c| !is_of_a_name(c)).next().unwrap_or_default().to_owned()
    };
    let names: Vec<_> = requirements.iter().map(short).filter(|name| !name.is_empty()).collect();
    let names: String = names.join("+").chars().take(MAX_NAMES).collect();
    if names.is_empty() { "packages".to_owned() } else { names }
}

/// FNV-1a, which is the same in each version of the program.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_separated_by_commas() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.whl"), "").unwrap();
        let split = |texts: &[&str]| requirements(texts.iter().copied(), folder.path());
        for (text, expected) in [
            ("numpy,pandas", &["numpy", "pandas"][..]),
            (" numpy , pandas>=2,<3,!=2.1 , rich", &["numpy", "pandas>=2,<3,!=2.1", "rich"]),
            ("dask[array,dataframe]~=2026.1,polars", &["dask[array,dataframe]~=2026.1", "polars"]),
            ("pandas (>=2,<3),x; python_version<'3.12'", &["pandas (>=2,<3)", "x; python_version<'3.12'"]),
            (",, numpy,", &["numpy"]),
            ("", &[]),
            ("<3", &["<3"]),
            ("gone.whl", &["gone.whl"]),
        ] {
            assert_eq!(split(&[text]), expected, "{text}");
        }
        assert_eq!(split(&["numpy", "<3", "pandas"]), ["numpy", "<3", "pandas"], "options do not run together");
        assert_eq!(split(&["./a.whl"]), [folder.path().join("./a.whl").display().to_string()]);
    }

    #[test]
    fn environments_differ_where_their_contents_would() {
        let python =
            |path: &str, version: &str| Python { executable: path.into(), version: version.to_owned(), venv: None };
        let key = |base: &Python, packages: &[&str], inherits, requires_python| {
            let requirements: Vec<_> = packages.iter().map(|name| (*name).to_owned()).collect();
            EnvironmentSpec { base, requirements: &requirements, inherits, requires_python }.key()
        };
        let (old, new) = (python("/p", "3.12.1"), python("/p", "3.12.2"));
        let first = key(&old, &["a", "b"], true, None);
        assert_eq!(first, key(&old, &["b", "a", "b"], true, None));
        let others =
            [key(&new, &["a", "b"], true, None), key(&old, &["a"], true, None), key(&old, &["a", "b"], false, None)];
        assert!(
            others.iter().all(|other| *other != first && fnv(other.as_bytes()) >> 32 != fnv(first.as_bytes()) >> 32)
        );
        assert_eq!(fnv(b"foobar"), 0x8594_4171_f739_67e8);
        let wheel = tempfile::NamedTempFile::new().unwrap();
        let path = wheel.path().display().to_string();
        let before = key(&old, &[&path], true, None);
        wheel.as_file().set_modified(UNIX_EPOCH + Duration::from_secs(7)).unwrap();
        assert_ne!(key(&old, &[&path], true, None), before);
    }

    #[test]
    fn an_environment_is_named_after_its_packages() {
        for (packages, expected) in [
            (&["numpy", "pandas>=2,<3"][..], "numpy+pandas"),
            (&["dask[array]", "/a/b/my_tool-1.0-py3-none-any.whl", "scikit-learn"], "dask+my_tool+scikit-learn"),
            (&["x @ https://example.org/x.zip"], "x"),
            (&["."], "packages"),
            (&[], "packages"),
        ] {
            let packages: Vec<_> = packages.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(short_names(&packages), expected);
        }
        assert_eq!(short_names(&["a".repeat(300)]).len(), MAX_NAMES);
    }

    #[test]
    fn environments_that_nobody_uses_are_removed() {
        let all = tempfile::tempdir().unwrap();
        let long_ago = SystemTime::now() - KEPT_UNUSED - Duration::from_secs(1);
        let lock = |name: &str, used: SystemTime| {
            fs::create_dir_all(all.path().join(name).join("bin")).unwrap();
            let lock = File::create(all.path().join(name).with_extension("lock")).unwrap();
            lock.set_modified(used).unwrap();
            lock
        };
        lock("old", long_ago);
        lock("new", SystemTime::now());
        let _held = Flock::lock(lock("held", long_ago), FlockArg::LockShared).unwrap();
        remove_unused(all.path());
        let is_there = |name: &str| all.path().join(name).exists();
        assert_eq!([is_there("old"), is_there("new"), is_there("held")], [false, true, true]);
    }

    #[test]
    fn a_path_becomes_an_expression_of_python() {
        assert_eq!(python_text(Path::new("/a b/it's\\ü")), r"__import__('os').fsdecode(b'/a b/it\'s\\\xc3\xbc')");
    }
}
