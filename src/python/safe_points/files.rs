//! The open files of user code, which a copy shares with the session: their positions, and those with which no copy is
//! made.

use std::fs;
use std::os::fd::{BorrowedFd, RawFd};
use std::path::Path;

use nix::sys::stat::{FileStat, SFlag, fstat};
#[cfg(target_os = "linux")]
use nix::sys::stat::{major, minor};
use nix::unistd::{Whence, lseek};

/// Memory devices: null, zero, full, random and urandom. They have no state.
#[cfg(target_os = "linux")]
const MEMORY_DEVICES: u64 = 1;
#[cfg(target_os = "linux")]
const HARMLESS: [u64; 5] = [3, 5, 7, 8, 9];

/// Descriptors that were open before any user code, by number, device and inode. The guardian has them as well, so a
/// copy of them changes nothing.
pub type InheritedFiles = Vec<(RawFd, u64, u64)>;

/// Returns the descriptors in Python's table.
#[allow(unsafe_code, reason = "the system names descriptors by number")]
pub fn inherited() -> InheritedFiles {
    let folder = fs::read_dir("/proc/thread-self/fd").into_iter().flatten().flatten();
    let numbers = folder.filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok());
    // SAFETY: only passed to a call that fails if the descriptor is closed.
    numbers.filter_map(|fd| Some(identity(fd, &fstat(unsafe { BorrowedFd::borrow_raw(fd) }).ok()?))).collect()
}

#[allow(clippy::unnecessary_cast, reason = "the types differ between systems")]
fn identity(fd: RawFd, stat: &FileStat) -> (RawFd, u64, u64) {
    (fd, stat.st_dev as u64, stat.st_ino as u64)
}

/// Positions in files. A copy shares them with the session, so they are put back when the copy is woken.
pub struct UserFiles(Vec<(RawFd, i64)>);

impl UserFiles {
    /// Looks at all descriptors in Python's table but `own` and `inherited` ones. Returns a reason why no copy can be
    /// made, if one of them is in the middle of something.
    pub fn survey(own: &[RawFd], inherited: &InheritedFiles) -> Result<Self, String> {
        let unknown = |error: std::io::Error| format!("the open files are not known: {error}");
        let mut positions = Vec::new();
        let mut inodes = Vec::new();
        let folder = fs::read_dir("/proc/thread-self/fd").map_err(unknown)?;
        for entry in folder.flatten() {
            let Some(fd) = entry.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()) else { continue };
            let Ok(target) = fs::read_link(entry.path()) else { continue };
            if fd > 2 && !own.contains(&fd) {
                inodes.extend(look(fd, &target, inherited, &mut positions)?);
            }
        }
        match locked(&inodes) {
            None => Ok(Self(positions)),
            Some(fd) => {
                let path = fs::read_link(format!("/proc/thread-self/fd/{fd}")).unwrap_or_default();
                Err(format!("the file {} is locked", path.display()))
            }
        }
    }

    /// Puts the positions back.
    #[allow(unsafe_code, reason = "Python names descriptors by number")]
    pub fn put_back(&self) {
        for (fd, position) in &self.0 {
            // SAFETY: the descriptor was open when this process was forked, and nothing has run since.
            let _ = lseek(unsafe { BorrowedFd::borrow_raw(*fd) }, *position, Whence::SeekSet);
        }
    }
}

/// Takes in one descriptor. Returns its inode if it is a file.
#[allow(unsafe_code, reason = "Python names descriptors by number")]
fn look(
    fd: RawFd,
    target: &Path,
    inherited: &InheritedFiles,
    positions: &mut Vec<(RawFd, i64)>,
) -> Result<Option<(RawFd, u64)>, String> {
    // SAFETY: only passed to calls that fail if the descriptor is closed.
    let file = unsafe { BorrowedFd::borrow_raw(fd) };
    let Ok(stat) = fstat(file) else { return Ok(None) };
    if inherited.contains(&identity(fd, &stat)) {
        return Ok(None);
    }
    let kind = SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits());
    match kind {
        SFlag::S_IFREG => {
            if let Ok(position) = lseek(file, 0, Whence::SeekCur) {
                positions.push((fd, position));
            }
            Ok(Some((fd, stat.st_ino)))
        }
        SFlag::S_IFDIR => Ok(None),
        SFlag::S_IFCHR if is_harmless(stat.st_rdev) => Ok(None),
        SFlag::S_IFIFO => Err("a pipe is open".to_owned()),
        SFlag::S_IFSOCK => Err("a network connection or another socket is open".to_owned()),
        _ => Err(format!("{} is open", target.display())),
    }
}

fn is_harmless(device: libc::dev_t) -> bool {
    #[cfg(target_os = "linux")]
    let is_known = major(device) == MEMORY_DEVICES && HARMLESS.contains(&minor(device));
    #[cfg(not(target_os = "linux"))]
    let is_known = device < 0;
    is_known
}

/// Returns a descriptor whose file is locked, if one is. A lock of the session is none of its copy, or cannot be let go
/// while the copy has it too.
fn locked(inodes: &[(RawFd, u64)]) -> Option<RawFd> {
    if inodes.is_empty() {
        return None;
    }
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    inodes.iter().find(|(_, inode)| locks.lines().any(|lock| is_of(lock, *inode))).map(|(fd, _)| *fd)
}

/// Returns whether a line of the list of locks, such as `1: POSIX  ADVISORY  WRITE 42 08:01:1234 0 EOF`, is about an
/// inode.
fn is_of(lock: &str, inode: u64) -> bool {
    let place = lock.split_whitespace().find(|word| word.split(':').count() == 3);
    place.and_then(|place| place.rsplit(':').next()).is_some_and(|last| last.parse() == Ok(inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_known_by_its_inode() {
        let line = "1: POSIX  ADVISORY  WRITE 42 08:01:1234 0 EOF";
        assert!(is_of(line, 1234) && !is_of(line, 34) && !is_of(line, 42) && !is_of("", 1));
        assert!(is_of("7: -> FLOCK  ADVISORY  WRITE 42 00:2f:77 0 EOF", 77), "one that waits for a lock");
    }
}
