//! Private cards and variables at the real program: no tool, resource or digest shows them, also after a restart.

use nix::sys::signal::Signal;
use serde_json::json;

use super::gate::{client, open};
use super::names::select_variable;
use crate::support::client::Client;
use crate::support::{self, Home};

const ALT_UP: &str = "\u{1b}[1;3A";

/// Everything that a client can read of the session.
fn everything(client: &mut Client) -> String {
    let mut all = client.run("None").to_string();
    for tool in ["list_defined_variables", "session_history"] {
        all += &client.call(tool, json!({})).to_string();
    }
    for uri in ["session", "transcript", "variables", "variable/key", "snippet/1", "snippet/1/output", "snippet/2"] {
        all += &client.request("resources/read", json!({"uri": format!("fourhands://{uri}")})).to_string();
    }
    all += &client.request("resources/list", json!({})).to_string();
    for prompt in ["resume_session", "hand_over", "explain_last_error"] {
        all += &client.request("prompts/get", json!({"name": prompt})).to_string();
    }
    for (tool, arguments) in [
        ("inspect_variable", json!({"name": "key[0]"})),
        ("inspect_variable", json!({"name": "(\u{ff4b}ey)"})),
        ("inspect_variable", json!({"name": "_under"})),
        ("inspect_variable", json!({"name": "_"})),
        ("read_output", json!({"snippet": 1})),
        ("wait_for_snippet", json!({"snippet": 1})),
    ] {
        all += &client.call(tool, arguments).to_string();
    }
    all
}

#[test]
fn what_is_private_is_shown_to_no_client_and_stays_so() {
    let home = Home::new();
    let mut terminal = open(&home, &[]);
    let mut claude = client(&home, "claude");
    // Private from the start: no digest ever had it.
    terminal.send("\u{1b}[200~#Private\nkey = ['hunt' + 'er2']; print(key); 1 / 0\u{1b}[201~\r");
    terminal.wait_for_all(&["ZeroDivisionError", "private: not shown to clients"]);
    terminal.send("shown = 'well'\r");
    terminal.wait_for_text("─ 3 you");
    let told = claude.run("None")["since_your_last_call"].to_string();
    assert!(told.contains("snippet 1 by the person: error: private") && told.contains("shown = 'well'"), "{told}");
    assert!(!told.contains("key") && !told.contains("ZeroDivision"), "{told}");
    // So is the name that it has bound; the person shows it, and hides it again.
    terminal.wait_for_text("p key");
    select_variable(&mut terminal, "key");
    terminal.send("p");
    terminal.wait_for_text("no longer private");
    terminal.wait_for("no mark", |screen| !screen.contains("p key"));
    terminal.send("p");
    terminal.wait_for_all(&["key is private", "p key"]);
    terminal.send("\u{1b}");
    terminal.wait_for_text("Ctrl-D quit");
    // And so is its value.
    terminal.send("#private\r");
    terminal.wait_for_text("▎ #private");
    terminal.send("_under = 'hunter2'; _under + '!'");
    terminal.wait_for_text("_under + '!'");
    terminal.send("\r");
    terminal.wait_for_text("hunter2!");
    let all = everything(&mut claude);
    assert!(!all.contains("hunter2") && !all.contains("hunt'"), "{all}");
    assert!(all.contains("Variable: key (private) = <private>") && all.contains("marked snippet 1 private"), "{all}");
    assert!(all.contains("marked \\\"key[0]\\\" private") && all.contains("shown = 'well'"), "{all}");
    // It is advice: code can read everything.
    assert_eq!(claude.run("key[0][-1]")["result"], "'2'");
    // A card of a client is private for the others alone.
    let mut cursor = client(&home, "cursor");
    claude.run("'of' + ' claude'");
    terminal.wait_for_text("of claude");
    terminal.send(ALT_UP);
    terminal.wait_for_text("selected");
    terminal.send("p");
    terminal.wait_for_text("is private: clients are not shown it from now on");
    let reads = |client: &mut Client| Client::text(&client.call("session_history", json!({})));
    assert!(reads(&mut claude).contains("'of' + ' claude'") && !reads(&mut cursor).contains("'of' + ' claude'"));
    // A restart, and a session that resumes this one.
    terminal.send("\u{1b}");
    terminal.wait_for_text("Ctrl-D quit");
    terminal.send("import os; os.kill(os.getpid(), 9)\r");
    terminal.wait_for_text("a new Python has taken over");
    terminal.send("key = ['hunter2']\r");
    terminal.wait_for_text("p key");
    let all = everything(&mut claude);
    assert!(!all.contains("'hunt'") && all.contains("Variable: key (private) = <private>"), "{all}");
    support::signal(terminal.pid(), Signal::SIGTERM);
    terminal.wait();
    let mut terminal = open(&home, &["--resume"]);
    let history = reads(&mut claude);
    assert!(history.contains("private") && !history.contains("'hunt'"), "{history}");
    // And no longer.
    terminal.send(ALT_UP);
    terminal.wait_for_text("selected");
    terminal.send("g1\r");
    terminal.wait_for_text("1 selected");
    terminal.send("p");
    terminal.wait_for_text("no longer private");
    assert!(reads(&mut claude).contains("'hunt'"));
}
