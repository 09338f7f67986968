//! `serve --stdio`: a session of the one client that started it, which outlives Python as every other session does.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::client::{Client, Era};
use crate::support::{DEADLINE, Home, children, is_alive, is_in_state, python, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

fn stdio(home: &Home) -> Command {
    let temporary = home.path().join("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let mut command = home.fourhands();
    command.args(["serve", "--stdio", "--python"]).arg(python()).env("TMPDIR", temporary);
    command
}

fn sessions(home: &Home) -> Vec<Value> {
    let output = home.fourhands().args(["sessions", "--running", "--json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn it_outlives_its_python() {
    let home = Home::new();
    let mut client = Client::start(stdio(&home), "tester", Era::Legacy);
    client.run("x = 1");
    for (end, told) in [
        ("import os; os._exit(3)", "exit code 3"),
        ("import os; os.abort()", "SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    ] {
        let result = client.call("run_python_code", json!({"code": end}));
        assert!(Client::text(&result).contains(told), "{end}: {result}");
        assert_eq!(client.run("6 * 7")["result"], "42", "{end}");
        assert_eq!(client.run("x")["status"], "error", "{end}");
    }
    let result = client.call("reset_python_environment", json!({"mode": "restart"}));
    assert_ne!(result["isError"], true, "{result}");
    assert_eq!(client.run("6 * 7")["result"], "42");
    assert!(client.close().success());
    assert_eq!(sessions(&home), [] as [Value; 0]);
}

#[test]
fn its_end_of_stdin_is_the_end_of_what_runs() {
    for code in [
        "import time; time.sleep(600)",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "sum(range(10**12))",
    ] {
        let home = Home::new();
        let mut client = Client::start(stdio(&home), "tester", Era::Legacy);
        client.run("begun = 1");
        let guardian = client.child.id();
        let session = children(guardian)[0];
        client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code}}));
        wait_until("the code to run", || {
            sessions(&home).first().is_some_and(|s| !s["running"].is_null()).then_some(())
        });
        let begun = Instant::now();
        client.close();
        // It took as long as an answer waits, some 44 s.
        assert!(begun.elapsed() < Duration::from_secs(20), "{code}: {:?}", begun.elapsed());
        assert!(!is_alive(session), "{code}");
    }
}

#[test]
fn it_has_a_name_of_its_own_and_nobody_joins_it_by_chance() {
    let home = Home::new();
    let mut one = Client::start(stdio(&home), "one", Era::Legacy);
    let mut two = Client::start(stdio(&home), "two", Era::Legacy);
    assert_eq!([one.run("x = 1")["status"].clone(), two.run("x = 2")["status"].clone()], ["ok", "ok"]);
    let mut bridge = home.fourhands();
    bridge.arg("bridge");
    let mut other = Client::start(bridge, "other", Era::Legacy);
    let result = other.call("run_python_code", json!({"code": "x"}));
    assert!(Client::text(&result).contains("No fourhands session is running"), "{result}");
    let _server = home.serve("work");
    let mut names: Vec<String> = sessions(&home).iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names, ["work", "work-stdio", "work-stdio-2"]);
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "work-stdio"]);
    let mut asked = Client::start(bridge, "asked", Era::Legacy);
    assert_eq!(asked.run("x")["result"], "1", "by its name");
    assert!(home.fourhands().args(["stop", "work-stdio-2"]).status().unwrap().success());
    assert!(wait_until("the end", || two.child.try_wait().unwrap()).success());
    assert_eq!(one.run("x")["result"], "1");
}

#[test]
fn killed_it_leaves_nothing_that_the_next_one_does_not_remove() {
    for whole in [false, true] {
        let home = Home::new();
        let mut client = Client::start(stdio(&home), "tester", Era::Legacy);
        client.run("def kept(): pass");
        let guardian = client.child.id();
        let session = children(guardian)[0];
        if whole {
            signal(guardian, Signal::SIGSTOP);
            wait_until("the guardian to stop", || is_in_state(guardian, 'T').then_some(()));
            signal(session, Signal::SIGKILL);
        }
        signal(guardian, Signal::SIGKILL);
        client.child.wait().unwrap();
        wait_until("the end of the session process", || (!is_alive(session)).then_some(()));
        let mut next = Client::start(stdio(&home), "next", Era::Legacy);
        assert_eq!(next.run("6 * 7")["result"], "42");
        assert_eq!(sessions(&home).len(), 1);
        assert!(next.close().success());
        let left: Vec<_> = fs::read_dir(home.path().join("temporary")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        let runtime = home.path().join(".local/state/fourhands/sessions");
        let left: Vec<_> = fs::read_dir(runtime).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// A client that stops reading is no reason to stay.
#[test]
fn sigterm_ends_it_although_nobody_reads() {
    let home = Home::new();
    let mut child = stdio(&home).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"pipe","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
"#;
    stdin.write_all(hello.as_bytes()).unwrap();
    for id in 2..200 {
        stdin.write_all(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/list\"}}\n").as_bytes()).unwrap();
    }
    wait_until("the session", || (!sessions(&home).is_empty()).then_some(()));
    let begun = Instant::now();
    signal(child.id(), Signal::SIGTERM);
    wait_until("the end", || child.try_wait().unwrap());
    assert!(begun.elapsed() < DEADLINE / 4, "{:?}", begun.elapsed());
}
