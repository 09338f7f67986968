//! What the tests of the whole program share: a home of their own, Pythons of this machine, clients, a terminal.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests")]

pub mod client;
pub mod counted;
#[cfg(target_os = "linux")]
pub mod faults;
pub mod outside;
pub mod session;
pub mod terminal;
pub mod venv;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

/// Longer than anything takes on a machine ten times slower than ours.
pub const DEADLINE: Duration = Duration::from_secs(120);

pub const BINARY: &str = env!("CARGO_BIN_EXE_fourhands");

/// Polls until `look` answers, or fails with `what`.
pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A home folder and a working directory that no other test uses.
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        hear_signals();
        let home = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(home.work()).unwrap();
        home
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The working directory of sessions.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The program with an environment like the one AI clients give: little more than HOME and PATH.
    pub fn fourhands(&self) -> Command {
        let mut command = Command::new(BINARY);
        command.env_clear().current_dir(self.work());
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command
    }

    pub fn environment(&self) -> Vec<(String, String)> {
        let path = std::env::var("PATH").unwrap_or_default();
        vec![
            ("HOME".to_owned(), self.path().display().to_string()),
            ("PATH".to_owned(), path),
            ("TERM".to_owned(), "xterm-256color".to_owned()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            ("FOURHANDS_TMP".to_owned(), self.path().display().to_string()),
        ]
    }

    /// A session without a dashboard.
    pub fn serve(&self, name: &str) -> Server {
        self.serve_with(name, &python())
    }

    pub fn serve_with(&self, name: &str, python: &Path) -> Server {
        let mut command = self.fourhands();
        command.args(["serve", "--session", name, "--python"]).arg(python);
        Server::start(command)
    }
}

/// A running `fourhands serve`; ended with SIGTERM when dropped.
pub struct Server {
    pub child: Child,
    pub log: mpsc::Receiver<String>,
}

impl Server {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let (sender, log) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut server = Self { child, log };
        let has_begun = server.find_line("listening on").is_some();
        assert!(has_begun, "the session does not begin: {:?}", server.child.try_wait());
        server
    }

    /// The first line of the log that contains `text`, counted from the last one that was waited for.
    pub fn wait_for_line(&self, text: &str) -> String {
        self.find_line(text).unwrap_or_else(|| panic!("no line of the log says {text:?}"))
    }

    fn find_line(&self, text: &str) -> Option<String> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.log.recv_timeout(left).ok()?;
            if line.contains(text) {
                return Some(line);
            }
        }
    }

    /// Kills guardian and session process, neither of which says goodbye. A guardian that saw its session process die
    /// would start another.
    pub fn kill(&mut self) {
        let guardian = self.child.id();
        signal(guardian, Signal::SIGSTOP);
        wait_until("the guardian to stop", || is_in_state(guardian, 'T').then_some(()));
        let session = children(guardian);
        assert!(!session.is_empty(), "there is no session process");
        for pid in session.into_iter().chain([guardian]) {
            signal(pid, Signal::SIGKILL);
        }
        self.child.wait().unwrap();
    }

    pub fn terminate(&mut self) -> std::process::ExitStatus {
        signal(self.child.id(), Signal::SIGTERM);
        wait_until("the end of the server", || self.child.try_wait().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            signal(self.child.id(), Signal::SIGTERM);
            // A test may have failed while it was suspended.
            signal(self.child.id(), Signal::SIGCONT);
            let _ = self.child.wait();
        }
    }
}

/// Lets programs that a test starts hear SIGHUP even under `nohup`, and SIGINT and SIGQUIT in the background of a
/// script: an ignored signal is inherited, a handler is not.
pub fn hear_signals() {
    use nix::sys::signal::{SigHandler, signal};
    extern "C" fn nothing(_: i32) {}
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        for heard in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT] {
            // SAFETY: the handler does nothing.
            #[allow(unsafe_code, reason = "signal dispositions are set by an unsafe call")]
            let before = unsafe { signal(heard, SigHandler::Handler(nothing)) }.unwrap();
            if !matches!(before, SigHandler::SigIgn) {
                // SAFETY: this puts back what was there.
                #[allow(unsafe_code, reason = "signal dispositions are set by an unsafe call")]
                unsafe { signal(heard, before) }.unwrap();
            }
        }
    });
}

pub fn signal(pid: u32, signal: Signal) {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), signal);
}

/// Whether a process is in a state of Linux's, such as `T`: stopped. One that is gone is in none.
pub fn is_in_state(pid: u32, state: char) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(state))
}

/// Whether a process is there and has not ended.
pub fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists() && !is_in_state(pid, 'Z')
}

/// The children of a process, by Linux's account.
pub fn children(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// One Python that the program supports.
pub fn python() -> PathBuf {
    pythons().into_iter().next().expect("no CPython >= 3.10 on this machine")
}

/// Returns the version of a Python, such as `3.12`.
pub fn version(python: &Path) -> String {
    let code = "import sys; print('%d.%d' % sys.version_info[:2])";
    let output = Command::new(python).args(["-c", code]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Does `test` with each of [`chosen_pythons`] at once, since most of it is waiting.
pub fn each_python(test: impl Fn(&Path) + Sync) {
    std::thread::scope(|scope| {
        for python in chosen_pythons() {
            let test = &test;
            scope.spawn(move || {
                eprintln!("in {}", python.display());
                test(&python);
            });
        }
    });
}

/// The oldest and the newest Python; with `FOURHANDS_PYTHONS=versions` one of each version, with
/// `FOURHANDS_PYTHONS=all` every one of this machine.
pub fn chosen_pythons() -> Vec<PathBuf> {
    let mut pythons = pythons();
    if std::env::var_os("FOURHANDS_PYTHONS").is_none() {
        pythons.sort_by_key(|python| {
            let version = version(python);
            version.split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>()
        });
        let newest = pythons.pop().expect("no CPython >= 3.10 on this machine");
        pythons.truncate(1);
        pythons.push(newest);
    }
    pythons
}

/// A CPython of each version from 3.10 on that can hold a session: the system's, the one on PATH, pyenv's. They are
/// looked for once. With `FOURHANDS_PYTHONS=all`, every one of this machine.
pub fn pythons() -> Vec<PathBuf> {
    static PYTHONS: OnceLock<Vec<PathBuf>> = OnceLock::new();
    PYTHONS.get_or_init(find_pythons).clone()
}

fn find_pythons() -> Vec<PathBuf> {
    let mut candidates: Vec<PathBuf> = vec!["/usr/bin/python3".into(), "python3".into()];
    let pyenv = std::env::var_os("PYENV_ROOT")
        .map_or_else(|| Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".pyenv"), PathBuf::from);
    if let Ok(versions) = std::fs::read_dir(pyenv.join("versions")) {
        let mut versions: Vec<_> = versions.flatten().map(|version| version.path().join("bin/python")).collect();
        versions.sort();
        candidates.extend(versions);
    }
    let every = std::env::var_os("FOURHANDS_PYTHONS").is_some_and(|which| which == "all");
    let check = "import sys, platform, sysconfig; \
                 assert sys.version_info >= (3, 10) and platform.python_implementation() == 'CPython'; \
                 assert not sysconfig.get_config_var('Py_GIL_DISABLED'); \
                 print(sys.version_info[:2], sys.executable, sep='\\n')";
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for candidate in candidates {
        let Ok(output) = Command::new(&candidate).args(["-c", check]).stderr(Stdio::null()).output() else { continue };
        let printed = String::from_utf8_lossy(&output.stdout);
        let Some((version, path)) = printed.trim().split_once('\n') else { continue };
        let path = PathBuf::from(path);
        // `python` and `python3` of one installation are one.
        let is_known = found.iter().any(|(other_version, other)| {
            !every && version == other_version || other.canonicalize().ok() == path.canonicalize().ok()
        });
        if output.status.success() && !is_known {
            found.push((version.to_owned(), path));
        }
    }
    found.into_iter().map(|(_, path)| path).collect()
}
