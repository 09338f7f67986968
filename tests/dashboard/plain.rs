//! `fourhands --plain`: what a person reads, types and hears of clients, line by line.

use crate::support;
use std::io::Write;
use std::process::Stdio;

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{BINARY, Home};
use portable_pty::CommandBuilder;

fn open(home: &Home) -> Terminal {
    let python = support::python();
    let terminal = Terminal::start(home, &["--plain", "--python", python.to_str().unwrap()], 60, 100);
    terminal.wait_for_text(">>>");
    terminal
}

/// Types a line and waits for what comes of it.
fn type_and_wait(terminal: &mut Terminal, line: &str, wanted: &str) -> String {
    terminal.send(&format!("{line}\r"));
    terminal.wait_for_text(wanted)
}

fn ready(terminal: &Terminal) {
    terminal.wait_for("a prompt", |screen| screen.trim_end().ends_with(">>>"));
}

#[test]
fn a_session_as_lines() {
    let home = Home::new();
    let mut terminal = open(&home);
    type_and_wait(&mut terminal, "x = 20 + 1", "1 ok, ");
    ready(&terminal);
    type_and_wait(&mut terminal, "def f(n):", "\n... ");
    type_and_wait(&mut terminal, "    return n * 2", "* 2\n... ");
    type_and_wait(&mut terminal, "", "2 ok, ");
    ready(&terminal);
    type_and_wait(&mut terminal, "f(x)", "\n  42\n3 ok, ");
    type_and_wait(&mut terminal, "1 / 0", "4 failed, ");
    assert!(terminal.text().contains("\n  ZeroDivisionError: division by zero\n"), "{}", terminal.text());
    type_and_wait(&mut terminal, "name = input('your name? ')", "\n  your name? ");
    type_and_wait(&mut terminal, "ada", "5 ok, ");
    type_and_wait(&mut terminal, "import getpass; secret = getpass.getpass('word: ')", "  word: ");
    terminal.wait_for("no echo", |_| !terminal.echoes());
    type_and_wait(&mut terminal, "hush", "6 ok, ");
    assert!(!terminal.text().contains("hush"), "{}", terminal.text());
    assert!(terminal.echoes(), "what is typed can be seen again");
    type_and_wait(&mut terminal, "name, secret", "  ('ada', 'hush')\n7 ok, ");
    type_and_wait(&mut terminal, ":vars", "x: int, 21, set by 1");
    let question = "5 variables would be lost: Ctrl-D again quits; %checkpoint saves the variables first";
    type_and_wait(&mut terminal, "exit()", &format!("exit()\n{question}"));
    terminal.send("\u{4}");
    terminal.wait();
    let screen = terminal.text();
    assert!(!terminal.received().contains(&0x1b), "not a single sequence: {screen}");
    assert!(screen.contains("fourhands --resume"), "{screen}");
}

#[test]
fn ctrl_c_interrupts_and_ctrl_d_asks_once() {
    let home = Home::new();
    let mut terminal = open(&home);
    type_and_wait(&mut terminal, "print('beg' + 'un'); import time; time.sleep(1000)", "begun");
    terminal.send("\u{3}");
    terminal.wait_for_text("1 interrupted by you, ");
    ready(&terminal);
    // What was begun and not finished is forgotten.
    type_and_wait(&mut terminal, "f(", "... ");
    terminal.send("\u{3}");
    ready(&terminal);
    type_and_wait(&mut terminal, "1 + 1", "  2\n2 ok");
    let mut client = client(&home);
    let id = client.send("tools/call", run("print('client ' + 'begun')\nimport time; time.sleep(1000)"));
    terminal.wait_for_text("client begun");
    terminal.send("\u{4}");
    terminal.wait_for_text("Ctrl-D again");
    terminal.send("\u{4}");
    terminal.wait();
    assert_eq!(client.answer(id)["result"]["isError"], true);
}

fn client(home: &Home) -> Client {
    let mut bridge = home.fourhands();
    bridge.arg("bridge");
    Client::start(bridge, "claude-code", Era::Legacy)
}

fn run(code: &str) -> serde_json::Value {
    serde_json::json!({"name": "run_python_code", "arguments": {"code": code}})
}

#[test]
fn clients_are_told_of_and_answered() {
    let home = Home::new();
    let mut terminal = open(&home);
    let mut client = client(&home);
    client.call("run_python_code", serde_json::json!({"code": "y = 1\nprint('\\x1b[2Jspoof\\n2 ok, 1 ms')"}));
    terminal.wait_for_all(&[
        "claude-code connected",
        "claude-code 1:\n  y = 1\n  print(",
        // The output of others is indented.
        "\n  spoof\n  2 ok, 1 ms\n",
        "1 ok, ",
        "; new: y",
    ]);
    let arguments = serde_json::json!({"question": "Which table?", "choices": ["small", "large"]});
    let id = client.send("tools/call", serde_json::json!({"name": "ask_human", "arguments": arguments}));
    terminal.wait_for_text("or :decline");
    type_and_wait(&mut terminal, "2 + 2", "  4\n2 ok, ");
    terminal.send(":answer 2\r");
    let answer = client.answer(id);
    assert!(Client::text(&answer["result"]).contains("large"), "{answer}");
    let id = client.send("tools/call", run("print('got', input('which? '))"));
    terminal.wait_for_text("claude-code (3) wants input: which?");
    terminal.send(":answer\r");
    terminal.wait_for_text("answer: ");
    terminal.send("this one\r");
    terminal.wait_for_text("got this one");
    client.answer(id);
    assert!(!terminal.received().contains(&0x1b));
}

#[test]
fn lines_come_from_a_pipe_as_well() {
    let home = Home::new();
    let python = support::python();
    let mut command = home.fourhands();
    command.args(["--plain", "--python", python.to_str().unwrap()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let code = "name = input('who? ')\nada\nprint('it is', name)\n:nope\nfor n in range(2):\n    print('n', n)\n\n\
                for n in range(3000): globals()[f'v{n}'] = n\n\na_new_one = 1\n:vars\n1 +";
    child.stdin.take().unwrap().write_all(code.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("\n  it is ada\n2 ok, "), "{text}");
    assert!(text.contains("unknown command :nope"), "{text}");
    assert!(text.contains("\n  n 0\n  n 1\n3 ok, "), "{text}");
    assert!(text.contains("\na_new_one: int, 1, set by 5\n"), "as they are now, although the list takes long: {text}");
    assert!(!text.contains(">>>") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_terminal_that_cannot_place_its_cursor_gets_it_by_itself() {
    let home = Home::new();
    let python = support::python();
    let mut command = CommandBuilder::new("env");
    command.args(["TERM=dumb", BINARY, "--python", python.to_str().unwrap()]);
    let mut terminal = Terminal::run(&home, command, 40, 100);
    let screen = terminal.wait_for_text(">>>");
    assert!(screen.contains("TERM=dumb"), "{screen}");
    type_and_wait(&mut terminal, "6 * 7", "  42\n1 ok");
    terminal.send(":quit\r");
    terminal.wait();
    assert!(!terminal.received().contains(&0x1b));
}

#[test]
fn what_is_always_allowed_is_taken_back_by_a_line() {
    let home = Home::new();
    let mut terminal = open(&home);
    let mut client = client(&home);
    type_and_wait(&mut terminal, ":gate ask", "gate: ask");
    let call = client.send("tools/call", run("6 * 7"));
    terminal.wait_for_text("reply with :run 1");
    type_and_wait(&mut terminal, ":always 99", "there is no snippet 99");
    type_and_wait(&mut terminal, ":always-code 1", "1 ok, ");
    client.answer(call);
    let call = client.send("tools/call", run("6 * 7"));
    assert!(client.answer(call).to_string().contains("42"), "it is not asked about any more");
    type_and_wait(&mut terminal, ":always 2", "snippet 2 did not wait for you");
    type_and_wait(&mut terminal, ":ask-again", "you are asked again; no longer: this may always run: 6 * 7");
    client.send("tools/call", run("6 * 7"));
    terminal.wait_for_text("reply with :run 3");
    type_and_wait(&mut terminal, ":ask-again", "nothing is always allowed");
}
