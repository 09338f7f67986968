//! Resuming past sessions and replaying their snippets, in a real terminal and without one.

use crate::support;
use std::path::Path;

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, Server, children, is_alive, wait_until};
use serde_json::json;

const F7: &str = "\x1b[18~";
const F8: &str = "\x1b[19~";

/// Starts `fourhands serve` with these arguments.
fn serve(home: &Home, arguments: &[&str]) -> Server {
    let mut command = home.fourhands();
    command.arg("serve").args(arguments).arg("--python").arg(support::python());
    Server::start(command)
}

fn client(home: &Home, session: &str, name: &str) -> Client {
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", session]);
    Client::start(bridge, name, Era::Legacy)
}

/// Ends a session in which a client ran these snippets in order.
fn past(home: &Home, name: &str, code: &[&str]) {
    let mut server = serve(home, &["--session", name]);
    let mut client = client(home, name, "tester");
    for code in code {
        client.run(code);
    }
    drop(client);
    server.terminate();
}

fn refused(home: &Home, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = home.fourhands();
    let output = command.args(arguments).arg("--python").arg(support::python()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn dashboard(home: &Home, arguments: &[&str]) -> Terminal {
    let python = support::python();
    let arguments: Vec<&str> = [arguments, &["--python", python.to_str().unwrap()]].concat();
    let terminal = Terminal::start(home, &arguments, 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("▎"));
    terminal
}

#[test]
fn a_resumed_session_continues_its_numbers_and_replays() {
    let home = Home::new();
    let long = "x += 1; print('twice', x * 2); print(*range(100_000), sep='\\n')";
    past(&home, "sales", &["x = 20", "1 / 0", long]);
    let mut server = serve(&home, &["--resume"]);
    server.wait_for_line("resumed: The session ended");
    let mut second = client(&home, "sales", "second");
    let run = second.run("'x' in globals()");
    assert_eq!((&run["snippet"], &run["result"]), (&json!(4), &json!("False")), "{run}");
    let old = second.call("wait_for_snippet", json!({"snippet": 3}))["structuredContent"].clone();
    assert!(old["stdout"].as_str().unwrap().starts_with("twice 42\n"), "{old}");
    // The middle of the output, which is only on the disk.
    let whole = second.call("read_output", json!({"snippet": 3, "grep": "^54321$"}));
    assert!(Client::text(&whole).contains("54321"), "{whole}");
    drop(second);
    server.terminate();

    let server = serve(&home, &["--resume", "sales", "--replay"]);
    for line in
        ["you: 3 to replay", "5 you runs: x = 20", "5 is a replay of 1", "replaying 2 of 3", "replayed 3 snippets"]
    {
        server.wait_for_line(line);
    }
    let mut third = client(&home, "sales", "third");
    let run = third.run("x");
    assert_eq!((&run["snippet"], &run["result"]), (&json!(8), &json!("21")), "{run}");
}

#[test]
fn a_replay_stops_at_a_failure_and_continues_from_there() {
    let home = Home::new();
    std::fs::write(home.work().join("data"), "7").unwrap();
    past(&home, "s", &["a = 1", "b = int(open('data').read())", "c = a + b"]);
    std::fs::remove_file(home.work().join("data")).unwrap();
    let server = serve(&home, &["--resume", "--replay=all"]);
    server.wait_for_line("the replay stopped at 5: FileNotFoundError; 1 not run");
    let mut client = client(&home, "s", "tester");
    assert_eq!(client.run("(a, 'c' in globals())")["result"], "(1, False)");
    drop(client);
    drop(server);

    std::fs::write(home.work().join("data"), "8").unwrap();
    let mut terminal = dashboard(&home, &["--resume"]);
    terminal.wait_for_text("F7 replay");
    terminal.send(F7);
    terminal.wait_for_text("run again");
    terminal.send("\r");
    terminal.wait_for_text("replayed ");
    terminal.send("print('c is', c)\r");
    terminal.wait_for_text("c is 9");
}

#[test]
fn replays_select_by_author_card_and_outcome() {
    let home = Home::new();
    let mut terminal = dashboard(&home, &["--session", "both"]);
    terminal.send("mine = 1\r");
    terminal.wait_for("the first card", |screen| screen.contains("1  you") && screen.contains('✓'));
    let mut other = client(&home, "both", "other");
    other.run("theirs = 1");
    other.run("1 / 0");
    terminal.send("late = 2\r");
    terminal.wait_for_text("4  you");
    terminal.send("import os; os.abort()\r");
    terminal.wait_for_text("F7 replay");
    terminal.send(F7);
    terminal.wait_for_all(&[
        "only those of other",
        "› everything that succeeded",
        "failures too",
        "only yours",
        "Enter starts",
    ]);
    // Selects the person's own snippets.
    terminal.send("\x1b[B\x1b[B\r");
    terminal.wait_for_text("replayed 2 snippets");
    terminal.send("print(sorted({'mine', 'theirs', 'late'} & set(globals())))\r");
    terminal.wait_for_text("['late', 'mine']");

    // Selects up to the second card.
    terminal.send(F8);
    terminal.send(F8);
    terminal.wait_for_text("you restarted Python");
    terminal.wait_until_idle();
    terminal.send("\x1b[1;5H");
    terminal.send("\x1b[1;3A\x1b[1;3A\x1b[1;3A\x1b[1;3A\x1b[1;3A\x1b[1;3A\x1b[1;3A\x1b[1;3A");
    terminal.wait_for_text("›");
    terminal.send(F7);
    terminal.wait_for_text("up to snippet");
    terminal.send("\x1b");
    terminal.wait_for("the box to go", |screen| !screen.contains("run again"));
}

#[test]
fn an_interrupt_ends_the_whole_replay_and_others_wait_behind_it() {
    let home = Home::new();
    let wait = "import os, time\nwhile os.path.exists('wait'): time.sleep(0.01)";
    past(&home, "s", &["a = 1", wait, "b = 2"]);
    std::fs::write(home.work().join("wait"), "").unwrap();
    let server = serve(&home, &["--resume", "--replay"]);
    server.wait_for_line("replaying 2 of 3");
    let mut other = client(&home, "s", "other");
    let waiting = other.send(
        "tools/call",
        json!({"name": "run_python_code", "arguments": {"code": "sorted({'a', 'b'} & set(globals()))"}}),
    );
    server.wait_for_line("other runs");
    std::fs::remove_file(home.work().join("wait")).unwrap();
    let answer = other.answer(waiting)["result"]["structuredContent"].clone();
    assert_eq!(answer["result"], "['a', 'b']", "it waited behind all of the replay: {answer}");
    drop((other, server));

    std::fs::write(home.work().join("wait"), "").unwrap();
    let mut terminal = dashboard(&home, &["--resume", "s", "--replay"]);
    terminal.wait_for_text("replaying 2 of");
    terminal.send("\x03");
    terminal.wait_for_text("interrupted by you; ");
    terminal.send("print('b' in globals())\r");
    terminal.wait_for_text("False");

    // Also cancels a replay that waits behind another snippet.
    let mut other = client(&home, "s", "other");
    other.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": wait}}));
    terminal.wait_for_text("Ctrl-C interrupt");
    terminal.send("\x1b[18~");
    terminal.wait_for_text("run again");
    terminal.send("\r");
    terminal.wait_for_text("to replay");
    terminal.send("\x03");
    terminal.wait_for_text("the replay was cancelled before it started");
    terminal.send("print('c' * 3, 'b' in globals())\r");
    terminal.wait_for_text("ccc False");
}

#[test]
fn resuming_a_running_or_unknown_session_is_refused_with_advice() {
    let home = Home::new();
    let (code, told) = refused(&home, &["serve", "--resume"]);
    assert!(code == Some(1) && told.contains("no sessions are recorded"), "{told}");
    past(&home, "sales", &["1"]);
    let (code, told) = refused(&home, &["serve", "--resume", "slaes"]);
    assert!(code == Some(2) && told.contains("Did you mean sales?") && told.contains("sessions --all"), "{told}");
    let (_, told) = refused(&home, &["serve", "--replay"]);
    assert!(told.contains("--resume"), "{told}");

    let server = serve(&home, &["--resume", "sales"]);
    client(&home, "sales", "tester").run("2");
    let (code, told) = refused(&home, &["serve", "--resume", "sales"]);
    let pid = server.child.id();
    assert!(code == Some(1) && told.contains(&format!("running (pid {pid})")), "{pid}: {told}");
    assert!(told.contains("fourhands --session sales") && told.contains("fourhands stop sales"), "{told}");
}

#[test]
fn a_killed_session_resumes_in_another_folder_with_a_notice() {
    let home = Home::new();
    let mut server = serve(&home, &["--session", "dead"]);
    let mut tester = client(&home, "dead", "tester");
    tester.run("x = 1");
    tester
        .send("tools/call", json!({"name": "run_python_code", "arguments": {"code": "import time; time.sleep(1000)"}}));
    server.wait_for_line("2 tester runs");
    let process = children(server.child.id())[0];
    server.kill();
    wait_until("both to be gone", || (!is_alive(process)).then_some(()));
    let elsewhere = home.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let mut command = home.fourhands();
    command.current_dir(&elsewhere).args(["serve", "--resume", "--python"]).arg(support::python());
    let again = Server::start(command);
    let line = again.wait_for_line("resumed: The session was killed");
    assert!(line.contains("It ran in ") && line.contains("elsewhere"), "{line}");
    let mut tester = client(&home, "dead", "tester");
    let open = tester.call("wait_for_snippet", json!({"snippet": 2}))["structuredContent"].clone();
    assert_eq!(open["status"], "interrupted", "{open}");
}

#[test]
fn a_hidden_answer_is_requested_again_and_never_recorded() {
    let home = Home::new();
    let mut terminal = dashboard(&home, &["--session", "s"]);
    terminal.send("import getpass; word = getpass.getpass('word? '); length = len(word)\r");
    terminal.wait_for("a prompt that takes keys", |screen| {
        screen.contains("wants hidden input") && screen.contains("Enter answer")
    });
    terminal.send("tulip-4711\r");
    terminal.wait_for_text("ready");
    terminal.send("import os; os.abort()\r");
    terminal.wait_for_text("F7 replay");
    terminal.send(F7);
    terminal.wait_for_text("run again");
    terminal.send("\r");
    terminal.wait_for("a prompt that takes keys", |screen| {
        screen.contains("wants hidden input") && screen.contains("Enter answer")
    });
    terminal.send("tulip-4712x\r");
    terminal.wait_for_text("replayed 1 snippet");
    terminal.send("print('length', length)\r");
    terminal.wait_for_text("length 11");
    terminal.quit();
    assert!(!holds(home.path(), b"tulip-471"));
}

/// Returns whether a file below `folder` contains `needle`.
fn holds(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, needle);
        }
        std::fs::read(&path).is_ok_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    })
}
