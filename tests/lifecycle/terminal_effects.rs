//! Effects of the dashboard on a terminal outside of its screen, and what stays there at the end: title, progress,
//! notices, the mouse, the last lines.

use crate::support;
use std::io::Read;
use std::os::fd::AsFd;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{BINARY, DEADLINE, Home, children, signal, wait_until};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;
use portable_pty::CommandBuilder;

/// A dashboard in a terminal that tells these of itself.
fn open(home: &Home, variables: &[&str]) -> Terminal {
    let python = support::python();
    let mut command = CommandBuilder::new("env");
    command.args(variables);
    command.args([BINARY, "--session", "sales", "--python", python.to_str().unwrap()]);
    let terminal = Terminal::run(home, command, 24, 100);
    terminal.wait_for("an empty editor", |screen| screen.contains("▎") && screen.contains("ready"));
    terminal
}

fn wait_for_bytes(terminal: &Terminal, bytes: &str) {
    wait_until(&format!("{bytes:?}"), || terminal.has_received(bytes).then_some(()));
}

fn count(terminal: &Terminal, bytes: &str) -> usize {
    String::from_utf8_lossy(&terminal.received()).matches(bytes).count()
}

#[test]
fn the_end_is_told_in_the_scrollback_with_the_way_back() {
    for end in [None, Some(Signal::SIGTERM)] {
        let home = Home::new();
        let mut terminal = open(&home, &["TERM=xterm-256color"]);
        terminal.send("x = 20 + 1\r");
        terminal.wait_for_text("✓");
        terminal.send("1 / 0\r");
        terminal.wait_for_text("ZeroDivisionError");
        terminal.wait_for_text("ready");
        match end {
            None => terminal.leave(),
            Some(end) => signal(terminal.pid(), end),
        }
        terminal.wait();
        let screen = terminal.wait_for_text("stored in");
        assert!(screen.contains("session sales, <1 min: 2 snippets (2 yours), 1 failed"), "{screen}");
        assert_eq!(screen.matches("session sales").count(), 1, "{screen}");
        // What it tells to do can be done.
        assert!(screen.contains("fourhands export sales -o sales.md"), "{screen}");
        let mut export = home.fourhands();
        assert!(export.args(["export", "sales", "-o", "sales.md"]).status().unwrap().success());
        let document = std::fs::read_to_string(home.work().join("sales.md")).unwrap();
        assert!(document.contains("x = 20 + 1"), "{document}");
        let line = screen.lines().find(|line| line.contains("stored in")).unwrap();
        let path = line.split("stored in").nth(1).unwrap().trim();
        let path = path.strip_prefix("~/").map_or_else(|| path.into(), |rest| home.path().join(rest));
        assert!(path.is_file(), "{} is not there", path.display());
    }
}

#[test]
fn a_session_in_which_nothing_ran_leaves_no_words() {
    let home = Home::new();
    let mut terminal = open(&home, &["TERM=xterm-256color"]);
    terminal.leave();
    terminal.wait();
    assert_eq!(terminal.text().trim(), "");
}

#[test]
fn title_and_progress_tell_what_runs_and_are_taken_away() {
    let home = Home::new();
    let mut terminal = open(&home, &["TERM=xterm-256color", "TERM_PROGRAM=ghostty"]);
    wait_for_bytes(&terminal, "\u{1b}[22;0t");
    wait_for_bytes(&terminal, "\u{1b}]0;sales · fourhands\u{7}");
    terminal.send("import time; time.sleep(1000)\r");
    wait_for_bytes(&terminal, "\u{1b}]0;▶ 1 you · sales · fourhands\u{7}");
    wait_for_bytes(&terminal, "\u{1b}]9;4;3\u{7}");
    // However it ends: here the session process dies, and the guardian starts another.
    let session = wait_until("the session process", || children(terminal.pid()).first().copied());
    signal(session, Signal::SIGKILL);
    wait_for_bytes(&terminal, "\u{1b}]9;4;0\u{7}\u{1b}]0;\u{7}\u{1b}[23;0t");
    terminal.wait_for_text("ready");
    terminal.leave();
    terminal.wait();
    let (laid_aside, brought_back) = (count(&terminal, "\u{1b}[22;0t"), count(&terminal, "\u{1b}[23;0t"));
    assert_eq!((laid_aside, brought_back), (2, 2), "each title comes back once");
}

#[test]
fn a_person_who_looks_elsewhere_is_told_who_waits() {
    let home = Home::new();
    let mut terminal = open(&home, &["TERM=xterm-kitty"]);
    wait_for_bytes(&terminal, "\u{1b}[?1004h");
    terminal.send("input('first? ')\r");
    terminal.wait_for_text("Enter answer");
    terminal.send("a\r");
    terminal.wait_for_text("'a'");
    terminal.send("import time; time.sleep(1); input('second? ')\r\u{1b}[O");
    wait_for_bytes(&terminal, "\u{1b}]9;fourhands: 2 wants input: second?");
    terminal.wait_for_text("Enter answer");
    assert_eq!(count(&terminal, "]9;fourhands"), 1, "nobody is told of what they look at");
    assert_eq!(count(&terminal, "]9;4"), 0, "this terminal would show it as a notice");
    terminal.send("b\r");
    terminal.wait_for_text("'b'");
    terminal.leave();
    terminal.wait();
    wait_for_bytes(&terminal, "\u{1b}[?1004l");
}

#[test]
fn the_mouse_is_taken_and_released() {
    let home = Home::new();
    let mut terminal = open(&home, &["TERM=xterm-256color"]);
    assert!(terminal.has_mouse());
    terminal.send("\u{1b}[24~");
    terminal.wait_for_text("takes it back");
    assert!(!terminal.has_mouse());
    terminal.send("\u{1b}[24~");
    terminal.wait_for_text("releases it");
    assert!(terminal.has_mouse());
    terminal.send("12345\r");
    terminal.wait_for_row("12345");
    terminal.send("67");
    terminal.wait_for_text("▎ 67");
    // A click between the two figures.
    let row = terminal.text().lines().position(|line| line.contains("▎ 67")).unwrap() + 1;
    terminal.send(&format!("\u{1b}[<0;6;{row}M\u{1b}[<0;6;{row}mx"));
    terminal.wait_for_text("6x7");
    terminal.send("\u{3}");
    terminal.wait_for("an empty input", |screen| !screen.contains("▎ 6x7"));
    terminal.leave();
    terminal.wait();
    assert!(!terminal.has_mouse());
    assert_eq!([count(&terminal, "\u{1b}[?7l"), count(&terminal, "\u{1b}[?7h")], [1, 1], "lines wrap again");
}

#[test]
fn fourhands_stop_leaves_the_terminal_as_it_was() {
    for _ in 0..3 {
        let home = Home::new();
        let mut terminal = open(&home, &["TERM=xterm-256color"]);
        assert!(home.fourhands().args(["stop", "sales"]).status().unwrap().success());
        terminal.wait();
        assert!(!terminal.is_raw() && !terminal.is_alternate() && terminal.has_cursor(), "{}", terminal.text());
    }
}

/// As of a debugger, a container that is thawed, or somebody's `kill -CONT`.
#[test]
fn a_sigcont_out_of_the_blue_does_not_make_raw_modes_the_persons_own() {
    let home = Home::new();
    let mut terminal = open(&home, &["TERM=xterm-256color"]);
    let session = wait_until("the session process", || children(terminal.pid()).first().copied());
    signal(terminal.pid(), Signal::SIGCONT);
    // The guardian has done whatever it does about SIGCONT when it has passed the interrupt on. On a loaded machine the
    // interrupt reaches the snippet.
    signal(terminal.pid(), Signal::SIGINT);
    terminal.send("6 * 7\r");
    let screen = terminal.wait_for("an end of the snippet", |screen| screen.contains("✓") || screen.contains("■"));
    if screen.contains("■") {
        terminal.send("6 * 7\r");
    }
    terminal.wait_for_row("42");
    signal(session, Signal::SIGKILL);
    terminal.wait_for_text("has taken over");
    signal(terminal.pid(), Signal::SIGTERM);
    terminal.wait();
    assert!(!terminal.is_raw() && !terminal.is_alternate(), "{}", terminal.text());
}

/// Nobody reads the terminal: a connection that has stalled, a window that is frozen.
#[test]
fn a_terminal_that_takes_nothing_holds_up_neither_the_session_nor_its_end() {
    for plain in [false, true] {
        let home = Home::new();
        let python = support::python();
        let mut arguments = vec!["--session", "sales", "--python", python.to_str().unwrap()];
        arguments.extend(plain.then_some("--plain"));
        let mut terminal = Terminal::start(&home, &arguments, 24, 100);
        terminal.wait_for_text(if plain { ">>>" } else { "ready" });
        let mut bridge = home.fourhands();
        bridge.arg("bridge");
        let mut client = Client::start(bridge, "loud", Era::Legacy);
        let reader = terminal.reader();
        let stalled = reader.lock().unwrap();
        client.run("import os, time; until = time.monotonic() + 1");
        client.run("while time.monotonic() < until: print(os.urandom(40).hex())");
        // Each size is another screen.
        for round in 0..100 {
            terminal.resize_unseen(24 + round % 2, 100);
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(client.run("6 * 7")["result"], "42", "clients are served on");
        let begun = Instant::now();
        signal(terminal.pid(), Signal::SIGTERM);
        let status = terminal.wait();
        assert!(begun.elapsed() < DEADLINE / 4, "{:?}", begun.elapsed());
        assert!(!terminal.is_raw());
        assert_eq!(status.exit_code(), 0, "it ended in good order");
        drop(stalled);
        wait_until("the person's own screen", || (!terminal.is_alternate()).then_some(()));
    }
}

/// On a terminal that is not its own, or that it has its own way of losing.
fn start_on(home: &Home, terminal: impl AsFd, own: bool, plain: bool) -> Child {
    let mut command = Command::new(if own { "setsid" } else { "env" });
    command.env_clear().envs(home.environment()).current_dir(home.work());
    command.args(own.then_some("-c")).args(["sh", "-c", "trap '' HUP; exec \"$0\" \"$@\"", BINARY]);
    command.args(["--session", "sales", "--python"]).arg(support::python()).args(plain.then_some("--plain"));
    let end = || terminal.as_fd().try_clone_to_owned().unwrap();
    command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap()
}

#[test]
fn a_terminal_that_goes_without_sighup_is_the_end() {
    for (own, plain) in [(true, false), (false, false), (true, true), (false, true)] {
        let home = Home::new();
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(Some(&size), None).unwrap();
        // Programs of other tests, started meanwhile, must not keep it open.
        for end in [&pair.master, &pair.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        let mut child = start_on(&home, &pair.slave, own, plain);
        drop(pair.slave);
        let mut master = std::fs::File::from(pair.master);
        let (mut said, mut chunk, begun) = (String::new(), [0; 4096], Instant::now());
        while !said.contains(if plain { ">>>" } else { "ready" }) {
            assert!(begun.elapsed() < DEADLINE, "{said}");
            if poll(&mut [PollFd::new(master.as_fd(), PollFlags::POLLIN)], 100u8).unwrap() > 0 {
                let count = master.read(&mut chunk).unwrap();
                said.push_str(&String::from_utf8_lossy(&chunk[..count]));
            }
        }
        drop(master);
        let status = wait_until("the end", || child.try_wait().unwrap());
        assert!(status.success(), "own {own}, plain {plain}: {status}");
    }
}

#[test]
fn leaving_saves_the_variables_for_the_session_that_goes_on() {
    let home = Home::new();
    let mut terminal = open(&home, &["TERM=xterm-256color"]);
    terminal.send("kept = 20 + 21\r");
    terminal.wait_for_text("✓");
    terminal.wait_until_idle();
    terminal.send("exit()\r");
    terminal.wait_for_text("1 variable would be lost: Ctrl-D again quits; s saves the variables first; Esc stays");
    terminal.send("\u{1b}");
    terminal.wait_for("no question", |screen| !screen.contains("would be lost"));
    terminal.send("\u{4}");
    terminal.wait_for_text("would be lost");
    terminal.send("s");
    terminal.wait();
    terminal.wait_for_text("fourhands --resume sales");

    let mut resumed = Terminal::start(&home, &["--resume", "sales"], 40, 120);
    resumed.wait_for_text("%restore restores the variables of the checkpoint \"last\"");
    resumed.send("%restore\r");
    resumed.wait_for_text("restored 1 variable");
    resumed.send("kept + 1\r");
    resumed.wait_for_row("42");
    resumed.quit();
}
