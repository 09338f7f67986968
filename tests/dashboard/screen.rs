//! The dashboard in a pseudo-terminal: what a person types and sees, and how the terminal is left, whatever happens.

use crate::support;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, children, is_alive, is_in_state, signal, wait_until};
use nix::sys::signal::Signal;

fn open(home: &Home) -> Terminal {
    open_with(home, 40, 120)
}

fn open_with(home: &Home, rows: u16, columns: u16) -> Terminal {
    let python = support::python();
    let terminal = Terminal::start(home, &["--python", python.to_str().unwrap()], rows, columns);
    terminal.wait_for_text("Python");
    terminal.wait_for("an empty editor", |screen| screen.contains("▎"));
    terminal
}

/// The session process, child of the guardian.
fn session_process(terminal: &Terminal) -> u32 {
    wait_until("the session process", || children(terminal.pid()).first().copied())
}

fn assert_restored(terminal: &Terminal) {
    assert!(!terminal.is_alternate(), "the alternate screen was left up:\n{}", terminal.text());
    assert!(!terminal.is_raw(), "the terminal was left in raw mode");
    assert!(terminal.has_cursor(), "the cursor was left hidden");
    assert!(!terminal.has_bracketed_paste(), "bracketed paste was left on");
    assert!(!terminal.has_mouse(), "the mouse was not given back");
}

#[test]
fn quitting_leaves_the_terminal_as_it_was() {
    let home = Home::new();
    let mut terminal = open(&home);
    assert_eq!(terminal.quit().exit_code(), 0);
    assert_restored(&terminal);
}

#[test]
fn sigterm_and_sighup_end_the_session_in_good_order() {
    for end in [Signal::SIGTERM, Signal::SIGHUP] {
        let home = Home::new();
        let mut terminal = open(&home);
        let session = session_process(&terminal);
        terminal.send(
            "import time, atexit; atexit.register(lambda: open('ended', 'w').close()); open('begun', 'w'); time.sleep(1000)\r",
        );
        wait_until("the running snippet", || home.work().join("begun").exists().then_some(()));
        signal(terminal.pid(), end);
        terminal.wait();
        assert_restored(&terminal);
        assert!(home.work().join("ended").exists(), "{end}: Python did not end in good order");
        assert!(!std::path::Path::new(&format!("/proc/{session}")).exists(), "{end}: the session process lives on");
    }
}

#[test]
fn the_session_ends_when_its_guardian_is_killed() {
    let home = Home::new();
    let terminal = open(&home);
    let session = session_process(&terminal);
    signal(terminal.pid(), Signal::SIGKILL);
    wait_until("the end of the session process", || (!is_alive(session)).then_some(()));
}

/// As by Ctrl-Z and the shell's `kill -9 %1`.
#[test]
fn a_suspended_session_ends_when_its_guardian_is_killed() {
    let home = Home::new();
    let terminal = open(&home);
    let session = session_process(&terminal);
    signal(terminal.pid(), Signal::SIGTSTP);
    wait_until("both to be stopped", || {
        [terminal.pid(), session].into_iter().all(|pid| is_in_state(pid, 'T')).then_some(())
    });
    signal(terminal.pid(), Signal::SIGKILL);
    wait_until("the end of the session process", || (!is_alive(session)).then_some(()));
    assert_restored(&terminal);
}

#[test]
fn nothing_that_a_snippet_writes_reaches_the_terminal() {
    let home = Home::new();
    let mut terminal = open(&home);
    let code = r"
import os, subprocess, sys, ctypes
print('F' + 'OREIGN' * 2)
os.write(1, b'fd one \x1b[2Jcleared\n')
os.write(2, b'fd two \x1b]0;title\x07\n')
os.system('echo from a child; echo to the terminal > /dev/tty')
ctypes.CDLL(None).puts(b'from C')
try:
    open('/dev/tty', 'w').write('INTRUDER')
except OSError as error:
    print('no terminal:', error.errno)
def written():
    return all(os.path.realpath(f'/proc/self/fd/{n}').find('/dev/pts') < 0 for n in os.listdir('/proc/self/fd'))
print('no descriptor of a terminal:', written())
";
    std::fs::write(home.work().join("intruder.py"), code).unwrap();
    terminal.send("exec(open('intruder.py').read())\r");
    let screen = terminal.wait_for_all(&[
        "no descriptor of a terminal: True",
        "fd one cleared",
        "fd two",
        "from a child",
        "from C",
        "no terminal: 6",
    ]);
    assert!(!screen.contains("INTRUDER"), "{screen}");
    // Were the screen torn, the frame would not stand where it did.
    assert!(screen.starts_with(" Python"), "{screen}");
    assert!(screen.contains("variables"), "{screen}");
}

#[test]
fn ctrl_c_interrupts_what_a_client_runs() {
    let home = Home::new();
    let mut terminal = open(&home);
    let mut bridge = home.fourhands();
    bridge.arg("bridge");
    let mut client = Client::start(bridge, "eager", Era::Legacy);
    let id = client.send(
        "tools/call",
        serde_json::json!({"name": "run_python_code", "arguments": {"code": "print('begun')\nwhile True: pass"}}),
    );
    terminal.wait_for_row("begun");
    terminal.send("\u{3}");
    let answer = client.answer(id);
    let run = &answer["result"]["structuredContent"];
    assert_eq!(run["status"], "interrupted", "{answer}");
    assert_eq!(run["returncode"], 130);
    assert_eq!(answer["result"]["isError"], true);
    assert!(Client::text(&answer["result"]).contains("person"), "it is not told who stopped it: {answer}");
    terminal.wait_for_text("■");
    // Idle again: the next one clears the input, and never quits.
    terminal.send("unfinished\u{3}");
    terminal.wait_for("a cleared input", |screen| !screen.contains("unfinished"));
    terminal.send("'still ' + 'here'\r");
    terminal.wait_for_text("'still here'");
}

#[test]
fn pasted_text_is_one_edit_and_does_not_run() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.send("\u{1b}[200~first = 1\nsecond = 2\n\u{1b}[201~");
    terminal.wait_for_text("second = 2");
    assert!(!terminal.text().contains("✓"), "the paste ran:\n{}", terminal.text());
    terminal.send("\rfirst + second + 40\r");
    terminal.wait_for_row("43");
}

#[test]
fn suspended_and_continued_by_a_shell() {
    let home = Home::new();
    let python = support::python();
    let mut shell = portable_pty::CommandBuilder::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    let mut terminal = Terminal::run(&home, shell, 40, 120);
    terminal.send("PS1='shell> '\r");
    terminal.wait_for_text("shell> ");
    terminal.send(&format!("{} --python {}\r", support::BINARY, python.display()));
    terminal.wait_for_text("variables");
    terminal.send("x = 6 * 7\r");
    terminal.wait_for_text("✓");
    terminal.wait_until_idle();
    terminal.send("\u{1a}");
    terminal.wait_for("the shell's prompt", |screen| screen.contains("Stopped") && !screen.contains("variables"));
    assert_restored_for_a_shell(&terminal);
    terminal.resize(30, 100);
    terminal.send("fg\r");
    terminal.wait_for_text("variables");
    terminal.send("x + 1\r");
    terminal.wait_for_row("43");
    terminal.wait_until_idle();
    terminal.leave();
    terminal.wait_for("the shell's prompt", |screen| !screen.contains("variables"));
    terminal.send("echo back $?\r");
    terminal.wait_for_text("back 0");
    terminal.send("exit\r");
    terminal.wait();
}

/// An interactive shell has its own line editing on.
fn assert_restored_for_a_shell(terminal: &Terminal) {
    assert!(!terminal.is_alternate() && terminal.has_cursor());
}

#[test]
fn the_screen_follows_the_size_of_the_terminal() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.send("'a' * 30\r");
    terminal.wait_for_text("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'");
    terminal.resize(24, 80);
    // The side table becomes a drawer.
    terminal.wait_for("the narrow layout", |screen| {
        !screen.contains("clients") && screen.contains("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'")
    });
    terminal.resize(12, 40);
    terminal.wait_for_text("ready");
    terminal.resize(40, 120);
    terminal.wait_for_text("clients");
    // There and back at once, which the program may see as one change to the same size.
    terminal.resize(12, 40);
    terminal.resize(40, 120);
    terminal.wait_for_text("clients");
}

#[test]
fn idle_means_no_work_at_all() {
    let home = Home::new();
    let terminal = open(&home);
    let session = session_process(&terminal);
    // What starts up has to come to rest first.
    let mut before = switches(session);
    wait_until("the session to come to rest", || {
        std::thread::sleep(Duration::from_secs(1));
        let now = switches(session);
        (std::mem::replace(&mut before, now.clone()) == now).then_some(())
    });
}

/// Voluntary context switches of each thread: every wake-up is one.
fn switches(pid: u32) -> BTreeMap<PathBuf, u64> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    tasks
        .map(|task| {
            let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            (task.path(), line.and_then(|count| count.trim().parse().ok()).unwrap_or(0))
        })
        .collect()
}

#[test]
fn without_a_terminal_it_says_what_to_use() {
    let home = Home::new();
    let output = home.fourhands().stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("fourhands serve") && error.contains("--stdio"), "{error}");
}

#[test]
fn a_second_dashboard_of_the_same_folder_is_refused() {
    let home = Home::new();
    let terminal = open(&home);
    let mut second = Terminal::start(&home, &[], 40, 120);
    assert_eq!(second.wait().exit_code(), 1);
    second.wait_for_text(&format!("pid {}", terminal.pid()));
}
