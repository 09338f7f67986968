//! The arguments of audit events, read without calling code of the user.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use super::commands;
use super::event::AuditEvent;
use super::shown_path::SessionFolders;
use crate::domain::SideEffect;

/// How a file is opened.
#[derive(Clone, Copy)]
pub(super) enum OpenMode {
    Read,
    Write {
        /// Whether the file is made if it is not there.
        creates: bool,
        /// Whether the file must not be there.
        only_creates: bool,
    },
}

/// The arguments of an audit event. User code can raise any event with any arguments.
pub(super) struct Arguments<'py>(pub(super) Bound<'py, PyTuple>);

impl Arguments<'_> {
    /// Returns how `open` opens a file; `None` for folders and other descriptors that `os.open` opens to read.
    pub(super) fn open_mode(&self) -> Option<OpenMode> {
        let mode = self.0.get_item(1).ok()?;
        if let Ok(mode) = mode.cast::<PyString>() {
            let mode = mode.to_cow().ok()?;
            let only_creates = mode.contains('x');
            return Some(if mode.contains(['w', 'a', 'x', '+']) {
                OpenMode::Write { creates: !mode.starts_with('r'), only_creates }
            } else {
                OpenMode::Read
            });
        }
        let flags = self.number(2)?;
        let has = |flag: i32| flags & i64::from(flag) != 0;
        (flags & i64::from(libc::O_ACCMODE) != i64::from(libc::O_RDONLY)).then(|| OpenMode::Write {
            creates: has(libc::O_CREAT),
            only_creates: has(libc::O_CREAT) && has(libc::O_EXCL),
        })
    }

    /// Returns whether the file is a module, or belongs to the system, so that reading it is not worth counting.
    pub(super) fn is_part_of_python(&self) -> bool {
        let Ok(path) = self.0.get_item(0) else { return true };
        match path.cast::<PyString>() {
            Ok(path) => path.to_cow().map_or(true, |path| SessionFolders::is_part_of_python(path.as_bytes())),
            Err(_) => path.cast::<PyBytes>().map_or(true, |path| SessionFolders::is_part_of_python(path.as_bytes())),
        }
    }

    /// Returns whether the address in the second argument is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let Ok(address) = self.0.get_item(1) else { return true };
        // Other addresses are files.
        let Ok(parts) = address.cast::<PyTuple>() else { return true };
        let Ok(host) = parts.get_item(0).and_then(|host| host.extract::<String>()) else { return true };
        let host = host.split('%').next().unwrap_or_default();
        host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|host| host.is_loopback() || host.is_unspecified())
    }

    /// Returns whether a signal goes to this process, or only asks whether another is there.
    pub(super) fn is_own_process(&self, event: AuditEvent) -> bool {
        let (Some(pid), Some(signal)) = (self.number(0), self.number(1)) else { return true };
        let own = i64::from(std::process::id());
        signal == 0 || event == AuditEvent::Kill && pid == own
    }

    pub(super) fn number(&self, index: usize) -> Option<i64> {
        self.0.get_item(index).ok()?.extract().ok()
    }

    pub(super) fn text(&self, index: usize) -> Option<String> {
        let value = self.0.get_item(index).ok()?;
        if !value.is_instance_of::<PyString>() && !value.is_instance_of::<PyBytes>() {
            return Self::to_path(&value).filter(|_| !value.is_none()).map(|path| path.to_string_lossy().into_owned());
        }
        Self::to_path(&value).map(|text| text.to_string_lossy().into_owned())
    }

    /// Returns the path in an argument as it is, without calling code of the user; `None` for a descriptor.
    pub(super) fn raw_path(&self, index: usize) -> Option<PathBuf> {
        Self::to_path(&self.0.get_item(index).ok()?)
    }

    /// Like [`Arguments::raw_path`], but seen from the folder whose descriptor is another argument.
    pub(super) fn path(&self, index: usize, folder: Option<usize>) -> Option<PathBuf> {
        let path = self.raw_path(index)?;
        match folder.and_then(|folder| self.number(folder)).filter(|fd| *fd >= 0 && !path.is_absolute()) {
            Some(fd) => Some(std::fs::read_link(format!("/proc/thread-self/fd/{fd}")).ok()?.join(path)),
            None => Some(path),
        }
    }

    /// Returns the path whose mode, owner or times change.
    pub(super) fn changed_path(&self, event: AuditEvent) -> Option<PathBuf> {
        self.path(0, Some(if event == AuditEvent::ChangeMode { 2 } else { 3 }))
    }

    /// Like [`Arguments::raw_path`], but also of an object of the user: the caller of the event converts it as well.
    pub(super) fn converted_path(&self, index: usize) -> Option<PathBuf> {
        self.raw_path(index).or_else(|| self.0.get_item(index).ok()?.extract().ok())
    }

    pub(super) fn to_path(value: &Bound<'_, PyAny>) -> Option<PathBuf> {
        if let Ok(text) = value.cast::<PyString>() {
            return match text.to_cow() {
                Ok(text) => Some(PathBuf::from(&*text)),
                // Bytes that are no UTF-8.
                Err(_) => text.extract().ok(),
            };
        }
        if let Ok(bytes) = value.cast::<PyBytes>() {
            return Some(PathBuf::from(OsStr::from_bytes(bytes.as_bytes())));
        }
        // Only `shutil` passes objects, and it has checked them before.
        let is_path =
            value.get_type().module().is_ok_and(|module| module.to_cow().is_ok_and(|name| name.starts_with("pathlib")));
        if is_path { value.extract().ok() } else { None }
    }

    /// Returns whether the program of `subprocess.Popen` is there.
    pub(super) fn program_exists(&self) -> bool {
        let Some(program) = self.raw_path(0) else { return true };
        let folder = self.raw_path(2).unwrap_or_default();
        if program.as_os_str().as_bytes().contains(&b'/') {
            return folder.join(program).exists();
        }
        self.search_path(Some(3))
            .is_none_or(|search| std::env::split_paths(&search).any(|folder| folder.join(&program).exists()))
    }

    /// Returns the words of the command that an event starts. The first is the program that is executed, which need not
    /// be the one that the command names.
    pub(super) fn words(&self, event: AuditEvent) -> Option<Vec<String>> {
        let (program, index) = match event {
            AuditEvent::System => return Some(vec!["sh".to_owned(), "-c".to_owned(), self.text(0)?]),
            AuditEvent::Popen | AuditEvent::PosixSpawn | AuditEvent::Exec => (self.raw_path(0), 1),
            AuditEvent::Spawn => (self.raw_path(1), 2),
            _ => (None, 0),
        };
        let value = self.0.get_item(index).ok()?;
        let mut words: Vec<String> = match self.text(index) {
            Some(line) if program.is_none() => vec!["sh".to_owned(), "-c".to_owned(), line],
            Some(word) => vec![word],
            None => value
                .try_iter()
                .ok()?
                .take(64)
                .flatten()
                .filter_map(|word| Self::to_path(&word).map(|word| word.to_string_lossy().into_owned()))
                .collect(),
        };
        let named = Path::new(words.first()?).file_name().map(OsStr::to_owned);
        if let Some(program) = program.filter(|program| program.file_name() != named.as_deref()) {
            words[0] = program.to_string_lossy().into_owned();
        }
        Some(words)
    }

    /// Returns whether the program that an event starts is one of the system, and no other of the same name.
    pub(super) fn starts_program_of_system(&self, event: AuditEvent) -> bool {
        const FOLDERS: [&str; 6] = ["/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
        let environment = match event {
            AuditEvent::Popen | AuditEvent::Spawn => Some(3),
            AuditEvent::PosixSpawn | AuditEvent::Exec => Some(2),
            _ => None,
        };
        let Some(words) = self.words(event) else { return false };
        let place = match event {
            AuditEvent::Popen | AuditEvent::PosixSpawn | AuditEvent::Exec => self.raw_path(0),
            AuditEvent::Spawn => self.raw_path(1),
            _ => None,
        };
        let Some(executed) = place.or_else(|| words.first().map(PathBuf::from)) else { return false };
        let named = PathBuf::from(commands::program(&words));
        let search = self.search_path(environment);
        let is_of_system = |program: &Path| {
            let found = if program.as_os_str().as_bytes().contains(&b'/') {
                Some(program.to_owned())
            } else {
                let folders = search.iter().flat_map(std::env::split_paths);
                folders.map(|folder| folder.join(program)).find(|program| program.exists())
            };
            found.is_some_and(|program| FOLDERS.iter().any(|folder| program.parent() == Some(Path::new(folder))))
        };
        // A shell is executed, and starts the program that its line names.
        is_of_system(&executed) && (named.file_name() == executed.file_name() || is_of_system(&named))
    }

    /// Returns the PATH of the environment in an argument, or of this process.
    fn search_path(&self, environment: Option<usize>) -> Option<OsString> {
        let given = environment.and_then(|index| self.0.get_item(index).ok());
        let Some(given) = given.filter(|given| !given.is_none()) else { return std::env::var_os("PATH") };
        let path = given.get_item("PATH").or_else(|_| given.get_item(PyBytes::new(self.0.py(), b"PATH")));
        Self::to_path(&path.ok()?).map(PathBuf::into_os_string)
    }

    /// Returns the effect of the command that an event starts.
    pub(super) fn command(&self, event: AuditEvent) -> Option<SideEffect> {
        self.words(event).map(|words| commands::effect(&words))
    }
}
