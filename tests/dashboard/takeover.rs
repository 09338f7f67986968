//! Taking over at the real program: one key lets no code of clients begin and stops what runs, another gives back.

use serde_json::json;

use super::gate::{client, open, result, sends};
use crate::support::client::Client;
use crate::support::terminal::Terminal;
use crate::support::{self, Home};

pub const F11: &str = "\u{1b}[23~";
pub const SHIFT_F11: &str = "\u{1b}[23;2~";
const ENDLESS: &str = "print('beg' + 'un')\nimport time\nwhile True: time.sleep(0.01)";

/// Sends code whose call waits only for a moment.
fn looks_in(client: &mut Client, code: &str) -> String {
    let answer = client.call("run_python_code", json!({"code": code, "wait_s": 1}));
    Client::text(&answer)
}

#[test]
fn taking_over_stops_clients_and_giving_back_lets_them_go_on_in_order() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let (mut claude, mut cursor) = (client(&home, "claude"), client(&home, "cursor"));
    let endless = sends(&mut claude, ENDLESS);
    terminal.wait_for_all(&["begun", "F11 take over"]);
    terminal.send("order = []");
    terminal.wait_for_text("▎ order = []");
    let first = sends(&mut claude, "order.append(1)");
    terminal.wait_for_text("1 queued");
    let second = sends(&mut cursor, "order.append(2)");
    terminal.wait_for_text("2 queued");
    // A second press stops what runs, and nothing that waits begins.
    terminal.send(F11);
    terminal.wait_for_all(&["you have taken over", "F11 stop it"]);
    terminal.send(F11);
    let stopped = claude.answer(endless)["result"].clone();
    assert_eq!(stopped["structuredContent"]["status"], "interrupted", "{stopped}");
    assert_eq!(stopped["structuredContent"]["stopped_by"], "the person, who took over", "{stopped}");
    let text = Client::text(&stopped);
    assert!(text.contains("The person took over and stopped this code.") && text.contains("your code waits"), "{text}");
    terminal.wait_for_all(&["interrupted by you, taking over", "you have taken over", "Shift-F11 give back"]);
    // Another press, or ten, give nothing back.
    terminal.send(F11);
    terminal.wait_for_text("nothing runs; Shift-F11 gives back");
    // The draft is still there, and the person's own code runs.
    terminal.send("\r# hands off until the data is loaded\r");
    terminal.wait_for_all(&["hands off", "2 queued"]);
    let told = looks_in(&mut cursor, "order.append(3)");
    let note =
        "no code of clients begins until they give the session back. Their note: hands off until the data is loaded";
    assert!(told.contains(note) && told.contains("will still run"), "{told}");
    let refused = cursor.call("reset_python_environment", json!({}));
    assert!(Client::text(&refused).contains("Nothing was reset"), "{refused}");
    terminal.send(SHIFT_F11);
    assert!(Client::text(&claude.answer(first)["result"]).contains("ok"));
    assert!(Client::text(&cursor.answer(second)["result"]).contains("the person has given the session back"));
    terminal.send("order\r");
    terminal.wait_for_row("[1, 2, 3]");
    let later = claude.run("'at once'");
    assert_eq!(later["result"], "'at once'");
}

#[test]
fn a_queued_snippet_is_moved_to_the_front_or_cancelled() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let (mut claude, mut cursor) = (client(&home, "claude"), client(&home, "cursor"));
    claude.run("order = []");
    terminal.send(F11);
    terminal.wait_for_text("you have taken over");
    let first = sends(&mut claude, "order.append('first')");
    terminal.wait_for_text("1 queued");
    let dropped = sends(&mut claude, "order.append('dropped')");
    terminal.wait_for_text("2 queued");
    let urgent = sends(&mut cursor, "order.append('urgent')");
    terminal.wait_for_text("3 queued");
    // The last card: run it next. The one above: cancel it.
    terminal.send("\u{1b}[1;3A");
    terminal.wait_for_text("4 selected");
    terminal.send("F");
    terminal.wait_for_text("4 of cursor runs next");
    terminal.send("\u{1b}[1;3A");
    terminal.wait_for_text("3 selected");
    terminal.send("x");
    terminal.wait_for_text("2 queued");
    assert_eq!(result(&mut claude, dropped)["status"], "cancelled");
    terminal.send("\u{1b}");
    terminal.wait_for_text("F4 variables");
    terminal.send(SHIFT_F11);
    for (client, call) in [(&mut claude, first), (&mut cursor, urgent)] {
        assert_eq!(result(client, call)["status"], "ok");
    }
    terminal.send("order\r");
    terminal.wait_for_row("['urgent', 'first']");
}

#[test]
fn a_takeover_holds_on_in_the_next_process() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let mut claude = client(&home, "claude");
    claude.run("x = 1");
    terminal.send("\u{1b}t");
    terminal.wait_for_all(&["a comment line tells the clients why", "Shift-F11 give back"]);
    terminal.send("import os; os.kill(os.getpid(), 9)\r");
    terminal.wait_for_all(&["a new Python has taken over", "you have taken over", "Shift-F11 give back"]);
    let call = sends(&mut claude, "'after'");
    terminal.wait_for_text("1 queued");
    terminal.resize(12, 40);
    terminal.wait_for_all(&["taken", "Shift-F11 give back"]);
    terminal.resize(40, 120);
    // The way of the palette.
    terminal.send("\u{1b}OQgive back");
    terminal.wait_for_text("Give back: let the code of clients run on");
    terminal.send("\r");
    let answer = claude.answer(call);
    assert_eq!(answer["result"]["structuredContent"]["result"], "'after'", "{answer}\n{}", terminal.text());
}

#[test]
fn the_plain_dashboard_takes_over_too() {
    let home = Home::new();
    let python = support::python();
    let mut terminal = Terminal::start(&home, &["--plain", "--python", python.to_str().unwrap()], 60, 100);
    terminal.wait_for_text(">>>");
    terminal.send(":give\r");
    terminal.wait_for_text("you have not taken over");
    let mut claude = client(&home, "claude");
    let endless = sends(&mut claude, ENDLESS);
    terminal.wait_for_text("  begun");
    terminal.send(":take I look first\r");
    terminal.wait_for_all(&["taken over: code of clients waits", ":take again stops 1; :give gives back"]);
    terminal.send(":take\r");
    terminal.wait_for_text("1 interrupted by you, taking over");
    let text = Client::text(&claude.answer(endless)["result"]);
    assert!(text.contains("Their note: I look first"), "{text}");
    let call = sends(&mut claude, "6 * 7");
    terminal.wait_for_text("claude 2");
    terminal.send("'mine'\r");
    terminal.wait_for_text("  'mine'");
    terminal.send(":give\r");
    terminal.wait_for_text("given back: code of clients runs on");
    assert_eq!(result(&mut claude, call)["result"], "42");
    terminal.send(":disconnect claud\r");
    terminal.wait_for_text("no client claud;");
    terminal.send(":disconnect claude\r");
    terminal.wait_for_text("claude is disconnected: its calls are refused");
    let refused = claude.call("run_python_code", json!({"code": "1"}));
    assert!(Client::text(&refused).contains("The person has disconnected you"), "{refused}");
    terminal.send(":let-in claude\r");
    terminal.wait_for_text("claude is let in again");
    assert_eq!(claude.run("2 + 2")["result"], "4");
}
