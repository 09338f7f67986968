//! Questions and prompts of a client at the real program: which keys reach them, and which reach the input.

use serde_json::{Value, json};

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{self, Home};

fn open(home: &Home) -> Terminal {
    let python = support::python();
    let terminal = Terminal::start(home, &["--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("▎") && screen.contains("ready"));
    terminal
}

fn client(home: &Home) -> Client {
    let mut bridge = home.fourhands();
    bridge.arg("bridge");
    Client::start(bridge, "curious", Era::Legacy)
}

fn ask(client: &mut Client) -> u64 {
    let arguments = json!({"question": "Which rows?", "choices": ["all", "the last year"], "wait_s": 300});
    client.send("tools/call", json!({"name": "ask_human", "arguments": arguments}))
}

fn told(client: &mut Client, id: u64) -> Value {
    client.answer(id)["result"]["structuredContent"].clone()
}

#[test]
fn keys_in_the_second_after_a_question_came_do_no_harm() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.send("x = 20 + 21\r");
    terminal.wait_for_text("✓");
    terminal.wait_until_idle();
    let mut client = client(&home);
    for key in ["\u{4}", "\r", "\u{1b}[A", "\u{10}", "\u{12}"] {
        let id = ask(&mut client);
        terminal.wait_for_text("curious asks you");
        terminal.send(key);
        // The session goes on, nothing is answered, recalled or searched: the question gets the keys now.
        let screen = terminal.wait_for("the question", |screen| screen.contains("Enter answer"));
        assert_eq!(screen.matches("x = 20 + 21").count(), 1, "{key:?}: {screen}");
        assert!(!screen.contains("would be lost") && !screen.contains("history"), "{key:?}: {screen}");
        terminal.send("1\r");
        assert_eq!(told(&mut client, id)["answer"], "all", "{key:?}");
        terminal.wait_for("the end of the question", |screen| !screen.contains("asks you"));
    }
    // An answer that comes too early is no Python; it stays in the input.
    let id = ask(&mut client);
    terminal.wait_for_text("curious asks you");
    terminal.send("2\r");
    let screen = terminal.wait_for("the question as a line", |screen| screen.contains("(Esc to answer)"));
    assert!(screen.contains("▎ 2") && !screen.contains("3  you"), "{screen}");
    terminal.send("\u{1b}");
    terminal.wait_for_text("curious asks you");
    // Ctrl-D declines, and leaves a card.
    terminal.send("\u{4}");
    assert_eq!(told(&mut client, id)["answered"], false);
    terminal.wait_for_text("you declined to answer curious");
    assert_eq!(client.run("x")["result"], "41");
}

#[test]
fn input_of_a_client_leaves_the_draft_alone() {
    let home = Home::new();
    let mut terminal = open(&home);
    terminal.send("y = x +");
    terminal.wait_for_text("▎ y = x +");
    let mut client = client(&home);
    let code = "import getpass\nname, word = input('Your name? '), getpass.getpass('Word: ')\n(name, word)";
    let id = client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code}}));
    terminal.wait_for_text("curious (1) wants input: Your name? (Esc to answer)");
    terminal.send(" 1");
    terminal.wait_for_text("▎ y = x + 1");
    terminal.send("\u{1b}");
    terminal.wait_for_text("to your input");
    terminal.send("Ada\r");
    terminal.wait_for_text("curious (1) wants hidden input: Word:");
    terminal.send("\u{1b}");
    terminal.wait_for("the draft", |screen| screen.contains("▎ y = x + 1"));
    terminal.send("\u{1b}");
    terminal.wait_for_text("to your input");
    terminal.send("hush\r");
    terminal.wait_for("the draft", |screen| screen.contains("▎ y = x + 1") && !screen.contains("wants"));
    let answer = client.answer(id);
    // A client is told of the first prompt before the end.
    assert!(!answer.to_string().contains("hush"), "{answer}");
    assert_eq!(client.run("(name, word)")["result"], "('Ada', 'hush')");
}

#[test]
fn a_queued_snippet_is_cancelled_on_its_card() {
    let home = Home::new();
    let mut terminal = open(&home);
    let mut client = client(&home);
    let run = |client: &mut Client, code: &str| {
        client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code, "wait_s": 300}}))
    };
    terminal.send("import time; time.sleep(1000)\r");
    terminal.wait_for_text("1 running");
    let queued = run(&mut client, "'never'");
    terminal.wait_for_text("1 queued");
    // From the palette, and on its card.
    terminal.send("\u{1b}OQ");
    terminal.wait_for_text("Begin a new line");
    terminal.send("cancel");
    terminal.wait_for_text("› Cancel a queued snippet");
    terminal.send("\r");
    let answer = client.answer(queued)["result"]["structuredContent"].clone();
    assert_eq!((&answer["status"], &answer["stopped_by"]), (&json!("cancelled"), &json!("the person")), "{answer}");
    let queued = run(&mut client, "'not this one either'");
    terminal.wait_for_all(&["1 queued", "'not this one either'"]);
    terminal.send("\u{1b}[1;3A");
    terminal.wait_for_text("x cancel");
    terminal.send("x");
    let answer = client.answer(queued)["result"]["structuredContent"].clone();
    assert_eq!(answer["status"], "cancelled", "{answer}");
    terminal.send("\u{3}");
    terminal.wait_for_text("interrupted by you");
}

#[test]
fn a_debugger_completes_names_of_its_frame() {
    let home = Home::new();
    let mut terminal = open(&home);
    let code = "def f(counted):\n    class Loud:\n        volume = 11\n        def __dir__(self):\n            print('ran ' + 'code')\n    \
                loud = Loud()\n    breakpoint()\n    return counted\n\nf(41)";
    terminal.send(&format!("\u{1b}[200~{code}\u{1b}[201~\r"));
    terminal.wait_for_all(&["wants input: (Pdb)", "Enter answer"]);
    terminal.send("p coun\t");
    terminal.wait_for_text("▎ p counted");
    terminal.send(" + 1\r");
    terminal.wait_for_row("42");
    terminal.wait_for_text("Enter answer");
    terminal.send("p loud.vol\t");
    terminal.wait_for_text("▎ p loud.volume");
    terminal.send("\u{15}unti\t");
    terminal.wait_for_text("▎ until");
    terminal.send("\u{15}\u{1b}[A");
    terminal.wait_for_text("▎ p counted + 1");
    terminal.send("\u{15}continue\r");
    terminal.wait_for_row("41");
    assert!(!terminal.text().contains("ran code"), "no code of the frame ran: {}", terminal.text());
}
