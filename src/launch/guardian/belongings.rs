//! What the session has in the file system while it runs: the lock and the record of its name, and the folder of its
//! socket. What somebody removes of that is made again.

use std::path::PathBuf;
use std::time::Duration;

use super::watch::Watch;
use crate::launch::boot::ToSession;
use crate::launch::signals;
use crate::session::discovery::registry::{Claim, ClaimError};

/// A change is looked at so much later.
const SETTLING: Duration = Duration::from_millis(200);
/// How often something is made again that somebody removes at once.
const TRIES: u32 = 3;

#[derive(Debug)]
pub struct Belongings {
    claim: Claim,
    /// The system has told of a change since the last look.
    was_touched: bool,
    #[cfg(target_os = "linux")]
    lookout: Option<linux::Lookout>,
}

impl Belongings {
    pub fn new(claim: Claim) -> Self {
        #[cfg(target_os = "linux")]
        let lookout = linux::Lookout::over(&claim.files()).ok();
        Self {
            claim,
            was_touched: false,
            #[cfg(target_os = "linux")]
            lookout,
        }
    }

    pub fn claim(&mut self) -> &mut Claim {
        &mut self.claim
    }

    /// Takes in what the system has told. Answers whether there is something to look at.
    fn take_notice(&mut self) -> bool {
        #[cfg(target_os = "linux")]
        {
            self.was_touched |= self.lookout.as_mut().is_some_and(linux::Lookout::was_touched);
        }
        self.was_touched
    }

    /// Whether something is missing, as far as the system has told of a change.
    fn is_disturbed(&mut self) -> bool {
        self.take_notice();
        std::mem::take(&mut self.was_touched) && !(self.claim.is_whole() && self.claim.socket().exists())
    }

    /// While nobody listens on the socket.
    pub(super) fn restore_quietly(&mut self) {
        if self.is_disturbed() {
            let _ = self.renew();
        }
    }

    /// Puts back what is missing. Answers where the socket belongs.
    pub fn renew(&mut self) -> Result<PathBuf, ClaimError> {
        let mut renewed = self.claim.renew();
        for _ in 0..TRIES {
            #[cfg(target_os = "linux")]
            {
                self.lookout = linux::Lookout::over(&self.claim.files()).ok();
            }
            if self.claim.is_whole() {
                return Ok(self.claim.socket().to_owned());
            }
            // Removed before it was watched.
            renewed = self.claim.renew();
        }
        renewed.map(|_| self.claim.socket().to_owned())
    }
}

impl Watch<'_> {
    /// What removes a whole folder must come to its end before the folder is made again.
    pub(super) fn look_after_files_soon(&mut self) {
        let belongings = self.guardian.belongings.as_mut();
        if belongings.is_some_and(Belongings::take_notice) && self.ending.is_none() && self.killed.is_none() {
            signals::wake_after(SETTLING);
        }
    }

    /// Looks after the files of the session: when the system has told of a change, or because somebody has `asked`.
    pub(super) fn look_after_files(&mut self, asked: bool) {
        let Some(belongings) = &mut self.guardian.belongings else { return };
        if !belongings.is_disturbed() && !asked {
            return;
        }
        let message = match belongings.renew() {
            Ok(socket) => ToSession::Listen(socket),
            Err(error) => ToSession::Unreachable(error.to_string()),
        };
        let _ = self.link.send(&message);
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::path::{Path, PathBuf};

    use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

    use crate::launch::signals;

    /// Tells by SIGIO when files are removed, or the folders that they lie in.
    #[derive(Debug)]
    pub struct Lookout {
        inotify: Inotify,
        files: Vec<String>,
    }

    impl Lookout {
        pub fn over(files: &[(PathBuf, String)]) -> io::Result<Self> {
            let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
            signals::ring_by(&inotify)?;
            let itself = AddWatchFlags::IN_DELETE_SELF | AddWatchFlags::IN_MOVE_SELF | AddWatchFlags::IN_ONLYDIR;
            let within = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM | AddWatchFlags::IN_ATTRIB;
            // What cannot be watched is found missing when somebody asks. One that lies above another is watched as both.
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

        /// Whether one of the files, or a folder, has changed since the last time.
        pub fn was_touched(&mut self) -> bool {
            let mut touched = false;
            while let Ok(events) = self.inotify.read_events() {
                touched |= events.iter().any(|event| match &event.name {
                    Some(name) => self.files.iter().any(|file| name == file.as_str()),
                    None => true,
                });
            }
            touched
        }
    }
}
