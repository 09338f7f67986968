//! Locks by which a session's name is held. The kernel lets go of them however their holder ends.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// A lock that is held for as long as this value lives.
pub type Lock = Flock<File>;

/// A bridge that looks whether a lock is held takes it for an instant: a refusal counts only if it lasts.
const PATIENCE: Duration = Duration::from_millis(10);
const ATTEMPTS: usize = 10;

/// As [`lock`], but gives others a moment to let go.
pub fn lock_patiently(path: &Path) -> io::Result<Option<Lock>> {
    for _ in 1..ATTEMPTS {
        if let Some(lock) = lock(path)? {
            return Ok(Some(lock));
        }
        std::thread::sleep(PATIENCE);
    }
    lock(path)
}

/// Takes the lock, whose file is made if need be; `None` if somebody else has it.
pub fn lock(path: &Path) -> io::Result<Option<Lock>> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        match Flock::lock(options.open(path)?, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => {
                // Its last holder may have removed the file between our opening and locking it.
                if is_at(&lock, path) {
                    return Ok(Some(lock));
                }
            }
            Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
            Err((_, Errno::EINTR)) => {}
            Err((_, errno)) => return Err(errno.into()),
        }
    }
}

/// Whether the file at `path` is the one that is locked: somebody may have removed that one.
pub fn is_at(lock: &Lock, path: &Path) -> bool {
    let same =
        |other: fs::Metadata| lock.metadata().is_ok_and(|mine| (mine.dev(), mine.ino()) == (other.dev(), other.ino()));
    path.symlink_metadata().is_ok_and(same)
}

/// Whether somebody has the lock.
pub fn is_held(path: &Path) -> bool {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(path) else { return false };
    matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, Errno::EWOULDBLOCK)))
}

/// Whether process `pid` is the one that has the lock, by the kernel's own account.
#[cfg(target_os = "linux")]
pub fn is_held_by(path: &Path, pid: u32) -> bool {
    let Ok(lock) = path.symlink_metadata() else { return false };
    let process = Path::new("/proc").join(pid.to_string());
    let Ok(open) = fs::read_dir(process.join("fd")) else { return false };
    open.flatten().any(|fd| {
        fs::metadata(fd.path()).is_ok_and(|file| (file.dev(), file.ino()) == (lock.dev(), lock.ino()))
            && fs::read_to_string(process.join("fdinfo").join(fd.file_name()))
                .is_ok_and(|facts| facts.lines().any(|line| line.starts_with("lock:") && line.contains("WRITE")))
    })
}

/// Elsewhere the record has to be believed, as long as the lock is held at all.
#[cfg(not(target_os = "linux"))]
pub fn is_held_by(path: &Path, _pid: u32) -> bool {
    is_held(path)
}
