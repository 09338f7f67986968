//! Locks on variables at the real program: code that would rebind one waits, and a rebinding all the same is undone.

use super::gate::{client, decide, open, result, send_written, sends};
use crate::support::Home;

#[test]
fn code_that_would_rebind_a_locked_variable_waits_and_a_rebinding_all_the_same_is_undone() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let mut claude = client(&home, "claude");
    terminal.send("data = ['mine']\r");
    terminal.wait_for_text("─ 2 you");
    terminal.send("/lock data\r");
    terminal.wait_for_all(&["data is locked", "■ data"]);
    // Reading it and changing what is in it goes on.
    let ran = claude.run("data.append('more'); len(data)");
    assert_eq!(ran["result"], "2", "{ran}");
    assert!(ran.to_string().contains("the person has locked data"), "{ran}");
    let call = sends(&mut claude, "data = []");
    terminal.wait_for_all(&["3 claude asks to run this", "(locked)"]);
    decide(&mut terminal, "n", "y run");
    terminal.wait_for_text("why 3 is rejected");
    send_written(&mut terminal);
    assert_eq!(result(&mut claude, call)["status"], "rejected");
    // What the person allows is no rebinding against the lock.
    let call = sends(&mut claude, "d\u{ff41}ta = ['theirs']");
    terminal.wait_for_all(&["4 claude asks to run this", "(locked)"]);
    decide(&mut terminal, "y", "y run");
    assert_eq!(result(&mut claude, call)["status"], "ok");
    terminal.wait_for_text("─ 5 you");
    assert!(!terminal.text().contains("rebound though locked"), "{}", terminal.text());
    terminal.send("data = ['mine', 'more']\r");
    terminal.wait_for_text("─ 6 you");
    // A reset would take it too.
    let refused = claude.call("reset_python_environment", serde_json::json!({}));
    assert!(refused.to_string().contains("has locked variables"), "{refused}");
    // A look at the text does not see this, but what it did is seen and undone.
    claude.run("exec('data = 0')");
    terminal.wait_for_all(&["rebound though locked: data", "! data"]);
    terminal.send("\u{1b}[1;3A");
    terminal.wait_for_text("u put back");
    terminal.send("u");
    terminal.wait_for_all(&["data put back as before snippet 6", "■ data"]);
    let ran = claude.run("data");
    assert_eq!(ran["result"], "['mine', 'more']", "{ran}");
    assert!(ran.to_string().contains("data put back as before snippet 6"), "{ran}");
    // The person rebinds what is theirs.
    terminal.send("\u{1b}");
    terminal.wait_for_text("Ctrl-D quit");
    terminal.send("data = 'new'; print('my ' + 'own')\r");
    terminal.wait_for_text("my own");
    assert_eq!(claude.run("data")["result"], "'new'");
    terminal.send("/unlock data\r");
    terminal.wait_for_text("data is no longer locked");
    assert_eq!(claude.run("data = 5\ndata")["result"], "5");
}
