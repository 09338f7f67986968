//! `fourhands sessions` and `fourhands stop`, on sessions that run, hang, were killed or never were.

use std::fs;
use std::process::Stdio;

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, Server, children, python, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// Exit code, stdout and stderr.
fn told(home: &Home, arguments: &[&str]) -> (i32, String, String) {
    let output = home.fourhands().args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn listed(home: &Home) -> Vec<Value> {
    let (code, out, err) = told(home, &["sessions", "--running", "--json"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn what_runs_is_listed_with_who_is_there() {
    let home = Home::new();
    assert!(listed(&home).is_empty());
    assert!(told(&home, &["sessions"]).1.starts_with("No session is running."));

    let server = home.serve("alpha");
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "alpha"]);
    let mut client = Client::start(bridge, "cursor", Era::Legacy);
    client.run("1");
    let call = client
        .send("tools/call", json!({"name": "run_python_code", "arguments": {"code": "import time; time.sleep(1000)"}}));
    server.wait_for_line("2 cursor runs");

    let python = python();
    let terminal = Terminal::start(&home, &["--session", "beta", "--python", python.to_str().unwrap()], 24, 80);
    terminal.wait_for_text("ready");

    let found = wait_until("both to be up", || {
        Some(listed(&home)).filter(|rows| rows.len() == 2 && rows[1]["state"] == "running")
    });
    let (alpha, beta) = (&found[0], &found[1]);
    assert_eq!(
        (&alpha["name"], &alpha["state"], &alpha["dashboard"]),
        (&json!("alpha"), &json!("running"), &json!(false))
    );
    assert_eq!(alpha["guardian_pid"], server.child.id());
    assert_eq!(alpha["pid"], children(server.child.id())[0]);
    assert_eq!(alpha["cwd"], home.work().canonicalize().unwrap().to_str().unwrap());
    assert_eq!(alpha["clients"], json!([{"name": "cursor", "pid": client.child.id()}]), "who asks is no client");
    assert_eq!((&alpha["snippets"], &alpha["running"], &alpha["queued"]), (&json!(2), &json!(2), &json!(0)));
    assert!(alpha["python_version"].as_str().unwrap().starts_with("3."));
    assert_eq!((&beta["dashboard"], &beta["clients"]), (&json!(true), &json!([])));

    let (_, table, _) = told(&home, &["sessions"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[1].contains("alpha  running") && lines[1].contains("headless   cursor"), "{table}");
    assert!(lines[2].contains("beta   running") && lines[2].contains("dashboard  none"), "{table}");

    // All are ended in good order, and say so.
    let (code, out, err) = told(&home, &["stop", "--all"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(out.lines().filter(|line| line.contains("has ended")).count(), 2, "{out}");
    let answer = client.answer(call);
    assert!(Client::text(&answer["result"]).contains("KeyboardInterrupt"), "{answer}");
    server.wait_for_line("the session has ended");
    assert!(listed(&home).is_empty());
    assert!(told(&home, &["stop", "--all"]).1.contains("No session is running."));
}

#[test]
fn names_that_are_not_there_or_cannot_be_are_told_apart() {
    let home = Home::new();
    let _server = home.serve("here");
    let (code, out, err) = told(&home, &["stop", "there"]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains("no session \"there\" is running") && err.contains("Running: here ("), "{err}");
    for odd in
        ["", " ", "a b", "../here", "/etc/passwd", "-x", "--here", "é", "日本", "a\u{1b}[2Jb", &"x".repeat(5_000)]
    {
        let (code, out, err) = told(&home, &["stop", "--", odd]);
        assert_eq!((code, out.as_str()), (2, ""), "{odd}");
        assert!(err.contains("is not a valid session name") && err.lines().count() == 1, "{err}");
        assert!(!err.contains('\u{1b}') && err.len() < 500, "{err:?}");
    }
    assert_eq!(told(&home, &["stop"]).0, 2);
    assert_eq!(told(&home, &["stop", "here", "--all"]).0, 2);
    assert_eq!(listed(&home).len(), 1, "nothing was ended by that");
}

#[test]
fn a_suspended_session_is_silent_and_can_be_ended() {
    let home = Home::new();
    let mut server = home.serve("asleep");
    for pid in children(server.child.id()).into_iter().chain([server.child.id()]) {
        signal(pid, Signal::SIGSTOP);
    }
    let row =
        wait_until("the stop to take effect", || Some(listed(&home).remove(0)).filter(|row| row["state"] == "silent"));
    assert_eq!((&row["clients"], &row["pid"]), (&Value::Null, &Value::Null));
    let (code, out, _) = told(&home, &["stop", "asleep"]);
    assert_eq!((code, out.contains("has ended")), (0, true), "{out}");
    assert!(wait_until("the end", || server.child.try_wait().unwrap()).success(), "in good order");
}

#[test]
fn what_was_killed_is_stale_until_it_is_cleaned_up() {
    let home = Home::new();
    let runtime = home.path().join("run");
    fs::create_dir(&runtime).unwrap();
    fs::set_permissions(&runtime, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    for runtime in [None, Some(&runtime)] {
        let mut command = home.fourhands();
        command.args(["serve", "--session", "dead", "--python"]).arg(python());
        if let Some(runtime) = runtime {
            command.env("XDG_RUNTIME_DIR", runtime);
        }
        let mut server = Server::start(command);
        server.kill();
        assert_eq!(listed(&home)[0]["state"], "stale");
        let (code, out, _) = told(&home, &["stop", "dead"]);
        assert_eq!((code, out.contains("had been killed")), (0, true), "{out}");
        assert!(listed(&home).is_empty());
        let left = fs::read_dir(home.path().join(".local/state/fourhands/sessions")).unwrap().count();
        assert_eq!(left, 0, "files are left");
    }
    assert_eq!(fs::read_dir(runtime.join("fourhands")).unwrap().count(), 0, "in the runtime folder");
}

#[test]
fn no_number_in_a_file_makes_us_signal_a_stranger() {
    let home = Home::new();
    let server = home.serve("mine");
    let mut stranger = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    // As after a crash whose process number came round again, or by somebody's hand.
    let file = home.path().join(".local/state/fourhands/sessions/mine.json");
    let good = fs::read_to_string(&file).unwrap();
    let mut record: Value = serde_json::from_str(&good).unwrap();
    record["pid"] = stranger.id().into();
    fs::write(&file, record.to_string()).unwrap();
    let (code, _, err) = told(&home, &["stop", "mine"]);
    assert_eq!((code, err.contains("is not run by process")), (1, true), "{err}");
    assert!(stranger.try_wait().unwrap().is_none(), "a stranger was ended");
    stranger.kill().unwrap();
    stranger.wait().unwrap();

    // Whatever lies among the records is passed over.
    let folder = file.parent().unwrap();
    for (name, text) in
        [("junk.json", "{"), ("deep.json", &"[".repeat(100_000)), ("x y.json", "{}"), ("list.json", "[1]")]
    {
        fs::write(folder.join(name), text).unwrap();
    }
    nix::unistd::mkfifo(&folder.join("pipe.json"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("endless.json")).unwrap();
    fs::create_dir(folder.join("folder.json")).unwrap();
    fs::write(&file, good).unwrap();
    assert_eq!(listed(&home).iter().map(|row| row["name"].clone()).collect::<Vec<_>>(), ["mine"]);
    assert_eq!(told(&home, &["stop", "mine"]).0, 0);
    drop(server);
}
