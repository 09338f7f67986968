//! The gate at the real program: a client's code waits, and the person decides at the dashboard.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{self, Home};

const F10: &str = "\u{1b}[21~";

pub fn open(home: &Home, arguments: &[&str]) -> Terminal {
    let python = support::python();
    let arguments = [&["--python", python.to_str().unwrap()], arguments].concat();
    let terminal = Terminal::start(home, &arguments, 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("▎") && screen.contains("F1 help"));
    terminal
}

pub fn client(home: &Home, name: &str) -> Client {
    let mut bridge = home.fourhands();
    bridge.arg("bridge");
    Client::start(bridge, name, Era::Legacy)
}

pub fn sends(client: &mut Client, code: &str) -> u64 {
    client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code, "wait_s": 300}}))
}

pub fn result(client: &mut Client, call: u64) -> Value {
    client.answer(call)["result"]["structuredContent"].clone()
}

/// Turns to the dock, and presses a key there once keys decide, which `live` says.
pub fn decide(terminal: &mut Terminal, key: &str, live: &str) {
    terminal.send(F10);
    terminal.wait_for_text(live);
    terminal.send(key);
}

/// Waits until what is written at the dock can be sent, and sends it.
pub fn send_written(terminal: &mut Terminal) {
    terminal.wait_for("keys that decide", |screen| screen.contains("y run") || screen.contains("y allow"));
    terminal.send("\r");
}

#[test]
fn the_person_runs_edits_and_rejects_what_a_client_sends() {
    let home = Home::new();
    let mut terminal = open(&home, &["--gate", "ask"]);
    terminal.wait_for_text("gate: ask");
    terminal.send("draft = 'kept'");
    let mut client = client(&home, "claude");
    let call = sends(&mut client, "x = 6 * 7\nx");
    terminal.wait_for_all(&["1 claude asks to run this", "x = 6 * 7", "F10 to decide", "1 waits for you"]);
    decide(&mut terminal, "y", "y run");
    terminal.wait_for("the decision", |screen| !screen.contains("asks to run"));
    let ran = result(&mut client, call);
    assert_eq!((&ran["result"], &ran["review"]["decision"]), (&json!("42"), &json!("allowed")), "{ran}");

    let call = sends(&mut client, "x = 1");
    terminal.wait_for_text("2 claude asks to run this");
    decide(&mut terminal, "e", "y run");
    terminal.wait_for("the decision", |screen| screen.contains("your edit of 2"));
    terminal.send("00");
    terminal.wait_for_text("▎ x = 100");
    send_written(&mut terminal);
    terminal.wait_for("the decision", |screen| !screen.contains("asks to run"));
    let ran = result(&mut client, call);
    assert_eq!(ran["review"]["decision"], "edited", "{ran}");
    assert!(ran["review"]["diff"].as_str().unwrap().contains("-x = 1\n+x = 100"), "{ran}");

    let call = sends(&mut client, "del x");
    terminal.wait_for_all(&["3 claude asks to run this", "deletes x"]);
    decide(&mut terminal, "n", "y run");
    terminal.wait_for("the decision", |screen| screen.contains("why 3 is rejected"));
    terminal.send("I need x");
    terminal.wait_for_text("I need x");
    send_written(&mut terminal);
    terminal.wait_for("the decision", |screen| screen.contains("rejected by you: I need x"));
    let rejected = result(&mut client, call);
    assert_eq!((&rejected["status"], &rejected["review"]["reason"]), (&json!("rejected"), &json!("I need x")));

    // Always: this client's code runs at once from now on.
    let call = sends(&mut client, "x");
    terminal.wait_for_text("4 claude asks to run this");
    decide(&mut terminal, "a", "y run");
    terminal.wait_for("the decision", |screen| screen.contains("gate: ask, claude: watch"));
    assert_eq!(result(&mut client, call)["result"], "100");
    let ran = client.run("x + 1");
    assert_eq!(ran["result"], "101", "{ran}");
    terminal.wait_for_text("▎ draft = 'kept'");
}

#[test]
fn two_clients_wait_and_other_work_goes_on() {
    let home = Home::new();
    let mut terminal = open(&home, &["--gate", "ask"]);
    let (mut claude, mut cursor) = (client(&home, "claude"), client(&home, "cursor"));
    let first = sends(&mut claude, "'from claude'");
    terminal.wait_for_text("1 claude asks to run this");
    let second = sends(&mut cursor, "'from cursor'");
    terminal.wait_for_text("2 wait for you");
    terminal.send("21 * 2\r");
    terminal.wait_for_row("42");
    terminal.resize(24, 80);
    terminal.wait_for_all(&["claude asks to run this", "1 of 2"]);
    terminal.resize(12, 40);
    terminal.wait_for_text("'from claude'");
    terminal.resize(40, 120);
    // While something runs, Ctrl-C stops that and no more.
    terminal.send("import time; time.sleep(1000)\r");
    terminal.wait_for_text("4 running");
    terminal.send("\u{3}");
    terminal.wait_for_text("interrupted by you");
    terminal.wait_for_text("2 wait for you");
    decide(&mut terminal, "y", "y run");
    terminal.wait_for("the decision", |screen| screen.contains("1 waits for you"));
    assert_eq!(result(&mut claude, first)["result"], "'from claude'");
    // A client that goes takes its code with it.
    drop(cursor.child.kill());
    terminal.wait_for("no code that waits", |screen| !screen.contains("asks to run"));
    terminal.wait_for_text("cancelled by \"cursor\" (disconnected)");
    let _ = second;
}

#[test]
fn what_waits_never_runs_by_itself_across_restarts_crashes_and_resumes() {
    let home = Home::new();
    let file = home.work().join("ran");
    let code = format!("open({:?}, 'w').close()", file.to_str().unwrap());
    let mut terminal = open(&home, &["--gate", "ask"]);
    let mut claude = client(&home, "claude");
    let call = sends(&mut claude, &code);
    terminal.wait_for_all(&["asks to run this", "files: open"]);
    // The restart of Python.
    terminal.send("\u{1b}[19~");
    terminal.wait_for_text("F8 again");
    terminal.send("\u{1b}[19~");
    terminal.wait_for_text("you restarted Python");
    let told = claude.answer(call)["result"].to_string();
    assert!(told.contains("Nothing was run") || told.contains("cancelled"), "{told}");
    terminal.wait_for_text("gate: ask");
    // A crash.
    let call = sends(&mut claude, &code);
    terminal.wait_for_text("2 claude asks to run this");
    terminal.send("import os; os.kill(os.getpid(), 9)\r");
    terminal.wait_for_text("a new Python has taken over");
    let told = claude.answer(call)["result"].to_string();
    assert!(told.contains("Nothing was run") || told.contains("cancelled"), "{told}");
    terminal.wait_for_text("gate: ask");
    // The end, with code that waits, and another session that goes on with this one.
    let call = sends(&mut claude, &code);
    terminal.wait_for_text("asks to run this");
    support::signal(terminal.pid(), Signal::SIGTERM);
    terminal.wait();
    let told = claude.answer(call).to_string();
    assert!(told.contains("cancelled") || told.contains("ended"), "{told}");
    let mut terminal = open(&home, &["--resume"]);
    terminal.wait_for_text("gate: ask");
    let call = sends(&mut claude, "'again'");
    terminal.wait_for_text("asks to run this");
    decide(&mut terminal, "y", "y run");
    terminal.wait_for("the decision", |screen| !screen.contains("asks to run"));
    assert_eq!(result(&mut claude, call)["result"], "'again'");
    assert!(!file.exists(), "nothing ran that was not allowed");
}
