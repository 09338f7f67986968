//! Finding and reading `config.toml`. No fault of the file keeps the dashboard from starting.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::{Problem, Settings, parse};

/// The size limit; a larger file is not a settings file.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The result of reading the file.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// `None` if there is no such file.
    pub path: Option<PathBuf>,
    pub settings: Settings,
    pub problems: Vec<Problem>,
}

/// `$XDG_CONFIG_HOME/fourhands/config.toml`, or `.config` in the home folder; `None` without a home folder.
pub fn path() -> Option<PathBuf> {
    let xdg = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = xdg.or_else(|| Some(etcetera::home_dir().ok()?.join(".config")))?;
    Some(folder.join("fourhands/config.toml"))
}

/// Reads the person's settings. A faulty setting is reported and keeps its default.
pub fn read(path: Option<PathBuf>) -> Loaded {
    let Some(path) = path else { return Loaded::default() };
    match text(&path) {
        Ok(None) => Loaded::default(),
        Ok(Some(text)) => {
            let (settings, problems) = parse(&text);
            Loaded { path: Some(path), settings, problems }
        }
        Err(problem) => {
            let mut settings = Settings::default();
            settings.journal.refuse(format!("config.toml cannot be used ({problem})"));
            Loaded { path: Some(path), settings, problems: vec![problem] }
        }
    }
}

fn text(path: &Path) -> Result<Option<String>, Problem> {
    let whole = |what: String| Problem { place: None, what };
    let unreadable = |error: &io::Error| whole(format!("it cannot be read: {error}"));
    // Opens only regular files: reading a pipe would never end.
    let facts = match fs::metadata(path) {
        Ok(facts) => facts,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return if path.is_symlink() { Err(whole("it is a link to nothing".to_owned())) } else { Ok(None) };
        }
        Err(error) => return Err(unreadable(&error)),
    };
    if facts.is_dir() {
        return Err(whole("it is a folder; the settings belong into a file of that name".to_owned()));
    }
    if !facts.is_file() {
        return Err(whole("it is no plain file".to_owned()));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(whole("it is larger than 1 MB, which no settings are; nothing of it is used".to_owned()));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        Problem {
            place: Some(super::reader::place(&valid, valid.len())),
            what: "this is not UTF-8; nothing of the file is used".to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn whatever_lies_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let reported = |name: &str| {
            let loaded = read(Some(at(name)));
            loaded.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(reported("none"), "");
        assert!(read(Some(at("none"))).path.is_none() && read(None).path.is_none());
        fs::create_dir(at("folder")).unwrap();
        assert!(reported("folder").contains("is a folder"));
        symlink(at("nothing"), at("link")).unwrap();
        assert_eq!(reported("link"), "it is a link to nothing");
        nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(reported("pipe"), "it is no plain file");
        fs::write(at("latin"), b"# fine\nmouse = true # \xe4").unwrap();
        assert_eq!(reported("latin"), "line 2, column 16: this is not UTF-8; nothing of the file is used");
        fs::write(at("huge"), "#".repeat(2 << 20)).unwrap();
        assert!(reported("huge").contains("larger than 1 MB"));
        fs::write(at("secret"), "mouse = false").unwrap();
        assert!(!read(Some(at("secret"))).settings.mouse);
        fs::set_permissions(at("secret"), fs::Permissions::from_mode(0o000)).unwrap();
        if nix::unistd::geteuid().is_root() {
            eprintln!("skipped: root may read everything");
        } else {
            assert!(reported("secret").contains("cannot be read: Permission denied"));
        }
    }
}
