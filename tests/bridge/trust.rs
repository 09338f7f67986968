//! Who did what, and what really runs: no client can be taken for the person or for another, and nothing that a model
//! reads is hidden from the person, or the other way round.

use std::process::{Command, Stdio};

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, python};
use serde_json::{Value, json};

/// "ignore this" in characters that no font shows, and an order that is not the one it is shown in.
const HIDDEN: &str = "\u{e0069}\u{e0067}\u{e006e}\u{200b}\u{202e}\u{2066}\u{fe0f}\u{fe01}\u{ad}\u{3164}";
/// Words and pictures that are written with such characters.
const KEPT: &str = "می\u{200c}خواهم 👩\u{200d}🚀 ☺\u{fe0f}";

fn is_shown(text: &str) {
    for c in HIDDEN.chars().filter(|c| *c != '\u{fe0f}') {
        assert!(!text.contains(c), "{c:?} in {text:?}");
    }
}

fn bridge(home: &Home, name: &str, era: Era) -> Client {
    let mut command = home.fourhands();
    command.arg("bridge");
    Client::start(command, name, era)
}

fn text_of(client: &mut Client, tool: &str, arguments: Value) -> String {
    Client::text(&client.call(tool, arguments))
}

fn said_by(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn nobody_passes_for_the_person_or_for_another_on_any_way_out() {
    let home = Home::new();
    let python = python();
    let arguments = ["--session", "names", "--python", python.to_str().unwrap()];
    let mut terminal = Terminal::start(&home, &arguments, 50, 160);
    terminal.wait_for_text("ready");
    terminal.send("mine = 1\r");
    terminal.wait_for("the person's card", |text| text.contains("1  you"));

    let mut genuine = bridge(&home, "claude-code", Era::Legacy);
    let mut spoofs = [
        ("the person", "client \"the person\""),
        ("y\u{43e}u", "client \"y⟨U+043E⟩u\""),
        ("\u{202e}Y\u{200b}ou", "client \"You\""),
        ("cIaude-code", "client \"cIaude-code\" (not \"claude-code\")"),
        ("claude-c\u{43e}de", "claude-c⟨U+043E⟩de"),
    ]
    .map(|(given, shown)| (bridge(&home, given, Era::Modern), shown));
    genuine.call("run_python_code", json!({"code": "genuine = 2"}));
    for (nth, (client, shown)) in spoofs.iter_mut().enumerate() {
        client.run(&format!("v{nth} = {nth}"));
        let card = format!("{}  {shown}", nth + 3);
        terminal.wait_for("a marked card", |text| text.contains(&card));
    }
    terminal.send("\u{1b}OR");
    terminal
        .wait_for("the list of clients", |text| text.contains("claude-c⟨U+043E⟩de") && text.contains("client \"You\""));
    terminal.send("\u{1b}");

    // What another model is told, in words and in fields.
    let told = genuine.call("run_python_code", json!({"code": "1"}));
    let brief = text_of(&mut genuine, "session_history", json!({}));
    for (_, shown) in &spoofs {
        let shown = if shown.starts_with("client") { (*shown).to_owned() } else { format!("\"{shown}\"") };
        for text in [Client::text(&told), brief.clone()] {
            assert!(text.contains(&format!(" by {shown}")), "{shown}: {text}");
        }
    }
    assert!(brief.contains("[snippet 1 by the person, ") && brief.matches(" by the person").count() == 1, "{brief}");
    let entries = spoofs[0].0.call("session_history", json!({}))["structuredContent"]["entries"].clone();
    let kinds: Vec<&str> = entries.as_array().unwrap().iter().map(|entry| entry["by_kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["person", "client", "you", "client", "client", "client", "client", "client"], "{entries}");
    let resource = spoofs[1].0.request("resources/read", json!({"uri": "fourhands://session"})).to_string();
    assert!(
        resource.contains(r#"client \\\"the person\\\", 1 run"#)
            || resource.contains(r#"client \"the person\", 1 run"#),
        "{resource}"
    );

    // Its question, its rename, and what the command line tells.
    let question = json!({"question": format!("Go{HIDDEN} on?"), "choices": [format!("yes{HIDDEN}")], "wait_s": 60});
    let id = spoofs[0].0.send("tools/call", json!({"name": "ask_human", "arguments": question}));
    let asked = terminal.wait_for("the question", |text| text.contains("client \"the person\" asks you"));
    assert!(asked.contains("Go⟨U+E0069⟩") && asked.contains("yes⟨U+E0069⟩"), "{asked}");
    // A question that has just come does not take the keys.
    terminal.wait_for_text("Enter answer");
    terminal.send("1\r");
    let answer = spoofs[0].0.answer(id);
    assert!(Client::text(&answer["result"]).starts_with("The person answered: yes⟨U+E0069⟩"), "{answer}");
    // The table for people has room for some names only.
    let listed = said_by(home.fourhands().args(["sessions", "--json"])).replace("\\\"", "\"");
    assert!(listed.contains("client \"the person\"") && listed.contains("client \"You\""), "{listed}");

    // Another process holds the session.
    spoofs[0].0.call("reset_python_environment", json!({"mode": "restart"}));
    spoofs[0].0.run("again = 1");
    terminal.wait_for("the same name", |text| text.contains("  client \"the person\""));
    for format in ["md", "html", "py", "ipynb", "json"] {
        let exported = said_by(home.fourhands().args(["export", "names", "--to", format]));
        let plain = exported.replace("&quot;", "\"").replace("\\\"", "\"").replace("&#34;", "\"");
        assert!(plain.contains("client \"the person\""), "{format}: {exported}");
        assert!(!exported.contains("y\u{43e}u"), "{format}: {exported}");
    }
    terminal.quit();
    let mut resumed = Terminal::start(&home, &["--resume", "names", "--python", python.to_str().unwrap()], 50, 160);
    resumed.wait_for("the past", |text| text.contains("ready") && text.contains("client \"the person\""));
    resumed.quit();
}

#[test]
fn nothing_is_read_by_a_model_that_the_person_does_not_see() {
    let home = Home::new();
    let python = python();
    let arguments = ["--session", "hidden", "--python", python.to_str().unwrap()];
    let mut terminal = Terminal::start(&home, &arguments, 60, 200);
    terminal.wait_for_text("ready");
    let mut client = bridge(&home, "tester", Era::Legacy);
    let codes = [
        format!("print('out{HIDDEN} {KEPT}')"),
        format!("class R:\n    def __repr__(self): return 'value{HIDDEN}'\nr = R(); r"),
        format!("raise ValueError('error{HIDDEN}')"),
        format!("import sys; print('err{HIDDEN}', file=sys.stderr)"),
        format!("class H:\n    def _repr_html_(self): return '<b>html{HIDDEN}</b>'\nH()"),
        format!(
            "class J:\n    def _repr_mimebundle_(self, **k): return {{'text/plain': 'plain{HIDDEN}', 'application/json': {{'k{HIDDEN}': 1}}}}\nJ()"
        ),
    ];
    for (nth, code) in codes.iter().enumerate() {
        let result = client.call("run_python_code", json!({"code": code, "title": format!("title {nth} {HIDDEN}")}));
        is_shown(&result.to_string());
        assert!(result.to_string().contains("⟨U+E0069⟩"), "{result}");
        if nth == 0 {
            assert!(Client::text(&result).contains(KEPT), "{result}");
        }
        let title = format!("title {nth} ⟨U+E0069⟩");
        let screen = terminal.wait_for("the card", |text| text.contains(&title));
        assert!(screen.contains("⟨U+202E⟩"), "{screen}");
    }
    let rest = [
        ("read_output", json!({"snippet": 1})),
        ("read_output", json!({"snippet": 1, "grep": "out"})),
        ("session_history", json!({})),
        ("list_defined_variables", json!({})),
        ("inspect_variable", json!({"name": "r", "what": "repr"})),
    ];
    for (tool, arguments) in rest {
        is_shown(&client.call(tool, arguments).to_string());
    }
    for uri in
        ["fourhands://session", "fourhands://transcript", "fourhands://snippet/1", "fourhands://snippet/1/output"]
    {
        let read = client.request("resources/read", json!({"uri": uri})).to_string();
        is_shown(&read);
        assert!(read.contains("⟨U+E0069⟩"), "{uri}: {read}");
    }
    is_shown(&client.request("resources/list", json!({})).to_string());
    let shown = terminal.received();
    is_shown(&String::from_utf8_lossy(&shown).replace(KEPT, ""));
    // The data itself is whole.
    assert_eq!(client.run("print(len('\u{e0069}'), ascii('\u{200b}'))")["stdout"], "1 '\\u200b'\n");
    let exported = said_by(home.fourhands().args(["export", "hidden", "--to", "json"]));
    is_shown(&exported);
    let exported: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(exported["entries"][0]["code"], codes[0]);
    for format in ["md", "html"] {
        is_shown(&said_by(home.fourhands().args(["export", "hidden", "--to", format])));
    }
    terminal.quit();
}
