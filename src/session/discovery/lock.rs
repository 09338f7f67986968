//! File locks by which processes hold names. The kernel releases them however the holder ends.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// A lock, held as long as this value lives.
pub type Lock = Flock<File>;

/// A bridge that checks a lock takes it for an instant, so a refusal counts only if it lasts.
const RETRY_DELAY: Duration = Duration::from_millis(10);
const ATTEMPTS: usize = 10;

/// As [`lock`], but gives others a moment to release the lock.
pub fn lock_patiently(path: &Path) -> io::Result<Option<Lock>> {
    for _ in 1..ATTEMPTS {
        if let Some(lock) = lock(path)? {
            return Ok(Some(lock));
        }
        std::thread::sleep(RETRY_DELAY);
    }
    lock(path)
}

/// Takes the lock and creates its file if needed. Returns `None` if another process has the lock.
pub fn lock(path: &Path) -> io::Result<Option<Lock>> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        match Flock::lock(options.open(path)?, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => {
                // The last holder may have removed the file after we opened it.
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

/// Returns whether the locked file is still at `path`.
pub fn is_at(lock: &Lock, path: &Path) -> bool {
    let same =
        |other: fs::Metadata| lock.metadata().is_ok_and(|mine| (mine.dev(), mine.ino()) == (other.dev(), other.ino()));
    path.symlink_metadata().is_ok_and(same)
}

/// Returns whether a process has the lock.
pub fn is_held(path: &Path) -> bool {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(path) else { return false };
    matches!(Flock::lock(file, FlockArg::LockSharedNonblock), Err((_, Errno::EWOULDBLOCK)))
}

/// Returns whether process `pid` has the lock, by what the kernel says.
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

/// Elsewhere the kernel does not say who has a lock, so the record counts if any process has the lock.
#[cfg(not(target_os = "linux"))]
pub fn is_held_by(path: &Path, _pid: u32) -> bool {
    is_held(path)
}
