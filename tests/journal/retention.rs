//! Retention of sessions: limits spare sessions in use, restored sessions come back, erased ones are gone, and full
//! disks are reported.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::client::{Client, Era};
use crate::support::faults::{Call, Faults};
use crate::support::{Home, Server, children, is_alive, is_in_state, python, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// More than memory and the smallest journal keep.
const LARGE: &str = "print('hunter2-output ' * 200_000)";

fn told(mut command: Command, arguments: &[&str]) -> (i32, String) {
    let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(text).unwrap())
}

fn client(mut bridge: Command, session: &str) -> Client {
    bridge.args(["bridge", "--session", session]);
    Client::start(bridge, "tester", Era::Legacy)
}

/// Returns the state of each known session.
fn states(home: &Home) -> Vec<(String, String)> {
    let (code, text) = told(home.fourhands(), &["sessions", "--all", "--json"]);
    assert_eq!(code, 0, "{text}");
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut states: Vec<_> = rows.iter().map(|row| (text(&row["name"]), text(&row["state"]))).collect();
    states.sort();
    states
}

fn limited(home: &Home, name: &str, max: &str) -> Server {
    let mut command = home.fourhands();
    command.env("FOURHANDS_JOURNAL_MAX", max).args(["serve", "--session", name, "--python"]).arg(python());
    Server::start(command)
}

fn files_with(folder: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path).unwrap_or_default().windows(bytes.len()).any(|window| window == bytes) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn limits_spare_sessions_in_use_and_others_can_be_restored() {
    let home = Home::new();
    let mut past = home.serve("past");
    client(home.fourhands(), "past").run(LARGE);
    assert!(past.terminate().success());
    let mut held = home.serve("held");
    let mut to_held = client(home.fourhands(), "held");
    to_held.run(LARGE);
    // Its Python is gone, and its guardian cannot start another.
    let guardian = held.child.id();
    signal(guardian, Signal::SIGSTOP);
    wait_until("the guardian to stop", || is_in_state(guardian, 'T').then_some(()));
    let session = children(guardian)[0];
    signal(session, Signal::SIGKILL);
    wait_until("the end of Python", || (!is_alive(session)).then_some(()));

    let mut refused = limited(&home, "refused", "5");
    let line = refused.wait_for_line("note: ");
    assert!(line.contains("FOURHANDS_JOURNAL_MAX is \"5\"") && line.contains("did you mean 5GB?"), "{line}");
    assert!(refused.terminate().success());
    let state = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    assert_eq!(states(&home)[1], state("past", "closed"), "{:?}", states(&home));

    let mut small = limited(&home, "small", "1MB");
    let line = small.wait_for_line("the journal removed");
    assert!(line.contains("1 session (past)"), "{line}");
    assert!(small.terminate().success());
    assert_eq!(states(&home)[0].0, "held");
    assert!(["running", "silent", "starting"].contains(&&*states(&home)[0].1), "{:?}", states(&home));

    signal(guardian, Signal::SIGCONT);
    let after = wait_until("another Python", || {
        let answer = to_held.run("6 * 7");
        (answer["result"] == "42").then_some(answer)
    });
    assert!(after["snippet"].as_u64() > Some(1), "it goes on: {after}");
    to_held.close();
    let (code, out) = told(home.fourhands(), &["export", "held", "--to", "py"]);
    assert!(code == 0 && out.contains("hunter2"), "{out}");
    assert!(held.terminate().success());
}

#[test]
fn pruning_is_previewed_and_sessions_can_be_restored_or_erased() {
    let home = Home::new();
    for name in ["first", "second"] {
        let mut server = home.serve(name);
        client(home.fourhands(), name).run(LARGE);
        assert!(server.terminate().success());
    }
    // Without the other session's text, this is the one to find.
    let small = || {
        let mut command = home.fourhands();
        command.env("FOURHANDS_JOURNAL_MAX", "4.5MB");
        command
    };
    let state = |name: &str, state: &str| (name.to_owned(), state.to_owned());
    let (code, out) = told(small(), &["sessions", "--prune"]);
    assert!(code == 0 && out.contains("1 session of") && out.contains(": first") && out.contains("--yes"), "{out}");
    assert_eq!(states(&home), [state("first", "closed"), state("second", "closed")]);
    // However low the limit is, nothing is deleted at once.
    let mut tiny = home.fourhands();
    tiny.env("FOURHANDS_JOURNAL_MAX", "1MB");
    let (_, out) = told(tiny, &["sessions", "--prune"]);
    assert!(out.contains("(size limit exceeded): 2 sessions of") && !out.contains("Deleted"), "{out}");
    let (code, out) = told(small(), &["sessions", "--prune", "--yes"]);
    assert!(code == 0 && out.contains("--restore NAME"), "{out}");
    assert_eq!(states(&home), [state("first", "set aside"), state("second", "closed")]);
    let (code, out) = told(home.fourhands(), &["export", "first", "--to", "py"]);
    assert!(code == 3 && out.contains("--restore first"), "{out}");
    assert_eq!(told(home.fourhands(), &["sessions", "--restore", "first"]).0, 0);
    assert_eq!(states(&home)[0], state("first", "closed"));
    assert_eq!(told(home.fourhands(), &["sessions", "--restore", "first"]).0, 3);

    let (code, out) = told(home.fourhands(), &["sessions", "--erase", "first"]);
    assert!(code == 1 && out.contains("--yes"), "nobody could be asked: {out}");
    for name in ["first", "second"] {
        assert!(!files_with(home.path(), b"hunter2-").is_empty());
        let (code, out) = told(home.fourhands(), &["sessions", "--erase", name, "--yes"]);
        assert!(code == 0 && out.contains("Erased session"), "{out}");
    }
    assert_eq!(files_with(home.path(), b"hunter2-"), [] as [PathBuf; 0]);
    let size = fs::metadata(home.path().join(".local/state/fourhands/journal/journal.db")).unwrap().len();
    assert!(size < 100_000, "the room is given back: {size}");
}

#[test]
fn a_running_session_is_not_erased() {
    let home = Home::new();
    let mut server = home.serve("live");
    client(home.fourhands(), "live").run("6 * 7");
    let (code, out) = told(home.fourhands(), &["sessions", "--erase", "live", "--yes"]);
    assert!(code == 1 && out.contains("fourhands stop live"), "{out}");
    assert!(server.terminate().success());
    assert!(told(home.fourhands(), &["export", "live", "--to", "py"]).1.contains("6 * 7"));
}

#[test]
fn a_file_size_limit_kills_no_process() {
    let home = Home::new();
    home.serve("before");
    let mut server = home.serve("small");
    for pid in children(server.child.id()).into_iter().chain([server.child.id()]) {
        let limit = Command::new("prlimit").args(["--fsize=20480", "--pid"]).arg(pid.to_string()).status();
        assert!(limit.expect("prlimit, of util-linux").success());
    }
    let mut client = client(home.fourhands(), "small");
    for n in 0..20 {
        let answer = client.run(&format!("print('x' * 20_000)\n{n}"));
        assert_eq!(answer["result"], n.to_string());
    }
    let line = server.wait_for_line("note: ");
    assert!(line.contains("ulimit -f"), "{line}");
    client.close();
    assert!(server.terminate().success());
}

#[test]
fn a_full_home_stops_no_session() {
    let home = Home::new();
    home.serve("before");
    let faults = Faults::new(&home);
    let runtime = home.path().join("run");
    fs::create_dir(&runtime).unwrap();
    fs::set_permissions(&runtime, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let in_runtime = || {
        let mut command = home.fourhands();
        command.env("XDG_RUNTIME_DIR", &runtime);
        command
    };
    faults.arm(Call::Write, "/.local/state/fourhands/", libc::ENOSPC, 0, 1 << 40);
    let mut command = in_runtime();
    command.envs(faults.environment()).args(["serve", "--session", "full", "--python"]).arg(python());
    let mut server = Server::start(command);
    let mut client = client(in_runtime(), "full");
    for n in 0..5 {
        assert_eq!(client.run(&n.to_string())["result"], n.to_string());
    }
    server.wait_for_line("this session cannot be recorded: ");
    let listed = || {
        let (_, text) = told(in_runtime(), &["sessions", "--json"]);
        let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
        rows.into_iter().filter(|row| row["name"] == "full").map(|row| row["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed(), [json!("running")], "once");
    let (code, out) = told(in_runtime(), &["serve", "--session", "full"]);
    assert!(code == 1 && out.contains("already running"), "{out}");
    // Python dies twice, so that only the count of losses remains.
    for n in 0..2 {
        client.call("run_python_code", json!({"code": "import os; os._exit(3)"}));
        wait_until("another Python", || (client.run(&format!("{n} + 40"))["status"] == "ok").then_some(()));
    }
    assert!(faults.disarm() > 0);
    client.run("'room'");
    let line = server.wait_for_line("recorded again");
    assert!(line.contains("snippet"), "{line}");
    let (_, text) = told(in_runtime(), &["export", "full", "--to", "json"]);
    let exported: Value = serde_json::from_str(&text).unwrap();
    let entries = exported["entries"].as_array().unwrap();
    assert!(entries.iter().all(|entry| entry["status"] != "running"), "{text}");
    client.close();
    let (code, out) = told(in_runtime(), &["stop", "full"]);
    assert_eq!(code, 0, "{out}");
    assert!(wait_until("the end", || server.child.try_wait().unwrap()).success());
    assert!(listed().iter().all(|state| state != "running"));
}
