//! The probe of an executable: whether it is a Python that can hold a session.

use std::collections::BTreeSet;
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
use crate::domain::units;
use crate::launch::python::{PROBE_TIMEOUT, Python, PythonFault};

/// When to tell the person that the probe takes long.
const NOTICE_DELAY: Duration = Duration::from_millis(300);
/// The same where no person watches: in a log, only what is really slow is worth a line.
const UNSEEN_NOTICE_DELAY: Duration = Duration::from_secs(5);
/// Longest output, in bytes. A Python writes less.
const MAX_OUTPUT: usize = 64 * 1024;
const OLDEST_VERSION: (u32, u32) = (3, 10);
/// The beginning of the line with the answer.
const MARK: &str = "fourhands-probe";

/// An expression of Python for the modules that a file can take the place of: neither those that are part of the
/// program, nor those that nothing but a person imports.
pub const OWN_MODULES: &str = "[name for name in __import__('sys').stdlib_module_names \
     if name not in __import__('sys').builtin_module_names and not __import__('_imp').is_frozen(name) \
     and name not in ('test', 'this', 'antigravity')]";

/// Runs in every Python, also in 2.7. Prints paths as hexadecimal bytes, since they need not be text.
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

/// Starts `path` and asks what it is.
pub fn probe(path: &Path) -> Result<Python, PythonFault> {
    check_file(path)?;
    let mut answer = ask(path, &["-I", "-c", QUESTION])?;
    if find_line(&answer.output).is_none() && answer.stderr.contains("-I") {
        // Python before 3.4 has no -I, and its error message does not say what it is.
        answer = ask(path, &["-E", "-s", "-c", QUESTION])?;
    }
    match find_line(&answer.output) {
        Some(line) => evaluate(path, line),
        None => Err(PythonFault::NoPython(answer.explain())),
    }
}

/// Starts `path` with its site, as a session does, and returns the lines that it printed by itself.
///
/// # Errors
/// If it ends or hangs before it runs code: what it did.
pub fn rehearse(path: &Path) -> Result<Vec<String>, String> {
    // As bytes: a session does not care in which encoding this Python prints.
    let code = format!("import os; os.write(1, b'\\n{MARK}\\n')");
    let answer = ask(path, &["-X", "utf8", "-c", &code]).map_err(|fault| match fault {
        PythonFault::Silent => format!("it did not answer within {}", units::duration(PROBE_TIMEOUT)),
        PythonFault::NoPython(what) => what,
        PythonFault::CannotStart(error) => error.to_string(),
        other => other.to_string(),
    })?;
    if find_line(&answer.output).is_none() {
        return Err(answer.explain());
    }
    let lines = answer.output.lines().chain(answer.stderr.lines()).filter(|line| !line.is_empty() && *line != MARK);
    Ok(lines.map(|line| visible(line).into_owned()).collect())
}

/// Returns the names of the Python's own modules that a file of the person can take the place of.
pub fn own_modules(path: &Path) -> Option<BTreeSet<String>> {
    let answer = ask(path, &["-I", "-c", &format!("print('{MARK}', *{OWN_MODULES})")]).ok()?;
    Some(find_line(&answer.output)?.split(' ').skip(1).map(str::to_owned).collect())
}

fn check_file(path: &Path) -> Result<(), PythonFault> {
    use nix::unistd::{AccessFlags, access};
    let Ok(metadata) = path.metadata() else {
        return Err(if path.symlink_metadata().is_ok() { PythonFault::DeadLink } else { PythonFault::Missing });
    };
    if !metadata.is_file() || access(path, AccessFlags::X_OK).is_err() {
        return Err(PythonFault::NotExecutable);
    }
    Ok(())
}

/// Finds the last line with our mark. A `.pth` file or a wrapper may have printed before.
fn find_line(output: &str) -> Option<&str> {
    output.lines().rev().find(|line| line.starts_with(MARK))
}

fn evaluate(path: &Path, line: &str) -> Result<Python, PythonFault> {
    let garbled = || PythonFault::NoPython("its answer was incomplete".to_owned());
    let [_, kind, version, threading, bits, executable, prefix, base_prefix] =
        line.split(' ').collect::<Vec<_>>().try_into().map_err(|_| garbled())?;
    let version = version.to_owned();
    if kind != "cpython" {
        let kind = if kind == "pypy" { "PyPy" } else { kind };
        return Err(PythonFault::OtherKind(format!("{kind} {version}")));
    }
    let mut numbers = version.split('.').map_while(|number| number.parse().ok());
    let number = numbers.next().zip(numbers.next()).ok_or_else(garbled)?;
    if number < OLDEST_VERSION {
        return Err(PythonFault::TooOld(version));
    }
    if threading == "free" {
        return Err(PythonFault::FreeThreaded(version));
    }
    if bits != "64" {
        return Err(PythonFault::ThirtyTwoBit(version));
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

struct ProbeAnswer {
    status: ExitStatus,
    output: String,
    stderr: String,
}

impl ProbeAnswer {
    /// Returns what the program did instead of answering.
    fn explain(&self) -> String {
        let lines = self.stderr.lines().chain(self.output.lines()).map(str::trim);
        // Some programs repeat our question, which does not help the person.
        match lines.filter(|line| !line.contains("import sys")).find(|line| !line.is_empty()) {
            Some(line) => {
                let line: String = line.chars().filter(|c| !c.is_control()).take(100).collect();
                format!("it answered `{line}`")
            }
            None if self.status.success() => "it printed nothing".to_owned(),
            None => format!("it ended with {}", self.status),
        }
    }
}

/// Runs `path` in a process group of its own, so that its children end with it.
fn ask(path: &Path, arguments: &[&str]) -> Result<ProbeAnswer, PythonFault> {
    let mut child = Command::new(path)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(PythonFault::CannotStart)?;
    let answer = listen(path, &mut child);
    if answer.is_err() {
        let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
        let _ = child.wait();
    }
    answer
}

/// Collects the output without threads, because the guardian must have only one.
fn listen(path: &Path, child: &mut Child) -> Result<ProbeAnswer, PythonFault> {
    let begun = Instant::now();
    let deadline = begun + PROBE_TIMEOUT;
    // Programs that start us expect little output.
    let mut notice_after = Some(if io::stderr().is_terminal() { NOTICE_DELAY } else { UNSEEN_NOTICE_DELAY });
    let pipes = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
    let mut pipes = pipes.map(|pipe| pipe.map(File::from));
    for pipe in pipes.iter().flatten() {
        fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|error| PythonFault::CannotStart(error.into()))?;
    }
    let mut texts = [Vec::new(), Vec::new()];
    loop {
        // Checked before reading, so that no output before the end is missed.
        let status = child.try_wait().map_err(PythonFault::CannotStart)?;
        for (pipe, text) in pipes.iter_mut().zip(&mut texts) {
            if pipe.as_mut().is_some_and(|pipe| reached_end(pipe, text)) {
                *pipe = None;
            }
        }
        if let Some(status) = status {
            let [output, stderr] = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
            return Ok(ProbeAnswer { status, output, stderr });
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if notice_after.take_if(|delay| begun.elapsed() > *delay).is_some() {
            let name = visible(&path.to_string_lossy()).into_owned();
            let _ = writeln!(io::stderr(), "fourhands: waiting for {name} to report its version …");
        }
        if left.is_zero() {
            return Err(PythonFault::Silent);
        }
        if texts.iter().any(|text| text.len() > MAX_OUTPUT) {
            return Err(PythonFault::NoPython("its output does not end".to_owned()));
        }
        let mut waiting: Vec<_> =
            pipes.iter().flatten().map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)).collect();
        // Once both pipes are closed, only the end remains, which makes no event.
        let pause = if waiting.is_empty() { Duration::from_millis(1) } else { left.min(Duration::from_millis(50)) };
        let _ = poll(&mut waiting, PollTimeout::try_from(pause).unwrap_or(PollTimeout::ZERO));
    }
}

fn reached_end(pipe: &mut File, text: &mut Vec<u8>) -> bool {
    let mut chunk = [0; 4096];
    while text.len() <= MAX_OUTPUT {
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
