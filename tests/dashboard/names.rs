//! Names between authors at the real program: what a snippet did to names, putting it back, and clashes told to both.

use serde_json::json;

use super::gate::{client, open, result, sends};
use crate::support::client::Client;
use crate::support::terminal::Terminal;
use crate::support::{self, Home};

const ALT_UP: &str = "\u{1b}[1;3A";
const ESC: &str = "\u{1b}";

/// What the next result tells a client of the time since its last call.
fn told(client: &mut Client) -> String {
    client.run("None")["since_your_last_call"].to_string()
}

/// Gives the keys to the list of variables, with one of them selected.
pub fn select_variable(terminal: &mut Terminal, name: &str) {
    terminal.send("\u{1b}OS");
    terminal.wait_for_text("/ filter");
    terminal.send(&format!("/{name}"));
    terminal.wait_for_text(" 1 of ");
    terminal.send(ESC);
    terminal.wait_for_text("/ filter");
}

#[test]
fn what_a_client_rebinds_or_deletes_is_told_to_both_and_put_back_by_one_key() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let (mut claude, mut cursor) = (client(&home, "claude"), client(&home, "cursor"));
    terminal.send("data = ['mine']; limit = 3; items = [1]\r");
    terminal.wait_for_text("─ 2 you");
    assert_eq!(cursor.run("theirs = {'a': 1}\ntheirs['a']")["result"], "1");
    // One snippet does everything: a new name, a rebound one, one changed within, deleted ones, and one of another client.
    let code = "fresh = 1\ndata = 'lost'\nitems.append(2)\ndel limit\ndel theirs";
    let answer = claude.call("run_python_code", json!({"code": code}));
    let text = Client::text(&answer);
    let names = "Names of others, who are told: rebound data (set by the person); changed items (set by the person); \
                 deleted limit (set by the person); deleted theirs (set by \"cursor\")";
    assert!(text.contains(names), "{text}");
    assert_eq!(answer["structuredContent"]["clashes"][0], "rebound data (set by the person)");
    terminal.wait_for_all(&[
        "clash: rebound data of yours · changed items of yours · deleted limit of yours",
        "deleted theirs of cursor",
        "new fresh · rebound data · changed items · deleted limit, theirs",
        "! data",
        "! items",
    ]);
    let told_cursor = told(&mut cursor);
    assert!(
        told_cursor.contains("by \\\"claude\\\"") && told_cursor.contains("of your names: deleted theirs"),
        "{told_cursor}"
    );
    assert!(!told_cursor.contains("of your names: rebound"), "only its own: {told_cursor}");
    // One key.
    terminal.wait_for_text("─ 5 you");
    terminal.send(ALT_UP);
    terminal.wait_for_text("4 selected");
    terminal.send(ALT_UP);
    terminal.wait_for_all(&["3 selected", "u put back"]);
    terminal.send("u");
    terminal.wait_for_text("data, limit, theirs put back as before snippet 3");
    terminal.wait_for("no mark", |screen| !screen.contains("! data") && screen.contains("! items"));
    assert_eq!(cursor.run("data, limit, theirs, items")["result"], "(['mine'], 3, {'a': 1}, [1, 2])");
    assert!(told(&mut claude).contains("data, limit, theirs put back as before snippet 3"));
    // The names are their owners' again, so another rebinding is a clash, and is told to the person who did it.
    terminal.send("u");
    terminal.wait_for_text("not kept any more");
    terminal.send(ESC);
    terminal.wait_for_text("Ctrl-D quit");
    terminal.send("theirs = 0; print('my ' + 'turn')\r");
    terminal.wait_for_all(&["my turn", "clash: rebound theirs of cursor"]);
    assert!(told(&mut cursor).contains("of your names: rebound theirs"));
    // From the list of variables, one step at a time.
    claude.run("data = 1");
    claude.run("data = 2");
    terminal.wait_for_text("─ 11 you");
    select_variable(&mut terminal, "data");
    terminal.wait_for_text("u put back");
    for (value, number) in [("1", 10), ("['mine']", 9)] {
        terminal.send("u");
        terminal.wait_for_text(&format!("data put back as before snippet {number}"));
        assert_eq!(cursor.run("data")["result"], value);
    }
    terminal.resize(12, 40);
    terminal.wait_for_text("data");
}

#[test]
fn old_objects_are_let_go_of_and_what_has_to_be_closed_is_never_held() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let mut claude = client(&home, "claude");
    let prepare = "import sys, types, weakref\nclass Old: pass\n\
                   class Closing:\n    def __del__(self): print('closed')\n\
                   class Tensor: pass\nTensor.__module__ = 'torch'\n\
                   class Model(Tensor): pass\n\
                   class Wrapper:\n    def __init__(self): self.file = open('written', 'w')\n\
                   a, b, closing, model, wrapper, several = Old(), Old(), Closing(), Model(), Wrapper(), [Closing()]\n\
                   wrapper.file.write('all of it')\n\
                   seen = [weakref.ref(a), weakref.ref(b), weakref.ref(model)]\n\
                   alive = lambda: [ref() is not None for ref in seen]";
    claude.run(prepare);
    // Closed, written and freed within the snippet, as if nobody looked.
    let ran = claude.run("del closing, model, wrapper, several\na = 1\nprint(open('written').read())\nalive()");
    assert_eq!(
        (&ran["stdout"], &ran["result"]),
        (&json!("closed\nclosed\nall of it\n"), &json!("[True, True, False]"))
    );
    terminal.send("a = 'my own'; print('my ' + 'turn')\r");
    terminal.wait_for_text("my turn");
    assert_eq!(claude.run("alive()")["result"], "[False, True, False]", "the person has set the name");
    claude.run("b = 1");
    assert_eq!(claude.run("alive()")["result"], "[False, True, False]");
    for _ in 0..20 {
        claude.run("None");
    }
    assert_eq!(claude.run("alive()")["result"], "[False, False, False]", "twenty snippets later");
    // What is too large is not kept, and the card says so.
    claude.run("big = bytearray(600_000_000)");
    claude.run("big = None");
    terminal.wait_for_text("rebound big");
    terminal.send(ALT_UP);
    terminal.wait_for_text("selected");
    terminal.send("u");
    terminal.wait_for_text("not kept any more");
}

#[test]
fn the_plain_dashboard_mutes_locks_moves_to_the_front_and_puts_back() {
    let home = Home::new();
    let python = support::python();
    let mut terminal = Terminal::start(&home, &["--plain", "--python", python.to_str().unwrap()], 60, 120);
    terminal.wait_for_text(">>>");
    terminal.send("data = ['mine']\r");
    terminal.wait_for_text("1 ok");
    let mut claude = client(&home, "claude");
    terminal.send(":lock data\r");
    terminal.wait_for_text("data is locked: code that would rebind it waits");
    let call = sends(&mut claude, "data = 1");
    terminal.wait_for_text("reply with :run 2");
    terminal.send(":reject 2 no\r");
    assert_eq!(result(&mut claude, call)["status"], "rejected");
    terminal.send(":unlock data\r");
    terminal.wait_for_text("data is no longer locked");
    terminal.send(":mute claude\r");
    terminal.wait_for_text("claude is muted");
    claude.run("print('a ' + 'flood')");
    terminal.wait_for_all(&["claude 3, muted", "3 ok"]);
    assert!(!terminal.text().contains("a flood"));
    terminal.send(":unmute claude\r");
    terminal.wait_for_text("claude is no longer muted");
    claude.run("data = 0");
    terminal.wait_for_all(&["; rebound: data", "clash: rebound data of you"]);
    terminal.send(":undo\r");
    terminal.wait_for_text("data put back as before snippet 4");
    assert_eq!(claude.run("data")["result"], "['mine']");
    terminal.send(":take\r");
    terminal.wait_for_text(":give gives back");
    let first = sends(&mut claude, "order = ['first']");
    terminal.wait_for_text("claude 6");
    let mut cursor = client(&home, "cursor");
    let second = sends(&mut cursor, "'order' in globals()");
    terminal.wait_for_text("cursor 7");
    terminal.send(":front\r");
    terminal.wait_for_text("7 is moved to the front");
    terminal.send("# to cursor: yours comes first\r");
    terminal.wait_for_text("note by you to cursor: yours comes first");
    terminal.send(":give\r");
    assert_eq!(result(&mut cursor, second)["result"], "False");
    assert_eq!(result(&mut claude, first)["status"], "ok");
    terminal.send("# to codex: hello\r");
    terminal.wait_for_text("not sent: no single client is called codex");
}
