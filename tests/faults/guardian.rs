//! The guardian in a real terminal, with a shell script in the place of the session process.

#[path = "../support/guarded.rs"]
mod guarded;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use fourhands::launch::boot::Mode;
use guarded::{DEADLINE, Guarded, System};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, tcgetpgrp};

const LEFT_THE_SCREEN: &str = "\x1b[?1049l";

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
    for system in System::ALL {
        for (end, code, sentence) in [
            ("kill -SEGV $$", 139, "killed by SIGSEGV (segmentation fault)"),
            ("kill -KILL $$", 137, "killed by SIGKILL (by a user, or because memory ran out)"),
            ("exit 3", 3, "unexpectedly with exit code 3"),
            ("exit 0", 0, "unexpectedly with exit code 0"),
        ] {
            let mut guarded = Guarded::start_in(
                system,
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
    for system in System::ALL {
        let mut guarded = Guarded::start_in(
            system,
            Mode::Dashboard,
            "is_in_front && echo foreground; exec grep -E 'SigBlk|SigIgn' /proc/self/status",
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
}

#[test]
fn requests_to_end_go_over_the_link_and_its_exit_code_comes_back() {
    for (mode, signal) in [
        (Mode::Dashboard, Signal::SIGTERM),
        (Mode::Dashboard, Signal::SIGHUP),
        (Mode::Serve, Signal::SIGINT),
        (Mode::Serve, Signal::SIGTERM),
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
    for system in System::ALL {
        let mut guarded = Guarded::start_in(
            system,
            Mode::Dashboard,
            "stty raw -echo; say TerminalEntered; echo ready; hear; echo \"heard $line\"; say TerminalLeft; kill -STOP $$\n\
         is_in_front && echo 'in front again'; exit 5",
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
}

#[test]
fn a_job_of_a_shell_is_suspended_and_comes_back_to_the_front() {
    for system in System::ALL {
        for stop in ["say TerminalLeft; kill -STOP $$", "kill -STOP $$; hear; say TerminalLeft; kill -STOP $$"] {
            let script = format!(
                "stty raw -echo; say TerminalEntered; {stop}\n\
             is_in_front && echo 'in front again'; exit 9"
            );
            let mut guarded = Guarded::start_as_job(system, true, &script);
            guarded.wait_for("[stopped]");
            assert!(guarded.echoes(), "the shell finds its modes");
            guarded.terminal.write_all(b"fg\n").unwrap();
            assert_eq!(guarded.end(), 9, "{:?}", guarded.screen);
            assert!(guarded.screen.contains("in front again"), "{:?}", guarded.screen);
        }
    }
}

#[test]
fn a_dashboard_started_in_the_background_waits_for_the_front() {
    for system in System::ALL {
        let mut guarded = Guarded::start_as_job(system, false, "is_in_front && echo 'in front'; exit 9");
        guarded.wait_for("[stopped]");
        assert!(!guarded.screen.contains("in front"), "{:?}", guarded.screen);
        guarded.terminal.write_all(b"fg\n").unwrap();
        assert_eq!(guarded.end(), 9, "{:?}", guarded.screen);
        assert!(guarded.screen.contains("in front"), "{:?}", guarded.screen);
    }
}

#[test]
fn a_suspended_job_can_be_ended_without_coming_to_the_front() {
    for system in System::ALL {
        let script = "stty raw -echo; say TerminalEntered; echo \"guardian $PPID.\"; say TerminalLeft; kill -STOP $$; hear; exit 9";
        let mut guarded = Guarded::start_as_job(system, true, script);
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
}

#[test]
fn a_foreign_stop_is_turned_into_an_orderly_suspend() {
    for system in System::ALL {
        let mut guarded = Guarded::start_in(
            system,
            Mode::Dashboard,
            "say TerminalEntered; kill -STOP $$; hear; echo \"heard $line\"; say TerminalLeft; kill -STOP $$; exit 6",
        );
        // No shell could continue this job, so the kernel does not stop it and the session goes straight on.
        assert_eq!(guarded.end(), 6);
        assert!(guarded.screen.contains("heard \"Suspend\""), "{:?}", guarded.screen);
    }
}

#[test]
fn serve_is_stopped_and_continued_with_its_session_process() {
    let folder = tempfile::tempdir().unwrap();
    let pid_file = folder.path().join("pid");
    let mut guarded = Guarded::start(Mode::Serve, &format!("echo $$ > {}; hear; exit 8", pid_file.display()));
    let pid: i32 = wait_for_file(&pid_file).trim().parse().unwrap();
    guarded.signal(Signal::SIGTSTP);
    guarded.wait_until_stopped();
    let deadline = Instant::now() + DEADLINE;
    while !fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") T ") {
        assert!(Instant::now() < deadline, "it goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
    guarded.signal(Signal::SIGTERM);
    guarded.signal(Signal::SIGCONT);
    assert_eq!(guarded.end(), 8);
}

#[test]
fn the_terminal_is_out_of_reach_wherever_that_is_possible() {
    let script = "has_terminal && echo terminal || echo 'no terminal'; [ -t 1 ] && echo 'but output'";
    for system in System::ALL {
        for mode in [Mode::Dashboard, Mode::Serve] {
            let mut guarded = Guarded::start_in(system, mode, script);
            assert_eq!(guarded.end(), 0);
            let reachable = mode == Mode::Dashboard && (system == System::NoPrivateTable || !cfg!(target_os = "linux"));
            assert_ne!(guarded.screen.contains("no terminal"), reachable, "{system:?} {mode:?}: {:?}", guarded.screen);
            assert!(guarded.screen.contains("but output"), "{:?}", guarded.screen);
        }
    }
}

#[test]
fn the_session_process_learns_of_the_guardians_death() {
    let folder = tempfile::tempdir().unwrap();
    let [asked, told] = ["asked", "told"].map(|name| folder.path().join(name));
    let mut guarded = Guarded::start(
        Mode::Serve,
        &format!(
            "trap 'echo TERM > {0}' TERM; echo ready; until hear; [ $? = 1 ]; do :; done; echo EOF > {1}; \
             n=0; while [ ! -s {0} ] && [ $n -lt 4000 ]; do sleep 0.02; n=$((n + 1)); done",
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
    let mut guarded = Guarded::start_program("/no/such/python", System::NoPrivateTable, Mode::Dashboard, "");
    assert_eq!(guarded.end(), 250);
    assert!(guarded.screen.contains("No such file"), "{:?}", guarded.screen);
}
