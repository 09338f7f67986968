//! Risks at the real program: a client's code waits within what it is about to do, until the person answers.

use std::fs;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::gate::{client, decide, open, result, send_written, sends};
use crate::support::client::Client;
use crate::support::terminal::Terminal;
use crate::support::{self, Home, Server, wait_until};

/// A session that asks at risk, in a folder with files that were there before.
fn start(home: &Home, files: &[&str]) -> (Terminal, Client) {
    for file in files {
        fs::write(home.work().join(file), "old").unwrap();
    }
    let terminal = open(home, &["--gate", "ask-at-risk"]);
    terminal.wait_for_text("gate: ask-at-risk");
    let client = client(home, "claude");
    (terminal, client)
}

fn is_there(home: &Home, file: &str) -> bool {
    home.work().join(file).exists()
}

fn deny(terminal: &mut Terminal, key: &str, reason: &str) {
    decide(terminal, key, "y allow");
    terminal.wait_for_text("denied");
    terminal.send(reason);
    terminal.wait_for_text(reason);
    send_written(terminal);
    question_ends(terminal);
}

fn allow(terminal: &mut Terminal, key: &str) {
    decide(terminal, key, "y allow");
    question_ends(terminal);
}

/// Waits until the question has left the screen, so that the next one is not taken for it.
fn question_ends(terminal: &Terminal) {
    terminal.wait_for("the end of the question", |screen| !screen.contains("is about to"));
}

#[test]
fn code_stops_before_it_deletes_and_goes_on_or_fails_there() {
    let home = Home::new();
    let (mut terminal, mut claude) = start(&home, &["a.csv", "b.csv", "c.csv", "e.csv"]);
    // What is new needs no question.
    let ran = claude.run("import os\nopen('new', 'w').close()\nos.remove('new')\nimport subprocess\nsubprocess.run(['uname']).returncode");
    assert_eq!(ran["result"], "0", "{ran}");
    let call = sends(&mut claude, "print('before')\nos.remove('a.csv')\nprint('after')");
    terminal.wait_for_text("2 claude, line 2, is about to delete a.csv");
    terminal.wait_for_all(&["before", "line 2 waits for you: about to delete a.csv"]);
    assert!(is_there(&home, "a.csv"));
    deny(&mut terminal, "n", "I need that");
    let ran = result(&mut claude, call);
    let error = &ran["error"];
    assert_eq!((&ran["status"], &error["type"]), (&json!("error"), &json!("PermissionError")), "{ran}");
    assert_eq!(error["message"], "the person does not let this code delete a.csv: I need that", "{ran}");
    assert!(ran["consents"][0].as_str().unwrap().contains("denied (I need that)"), "{ran}");
    assert!(is_there(&home, "a.csv"));
    let call = sends(&mut claude, "os.rename('c.csv', 'd.csv')");
    terminal.wait_for_text("is about to rename c.csv to d.csv");
    deny(&mut terminal, "n", "keep the name");
    assert_eq!(result(&mut claude, call)["error"]["type"], "PermissionError");
    assert!(is_there(&home, "c.csv") && !is_there(&home, "d.csv"));
    // Both are told of: the file that goes away, and the one that is lost.
    let call = sends(&mut claude, "os.replace('c.csv', 'e.csv')");
    terminal.wait_for_text("is about to rename c.csv to e.csv");
    decide(&mut terminal, "y", "y allow");
    terminal.wait_for_text("is about to overwrite e.csv");
    deny(&mut terminal, "n", "that one stays");
    assert_eq!(result(&mut claude, call)["error"]["type"], "PermissionError");
    assert!(is_there(&home, "c.csv"));
    // What else of an old file can change: its permissions, its times, its owner. Of a new one nothing is asked.
    let acts = ["chmod('e.csv', 0o600)", "utime('e.csv')", "chown('e.csv', -1, -1)"];
    let acts = acts.map(|act| format!("try: os.{act}\nexcept PermissionError: told += 1")).join("\n");
    let code = format!("told = 0\nopen('f', 'w').close()\nos.chmod('f', 0o600); os.utime('f')\n{acts}\ntold");
    let call = sends(&mut claude, &code);
    terminal.wait_for_text("line 4, is about to overwrite e.csv");
    deny(&mut terminal, "d", "leave that");
    assert_eq!(result(&mut claude, call)["result"], "3");
    // A move is asked about before anything is copied, and its denial is one of deleting what was to be moved.
    let call = sends(
        &mut claude,
        "import shutil\ntold = []\nfor act in lambda: shutil.move('c.csv', 'm.csv'), lambda: os.remove('c.csv'):\n    \
         try:\n        act()\n    except PermissionError as error:\n        told.append(str(error))\ntold",
    );
    terminal.wait_for_text("line 3, is about to rename c.csv to m.csv");
    deny(&mut terminal, "n", "here it stays");
    let no = |what: &str| format!("'the person does not let this code {what}: here it stays'");
    let told = format!("[{}, {}]", no("rename c.csv to m.csv"), no("delete c.csv"));
    assert_eq!(result(&mut claude, call)["result"], told);
    assert!(is_there(&home, "c.csv") && !is_there(&home, "m.csv"));
    // What was allowed is asked about once, also where a move is a copy and a deletion.
    let far = std::path::Path::new("/dev/shm");
    if far.is_dir() {
        let far = far.join(format!("fourhands-test-{}", std::process::id()));
        let call = sends(&mut claude, &format!("shutil.move('c.csv', '{}')", far.display()));
        terminal.wait_for_text("is about to rename c.csv to /dev/shm/");
        allow(&mut terminal, "y");
        let ran = result(&mut claude, call);
        assert!(fs::remove_file(&far).is_ok() && ran["status"] == "ok", "{ran}");
        assert!(!is_there(&home, "c.csv"));
    }
    // The person's own code is not asked about.
    terminal.send("os.remove('b.csv')\r");
    wait_until("the person's deletion", || (!is_there(&home, "b.csv")).then_some(()));
    let call = sends(&mut claude, "os.remove('a.csv')");
    terminal.wait_for_text("is about to delete a.csv");
    allow(&mut terminal, "y");
    assert_eq!(result(&mut claude, call)["status"], "ok");
    assert!(!is_there(&home, "a.csv"));
}

#[test]
fn a_thousand_deletions_are_asked_about_once_and_a_kind_can_be_allowed_for_good() {
    let home = Home::new();
    let names: Vec<String> = (0..1_000).map(|n| format!("f{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut terminal, mut claude) = start(&home, &[names.as_slice(), &["x", "y"]].concat());
    let code = "import os\nfailed = 0\nfor n in range(1000):\n    try:\n        os.remove(f'f{n}')\n    \
                except PermissionError:\n        failed += 1\nfailed";
    let call = sends(&mut claude, code);
    terminal.wait_for_text("line 5, is about to delete f0");
    deny(&mut terminal, "d", "none of them");
    assert_eq!(result(&mut claude, call)["result"], "1000");
    assert!(is_there(&home, "f0") && is_there(&home, "f999"));
    let call = sends(&mut claude, "for n in range(1000):\n    os.remove(f'f{n}')");
    terminal.wait_for_text("is about to delete f0");
    allow(&mut terminal, "s");
    assert_eq!(result(&mut claude, call)["status"], "ok");
    assert!(!is_there(&home, "f999"));
    let call = sends(&mut claude, "os.remove('x')");
    terminal.wait_for_text("is about to delete x");
    allow(&mut terminal, "a");
    assert_eq!(result(&mut claude, call)["status"], "ok");
    assert_eq!(claude.run("os.remove('y')")["status"], "ok", "this kind is not asked about any more");
    // Other kinds are.
    let call = sends(&mut claude, "import socket\nsocket.create_connection(('192.0.2.1', 9), 5)");
    terminal.wait_for_text("is about to connect to 192.0.2.1:9");
    deny(&mut terminal, "n", "no network");
    assert_eq!(result(&mut claude, call)["error"]["type"], "PermissionError");
    let call = sends(&mut claude, "import subprocess\nsubprocess.run(['sh', '-c', 'exit 3']).returncode");
    terminal.wait_for_text("is about to start exit 3");
    allow(&mut terminal, "y");
    assert_eq!(result(&mut claude, call)["result"], "3");
}

#[test]
fn threads_and_tasks_wait_and_the_others_go_on() {
    let home = Home::new();
    let (mut terminal, mut claude) = start(&home, &["t", "a", "b"]);
    let code = "import os, threading, time\nticks = []\ndone = threading.Event()\n\
                def tick():\n    while not done.is_set():\n        ticks.append(1); time.sleep(0.01)\n\
                clock = threading.Thread(target=tick); clock.start()\n\
                worker = threading.Thread(target=os.remove, args=('t',)); worker.start(); worker.join()\n\
                done.set(); clock.join(); len(ticks) > 5";
    let call = sends(&mut claude, code);
    terminal.wait_for_text("is about to delete t");
    terminal.wait_for_text("0:01 ·");
    allow(&mut terminal, "y");
    assert_eq!(result(&mut claude, call)["result"], "True", "other threads went on");
    let call =
        sends(&mut claude, "import asyncio\nasync def f(n):\n    os.remove(n)\nawait asyncio.gather(f('a'), f('b'))");
    terminal.wait_for_text("line 3, is about to delete a");
    allow(&mut terminal, "s");
    assert_eq!(result(&mut claude, call)["status"], "ok");
    assert!(!is_there(&home, "a") && !is_there(&home, "b"));
}

#[test]
fn the_wait_does_not_count_and_ends_with_an_interrupt_or_the_session() {
    let home = Home::new();
    let (mut terminal, mut claude) = start(&home, &["a", "b", "c"]);
    let arguments = json!({"code": "import os\nos.remove('a')\n'done'", "timeout_s": 1, "wait_s": 300});
    let call = claude.send("tools/call", json!({"name": "run_python_code", "arguments": arguments}));
    terminal.wait_for_text("is about to delete a");
    terminal.wait_for_text("0:02 ·");
    allow(&mut terminal, "y");
    assert_eq!(result(&mut claude, call)["result"], "'done'");
    // The end of `wait_s` is not the end of the question.
    let arguments = json!({"code": "os.remove('b')", "wait_s": 0});
    claude.request("tools/call", json!({"name": "run_python_code", "arguments": arguments}));
    terminal.wait_for_text("is about to delete b");
    // Smaller screens cut off where the dock was, so each waits for a new one.
    terminal.resize(24, 80);
    terminal.wait_for_text("about to delete b");
    terminal.resize(12, 40);
    terminal.wait_for_text("about to delete b");
    terminal.resize(40, 120);
    terminal.wait_for_text("F10 to decide");
    let arguments = json!({"snippet": 2, "wait_s": 0});
    let told = claude.request("tools/call", json!({"name": "wait_for_snippet", "arguments": arguments}));
    assert_eq!(told["result"]["structuredContent"]["status"], "waiting_for_person", "{told}");
    terminal.send("\u{3}");
    terminal.wait_for_text("interrupted by you");
    terminal.wait_for("no question", |screen| !screen.contains("is about to"));
    assert!(is_there(&home, "b"));
    // A client that goes.
    let mut cursor = client(&home, "cursor");
    sends(&mut cursor, "import os\nos.remove('b')");
    terminal.wait_for_text("cursor, line 2, is about to delete b");
    drop(cursor.child.kill());
    terminal.wait_for("no question", |screen| !screen.contains("is about to"));
    assert!(is_there(&home, "b"));
    // A crash, and the end.
    let pid: u32 = claude.run("os.getpid()")["result"].as_str().unwrap().parse().unwrap();
    let call = sends(&mut claude, "os.remove('c')");
    terminal.wait_for_text("is about to delete c");
    support::signal(pid, Signal::SIGKILL);
    let told = claude.answer(call)["result"].to_string();
    assert!(told.contains("SIGKILL"), "{told}");
    terminal.wait_for_text("gate: ask-at-risk");
    let call = sends(&mut claude, "import os\nos.remove('c')");
    terminal.wait_for_text("is about to delete c");
    terminal.leave();
    terminal.wait();
    let told: Value = claude.answer(call);
    assert!(told.to_string().contains("interrupted"), "{told}");
    assert!(is_there(&home, "b") && is_there(&home, "c"));
}

#[test]
fn without_a_dashboard_a_setting_answers_and_rules_come_first() {
    let home = Home::new();
    for file in ["a", "keep", "junk"] {
        fs::write(home.work().join(file), "old").unwrap();
    }
    let settings = home.path().join(".config/fourhands/config.toml");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    fs::write(
        &settings,
        "[[gate.rules]]\nevent = \"delete\"\ntarget = \"junk\"\nanswer = \"allow\"\n\
         [[gate.rules]]\ntarget = \"keep\"\nanswer = \"deny\"\n",
    )
    .unwrap();
    let mut tried = Vec::new();
    for unattended in ["deny", "allow"] {
        let mut command = home.fourhands();
        command.args(["serve", "--session", "work", "--gate", "ask-at-risk", "--unattended", unattended]);
        command.arg("--python").arg(support::python());
        let mut server = Server::start(command);
        let mut claude = client(&home, "claude");
        let ran = claude.run(
            "import os\ntold = []\nfor name in 'junk', 'a', 'keep':\n    try:\n        os.remove(name)\n        \
             told.append('deleted')\n    except FileNotFoundError:\n        told.append('gone')\n    \
             except PermissionError as error:\n        told.append(str(error))\ntold",
        );
        tried.push(ran["result"].as_str().unwrap().to_owned());
        claude.close();
        server.terminate();
    }
    let no = "'a rule of the person does not let this code delete keep'";
    let asked = "'the person does not let this code delete a: no dashboard is open to ask the person'";
    assert_eq!(tried, [format!("['deleted', {asked}, {no}]"), format!("['gone', 'deleted', {no}]")]);
}

/// What is asked about is the file that changes and the program that runs, whatever their names are.
#[test]
fn links_and_false_names_hide_no_risk() {
    let home = Home::new();
    let folder = home.work();
    fs::create_dir(folder.join("data")).unwrap();
    for file in ["old", "data/old"] {
        fs::write(folder.join(file), "old").unwrap();
    }
    let mut command = home.fourhands();
    command.args(["serve", "--session", "work", "--gate", "ask-at-risk", "--unattended", "deny"]);
    command.arg("--python").arg(support::python());
    let _server = Server::start(command);
    let mut claude = client(&home, "claude");
    let begin = "import os, subprocess\nfor link, to in ('link', 'old'), ('folder', 'data'), ('away', '/usr/fourhands-test'):\n    \
                 os.symlink(to, link)\nos.mkdir('own')\nwith open('own/uname', 'w') as file:\n    \
                 print('#!/bin/sh\\nrm old', file=file)\nos.chmod('own/uname', 0o700)\nsubprocess.run(['uname']).returncode";
    assert_eq!(claude.run(begin)["result"], "0");
    for code in [
        "open('link', 'w')",
        "open(f\"/proc/self/fd/{os.open('old', os.O_RDONLY)}\", 'w')",
        "open('away', 'w')",
        "os.remove('folder/old')",
        "os.truncate('link', 0)",
        "subprocess.run(['uname', 'old'], executable='/bin/rm')",
        "subprocess.run(['uname', '-c', 'rm old'], executable='/bin/sh')",
        "os.waitpid(os.posix_spawn('/bin/rm', ['uname', 'old'], os.environ), 0)",
        "subprocess.run(['own/uname'])",
        "os.link('own/uname', 'own/sh')\nsubprocess.run(['own/sh', '-c', 'uname'])",
        "subprocess.run(['uname'], env={'PATH': 'own'})",
        "os.environ['PATH'] = os.path.abspath('own')\nsubprocess.run(['uname'])",
    ] {
        let ran = claude.run(code);
        assert_eq!(ran["error"]["type"], "PermissionError", "{code}: {ran}");
    }
    for file in ["old", "data/old"] {
        assert_eq!(fs::read_to_string(folder.join(file)).unwrap(), "old", "{file}");
    }
}
