//! The folders of records, sockets and state.
//!
//! AI clients start the bridge with little more than HOME and PATH, so the paths of records follow from uid and HOME
//! alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{AccessFlags, Uid};

/// A Unix socket's path must stay under this many bytes (104 on macOS, 108 on Linux, with the closing zero).
const SOCKET_PATH_LIMIT: usize = 104;

/// Why a folder cannot be used or trusted. Displays as a sentence with the remedy.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error(
        "{0} is not a plain folder. fourhands keeps private files there and follows no links; move it away and try \
         again"
    )]
    NotAFolder(PathBuf),
    #[error(
        "{path} belongs to another user (uid {owner}), so fourhands keeps nothing there. Have it removed, or set HOME \
         to your own folder"
    )]
    NotOurs { path: PathBuf, owner: u32 },
    #[error(
        "{path} is open to other users (mode {mode:o}), who could use its files to run code as you. Close it: chmod \
         700 '{path}'"
    )]
    OpenToOthers { path: PathBuf, mode: u32 },
    #[error("anybody can replace {path}, because all users can write to {parent}. Close it: chmod o-w '{parent}'")]
    Replaceable { path: PathBuf, parent: PathBuf },
    #[error("{path} cannot be used: {error}. fourhands needs write access there")]
    Unusable { path: PathBuf, error: io::Error },
}

/// The base folders from which all others are computed.
#[derive(Clone, Debug)]
pub struct Paths {
    /// `None` if HOME is not set, not absolute or not there.
    pub home: Option<PathBuf>,
    /// `$XDG_STATE_HOME`, else `.local/state` in the home. Only for files that no client has to find.
    pub state: Option<PathBuf>,
    /// `$XDG_RUNTIME_DIR`.
    pub runtime: Option<PathBuf>,
    /// The folder where everybody may write: `/tmp`, or `$FOURHANDS_TMP` in tests. Not `$TMPDIR`, which clients may not
    /// pass on.
    pub shared: PathBuf,
    /// Missing folders are created. Otherwise they are only said to be possible.
    pub creates: bool,
}

impl Paths {
    /// The same paths, to be looked at only.
    #[must_use]
    pub fn for_looking(self) -> Self {
        Self { creates: false, ..self }
    }

    /// Creates a private folder, or checks that it is or would be one.
    fn provide(&self, folder: &Path) -> Result<(), FolderError> {
        if self.creates || folder.symlink_metadata().is_ok() { make_private(folder) } else { could_be_made(folder) }
    }

    /// Reads the environment of this process.
    pub fn of_this_process() -> Self {
        own_folder().map_or_else(Self::of_environment, |folder| Self::within(&folder))
    }

    /// All of it in one folder, apart from the person's other sessions.
    fn within(folder: &Path) -> Self {
        let home = Some(folder.to_owned());
        Self { state: Some(folder.join(".local/state")), home, runtime: None, shared: folder.to_owned(), creates: true }
    }

    fn of_environment() -> Self {
        let usable = |path: PathBuf| (path.is_absolute() && path.is_dir()).then_some(path);
        let home = etcetera::home_dir().ok().and_then(usable);
        let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        Self {
            state: state.or_else(|| Some(home.as_ref()?.join(".local/state"))),
            home,
            runtime: std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).and_then(usable),
            shared: std::env::var_os("FOURHANDS_TMP").map_or_else(|| "/tmp".into(), PathBuf::from),
            creates: true,
        }
    }

    fn in_home(&self) -> Option<PathBuf> {
        Some(self.home.as_ref()?.join(".local/state/fourhands/sessions"))
    }

    fn in_shared(&self) -> PathBuf {
        self.shared.join(format!("fourhands-{}", Uid::effective()))
    }

    /// Returns the folder for new records, and creates it if needed.
    pub fn records(&self) -> Result<PathBuf, FolderError> {
        self.create_or_shared(self.in_home())
    }

    /// Returns the folders for a record if the disk of [`Paths::records`] is full, best first. Clients look there as
    /// well.
    pub fn other_records(&self, but: &Path) -> Vec<PathBuf> {
        let runtime = self.runtime_for_records().filter(|folder| check_private(folder).is_ok());
        [runtime.map(|folder| folder.join("fourhands")), Some(self.in_shared())]
            .into_iter()
            .flatten()
            .filter(|folder| folder != but && self.provide(folder).is_ok())
            .collect()
    }

    /// Returns the runtime folder. Clients without the variable use its usual path.
    fn runtime_for_records(&self) -> Option<PathBuf> {
        let usual = || (self.shared == Path::new("/tmp")).then(|| format!("/run/user/{}", Uid::effective()).into());
        self.runtime.clone().or_else(usual)
    }

    /// Returns the folder of everything that outlives sessions, and creates it if needed.
    pub fn state(&self) -> Result<PathBuf, FolderError> {
        self.create_or_shared(self.state.as_ref().map(|state| state.join("fourhands")))
    }

    /// Creates the `preferred` folder, or the shared one where no home can be written, as in a container. An unsafe
    /// folder is an error.
    fn create_or_shared(&self, preferred: Option<PathBuf>) -> Result<PathBuf, FolderError> {
        if let Some(folder) = preferred {
            match self.provide(&folder) {
                Ok(()) => return Ok(folder),
                Err(FolderError::Unusable { .. }) => {}
                Err(unsafe_folder) => return Err(unsafe_folder),
            }
        }
        let folder = self.in_shared();
        self.provide(&folder)?;
        Ok(folder)
    }

    /// Returns the folder of the journal, and creates it if needed.
    pub fn journal(&self) -> Result<PathBuf, FolderError> {
        let folder = self.state()?.join("journal");
        self.provide(&folder)?;
        Ok(folder)
    }

    /// Returns why what outlives sessions is kept in the shared folder, as a sentence with the remedy, if so.
    pub fn state_fault(&self) -> Option<String> {
        let wanted = self.state.as_ref()?;
        let Err(FolderError::Unusable { error, .. }) = self.provide(&wanted.join("fourhands")) else { return None };
        let is_chosen = std::env::var_os("XDG_STATE_HOME").is_some_and(|folder| wanted == Path::new(&folder));
        let (what, or) = if is_chosen { ("XDG_STATE_HOME is ", ", or unset the variable") } else { ("", "") };
        let (wanted, shared) = (wanted.display(), self.in_shared());
        Some(format!(
            "{what}{wanted}{} cannot be written ({}), so the journal and whole outputs are in {}, which the system may \
             clear; make {wanted} a folder that you can write{or}",
            if is_chosen { ", which" } else { "" },
            error.kind(),
            shared.display()
        ))
    }

    /// Returns the folder of whole outputs, which has a folder for each session. The folder need not exist.
    pub fn spools(&self) -> Result<PathBuf, FolderError> {
        Ok(self.state()?.join("spool"))
    }

    /// Returns the folder of saved variables, which has a folder for each session. The folder need not exist.
    pub fn checkpoints(&self) -> Result<PathBuf, FolderError> {
        Ok(self.state()?.join("checkpoints"))
    }

    /// Returns every existing folder that may have records.
    pub fn all_records(&self) -> Result<Vec<PathBuf>, FolderError> {
        let mut found = Vec::new();
        if let Some(folder) = self.in_home() {
            match check_private(&folder) {
                Ok(()) => found.push(folder),
                Err(FolderError::Unusable { .. }) => {}
                Err(unsafe_folder) => return Err(unsafe_folder),
            }
        }
        let runtime = self.runtime_for_records().map(|folder| folder.join("fourhands"));
        found.extend(runtime.filter(|folder| !found.contains(folder) && check_private(folder).is_ok()));
        // Anybody can create a folder of this name in /tmp, so an unsafe one must not hide the sessions in our home.
        let shared = self.in_shared();
        if !found.contains(&shared) && check_private(&shared).is_ok() {
            found.push(shared);
        }
        Ok(found)
    }

    /// Returns the folders that can have the socket `file`, with a path of legal length, best first.
    pub fn sockets(&self, records: &Path, file: &str) -> Vec<PathBuf> {
        let runtime = self.runtime.as_ref().filter(|folder| check_private(folder).is_ok());
        let runtime = runtime.map(|folder| folder.join("fourhands"));
        [runtime, Some(records.to_owned()), Some(self.in_shared())]
            .into_iter()
            .flatten()
            .filter(|folder| {
                let path = folder.join(file);
                path.to_str().is_some_and(|text| text.len() < SOCKET_PATH_LIMIT) && self.provide(folder).is_ok()
            })
            .collect()
    }
}

/// The folder that takes the place of all others.
pub fn own_folder() -> Option<PathBuf> {
    std::env::var_os("FOURHANDS_HOME").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// Creates a private `folder`, or checks that it is private: a plain folder that nobody else can enter, change or
/// replace.
pub fn make_private(folder: &Path) -> Result<(), FolderError> {
    if !folder.as_os_str().as_bytes().is_empty() && folder.symlink_metadata().is_err() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| FolderError::Unusable { path: folder.to_owned(), error })?;
    }
    check_private(folder)
}

/// Checks that a missing folder could be made private.
fn could_be_made(folder: &Path) -> Result<(), FolderError> {
    let unusable = |error: io::Error| FolderError::Unusable { path: folder.to_owned(), error };
    let above = folder.ancestors().skip(1).find(|above| above.symlink_metadata().is_ok());
    let above = above.ok_or_else(|| unusable(io::ErrorKind::NotFound.into()))?;
    if !above.is_dir() {
        return Err(unusable(io::ErrorKind::NotADirectory.into()));
    }
    check_not_replaceable(folder, above)?;
    nix::unistd::access(above, AccessFlags::W_OK | AccessFlags::X_OK).map_err(|errno| unusable(errno.into()))
}

/// Checks that nobody else can replace `folder`, which exists from `from` on.
fn check_not_replaceable(folder: &Path, from: &Path) -> Result<(), FolderError> {
    let path = folder.to_owned();
    let real = from.canonicalize().map_err(|error| FolderError::Unusable { path: path.clone(), error })?;
    let open = |parent: &&Path| parent.metadata().is_ok_and(|facts| facts.mode() & 0o1002 == 0o002);
    match real.ancestors().skip(usize::from(folder == from)).find(open) {
        Some(parent) => Err(FolderError::Replaceable { path, parent: parent.to_owned() }),
        None => Ok(()),
    }
}

/// Creates a new private file at `path`, to be renamed once it is complete. Replaces a file there, and follows no link.
pub fn draft(path: &Path, mode: u32) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => OpenOptions::new().write(true).create_new(true).mode(mode).open(path),
    }
}

/// Returns whether `folder` is a plain folder of ours that nobody else can enter, change or replace.
pub fn is_private(folder: &Path) -> bool {
    check_private(folder).is_ok()
}

fn check_private(folder: &Path) -> Result<(), FolderError> {
    let path = folder.to_owned();
    let facts = match folder.symlink_metadata() {
        Ok(facts) => facts,
        Err(error) => return Err(FolderError::Unusable { path, error }),
    };
    if !facts.is_dir() {
        return Err(FolderError::NotAFolder(path));
    }
    if facts.uid() != Uid::effective().as_raw() {
        return Err(FolderError::NotOurs { path, owner: facts.uid() });
    }
    let mode = facts.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(FolderError::OpenToOthers { path, mode });
    }
    // Checked last, so that a common fault gets its own sentence.
    check_not_replaceable(folder, folder)?;
    let rights = AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK;
    nix::unistd::access(folder, rights).map_err(|errno| FolderError::Unusable { path, error: errno.into() })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn paths(root: &Path) -> Paths {
        Paths {
            home: Some(root.to_owned()),
            state: Some(root.join(".local/state")),
            runtime: None,
            shared: root.join("tmp"),
            creates: true,
        }
    }

    #[test]
    fn looking_creates_nothing() {
        let root = tempfile::tempdir().unwrap();
        let mut paths = paths(root.path()).for_looking();
        let state = root.path().join(".local/state");
        assert_eq!(paths.journal().unwrap(), state.join("fourhands/journal"));
        let records = paths.records().unwrap();
        assert_eq!(paths.sockets(&records, "a.sock")[0], records);
        assert_eq!(paths.state_fault(), None);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        fs::create_dir(root.path().join(".local")).unwrap();
        fs::write(&state, "a file").unwrap();
        let fault = paths.state_fault().unwrap();
        assert!(fault.contains(".local/state cannot be written (not a directory)"), "{fault}");
        paths.creates = true;
        assert_eq!((paths.state_fault(), paths.state().unwrap()), (Some(fault), paths.in_shared()));
    }

    #[test]
    fn records_lie_in_a_private_folder_of_the_home() {
        let root = tempfile::tempdir().unwrap();
        let folder = paths(root.path()).records().unwrap();
        assert_eq!(folder, root.path().join(".local/state/fourhands/sessions"));
        assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(paths(root.path()).all_records().unwrap(), [folder]);
    }

    #[test]
    fn unsafe_folders_are_refused_with_a_remedy() {
        let root = tempfile::tempdir().unwrap();
        let paths = paths(root.path());
        let folder = paths.records().unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let message = paths.records().unwrap_err().to_string();
        assert!(message.contains("mode 755") && message.contains("chmod 700"), "{message}");
        assert!(paths.all_records().is_err());

        fs::remove_dir(&folder).unwrap();
        let elsewhere = root.path().join("elsewhere");
        DirBuilder::new().mode(0o700).create(&elsewhere).unwrap();
        symlink(&elsewhere, &folder).unwrap();
        assert!(matches!(paths.records(), Err(FolderError::NotAFolder(_))));
    }

    #[test]
    fn links_to_unsafe_folders_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().join("real");
        DirBuilder::new().recursive(true).mode(0o700).create(real.join("fourhands/sessions")).unwrap();
        fs::create_dir(root.path().join(".local")).unwrap();
        symlink(&real, root.path().join(".local/state")).unwrap();
        let paths = paths(root.path());
        assert!(paths.records().is_ok(), "a folder above may be a link, as in the homes of many");

        fs::set_permissions(&real, Permissions::from_mode(0o777)).unwrap();
        let message = paths.records().unwrap_err().to_string();
        assert!(message.contains("chmod o-w") && message.contains("/real'"), "where the link leads counts: {message}");
        fs::set_permissions(&real, Permissions::from_mode(0o1777)).unwrap();
        assert!(paths.records().is_ok(), "as in /tmp");

        let sessions = real.join("fourhands/sessions");
        fs::remove_dir(&sessions).unwrap();
        symlink("/nowhere", &sessions).unwrap();
        assert!(matches!(paths.records(), Err(FolderError::NotAFolder(_))), "a link that leads nowhere");
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        if !Uid::effective().is_root() {
            eprintln!("skipped: only root can give a folder to another user");
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let mut paths = paths(root.path());
        paths.home = None;
        DirBuilder::new().recursive(true).mode(0o700).create(paths.in_shared()).unwrap();
        std::os::unix::fs::chown(paths.in_shared(), Some(12_345), None).unwrap();
        let message = paths.records().unwrap_err().to_string();
        assert!(message.contains("another user (uid 12345)") && message.contains("set HOME"), "{message}");
        assert_eq!(paths.all_records().unwrap(), [] as [PathBuf; 0], "and nothing is read there");
    }

    #[test]
    fn without_a_usable_home_the_shared_folder_serves() {
        let root = tempfile::tempdir().unwrap();
        let mut paths = paths(root.path());
        fs::create_dir(&paths.shared).unwrap();
        paths.home = Some(root.path().join("home"));
        fs::write(root.path().join("home"), "a file").unwrap();
        let folder = paths.records().unwrap();
        assert_eq!(folder, paths.in_shared());
        paths.home = None;
        assert_eq!(paths.all_records().unwrap(), [folder]);
    }

    #[test]
    fn sockets_go_to_the_runtime_folder_unless_the_path_is_too_long() {
        let root = tempfile::tempdir().unwrap();
        let mut paths = paths(root.path());
        let records = paths.records().unwrap();
        let runtime = root.path().join("run");
        DirBuilder::new().mode(0o700).create(&runtime).unwrap();
        paths.runtime = Some(runtime.clone());
        assert_eq!(paths.sockets(&records, "a.sock")[0], runtime.join("fourhands"));

        let long = runtime.join("x".repeat(100));
        DirBuilder::new().mode(0o700).create(&long).unwrap();
        paths.runtime = Some(long);
        assert_eq!(paths.sockets(&records, "a.sock")[0], records);

        // A runtime folder that others may enter is skipped.
        fs::set_permissions(&runtime, Permissions::from_mode(0o777)).unwrap();
        paths.runtime = Some(runtime);
        assert_eq!(paths.sockets(&records, "a.sock")[0], records);
    }
}
