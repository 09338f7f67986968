//! Descriptors 0, 1 and 2 of the session process: /dev/null and two pipes, whatever user code does to them.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{Whence, dup2_stderr, dup2_stdin, dup2_stdout, lseek, pipe2};

use super::fd::{inherit, move_high};
use super::guarded::{Access, FileIdentity, GuardedFd, note_loss};
use crate::domain::Stream;

/// Bytes of Python's output at its start that are kept: its end.
const MAX_STARTUP_OUTPUT: i64 = 16 << 10;

/// The descriptors 0, 1 and 2 of the process's start, on high close-on-exec numbers.
#[derive(Debug)]
pub struct Originals {
    pub stdin: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

/// The read ends of the pipes on 1 and 2.
#[derive(Debug)]
pub struct PipeReaders {
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

/// Copies of the session's descriptors 0, 1 and 2, for restoring those that user code has closed or replaced.
#[derive(Debug)]
pub struct StandardDescriptors([GuardedFd; 3]);

/// Puts /dev/null on 0 and a pipe each on 1 and 2.
pub fn take_over() -> io::Result<(Originals, PipeReaders, StandardDescriptors)> {
    let originals = Originals {
        stdin: move_high(io::stdin().as_fd())?,
        stdout: move_high(io::stdout().as_fd())?,
        stderr: move_high(io::stderr().as_fd())?,
    };
    let (out_read, out_write) = pipe2(OFlag::O_CLOEXEC)?;
    let (err_read, err_write) = pipe2(OFlag::O_CLOEXEC)?;
    let null = OwnedFd::from(File::options().read(true).write(true).open("/dev/null")?);
    let readers = PipeReaders { stdout: move_high(out_read.as_fd())?, stderr: move_high(err_read.as_fd())? };
    for reader in [&readers.stdout, &readers.stderr] {
        // The drain reads until nothing is left; writers keep a blocking end.
        fcntl(reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        // A larger pipe saves wake-ups in a flood of output. Where the limit is lower, the default size serves.
        #[cfg(target_os = "linux")]
        let _ = fcntl(reader, FcntlArg::F_SETPIPE_SZ(256 << 10));
    }
    let mut streams = StandardDescriptors([
        GuardedFd::new(null.as_fd(), Access::Read)?,
        GuardedFd::new(out_write.as_fd(), Access::Write)?,
        GuardedFd::new(err_write.as_fd(), Access::Write)?,
    ]);
    streams.repair()?;
    Ok((originals, readers, streams))
}

impl StandardDescriptors {
    /// See [`GuardedFd::backed_by`].
    #[cfg(target_os = "linux")]
    pub fn backed_by(&mut self, host: nix::unistd::Pid) {
        for stream in &mut self.0 {
            stream.backed_by(host);
        }
    }

    /// Returns the numbers of the copies.
    pub fn numbers(&mut self) -> impl Iterator<Item = RawFd> + '_ {
        self.0.iter_mut().filter_map(|stream| Some(stream.get().ok()?.as_raw_fd()))
    }

    /// Restores those of 0, 1 and 2 that were closed or replaced.
    pub fn repair(&mut self) -> io::Result<()> {
        let [null, out, err] = &mut self.0;
        if !is(io::stdin().as_fd(), null) {
            dup2_stdin(null.get()?)?;
        }
        if !is(io::stdout().as_fd(), out) {
            dup2_stdout(out.get()?)?;
        }
        if !is(io::stderr().as_fd(), err) {
            dup2_stderr(err.get()?)?;
        }
        Ok(())
    }
}

fn is(fd: BorrowedFd<'_>, expected: &GuardedFd) -> bool {
    let is_same = FileIdentity::of(fd).is_ok_and(|identity| identity == expected.identity());
    if !is_same {
        note_loss();
    }
    is_same
}

/// Puts the streams that the guardian has kept on 0, 1 and 2. Returns the output of Python's start, which went to a
/// file.
pub fn put_back(streams: [i32; 3]) -> io::Result<Vec<u8>> {
    let output = File::from(move_high(io::stderr().as_fd())?);
    // In a Python that was woken, these are the pipes of the session before.
    let end = lseek(&output, 0, Whence::SeekCur).unwrap_or(0);
    let begin = (end - MAX_STARTUP_OUTPUT).max(0);
    let mut bytes = vec![0; (end - begin) as usize];
    output.read_exact_at(&mut bytes, begin as u64)?;
    let [stdin, stdout, stderr] = streams.map(inherit);
    dup2_stdin(stdin?)?;
    dup2_stdout(stdout?)?;
    dup2_stderr(stderr?)?;
    Ok(bytes)
}

/// Returns how many bytes the pipe on 1 or 2 holds. The write end tells that too, so no read end need be in Python's
/// reach.
#[allow(unsafe_code, reason = "nix has no wrapper for FIONREAD")]
pub fn unread(stream: Stream) -> usize {
    let fd = match stream {
        Stream::Stdout => io::stdout().as_raw_fd(),
        Stream::Stderr => io::stderr().as_raw_fd(),
    };
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the given address, or fails.
    let answer = unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut count) };
    if answer == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
}

/// Flushes the stdio streams of C code.
#[allow(unsafe_code, reason = "C's stdio can only be reached by its own functions")]
pub fn flush_c_streams() {
    // SAFETY: fflush(NULL) flushes all open output streams; it takes their locks itself.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

/// Makes C's stdout write at once. Otherwise the part of a line that `printf` leaves would come out after all later
/// output.
#[allow(unsafe_code, reason = "C's stdio can only be reached by its own functions")]
pub fn unbuffer_c_stdout() {
    #[cfg(target_os = "linux")]
    unsafe extern "C" {
        static stdout: *mut libc::FILE;
    }
    #[cfg(target_os = "macos")]
    unsafe extern "C" {
        #[link_name = "__stdoutp"]
        static stdout: *mut libc::FILE;
    }
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    // SAFETY: called once, before anything was written to the stream; without buffering there is no buffer to point to.
    unsafe {
        libc::setvbuf(stdout, std::ptr::null_mut(), libc::_IONBF, 0);
    }
}
