//! Notes to one client at the real program: by a comment, and by a key that sends a card, a variable or a selection.

use serde_json::json;

use super::gate::{client, open};
use super::names::select_variable;
use crate::support::Home;
use crate::support::client::Client;
use crate::support::terminal::Terminal;

const ALT_UP: &str = "\u{1b}[1;3A";
const ESC: &str = "\u{1b}";

/// What the next result tells a client of the time since its last call.
fn told(client: &mut Client) -> String {
    client.run("None")["since_your_last_call"].to_string()
}

/// Chooses a client in the open menu.
fn choose(terminal: &mut Terminal, name: &str) {
    terminal.wait_for_text(" send ");
    if !terminal.text().contains(&format!("› {name}")) {
        terminal.send("\u{1b}[B");
    }
    terminal.wait_for_text(&format!("› {name}"));
    // An Enter that comes too soon sends nothing. One too many does nothing in an empty input.
    let is_closed = |screen: &str| !screen.contains(" send ");
    loop {
        terminal.send("\r");
        let screen = terminal.wait_for("a reaction", |screen| is_closed(screen) || screen.contains("too soon"));
        if is_closed(&screen) {
            return;
        }
    }
}

#[test]
fn a_note_to_one_client_reaches_that_client_alone() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let (mut claude, mut cursor) = (client(&home, "claude-next"), client(&home, "cursor"));
    claude.run("x = 1");
    cursor.run("y = 1");
    terminal.send("# to codex: look at x\r");
    terminal.wait_for_all(&["not sent: no single client is called codex", "▎ # to codex: look at x"]);
    terminal.send("\u{3}# to claude: leave y alone\r");
    terminal.wait_for_all(&["note by you to claude-next", "leave y alone"]);
    let (mine, other) = (told(&mut claude), told(&mut cursor));
    assert!(mine.contains("note from the person to you alone: leave y alone"), "{mine}");
    assert!(!other.contains("leave y alone"), "{other}");
    for uri in ["fourhands://session", "fourhands://transcript"] {
        let read = |client: &mut Client| client.request("resources/read", json!({"uri": uri})).to_string();
        assert!(read(&mut claude).contains("leave y alone"), "{uri}");
        assert!(!read(&mut cursor).contains("leave y alone"), "{uri}");
    }
    let history = Client::text(&cursor.call("session_history", json!({})));
    assert!(!history.contains("leave y alone") && history.contains("y = 1"), "{history}");
    terminal.send("# for both\r");
    terminal.wait_for_text("for both");
    assert!(told(&mut claude).contains("for both") && told(&mut cursor).contains("for both"));
}

#[test]
fn one_key_sends_a_card_a_traceback_a_variable_or_a_selection() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let (mut claude, mut cursor) = (client(&home, "claude"), client(&home, "cursor"));
    claude.run("x = 1");
    cursor.run("rows = [1, 2, 3]");
    terminal.send("print('a ' + 'long line\\n' * 5000); 1 / 0\r");
    terminal.wait_for_text("ZeroDivisionError");
    terminal.send(ALT_UP);
    terminal.wait_for_text("3 selected");
    terminal.send("T");
    choose(&mut terminal, "cursor");
    let sent = told(&mut cursor);
    assert!(sent.contains("to you alone: traceback of snippet 3 by the person:"), "{sent}");
    assert!(sent.contains("ZeroDivisionError: division by zero"), "{sent}");
    assert!(sent.matches("long line").count() < 5, "the traceback alone: {sent}");
    terminal.send(ESC);
    terminal.wait_for_text("Ctrl-D quit");
    select_variable(&mut terminal, "rows");
    terminal.send(">");
    choose(&mut terminal, "claude");
    let sent = told(&mut claude);
    assert!(sent.contains("variable rows: list 3") && sent.contains("[1, 2, 3]"), "{sent}");
    assert!(sent.contains("last set by snippet 2"), "{sent}");
    terminal.send(ESC);
    terminal.wait_for_text("Ctrl-D quit");
    terminal.send("why = 'is this slow'");
    terminal.wait_for_text("is this slow");
    terminal.send("\u{1b}a");
    terminal.send("\u{1b}n");
    terminal.resize(12, 40);
    choose(&mut terminal, "cursor");
    assert!(told(&mut cursor).contains("a part of the person's input:\\nwhy = 'is this slow'"));
    terminal.resize(40, 120);
    // With one client there is nothing to choose, and the size is bounded.
    assert!(cursor.close().success());
    let is_count = |line: &str| line.contains("clients  ") && line.trim_end().ends_with(" 1");
    terminal.wait_for("one client", |screen| screen.lines().any(is_count));
    terminal.send(ALT_UP);
    terminal.wait_for_text("selected");
    terminal.send("g3\r");
    terminal.wait_for_text("3 selected");
    terminal.send(">");
    terminal.wait_for_text("sent card 3 to claude, with its next result");
    let sent = told(&mut claude);
    assert!(sent.contains("snippet 3 by the person: error") && sent.contains("left out"), "{sent}");
    assert!(sent.len() < 6_000, "{}", sent.len());
}
