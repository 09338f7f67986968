//! The dashboard that comes to a session which runs without one.

use std::io::Write;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::gate::{decide, result, sends};
use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{self, Home, Server, children, signal, wait_until};
use crate::typing::editor;

const ATTACH: [&str; 2] = ["--session", "analysis"];

fn serve(home: &Home, arguments: &[&str]) -> Server {
    let mut command = home.fourhands();
    command.args(["serve", "--session", "analysis", "--python"]).arg(support::python()).args(arguments);
    Server::start(command)
}

fn client(home: &Home, name: &str) -> Client {
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "analysis"]);
    Client::start(bridge, name, Era::Legacy)
}

fn attach(home: &Home) -> Terminal {
    let terminal = Terminal::start(home, &ATTACH, 40, 120);
    terminal.wait_for("an editor", |screen| screen.contains("▎") && screen.contains("F1 help"));
    terminal
}

/// Waits until `fourhands sessions` says whether the session has a dashboard.
fn dashboard_is(home: &Home, open: bool) {
    wait_until("the state of the dashboard", || {
        let output = home.fourhands().args(["sessions", "--json"]).output().unwrap();
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        (rows[0]["dashboard"] == open).then_some(())
    });
}

/// The terminal is as the shell left it, and shows what the program said last.
fn is_restored(terminal: &Terminal, last_words: &[&str]) {
    assert!(!terminal.is_alternate() && !terminal.is_raw() && !terminal.has_mouse() && terminal.has_cursor());
    let shown = terminal.text().replace('\n', " ");
    for words in last_words {
        assert!(shown.contains(words), "{words:?} is missing in:\n{shown}");
    }
}

#[test]
fn a_question_that_waits_is_answered_at_a_dashboard_that_comes_and_goes() {
    let home = Home::new();
    let server = serve(&home, &["--gate", "ask"]);
    let mut claude = client(&home, "claude");
    let call = sends(&mut claude, "x = 6 * 7\nx");
    server.wait_for_line("waits");
    dashboard_is(&home, false);
    let mut terminal = attach(&home);
    terminal.wait_for_all(&["1 claude asks to run this", "x = 6 * 7", "1 waits for you"]);
    dashboard_is(&home, true);
    server.wait_for_line("a dashboard was opened");
    decide(&mut terminal, "y", "y run");
    let ran = result(&mut claude, call);
    assert_eq!((&ran["result"], &ran["review"]["decision"]), (&json!("42"), &json!("allowed")), "{ran}");
    terminal.send("import os; x + 1\r");
    terminal.wait_for_row("43");
    // Its size is that of this terminal.
    terminal.resize(20, 70);
    terminal.wait_for("a narrow screen", |screen| screen.lines().last().is_some_and(|row| row.contains("ready")));
    terminal.resize(40, 120);
    // What still waits is named, and goes on waiting.
    let call = sends(&mut claude, "'second'");
    terminal.wait_for_text("3 claude asks to run this");
    terminal.send("\u{4}");
    assert!(terminal.wait().success());
    is_restored(&terminal, &["goes on without a dashboard", "`fourhands stop analysis`", "3 of claude waits for your"]);
    dashboard_is(&home, false);

    // The next one shows all that has been, and may be taken to another terminal, with what is typed there.
    let mut terminal = attach(&home);
    terminal.wait_for_all(&["x = 6 * 7", "43", "3 claude asks to run this"]);
    terminal.send("draft = 'kept'");
    terminal.wait_for_text("draft = 'kept'");
    let mut other = attach(&home);
    other.wait_for_all(&["draft = 'kept'", "3 claude asks to run this"]);
    assert!(terminal.wait().success());
    is_restored(&terminal, &["was opened in another terminal"]);
    decide(&mut other, "y", "y run");
    assert_eq!(result(&mut claude, call)["result"], "'second'");

    // A restart and a death of Python leave the dashboard where it is, and the draft.
    for (keys, told) in [("\u{1b}[19~", "you restarted Python"), ("", "a new Python has taken over")] {
        let python = children(server.child.id())[0];
        if keys.is_empty() {
            signal(python, Signal::SIGKILL);
        } else {
            other.send(keys);
            other.wait_for_text("F8 again");
            other.send(keys);
        }
        other.wait_for_all(&[told, "draft = 'kept'"]);
        dashboard_is(&home, true);
        assert!(other.is_alternate());
        let call = sends(&mut claude, "20 + 3");
        other.wait_for_text("claude asks to run this");
        decide(&mut other, "y", "y run");
        assert_eq!(result(&mut claude, call)["result"], "23");
    }
    // The end of the session ends the dashboard.
    assert!(home.fourhands().args(["stop", "analysis"]).output().unwrap().status.success());
    assert!(other.wait().success());
    is_restored(&other, &["session \"analysis\" has ended", "fourhands --resume analysis"]);
}

#[test]
fn the_session_and_the_terminal_outlive_each_other() {
    let home = Home::new();
    let server = serve(&home, &[]);
    let mut claude = client(&home, "claude");
    claude.run("kept = 41");
    // Its owner is killed: the session puts the terminal right.
    let mut terminal = attach(&home);
    terminal.send("kept + 1\r");
    terminal.wait_for_row("42");
    signal(terminal.pid(), Signal::SIGKILL);
    wait_until("a terminal that is restored", || (!terminal.is_alternate() && !terminal.is_raw()).then_some(()));
    dashboard_is(&home, false);
    // The terminal goes away with its window.
    let hang_up = "import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('4H', 30, 100, 0, 0))
seen = b''
while b'F1' not in seen: seen += os.read(terminal, 65536)
os.close(terminal)
os.waitpid(pid, 0)";
    let mut command = Command::new(support::python());
    command.args(["-c", hang_up, support::BINARY]).args(ATTACH).env_clear().current_dir(home.work());
    assert!(command.envs(home.environment()).status().unwrap().success());
    dashboard_is(&home, false);
    // The job of the shell stops and continues, and the session does neither.
    let mut shell = portable_pty::CommandBuilder::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    let mut terminal = Terminal::run(&home, shell, 40, 120);
    let edit = editor(&home, r#"echo 'edited = 1' > "$1"; exit $line"#);
    terminal.send(&format!("PS1='shell> '; export EDITOR={edit}\r"));
    terminal.wait_for_text("shell> ");
    terminal.send(&format!("{} {}\r", support::BINARY, ATTACH.join(" ")));
    terminal.wait_for_text("F1 help");
    terminal.send("\u{1a}");
    terminal.wait_for("the shell's prompt", |screen| screen.contains("Stopped") && !screen.contains("F1 help"));
    assert!(!terminal.is_alternate());
    assert_eq!(claude.run("kept")["result"], "41");
    terminal.send("fg\r");
    terminal.wait_for_text("F1 help");
    // The person's editor has the terminal in between.
    terminal.send("draft\u{1b}e");
    terminal.wait_for("the terminal", |screen| !screen.contains("F1 help"));
    wait_until("its modes", || (!terminal.is_alternate() && !terminal.is_raw()).then_some(()));
    terminal.send("\r");
    terminal.wait_for_text("editing: draft");
    terminal.send("0\r");
    terminal.wait_for_text("▎ edited = 1");
    terminal.send("\r");
    terminal.wait_for("an empty input", |screen| !screen.contains("▎ edited = 1"));
    assert_eq!(claude.run("edited + kept")["result"], "42");
    terminal.wait_until_idle();
    terminal.send("\u{4}");
    terminal.wait_for_text("goes on without a dashboard");
    terminal.send("echo left $?\r");
    terminal.wait_for_text("left 0");
    assert_eq!(claude.run("kept")["result"], "41");
    terminal.send("exit\r");
    terminal.wait();
    // Options of a start do not reach a session that runs.
    let mut refused = Terminal::start(&home, &["--session", "analysis", "--python", "python3"], 24, 80);
    assert_eq!(refused.wait().exit_code(), 2);
    assert!(refused.text().replace('\n', " ").contains("--python has no effect on it"), "{}", refused.text());
    drop(server);
}

#[test]
fn plain_lines_come_to_a_session_too() {
    let home = Home::new();
    let _server = serve(&home, &["--gate", "ask"]);
    let mut claude = client(&home, "claude");
    let call = sends(&mut claude, "6 * 7");
    let told = claude.call("wait_for_snippet", json!({"snippet": 1, "wait_s": 0}));
    assert!(Client::text(&told).contains("`fourhands --session analysis` opens one"), "{told}");
    let mut terminal = Terminal::start(&home, &["--plain", "--session", "analysis"], 24, 100);
    terminal.wait_for_text("1 of claude waits for your decision");
    terminal.send(":run\r");
    assert_eq!(result(&mut claude, call)["result"], "42");
    terminal.send("mine = 20 + 3; mine\r");
    terminal.wait_for_row("23");
    // Ctrl-C interrupts what runs, as in a session of its own.
    terminal.send("import time; time.sleep(1000)\r");
    terminal.wait_for_text("time.sleep(1000)");
    let status = || String::from_utf8(home.fourhands().args(["sessions", "--json"]).output().unwrap().stdout).unwrap();
    wait_until("the run", || status().contains("\"running\": 3").then_some(()));
    terminal.send("\u{3}");
    terminal.wait_for_text("interrupted");
    terminal.send("\u{4}");
    assert!(terminal.wait().success());
    assert!(terminal.text().contains("goes on without a dashboard") && terminal.echoes(), "{}", terminal.text());
    // Lines may come from a pipe, to the session of the folder.
    let mut command = home.fourhands();
    command.args(["--plain", "--session", "analysis"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut piped = command.spawn().unwrap();
    piped.stdin.take().unwrap().write_all(b"mine + 1\n").unwrap();
    let output = piped.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("24"), "{output:?}");
}
