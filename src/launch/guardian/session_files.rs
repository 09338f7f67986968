//! The files of a running session: the lock and the record of its name, and the folder of its socket. Removed files are
//! restored.

use std::path::PathBuf;

use crate::session::discovery::registry::{Claim, ClaimError};

/// How often a file is restored that somebody removes at once.
const MAX_TRIES: u32 = 3;

#[derive(Debug)]
pub struct SessionFiles {
    claim: Claim,
    /// Whether the system has reported a change since the last check.
    has_changed: bool,
    #[cfg(target_os = "linux")]
    watcher: Option<linux::FileWatcher>,
}

impl SessionFiles {
    pub fn new(claim: Claim) -> Self {
        #[cfg(target_os = "linux")]
        let watcher = linux::FileWatcher::new(&claim.files()).ok();
        Self {
            claim,
            has_changed: false,
            #[cfg(target_os = "linux")]
            watcher,
        }
    }

    pub fn claim(&mut self) -> &mut Claim {
        &mut self.claim
    }

    /// Takes in what the system reports. Returns whether something has changed.
    pub fn has_changed(&mut self) -> bool {
        #[cfg(target_os = "linux")]
        {
            self.has_changed |= self.watcher.as_mut().is_some_and(linux::FileWatcher::has_changed);
        }
        self.has_changed
    }

    /// Returns whether files are missing, after the system has reported a change.
    pub fn has_lost_files(&mut self) -> bool {
        self.has_changed();
        std::mem::take(&mut self.has_changed) && !(self.claim.is_whole() && self.claim.socket().exists())
    }

    /// Restores missing files while no session process listens on the socket.
    pub fn restore_quietly(&mut self) {
        if self.has_lost_files() {
            let _ = self.renew();
        }
    }

    /// Restores missing files. Returns the path of the socket.
    pub fn renew(&mut self) -> Result<PathBuf, ClaimError> {
        let mut renewed = self.claim.renew();
        for _ in 0..MAX_TRIES {
            #[cfg(target_os = "linux")]
            {
                self.watcher = linux::FileWatcher::new(&self.claim.files()).ok();
            }
            if self.claim.is_whole() {
                return Ok(self.claim.socket().to_owned());
            }
            // A file was removed before it was watched.
            renewed = self.claim.renew();
        }
        renewed.map(|_| self.claim.socket().to_owned())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::path::{Path, PathBuf};

    use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

    use crate::launch::signals;

    /// Sends SIGIO when files or their folders are removed.
    #[derive(Debug)]
    pub struct FileWatcher {
        inotify: Inotify,
        files: Vec<String>,
    }

    impl FileWatcher {
        pub fn new(files: &[(PathBuf, String)]) -> io::Result<Self> {
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
            signals::notify_by_sigio(&inotify)?;
            let itself = AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_ONLYDIR;
            let within = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM | AddWatchFlags::IN_ATTRIB;
            // Missing files that cannot be watched are found on request. A folder above another gets both watches.
            for above in files.iter().flat_map(|(folder, _)| folder.ancestors().skip(1)) {
                if above != Path::new("/") {
                    let _ = inotify.add_watch(above, itself);
                }
            }
            for (folder, _) in files {
                let _ = inotify.add_watch(folder, itself | within);
            }
            Ok(Self { inotify, files: files.iter().map(|(_, file)| file.clone()).collect() })
        }

        /// Returns whether a file or a folder has changed since the last call.
        pub fn has_changed(&mut self) -> bool {
            let mut has_changed = false;
            while let Ok(events) = self.inotify.read_events() {
                has_changed |= events.iter().any(|event| match &event.name {
                    Some(name) => self.files.iter().any(|file| name == file.as_str()),
                    None => true,
                });
            }
            has_changed
        }
    }
}
