//! Asking an executable whether it is a Python that can hold a session.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::domain::terminal_text::visible;
use crate::launch::python::Python;

const PATIENCE: Duration = Duration::from_secs(10);
/// An answer that takes no longer goes without saying.
const SOON: Duration = Duration::from_millis(300);
/// A Python says less; what goes on for longer is none.
const MOST_OUTPUT: usize = 64 * 1024;
const OLDEST: (u32, u32) = (3, 10);
const MARK: &str = "fourhands-probe";

/// Runs in every Python there is, 2.7 included. Paths as hexadecimal bytes: they need not be text.
const QUESTION: &str = r"
import sys, binascii
def path(text):
    text = text or ''
    if not isinstance(text, bytes):
        import os
        text = os.fsencode(text)
    return '=' + binascii.hexlify(text).decode('ascii')
kind = getattr(getattr(sys, 'implementation', None), 'name', None)
if kind is None:
    import platform
    kind = platform.python_implementation().lower()
free = 't' in getattr(sys, 'abiflags', '')
if sys.version_info >= (3, 13) and not free:
    import sysconfig
    free = bool(sysconfig.get_config_var('Py_GIL_DISABLED'))
print(' '.join(['fourhands-probe', kind, '.'.join(map(str, sys.version_info[:3])), free and 'free' or 'gil',
    sys.maxsize > 2 ** 32 and '64' or '32', path(sys.executable), path(sys.prefix),
    path(getattr(sys, 'base_prefix', sys.prefix))]))
";

/// What is wrong with a path; follows the path in a sentence.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("does not exist; give --python the path of a CPython 3.10 or newer.")]
    Missing,
    #[error(
        "is a link that leads nowhere, so its Python was removed or moved; create the environment again, \
         or name another Python with --python PATH."
    )]
    DeadLink,
    #[error("is not executable; give --python the path of a Python interpreter.")]
    NotExecutable,
    #[error("is no program that this machine can run ({0}); give --python the path of a Python interpreter.")]
    CannotStart(io::Error),
    #[error("did not answer within {} s, so it hangs at its start (`PYTHON -c 0` does the same; a sitecustomize or .pth file may be \
         why); name another Python with --python PATH.", PATIENCE.as_secs())]
    Silent,
    #[error(
        "is not a Python interpreter, or one that cannot start: {0}; give --python the path of a CPython 3.10 or newer."
    )]
    NoPython(String),
    #[error("is Python {0}, which is too old; fourhands needs CPython 3.10 or newer: name one with --python PATH.")]
    TooOld(String),
    #[error("is {0}, not CPython; name a CPython 3.10 or newer with --python PATH.")]
    OtherKind(String),
    #[error(
        "is a free-threaded build of Python {0}, which cannot load the engine; \
         name the ordinary build of CPython 3.10 or newer with --python PATH."
    )]
    FreeThreaded(String),
    #[error("is a 32-bit Python {0}; name a 64-bit CPython 3.10 or newer with --python PATH.")]
    ThirtyTwoBit(String),
}

/// Starts `path` and asks it what it is.
pub fn probe(path: &Path) -> Result<Python, Fault> {
    check_file(path)?;
    let mut answer = ask(path, &["-I", "-c", QUESTION])?;
    if find_line(&answer.output).is_none() && answer.complaint.contains("-I") {
        // Before 3.4 there was no -I, and only its complaint would tell what the thing is.
        answer = ask(path, &["-E", "-s", "-c", QUESTION])?;
    }
    match find_line(&answer.output) {
        Some(line) => judge(path, line),
        None => Err(Fault::NoPython(answer.explain())),
    }
}

fn check_file(path: &Path) -> Result<(), Fault> {
    use nix::unistd::{AccessFlags, access};
    let Ok(metadata) = path.metadata() else {
        return Err(if path.symlink_metadata().is_ok() { Fault::DeadLink } else { Fault::Missing });
    };
    if !metadata.is_file() || access(path, AccessFlags::X_OK).is_err() {
        return Err(Fault::NotExecutable);
    }
    Ok(())
}

/// The last line with our mark: a `.pth` file or a wrapper may have printed before.
fn find_line(output: &str) -> Option<&str> {
    output.lines().rev().find(|line| line.starts_with(MARK))
}

fn judge(path: &Path, line: &str) -> Result<Python, Fault> {
    let garbled = || Fault::NoPython("it gave half an answer".to_owned());
    let [_, kind, version, threading, bits, executable, prefix, base_prefix] =
        line.split(' ').collect::<Vec<_>>().try_into().map_err(|_| garbled())?;
    let version = version.to_owned();
    if kind != "cpython" {
        let kind = if kind == "pypy" { "PyPy" } else { kind };
        return Err(Fault::OtherKind(format!("{kind} {version}")));
    }
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    let number = numbers.next().zip(numbers.next()).ok_or_else(garbled)?;
    if number < OLDEST {
        return Err(Fault::TooOld(version));
    }
    if threading == "free" {
        return Err(Fault::FreeThreaded(version));
    }
    if bits != "64" {
        return Err(Fault::ThirtyTwoBit(version));
    }
    let [executable, prefix, base_prefix] =
        [executable, prefix, base_prefix].map(|path| decode(path).unwrap_or_default());
    let venv = (prefix != base_prefix).then_some(prefix);
    let executable = if executable.is_absolute() { executable } else { path.to_owned() };
    Ok(Python { executable, version, venv })
}

fn decode(hex: &str) -> Option<PathBuf> {
    let hex = hex.strip_prefix('=')?.as_bytes();
    let bytes = hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    Some(OsString::from_vec(bytes.collect::<Option<_>>()?).into())
}

struct Answer {
    status: ExitStatus,
    output: String,
    complaint: String,
}

impl Answer {
    /// What it did instead of answering.
    fn explain(&self) -> String {
        let lines = self.complaint.lines().chain(self.output.lines()).map(str::trim);
        // Some repeat our question, which tells the person nothing.
        match lines.filter(|line| !line.contains("import sys")).find(|line| !line.is_empty()) {
            Some(line) => {
                let line: String = line.chars().filter(|c| !c.is_control()).take(100).collect();
                format!("it answered `{line}`")
            }
            None if self.status.success() => "it said nothing".to_owned(),
            None => format!("it ended with {}", self.status),
        }
    }
}

/// Runs `path` in a process group of its own, so that whatever it starts ends with it.
fn ask(path: &Path, arguments: &[&str]) -> Result<Answer, Fault> {
    let mut child = Command::new(path)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(Fault::CannotStart)?;
    let answer = listen(path, &mut child);
    if answer.is_err() {
        let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
        let _ = child.wait();
    }
    answer
}

/// Without threads: the guardian must not have any.
fn listen(path: &Path, child: &mut Child) -> Result<Answer, Fault> {
    let begun = Instant::now();
    let deadline = begun + PATIENCE;
    // Programs that start us expect few words.
    let mut hint = Some(if io::stderr().is_terminal() { SOON } else { PATIENCE / 2 });
    let pipes = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
    let mut pipes = pipes.map(|pipe| pipe.map(File::from));
    for pipe in pipes.iter().flatten() {
        fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|error| Fault::CannotStart(error.into()))?;
    }
    let mut texts = [Vec::new(), Vec::new()];
    loop {
        // Asked before reading, so that nothing said before the end is missed.
        let status = child.try_wait().map_err(Fault::CannotStart)?;
        for (pipe, text) in pipes.iter_mut().zip(&mut texts) {
            if pipe.as_mut().is_some_and(|pipe| reached_end(pipe, text)) {
                *pipe = None;
            }
        }
        if let Some(status) = status {
            let [output, complaint] = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
            return Ok(Answer { status, output, complaint });
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if hint.take_if(|hint| begun.elapsed() > *hint).is_some() {
            let name = visible(&path.to_string_lossy()).into_owned();
            let _ = writeln!(io::stderr(), "fourhands: waiting for {name} to say which Python it is …");
        }
        if left.is_zero() {
            return Err(Fault::Silent);
        }
        if texts.iter().any(|text| text.len() > MOST_OUTPUT) {
            return Err(Fault::NoPython("it talks on and on".to_owned()));
        }
        let mut waiting: Vec<_> =
            pipes.iter().flatten().map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)).collect();
        // With both pipes closed only its end is left to wait for, and that makes no event.
        let pause = if waiting.is_empty() { Duration::from_millis(1) } else { left.min(Duration::from_millis(50)) };
        let _ = poll(&mut waiting, PollTimeout::try_from(pause).unwrap_or(PollTimeout::ZERO));
    }
}

fn reached_end(pipe: &mut File, text: &mut Vec<u8>) -> bool {
    let mut chunk = [0; 4096];
    while text.len() <= MOST_OUTPUT {
        match pipe.read(&mut chunk) {
            Ok(0) => return true,
            Ok(count) => text.extend_from_slice(&chunk[..count]),
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        }
    }
    false
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
