//! The box with the clients at the real program: muting and disconnecting one, and what it sent and got.

use serde_json::json;

use super::gate::{client, open, result, sends};
use crate::support::Home;
use crate::support::client::Client;
use crate::support::terminal::Terminal;

const SHIFT_F4: &str = "\u{1b}[1;2S";
const ESC: &str = "\u{1b}";

/// Presses a key in the box once the box shows the keys, and waits for what comes of it.
fn decide(terminal: &mut Terminal, key: &str, is_done: impl Fn(&str) -> bool) {
    terminal.wait_for_text("h hold");
    terminal.send(key);
    terminal.wait_for("a decision", is_done);
}

#[test]
fn a_client_that_is_disconnected_is_told_and_stays_out_until_it_is_let_in() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let (mut claude, mut cursor) = (client(&home, "claude"), client(&home, "cursor"));
    cursor.run("kept = 1");
    let endless = sends(&mut claude, "print('beg' + 'un')\nimport time\nwhile True: time.sleep(0.01)");
    terminal.wait_for_text("begun");
    let queued = sends(&mut claude, "kept = 2");
    terminal.wait_for_text("1 queued");
    let question = claude.send("tools/call", json!({"name": "ask_human", "arguments": {"question": "May I?"}}));
    terminal.wait_for_text("May I?");
    terminal.send(SHIFT_F4);
    terminal.wait_for_all(&[" clients ", "cursor", "d disconnect"]);
    // The first row is the first client that came.
    let row = terminal.wait_for_text("›");
    if row.lines().any(|line| line.contains("› cursor")) {
        terminal.send("j");
    }
    terminal.wait_for("claude selected", |screen| screen.lines().any(|line| line.contains("› claude")));
    decide(&mut terminal, "d", |screen| screen.contains("disconnected by you"));
    for call in [endless, queued] {
        let answer = claude.answer(call)["result"].clone();
        assert_eq!(answer["structuredContent"]["stopped_by"], "the person, who disconnected its client", "{answer}");
        assert!(answer["content"].to_string().contains("The person has disconnected you"), "{answer}");
    }
    assert!(claude.answer(question).to_string().contains("disconnected you"));
    // Whatever it tries now is refused, also by another bridge of that name, and nothing runs.
    let refused = claude.call("run_python_code", json!({"code": "kept = 3"}));
    assert!(Client::text(&refused).contains("each call is refused until they let you in"), "{refused}");
    assert_eq!(refused["isError"], true);
    assert!(claude.close().success());
    terminal.wait_for_text("not here");
    let mut again = client(&home, "claude");
    let refused = again.call("run_python_code", json!({"code": "kept = 3"}));
    assert!(Client::text(&refused).contains("Nothing was done"), "{refused}");
    let read = again.request("resources/read", json!({"uri": "fourhands://session"}));
    assert!(read["error"]["message"].to_string().contains("disconnected you"), "{read}");
    assert_eq!(cursor.run("kept")["result"], "1", "the other goes on");
    decide(&mut terminal, "i", |screen| !screen.contains("disconnected by you"));
    assert_eq!(again.run("kept")["result"], "1");
}

#[test]
fn a_muted_client_runs_and_takes_one_line() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let mut claude = client(&home, "claude");
    claude.run("print('a ' + 'flood')");
    terminal.wait_for_row("a flood");
    terminal.send(SHIFT_F4);
    terminal.wait_for_text("› claude");
    decide(&mut terminal, "m", |screen| screen.contains("muted"));
    terminal.send(ESC);
    terminal.wait_for_text("Ctrl-D quit");
    terminal.wait_for("a folded card", |screen| !screen.contains("a flood") && screen.contains("1  claude"));
    assert_eq!(claude.run("6 * 7")["result"], "42");
    terminal.wait_for("another folded card", |screen| screen.contains("2  claude") && !screen.contains("6 * 7"));
    terminal.send(SHIFT_F4);
    terminal.wait_for_text("› claude");
    decide(&mut terminal, "m", |screen| !screen.contains("muted"));
    terminal.send(ESC);
    terminal.wait_for_text("a flood");
}

#[test]
fn the_calls_of_a_client_are_listed_with_their_answers() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let mut claude = client(&home, "claude");
    claude.run("x = 1");
    claude.call("run_python_code", json!({"code": "1 / 0"}));
    claude.call("run_python_code", json!({"code": "print('x' * 200_000)"}));
    claude.call("list_defined_variables", json!({}));
    claude.call("read_output", json!({"snippet": 99}));
    let waiting = sends(&mut claude, "import time\nwhile True: time.sleep(0.01)");
    terminal.wait_for_text("4 running");
    terminal.send(SHIFT_F4);
    terminal.wait_for_text("› claude");
    terminal.send("\r");
    let screen =
        terminal.wait_for_all(&["6 calls · 1 waiting · 2 failed", "1 cut", "list_defined_variables", "read_output"]);
    for parts in [
        ["run_python_code", " 3 ", " cut "],
        ["run_python_code", " 2 ", "ZeroDivisionError: division by zero"],
        ["read_output", " B ", "Error: there is no snippet 99"],
    ] {
        let has_all = |line: &str| parts.iter().all(|part| line.contains(part));
        assert!(screen.lines().any(has_all), "{parts:?}: {screen}");
    }
    decide(&mut terminal, "h", |screen| screen.contains("claude · hold"));
    terminal.send("\u{1b}[23~");
    terminal.wait_for_text("you have taken over");
    terminal.send("\u{1b}[23~");
    assert_eq!(result(&mut claude, waiting)["status"], "interrupted");
    terminal.resize(12, 40);
    terminal.wait_for_all(&["6 calls", "claude · hold"]);
}
