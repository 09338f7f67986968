//! A guardian on a pseudo-terminal, with a shell script in the place of the session process.

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;
use std::time::{Duration, Instant};

use fourhands::launch::boot::Mode;
use fourhands::launch::guardian::{Guardian, Inherited, ProcessSource};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{ForkptyResult, forkpty};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, setpgid, tcsetpgrp, write};

/// What takes longer than this has failed.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// What scripts use. `$LINK` is their end of the link. Without a controlling terminal of its own the session process is
/// in front when the guardian is.
const PRELUDE: &str = r#"
say() { echo "\"$1\"" >&$LINK; }
hear() { read -r line <&$LINK; }
has_terminal() { (: </dev/tty) 2>/dev/null; }
is_in_front() {
    read -r _ _ _ _ job _ _ front _ </proc/$PPID/stat
    has_terminal && job=$$
    [ $front = $job ]
}
"#;

/// What the system lets the guardian do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    Free,
    /// As containers do.
    NoUnshare,
    /// No table of descriptors of one's own by any means, so that the session process keeps its controlling terminal.
    NoPrivateTable,
}

impl System {
    pub const ALL: [Self; 3] = [Self::Free, Self::NoUnshare, Self::NoPrivateTable];

    /// For this process and its children.
    #[cfg(target_os = "linux")]
    #[allow(unsafe_code, reason = "nix has no wrapper for a filter of system calls")]
    fn forbid(self) {
        let forbidden: &[libc::c_long] = match self {
            Self::Free => return,
            Self::NoUnshare => &[libc::SYS_unshare],
            Self::NoPrivateTable => &[libc::SYS_unshare, libc::SYS_close_range],
        };
        let line = |code: u32, k: u32, jf: u8| libc::sock_filter { code: code as u16, jt: 0, jf, k };
        let mut filter = vec![line(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
        for call in forbidden {
            filter.push(line(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, *call as u32, 1));
            filter.push(line(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | libc::EPERM as u32, 0));
        }
        filter.push(line(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0));
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        // SAFETY: `program` and what it points to live longer than the call.
        let done = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if !done {
            print("no filter\n");
            leave(253);
        }
    }

    /// Elsewhere no system grants such tables.
    #[cfg(not(target_os = "linux"))]
    fn forbid(self) {}
}

/// Is the guardian of `script`, and ends with its exit code.
#[allow(unsafe_code, reason = "signal dispositions are set by an unsafe call")]
fn guard(program: &str, mode: Mode, script: &str) -> ! {
    // Whoever runs the tests may ignore it, as `nohup` does.
    // SAFETY: the default handler is none of ours.
    let _ = unsafe { nix::sys::signal::signal(Signal::SIGHUP, nix::sys::signal::SigHandler::SigDfl) };
    let script = format!("{PRELUDE}{script}");
    let ending = Guardian::new(mode).and_then(|mut guardian| {
        let start = |inherited: Inherited<'_>| {
            let mut command = Command::new(program);
            command.args(["-c", &script]).env("LINK", inherited.link.to_string());
            Ok(ProcessSource::Process(command))
        };
        guardian.watch(None, start, |_| false)
    });
    let (code, text) = match ending {
        Ok(ending) if ending.is_in_order() => (ending.code(), String::new()),
        Ok(ending) => (ending.code(), format!("{ending}\n")),
        Err(error) => (250, format!("{error}\n")),
    };
    print(&text);
    leave(code.into())
}

/// Past the locks of the standard library, which a thread of the test runner may have held at the fork.
fn print(text: &str) {
    let _ = write(std::io::stderr(), text.as_bytes());
}

/// The job control of a shell, for one job.
fn shell(job: Pid) -> ! {
    loop {
        match waitpid(job, Some(WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Exited(_, code)) => leave(code),
            Ok(WaitStatus::Stopped(..)) => {
                to_front(getpid());
                print("[stopped]\r\n");
                let _ = std::io::stdin().read_line(&mut String::new());
                to_front(job);
                let _ = killpg(job, Signal::SIGCONT);
            }
            _ => leave(252),
        }
    }
}

/// Without being stopped for it, whoever has the terminal.
fn to_front(group: Pid) {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGTTOU);
    let _ = mask.thread_block();
    let _ = tcsetpgrp(std::io::stdin(), group);
    let _ = mask.thread_unblock();
}

#[allow(unsafe_code, reason = "a forked test must not run what the test runner does at its end")]
fn leave(code: i32) -> ! {
    // SAFETY: ends this process and does nothing else.
    unsafe { libc::_exit(code) }
}

/// A guardian on a terminal of its own.
pub struct Guarded {
    pub terminal: fs::File,
    pub guardian: Pid,
    pub screen: String,
}

impl Guarded {
    /// `script` is run by bash, after [`PRELUDE`].
    pub fn start(mode: Mode, script: &str) -> Self {
        Self::start_in(System::Free, mode, script)
    }

    pub fn start_in(system: System, mode: Mode, script: &str) -> Self {
        Self::start_program("bash", system, mode, script)
    }

    #[allow(unsafe_code, reason = "the guardian needs a process with one thread, and a fork is one")]
    pub fn start_program(program: &str, system: System, mode: Mode, script: &str) -> Self {
        crate::support::hear_signals();
        // SAFETY: the child allocates, which the C library allows after a fork, and leaves by _exit.
        match unsafe { forkpty(None, None) }.expect("a terminal") {
            ForkptyResult::Child => {
                system.forbid();
                guard(program, mode, script)
            }
            ForkptyResult::Parent { master, child } => Self::on(master, child),
        }
    }

    /// As a job of a small shell, at first in front or in the background: the shell says `[stopped]` when the job
    /// stops, brings it to the front when a line is typed, and ends with its exit code.
    #[allow(unsafe_code, reason = "as above")]
    pub fn start_as_job(system: System, in_front: bool, script: &str) -> Self {
        crate::support::hear_signals();
        // SAFETY: as above.
        match unsafe { forkpty(None, None) }.expect("a terminal") {
            ForkptyResult::Child => match unsafe { fork() } {
                Ok(ForkResult::Child) => {
                    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
                    if in_front {
                        to_front(getpid());
                    }
                    system.forbid();
                    guard("bash", Mode::Dashboard, script)
                }
                Ok(ForkResult::Parent { child }) => shell(child),
                Err(_) => leave(251),
            },
            ForkptyResult::Parent { master, child } => Self::on(master, child),
        }
    }

    fn on(terminal: OwnedFd, guardian: Pid) -> Self {
        Self { terminal: terminal.into(), guardian, screen: String::new() }
    }

    /// Reads what comes for a moment; `false` when the terminal is closed.
    pub fn listen(&mut self) -> bool {
        let mut ready = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, PollTimeout::from(20u8)).unwrap_or(0) == 0 {
            return true;
        }
        let mut chunk = [0; 4096];
        match self.terminal.read(&mut chunk) {
            Ok(count) if count > 0 => {
                self.screen.push_str(&String::from_utf8_lossy(&chunk[..count]));
                true
            }
            _ => false,
        }
    }

    pub fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.screen.contains(text) {
            assert!(self.listen() && Instant::now() < deadline, "no {text:?} in {:?}", self.screen);
        }
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.guardian, signal).unwrap();
    }

    pub fn wait_until_stopped(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.listen();
            match waitpid(self.guardian, Some(WaitPidFlag::WUNTRACED | WaitPidFlag::WNOHANG)).unwrap() {
                WaitStatus::Stopped(..) => return,
                WaitStatus::StillAlive => assert!(Instant::now() < deadline, "it does not stop: {:?}", self.screen),
                other => panic!("{other:?}: {:?}", self.screen),
            }
        }
    }

    /// The exit code, once it has ended.
    pub fn end(&mut self) -> i32 {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let open = self.listen();
            match waitpid(self.guardian, Some(WaitPidFlag::WNOHANG)).unwrap() {
                WaitStatus::Exited(_, code) => {
                    while open && self.listen() && Instant::now() < deadline {}
                    return code;
                }
                WaitStatus::StillAlive => assert!(Instant::now() < deadline, "it does not end: {:?}", self.screen),
                other => panic!("{other:?}: {:?}", self.screen),
            }
        }
    }

    pub fn echoes(&self) -> bool {
        tcgetattr(&self.terminal).unwrap().local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = kill(self.guardian, Signal::SIGKILL);
    }
}
