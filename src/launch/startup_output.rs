//! The output of Python before the engine runs. It must reach neither the screen of a dashboard nor the MCP stream, and
//! is shown if the start fails.

use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::process::Stdio;

use nix::fcntl::{FcntlArg, fcntl};

/// Bytes of the end of the output that are read.
const TAIL_SIZE: u64 = 16 << 10;
const MAX_LINES: usize = 4;
const MAX_LINE_LENGTH: usize = 300;

/// A file in memory for 1 and 2 of a Python that starts. Unlike a pipe it needs no reader, and its size is limited.
#[derive(Debug)]
pub struct StartupOutput {
    file: File,
    /// The descriptors that will become 0, 1 and 2. Every new process inherits them.
    streams: Option<[OwnedFd; 3]>,
}

impl StartupOutput {
    /// Creates the file, on Linux only. Python gets empty streams unless it `shares` stdin and stdout with this
    /// process.
    #[cfg(target_os = "linux")]
    pub fn new(shares: bool) -> io::Result<Self> {
        use nix::fcntl::SealFlag;
        use nix::sys::memfd::{MFdFlags, memfd_create};

        const CAPACITY: libc::off_t = 4 << 20;
        let file = memfd_create(c"fourhands-start", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
        nix::unistd::ftruncate(&file, CAPACITY)?;
        fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL))?;
        let [stdin, stdout] = if shares {
            [inheritable(io::stdin().as_fd())?, inheritable(io::stdout().as_fd())?]
        } else {
            let null = File::options().read(true).write(true).open("/dev/null")?;
            [inheritable(null.as_fd())?, inheritable(null.as_fd())?]
        };
        let stderr = inheritable(io::stderr().as_fd())?;
        Ok(Self { file: file.into(), streams: Some([stdin, stdout, stderr]) })
    }

    #[cfg(not(target_os = "linux"))]
    pub fn new(_shares: bool) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Returns the descriptors that will become 0, 1 and 2.
    pub fn streams(&self) -> Option<[RawFd; 3]> {
        self.streams.as_ref().map(|streams| streams.each_ref().map(AsRawFd::as_raw_fd))
    }

    /// Returns the stdout or stderr of a child.
    pub fn stdio(&self) -> io::Result<Stdio> {
        Ok(self.file.try_clone()?.into())
    }

    /// Closes the streams once the child is started, so that no other process inherits them.
    pub fn on_child_started(&mut self) {
        self.streams = None;
    }

    /// Returns the important lines of the output so far.
    pub fn lines(&self) -> Vec<String> {
        let end = (&self.file).stream_position().unwrap_or(0);
        let begin = end.saturating_sub(TAIL_SIZE);
        let mut bytes = vec![0; (end - begin) as usize];
        match self.file.read_exact_at(&mut bytes, begin) {
            Ok(()) => important_lines(&String::from_utf8_lossy(&bytes)),
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

/// Shortens Python's dump of a fatal error, which has more lines than anybody reads.
fn important_lines(output: &str) -> Vec<String> {
    const NOISE: [&str; 5] =
        ["Current thread", "Thread 0x", "Python runtime state", "Extension modules", "Fatal Python error: Aborted"];
    let stack = |line: &&str| line.starts_with("  File \"") && line.contains("\", line ") && line.contains(" in ");
    let (mut lines, mut frames) = (Vec::new(), Vec::new());
    let mut in_stack = false;
    let mut in_paths = false;
    for line in output.lines().filter(|line| !line.trim().is_empty()) {
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
    let last = lines.len().saturating_sub(MAX_LINES);
    let lines = lines.drain(last..).chain(frames.into_iter().take(MAX_LINES));
    lines.map(|line| line.chars().take(MAX_LINE_LENGTH).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_in_a_dump_is_found() {
        let dump = "Python path configuration:\n  PYTHONHOME = '/gone'\n  sys.path = [\n  ]\nFatal Python error: init_fs_encoding: \
                    failed to get the Python codec of the filesystem encoding\nPython runtime state: core initialized\n\
                    ModuleNotFoundError: No module named 'encodings'\n\nCurrent thread 0x00007f (most recent call first):\n  \
                    <no Python frame>\n";
        let lines = important_lines(dump);
        assert_eq!(lines.last().map(String::as_str), Some("ModuleNotFoundError: No module named 'encodings'"));
        assert!(lines[0].contains("init_fs_encoding") && lines.len() == 2, "{lines:?}");
    }

    #[test]
    fn the_place_where_python_hangs_is_found() {
        let dump = "loading\nFatal Python error: Aborted\n\nCurrent thread 0x1 (most recent call first):\n  File \
                    \"/v/sitecustomize.py\", line 2 in <module>\n  File \"<frozen importlib._bootstrap>\", line 488 in x\n\n\
                    Extension modules: none (total: 0)\n";
        assert_eq!(important_lines(dump), ["loading", "File \"/v/sitecustomize.py\", line 2 in <module>"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_output_has_limited_room() {
        let output = StartupOutput::new(true).unwrap();
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; yes 'on and on'; echo last"]);
        command.stdout(output.stdio().unwrap()).stderr(output.stdio().unwrap());
        command.status().unwrap();
        assert!(output.lines().iter().all(|line| line.len() <= MAX_LINE_LENGTH) && !output.lines().is_empty());
    }
}
