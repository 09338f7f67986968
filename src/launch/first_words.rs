//! What Python says before the engine runs. It must reach neither a dashboard's screen nor the stream of MCP, and it is told
//! when nothing came of the start.

use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::process::Stdio;

use nix::fcntl::{FcntlArg, fcntl};

/// Of what was said, the end is looked at.
const READ: u64 = 16 << 10;
const MOST_LINES: usize = 4;
const LONGEST_LINE: usize = 300;

/// Stands on 1 and 2 of a Python that starts. Memory has no reader that could be slow, and no room without end.
#[derive(Debug)]
pub struct FirstWords {
    said: File,
    /// What must stand on 0, 1 and 2 later; every process started from now on inherits them.
    streams: Option<[OwnedFd; 3]>,
}

impl FirstWords {
    /// Only Linux has such memory. Unless it `shares` stdin and stdout with this process, Python gets empty ones.
    #[cfg(target_os = "linux")]
    pub fn new(shares: bool) -> io::Result<Self> {
        use nix::fcntl::SealFlag;
        use nix::sys::memfd::{MFdFlags, memfd_create};

        const ROOM: libc::off_t = 4 << 20;
        let said = memfd_create(c"fourhands-start", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
        nix::unistd::ftruncate(&said, ROOM)?;
        fcntl(&said, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL))?;
        let [stdin, stdout] = if shares {
            [inheritable(io::stdin().as_fd())?, inheritable(io::stdout().as_fd())?]
        } else {
            let null = File::options().read(true).write(true).open("/dev/null")?;
            [inheritable(null.as_fd())?, inheritable(null.as_fd())?]
        };
        let stderr = inheritable(io::stderr().as_fd())?;
        Ok(Self { said: said.into(), streams: Some([stdin, stdout, stderr]) })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn new(_shares: bool) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Numbers of what must stand on 0, 1 and 2 later.
    pub fn streams(&self) -> Option<[RawFd; 3]> {
        self.streams.as_ref().map(|streams| streams.each_ref().map(AsRawFd::as_raw_fd))
    }

    /// What a child writes to meanwhile.
    pub fn stdio(&self) -> io::Result<Stdio> {
        Ok(self.said.try_clone()?.into())
    }

    /// The child has been started; nobody else inherits the streams.
    pub fn handed_over(&mut self) {
        self.streams = None;
    }

    /// The telling lines of what was said so far.
    pub fn lines(&self) -> Vec<String> {
        let end = (&self.said).stream_position().unwrap_or(0);
        let begin = end.saturating_sub(READ);
        let mut bytes = vec![0; (end - begin) as usize];
        match self.said.read_exact_at(&mut bytes, begin) {
            Ok(()) => telling(&String::from_utf8_lossy(&bytes)),
            Err(_) => Vec::new(),
        }
    }
}

#[cfg(target_os = "linux")]
fn inheritable(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let copy = fd.try_clone_to_owned()?;
    fcntl(&copy, FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()))?;
    Ok(copy)
}

/// Python's own dump of a fatal error has more lines than anybody reads.
fn telling(said: &str) -> Vec<String> {
    const NOISE: [&str; 5] =
        ["Current thread", "Thread 0x", "Python runtime state", "Extension modules", "Fatal Python error: Aborted"];
    let stack = |line: &&str| line.starts_with("  File \"") && line.contains("\", line ") && line.contains(" in ");
    let (mut lines, mut frames) = (Vec::new(), Vec::new());
    let mut in_stack = false;
    let mut in_paths = false;
    for line in said.lines().filter(|line| !line.trim().is_empty()) {
        in_paths = line == "Python path configuration:" || (in_paths && line.starts_with("  "));
        if in_paths {
            continue;
        }
        in_stack = line.contains("(most recent call first):") || (in_stack && line.starts_with("  "));
        if in_stack {
            if stack(&line) && !line.contains("\"<frozen ") {
                frames.push(line.trim());
            }
        } else if !NOISE.iter().any(|noise| line.starts_with(noise)) {
            lines.push(line.trim_end());
        }
    }
    let last = lines.len().saturating_sub(MOST_LINES);
    let lines = lines.drain(last..).chain(frames.into_iter().take(MOST_LINES));
    lines.map(|line| line.chars().take(LONGEST_LINE).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_dump_the_reason_is_told() {
        let dump = "Python path configuration:\n  PYTHONHOME = '/gone'\n  sys.path = [\n  ]\nFatal Python error: init_fs_encoding: \
                    failed to get the Python codec of the filesystem encoding\nPython runtime state: core initialized\n\
                    ModuleNotFoundError: No module named 'encodings'\n\nCurrent thread 0x00007f (most recent call first):\n  \
                    <no Python frame>\n";
        let lines = telling(dump);
        assert_eq!(lines.last().map(String::as_str), Some("ModuleNotFoundError: No module named 'encodings'"));
        assert!(lines[0].contains("init_fs_encoding") && lines.len() == 2, "{lines:?}");
    }

    #[test]
    fn of_a_python_that_hangs_the_place_is_told() {
        let dump = "loading\nFatal Python error: Aborted\n\nCurrent thread 0x1 (most recent call first):\n  File \
                    \"/v/sitecustomize.py\", line 2 in <module>\n  File \"<frozen importlib._bootstrap>\", line 488 in x\n\n\
                    Extension modules: none (total: 0)\n";
        assert_eq!(telling(dump), ["loading", "File \"/v/sitecustomize.py\", line 2 in <module>"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn there_is_room_for_what_a_python_says_and_an_end_of_it() {
        let words = FirstWords::new(true).unwrap();
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; yes 'on and on'; echo last"]);
        command.stdout(words.stdio().unwrap()).stderr(words.stdio().unwrap());
        command.status().unwrap();
        assert!(words.lines().iter().all(|line| line.len() <= LONGEST_LINE) && !words.lines().is_empty());
    }
}
