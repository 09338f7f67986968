//! The guardian in a real terminal, with a shell script in the place of the session process.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test's helpers fail like the test")]

use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use fourhands::launch::boot::Mode;
use fourhands::launch::guardian::Guardian;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{ForkptyResult, forkpty};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, setpgid, tcgetpgrp, tcsetpgrp, write};

const LEFT_THE_SCREEN: &str = "\x1b[?1049l";

/// What takes longer than this has failed.
const DEADLINE: Duration = Duration::from_secs(20);

/// Is the guardian of `script`, and ends with its exit code.
fn guard(program: &str, mode: Mode, script: &str) -> ! {
    let script = format!("say() {{ echo \"\\\"$1\\\"\" >&$LINK; }}\nhear() {{ read -r line <&$LINK; }}\n{script}");
    let ending = Guardian::new(mode).and_then(|mut guardian| {
        guardian.watch(|link| {
            let mut command = Command::new(program);
            command.args(["-c", &script]).env("LINK", link.to_string());
            Ok(command)
        })
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
struct Guarded {
    terminal: fs::File,
    guardian: Pid,
    screen: String,
}

impl Guarded {
    /// `script` is run by bash; `$LINK` is its end of the link.
    fn start(mode: Mode, script: &str) -> Self {
        Self::start_program("bash", mode, script)
    }

    #[allow(unsafe_code, reason = "the guardian needs a process with one thread, and a fork is one")]
    fn start_program(program: &str, mode: Mode, script: &str) -> Self {
        // SAFETY: the child allocates, which the C library allows after a fork, and leaves by _exit.
        match unsafe { forkpty(None, None) }.expect("a terminal") {
            ForkptyResult::Child => guard(program, mode, script),
            ForkptyResult::Parent { master, child } => Self::on(master, child),
        }
    }

    /// As a job of a small shell, at first in front or in the background: the shell says `[stopped]` when the job stops,
    /// brings it to the front when a line is typed, and ends with its exit code.
    #[allow(unsafe_code, reason = "as above")]
    fn start_as_job(in_front: bool, script: &str) -> Self {
        // SAFETY: as above.
        match unsafe { forkpty(None, None) }.expect("a terminal") {
            ForkptyResult::Child => match unsafe { fork() } {
                Ok(ForkResult::Child) => {
                    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
                    if in_front {
                        to_front(getpid());
                    }
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
    fn listen(&mut self) -> bool {
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

    fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.screen.contains(text) {
            assert!(self.listen() && Instant::now() < deadline, "no {text:?} in {:?}", self.screen);
        }
    }

    fn signal(&self, signal: Signal) {
        kill(self.guardian, signal).unwrap();
    }

    fn wait_until_stopped(&mut self) {
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
    fn end(&mut self) -> i32 {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let open = self.listen();
            match waitpid(self.guardian, Some(WaitPidFlag::WNOHANG)).unwrap() {
                WaitStatus::Exited(_, code) => {
                    while open && self.listen() {}
                    return code;
                }
                WaitStatus::StillAlive => assert!(Instant::now() < deadline, "it does not end: {:?}", self.screen),
                other => panic!("{other:?}: {:?}", self.screen),
            }
        }
    }

    fn echoes(&self) -> bool {
        tcgetattr(&self.terminal).unwrap().local_flags.contains(LocalFlags::ECHO | LocalFlags::ICANON)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = kill(self.guardian, Signal::SIGKILL);
    }
}

fn wait_for_file(path: &Path) -> String {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => assert!(Instant::now() < deadline, "no {}", path.display()),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_crash_with_the_screen_up_leaves_a_clean_terminal_and_a_sentence() {
    for (end, code, sentence) in [
        ("kill -SEGV $$", 139, "killed by SIGSEGV (segmentation fault)"),
        ("kill -KILL $$", 137, "killed by SIGKILL (by hand, or because memory ran out)"),
        ("exit 3", 3, "without warning with exit code 3"),
        ("exit 0", 0, "without warning with exit code 0"),
    ] {
        let mut guarded = Guarded::start(
            Mode::Dashboard,
            &format!("stty raw -echo; say TerminalEntered; printf '\\033[?1049h\\033[?25l'; {end}"),
        );
        assert_eq!(guarded.end(), code, "{end}");
        let screen = &guarded.screen;
        let (_, after) = screen.split_once(LEFT_THE_SCREEN).unwrap_or_else(|| panic!("{end}: {screen:?}"));
        assert!(after.contains("\x1b[?25h") && after.contains(sentence), "{end}: {screen:?}");
        assert!(guarded.echoes(), "{end}: the terminal's modes");
    }
}

#[test]
fn an_end_in_good_order_is_quiet_and_the_modes_are_put_right_anyhow() {
    let mut guarded =
        Guarded::start(Mode::Dashboard, "say TerminalEntered; stty raw -echo; say TerminalLeft; echo bye; exit 4");
    assert_eq!(guarded.end(), 4);
    assert!(!guarded.screen.contains('\x1b') && !guarded.screen.contains("Python"), "{:?}", guarded.screen);
    assert!(guarded.echoes());
}

#[test]
fn the_session_process_is_the_foreground_job_with_clean_signals() {
    let mut guarded = Guarded::start(
        Mode::Dashboard,
        "[ $(ps -o tpgid= -p $$) = $$ ] && echo foreground; exec grep -E 'SigBlk|SigIgn' /proc/self/status",
    );
    guarded.end();
    assert!(guarded.screen.contains("foreground"), "{:?}", guarded.screen);
    for name in ["SigBlk:", "SigIgn:"] {
        let mask = guarded.screen.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
        // 32 and 33 belong to the C library, which lets nobody change them.
        assert_eq!(mask & !(0b11 << 31), 0, "{:?}", guarded.screen);
    }
}

#[test]
fn requests_to_end_go_over_the_link_and_its_exit_code_comes_back() {
    for (mode, signal) in [
        (Mode::Dashboard, Signal::SIGTERM),
        (Mode::Dashboard, Signal::SIGHUP),
        (Mode::Serve, Signal::SIGINT),
        (Mode::Stdio, Signal::SIGTERM),
    ] {
        let mut guarded = Guarded::start(mode, "echo ready; hear; echo \"heard $line\"; exit 7");
        guarded.wait_for("ready");
        guarded.signal(signal);
        // As `timeout` does: the process, and then its group.
        guarded.signal(signal);
        assert_eq!(guarded.end(), 7, "{mode:?} {signal}: {:?}", guarded.screen);
        assert!(guarded.screen.contains("heard \"Terminate\""), "{mode:?} {signal}: {:?}", guarded.screen);
    }
}

#[test]
fn sigint_interrupts_with_the_dashboard() {
    let mut guarded = Guarded::start(Mode::Dashboard, "echo ready; hear; echo \"heard $line\"");
    guarded.wait_for("ready");
    guarded.signal(Signal::SIGINT);
    assert_eq!(guarded.end(), 0);
    assert!(guarded.screen.contains("heard \"Interrupt\""), "{:?}", guarded.screen);
}

#[test]
fn a_second_request_to_end_kills() {
    let mut guarded = Guarded::start(Mode::Serve, "trap '' TERM; echo ready; while :; do hear; done");
    guarded.wait_for("ready");
    let asked = Instant::now();
    let code = loop {
        let _ = kill(guarded.guardian, Signal::SIGTERM);
        guarded.listen();
        if let WaitStatus::Exited(_, code) = waitpid(guarded.guardian, Some(WaitPidFlag::WNOHANG)).unwrap() {
            break code;
        }
        assert!(asked.elapsed() < DEADLINE);
    };
    assert_eq!(code, 137);
    while guarded.listen() && asked.elapsed() < DEADLINE {}
    assert!(guarded.screen.contains("second request"), "{:?}", guarded.screen);
}

#[test]
fn one_that_does_not_end_is_killed_after_ten_seconds() {
    let mut guarded = Guarded::start(Mode::Serve, "trap '' TERM; echo ready; while :; do sleep 1000; done");
    guarded.wait_for("ready");
    guarded.signal(Signal::SIGTERM);
    let asked = Instant::now();
    assert_eq!(guarded.end(), 137);
    assert!(asked.elapsed() > Duration::from_secs(8), "{:?}", asked.elapsed());
    assert!(guarded.screen.contains("did not end within 10 s"), "{:?}", guarded.screen);
}

#[test]
fn suspended_by_signal_it_gives_the_terminal_back_and_continues_where_it_was() {
    let mut guarded = Guarded::start(
        Mode::Dashboard,
        "stty raw -echo; say TerminalEntered; echo ready; hear; echo \"heard $line\"; say TerminalLeft; kill -STOP $$\n\
         [ $(ps -o tpgid= -p $$) = $$ ] && echo 'in front again'; exit 5",
    );
    guarded.wait_for("ready");
    guarded.signal(Signal::SIGTSTP);
    guarded.wait_until_stopped();
    assert!(guarded.screen.contains("heard \"Suspend\""), "{:?}", guarded.screen);
    assert!(guarded.echoes(), "the shell finds its modes");
    assert_eq!(tcgetpgrp(&guarded.terminal).unwrap(), guarded.guardian);
    guarded.signal(Signal::SIGCONT);
    assert_eq!(guarded.end(), 5);
    assert!(guarded.screen.contains("in front again"), "{:?}", guarded.screen);
}

#[test]
fn a_job_of_a_shell_is_suspended_and_comes_back_to_the_front() {
    for stop in ["say TerminalLeft; kill -STOP $$", "kill -STOP $$; hear; say TerminalLeft; kill -STOP $$"] {
        let script = format!(
            "stty raw -echo; say TerminalEntered; {stop}\n\
             [ $(ps -o tpgid= -p $$) = $$ ] && echo 'in front again'; exit 9"
        );
        let mut guarded = Guarded::start_as_job(true, &script);
        guarded.wait_for("[stopped]");
        assert!(guarded.echoes(), "the shell finds its modes");
        guarded.terminal.write_all(b"fg\n").unwrap();
        assert_eq!(guarded.end(), 9, "{:?}", guarded.screen);
        assert!(guarded.screen.contains("in front again"), "{:?}", guarded.screen);
    }
}

#[test]
fn a_dashboard_started_in_the_background_waits_for_the_front() {
    let mut guarded = Guarded::start_as_job(false, "[ $(ps -o tpgid= -p $$) = $$ ] && echo 'in front'; exit 9");
    guarded.wait_for("[stopped]");
    assert!(!guarded.screen.contains("in front"), "{:?}", guarded.screen);
    guarded.terminal.write_all(b"fg\n").unwrap();
    assert_eq!(guarded.end(), 9, "{:?}", guarded.screen);
    assert!(guarded.screen.contains("in front"), "{:?}", guarded.screen);
}

#[test]
fn a_suspended_job_can_be_ended_without_coming_to_the_front() {
    let script =
        "stty raw -echo; say TerminalEntered; echo \"guardian $PPID.\"; say TerminalLeft; kill -STOP $$; hear; exit 9";
    let mut guarded = Guarded::start_as_job(true, script);
    guarded.wait_for("[stopped]");
    let (_, pid) = guarded.screen.split_once("guardian ").unwrap();
    let pid: i32 = pid.split('.').next().unwrap().parse().unwrap();
    // What a shell's `kill %1` does.
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGCONT).unwrap();
    let deadline = Instant::now() + DEADLINE;
    while !fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ") {
        assert!(Instant::now() < deadline, "it does not end: {:?}", guarded.screen);
        guarded.listen();
    }
    guarded.terminal.write_all(b"\n").unwrap();
    assert_eq!(guarded.end(), 9, "{:?}", guarded.screen);
}

#[test]
fn a_foreign_stop_is_turned_into_an_orderly_suspend() {
    let mut guarded = Guarded::start(
        Mode::Dashboard,
        "say TerminalEntered; kill -STOP $$; hear; echo \"heard $line\"; say TerminalLeft; kill -STOP $$; exit 6",
    );
    // No shell could continue this job, so the kernel does not stop it and the session goes straight on.
    assert_eq!(guarded.end(), 6);
    assert!(guarded.screen.contains("heard \"Suspend\""), "{:?}", guarded.screen);
}

#[test]
fn serve_is_stopped_and_continued_with_its_session_process() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let mut guarded = Guarded::start(Mode::Serve, &format!("echo $$ > {}; hear; exit 8", pid_file.display()));
    let pid: i32 = wait_for_file(&pid_file).trim().parse().unwrap();
    guarded.signal(Signal::SIGTSTP);
    guarded.wait_until_stopped();
    let state = |pid: i32| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    assert!(state(pid).contains(") T "), "{}", state(pid));
    guarded.signal(Signal::SIGTERM);
    guarded.signal(Signal::SIGCONT);
    assert_eq!(guarded.end(), 8);
}

#[test]
fn without_a_dashboard_the_terminal_is_out_of_reach() {
    let mut guarded =
        Guarded::start(Mode::Serve, "(: </dev/tty) 2>/dev/null || echo 'no terminal'; [ -t 1 ] && echo 'but output'");
    assert_eq!(guarded.end(), 0);
    assert!(guarded.screen.contains("no terminal") && guarded.screen.contains("but output"), "{:?}", guarded.screen);
}

#[test]
fn the_session_process_learns_of_the_guardians_death() {
    let folder = tempfile::tempdir().unwrap();
    let [asked, told] = ["asked", "told"].map(|name| folder.path().join(name));
    let mut guarded = Guarded::start(
        Mode::Serve,
        &format!(
            "trap 'echo TERM > {}' TERM; echo ready; until hear; [ $? = 1 ]; do :; done; echo EOF > {}",
            asked.display(),
            told.display()
        ),
    );
    guarded.wait_for("ready");
    guarded.signal(Signal::SIGKILL);
    assert_eq!(wait_for_file(&told), "EOF\n");
    if cfg!(target_os = "linux") {
        assert_eq!(wait_for_file(&asked), "TERM\n");
    }
    let _ = waitpid(guarded.guardian, None);
}

#[test]
fn a_command_that_cannot_start_is_an_error() {
    let mut guarded = Guarded::start_program("/no/such/python", Mode::Dashboard, "");
    assert_eq!(guarded.end(), 250);
    assert!(guarded.screen.contains("No such file"), "{:?}", guarded.screen);
}
