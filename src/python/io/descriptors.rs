//! Descriptors 0, 1 and 2 of the session process: /dev/null and two pipes, whatever user code does to them.

use crate::python::io::fd::move_high;
use crate::python::io::fd::owned;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{Whence, dup2_stderr, dup2_stdin, dup2_stdout, lseek, pipe2};

use super::guarded::{Access, Guarded, Identity};
use crate::domain::Stream;

/// What 0, 1 and 2 were when the process began, on close-on-exec numbers out of user code's way.
#[derive(Debug)]
pub struct Originals {
    pub stdin: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

/// The read ends of the pipes that stand on 1 and 2.
#[derive(Debug)]
pub struct PipeReaders {
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
}

/// Copies of what belongs on 0, 1 and 2, to put it back when user code closed or replaced it.
#[derive(Debug)]
pub struct StandardStreams([Guarded; 3]);

/// Puts /dev/null on 0 and a pipe each on 1 and 2.
pub fn take_over() -> io::Result<(Originals, PipeReaders, StandardStreams)> {
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
        // A roomier pipe saves wake-ups in a flood; the default serves where the limit is lower.
        #[cfg(target_os = "linux")]
        let _ = fcntl(reader, FcntlArg::F_SETPIPE_SZ(256 << 10));
    }
    let mut streams = StandardStreams([
        Guarded::new(null.as_fd(), Access::Read)?,
        Guarded::new(out_write.as_fd(), Access::Write)?,
        Guarded::new(err_write.as_fd(), Access::Write)?,
    ]);
    streams.repair()?;
    Ok((originals, readers, streams))
}

impl StandardStreams {
    /// See [`Guarded::backed_by`].
    #[cfg(target_os = "linux")]
    pub fn backed_by(&mut self, host: nix::unistd::Pid) {
        for stream in &mut self.0 {
            stream.backed_by(host);
        }
    }

    /// Puts back whichever of 0, 1 and 2 is no longer what it should be.
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

fn is(fd: BorrowedFd<'_>, what: &Guarded) -> bool {
    Identity::of(fd).is_ok_and(|identity| identity == what.identity())
}

/// Puts on 0, 1 and 2 what the guardian has kept for them, and answers what Python has said so far instead.
pub fn put_back(streams: [i32; 3]) -> io::Result<Vec<u8>> {
    /// Of what was said, the end is told.
    const MOST: i64 = 16 << 10;
    let said = File::from(move_high(io::stderr().as_fd())?);
    let end = lseek(&said, 0, Whence::SeekCur)?;
    let begin = (end - MOST).max(0);
    let mut bytes = vec![0; (end - begin) as usize];
    said.read_exact_at(&mut bytes, begin as u64)?;
    let [stdin, stdout, stderr] = streams.map(inherit);
    dup2_stdin(stdin?)?;
    dup2_stdout(stdout?)?;
    dup2_stderr(stderr?)?;
    Ok(bytes)
}

/// Takes over a descriptor that was inherited by number.
pub fn inherit(number: i32) -> io::Result<OwnedFd> {
    if number < 3 {
        return Err(io::Error::other(format!("descriptor {number} is not one that the guardian hands over")));
    }
    let given = owned(number);
    move_high(given.as_fd())
}

/// How many bytes wait in the pipe on 1 or 2. The write end knows it too, so no read end need be in Python's reach.
#[allow(unsafe_code, reason = "nix has no wrapper for FIONREAD")]
pub fn unread(stream: Stream) -> usize {
    let fd = match stream {
        Stream::Stdout => io::stdout().as_raw_fd(),
        Stream::Stderr => io::stderr().as_raw_fd(),
    };
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int to the given place, or fails.
    let answer = unsafe { libc::ioctl(fd, libc::FIONREAD, &raw mut count) };
    if answer == 0 { usize::try_from(count).unwrap_or(0) } else { 0 }
}

/// Writes out what C code has buffered on its streams.
#[allow(unsafe_code, reason = "C's stdio can only be reached by its own functions")]
pub fn flush_c_streams() {
    // SAFETY: fflush(NULL) flushes all open output streams; it takes their locks itself.
    unsafe { libc::fflush(std::ptr::null_mut()) };
}

/// Makes C's stdout write at once, or what `printf` leaves of a line would come out after all that follows it.
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
    // SAFETY: called once, before anything was written to it; without buffering there is no buffer to point to.
    unsafe {
        libc::setvbuf(stdout, std::ptr::null_mut(), libc::_IONBF, 0);
    }
}
