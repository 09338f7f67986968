//! The transcript of a real session in a pseudo-terminal: what is copied, saved, run again, filtered and searched, and
//! what a client received.

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, python, wait_until};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const ALT_UP: &str = "\u{1b}[1;3A";
const ALT_S: &str = "\u{1b}s";
const F3: &str = "\u{1b}OR";
const ESC: &str = "\u{1b}";
const FLOOD: &str = "for i in range(30000):\n    print('line', i)\nshare(0)";

/// A dashboard, and a client whose second snippet wrote much and failed in what its first defined.
fn session(home: &Home) -> (Terminal, Client, serde_json::Value) {
    let terminal = Terminal::start(home, &["--python", python().to_str().unwrap()], 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("▎"));
    let mut bridge = home.fourhands();
    bridge.arg("bridge");
    let mut client = Client::start(bridge, "tester", Era::Legacy);
    client.run("def share(n):\n    return 1 / n");
    let result = client.call("run_python_code", serde_json::json!({ "code": FLOOD }));
    terminal.wait_for_text("at <snippet 1> line 2 in share: return 1 / n");
    (terminal, client, result)
}

fn clipboard(terminal: &Terminal, text: &str) -> bool {
    let sequence = format!("\u{1b}]52;c;{}", STANDARD.encode(text));
    let received = terminal.received();
    received.windows(sequence.len()).any(|bytes| bytes == sequence.as_bytes())
}

#[test]
fn what_a_client_received_is_the_very_text_that_it_got() {
    let home = Home::new();
    let (mut terminal, _client, result) = session(&home);
    let text = Client::text(&result);
    assert!(text.contains("characters left out here"), "the test needs an answer that was cut: {text}");
    terminal.send(ALT_UP);
    terminal.wait_for_text("2 selected");
    terminal.send("m");
    let size = format!("{} characters", text.chars().count());
    let screen = terminal.wait_for_all(&["what tester received of 2", &size, "cut: the code wrote"]);
    // On the right; the output itself is on the left, with its own size.
    let halves = screen.lines().map(|line| line.split_once('│').unwrap_or((line, "")));
    let shown: Vec<&str> = halves.skip(1).take(30).map(|(_, right)| right.trim()).collect();
    assert!(screen.starts_with("─ output of 2, tester ─"), "{screen}");
    let sent: Vec<&str> = text.lines().take(30).collect();
    assert_eq!(shown, sent);
    terminal.send("\t");
    terminal.wait_for_text("\"snippet\": 2");
    terminal.send("\tG");
    terminal.wait_for_text("line 29999");
    terminal.send("q");
    terminal.wait_for_text("2 selected");
}

#[test]
fn a_card_is_copied_saved_and_run_again() {
    let home = Home::new();
    let (mut terminal, _client, _) = session(&home);
    terminal.send(ALT_UP);
    terminal.wait_for_text("2 selected");
    terminal.send("c");
    terminal.wait_for_text("copied the code of 2");
    wait_until("the clipboard", || clipboard(&terminal, FLOOD).then_some(()));

    terminal.send("s");
    terminal.wait_for_text("write the output of 2 to");
    terminal.send("\u{15}out.txt\r");
    terminal.wait_for_text("output of 2,");
    let saved = std::fs::read_to_string(home.work().join("out.txt")).unwrap();
    assert!(saved.starts_with("line 0\nline 1\n") && saved.contains("\nline 15000\n"), "all of it");
    assert!(saved.contains("line 29999\nTraceback") && saved.ends_with("ZeroDivisionError: division by zero\n"));
    terminal.send("s");
    terminal.wait_for_text("write the output of 2 to");
    terminal.send("\u{15}out.txt\r");
    terminal.wait_for_text("already exists; Enter replaces it");
    terminal.send(ESC);
    terminal.wait_for("the end of the prompt", |screen| !screen.contains("write the output"));

    terminal.send("R");
    terminal.wait_for_text("R again: rerun 2 as you");
    terminal.send("R");
    terminal.wait_for("the same code as mine", |screen| {
        screen.contains(" 3  you") && screen.matches("at <snippet 1> line 2 in share").count() > 0
    });
}

#[test]
fn a_session_is_filtered_and_searched() {
    let home = Home::new();
    let (mut terminal, mut client, _) = session(&home);
    terminal.send(ALT_S);
    terminal.wait_for_text("filter");
    terminal.send("author:you");
    terminal.wait_for_text("no card fits the filter");
    terminal.send("\u{15}status:failed");
    terminal.wait_for("what is typed, and the count", |screen| {
        screen.contains("status:failed") && screen.contains("1 of 2")
    });
    terminal.send("\r");
    client.run("found = 'nothing'");
    terminal.wait_for_text("1 of 3, 1 new hidden");
    terminal.send(ESC);
    terminal.wait_for("all cards again", |screen| screen.contains("found = 'nothing'") && !screen.contains("hidden"));

    terminal.send(F3);
    terminal.wait_for_text("search");
    terminal.send("return 1 / n");
    terminal.wait_for_text("2 of 2");
    terminal.send("\r");
    terminal.wait_for_text("2 selected");
    terminal.send("N");
    terminal.wait_for_text("/return 1 / n 1 of 2");
    terminal.wait_for_text("1 selected");
}
