//! Sessions and bridges as processes: who finds whom, what a client is told while there is no session, and what it
//! does not notice when one comes, goes or is killed.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::client::{Client, Era};
use crate::support::{Home, Server, python, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

fn bridge(home: &Home, cwd: &Path) -> Command {
    let mut command = home.fourhands();
    command.arg("bridge").current_dir(cwd);
    command
}

fn serve(home: &Home, cwd: &Path) -> Command {
    let mut command = home.fourhands();
    command.args(["serve", "--python"]).arg(python()).current_dir(cwd);
    command
}

fn folder(home: &Home, path: &str) -> PathBuf {
    let folder = home.path().join(path);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What a bridge started like this gets to read: the session's folder, or the text in its place.
fn reached(command: Command) -> String {
    let mut client = Client::start(command, "tester", Era::Legacy);
    let result = client.call("run_python_code", json!({"code": "import os; print(os.path.basename(os.getcwd()))"}));
    assert!(client.close().success());
    if let Some(folder) = result["structuredContent"]["stdout"].as_str() {
        return folder.trim().to_owned();
    }
    assert_eq!(result["isError"], true, "{result}");
    Client::text(&result)
}

/// What a client is told of itself when a session comes or goes: that lists may be others now.
fn only_lists_changed(client: &Client) {
    let others = |said: &&serde_json::Value| !said["method"].as_str().is_some_and(|m| m.ends_with("/list_changed"));
    assert_eq!(client.notifications.iter().find(others), None);
}

#[test]
fn a_client_that_came_first_is_told_what_to_do_and_then_just_works() {
    for era in ERAS {
        let home = Home::new();
        let mut client = Client::start(bridge(&home, &home.work()), "early", era);
        assert!(client.request("tools/list", json!({}))["result"]["tools"].as_array().unwrap().len() >= 6);
        let result = client.call("run_python_code", json!({"code": "1"}));
        assert_eq!(result["isError"], true, "{result}");
        let text = Client::text(&result);
        let folder = home.work().canonicalize().unwrap();
        for part in ["Nothing was run", "`fourhands` in a terminal", folder.to_str().unwrap(), "connects by itself"] {
            assert!(text.contains(part), "{part:?} is missing: {text}");
        }

        let server = home.serve("late");
        assert_eq!(client.run("6 * 7")["result"], "42");
        server.wait_for_line("early connected");
        only_lists_changed(&client);
        assert!(client.close().success());
    }
}

#[test]
fn a_session_killed_in_mid_call_is_told_at_once_and_its_successor_takes_over_unseen() {
    for era in ERAS {
        let home = Home::new();
        let mut server = home.serve("mortal");
        let mut client = Client::start(bridge(&home, &home.work()), "witness", era);
        client.run("kept = 1");
        let call = json!({"name": "run_python_code", "arguments": {"code": "import time; time.sleep(600)"}});
        let line = client.line(5, "tools/call", call).replacen("\"id\":5", "\"id\":\"five\"", 1);
        client.send_line(&line);
        server.wait_for_line("time.sleep(600)");
        server.kill();

        let mut answer = client.next();
        while answer.get("id").is_none() {
            // That lists may be others now, which comes as soon as the session is gone.
            answer = client.next();
        }
        assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!("five"), &json!(true)), "{answer}");
        assert_eq!(answer["result"].get("resultType").is_some(), era == Era::Modern, "{answer}");
        let text = Client::text(&answer["result"]);
        // What to do follows; the guardian may still have been about to die.
        assert!(text.contains("ended before this call was answered"), "{text}");
        let result = client.call("run_python_code", json!({"code": "1"}));
        assert!(Client::text(&result).starts_with("Nothing was run"), "{result}");

        let server = home.serve("mortal");
        let after = client.call("run_python_code", json!({"code": "kept"}));
        assert_eq!(after["structuredContent"]["error"]["type"], "NameError", "a new session: {after}");
        server.wait_for_line("witness connected");
        only_lists_changed(&client);
        assert!(client.close().success());
    }
}

#[test]
fn two_clients_take_turns_in_the_order_they_came() {
    let home = Home::new();
    let server = home.serve("shared");
    let mut first = Client::start(bridge(&home, &home.work()), "alice", Era::Legacy);
    let mut second = Client::start(bridge(&home, &home.work()), "bob", Era::Modern);
    first.run("order = []");
    let waiting = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\norder.append('alice 1')";
    let one = first.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": waiting}}));
    server.wait_for_line("2 alice runs");
    let queued = |client: &mut Client, code: &str| {
        client.call("run_python_code", json!({"code": code, "wait_s": 0}))["structuredContent"].clone()
    };
    let two = queued(&mut second, "order.append('bob')");
    assert_eq!((&two["snippet"], &two["status"]), (&json!(3), &json!("queued")), "{two}");
    assert!(two["notice"].as_str().unwrap().contains("behind snippet 2 by \"alice\" (running)."), "{two}");
    let three = queued(&mut first, "order.append('alice 2')");
    assert!(three["notice"].as_str().unwrap().contains("2 by you (running) and snippet 3 by \"bob\"."), "{three}");
    // What is not yours is not stopped by accident.
    let refused = second.call("interrupt_snippet", json!({}));
    assert!(Client::text(&refused).contains("snippet 2 is by \"alice\", not yours"), "{refused}");

    fs::write(home.work().join("go"), "").unwrap();
    assert_eq!(first.answer(one)["result"]["structuredContent"]["status"], "ok");
    let done = second.call("wait_for_snippet", json!({"snippet": 4}));
    assert_eq!(done["structuredContent"]["status"], "ok", "{done}");
    assert_eq!(second.run("order")["result"], "['alice 1', 'bob', 'alice 2']");
}

#[test]
fn a_bridge_finds_the_session_of_its_folder() {
    let home = Home::new();
    let (project, other) = (folder(&home, "project"), folder(&home, "other"));
    let (deep, apart) = (folder(&home, "project/src/deep"), folder(&home, "projector"));
    let _project = Server::start(serve(&home, &project));
    assert_eq!(reached(bridge(&home, &apart)), "project", "the only one running");
    let _other = Server::start(serve(&home, &other));

    assert_eq!(reached(bridge(&home, &project)), "project");
    assert_eq!(reached(bridge(&home, &deep)), "project", "the nearest folder above");
    let text = reached(bridge(&home, &apart));
    for part in ["Several fourhands sessions", "- other (", "- project (", "--session NAME", "FOURHANDS_SESSION=NAME"] {
        assert!(text.contains(part), "{part:?} is missing: {text}");
    }

    let with_env = |cwd, value| {
        let mut command = bridge(&home, cwd);
        command.env("FOURHANDS_SESSION", value);
        command
    };
    assert_eq!(reached(with_env(&project, "other")), "other", "the environment goes before the folder");
    assert_eq!(reached(with_env(&deep, "")), "project", "an empty variable is none");
    let mut flag = with_env(&project, "other");
    flag.args(["--session", "project"]);
    assert_eq!(reached(flag), "project", "the flag goes before the environment");
    let text = reached(with_env(&project, "gone"));
    assert!(text.contains("\"gone\"") && text.contains("`fourhands --session gone`"), "never another one: {text}");

    let mut socket = with_env(&project, "project");
    socket.arg("--socket").arg(home.path().join(".local/state/fourhands/sessions/other.sock"));
    assert_eq!(reached(socket), "other", "a socket is not asked for its name");
    let mut nonsense = bridge(&home, &project);
    nonsense.args(["--socket", "/dev/null"]);
    assert!(reached(nonsense).contains("listens on the socket /dev/null"));
}

#[test]
fn names_come_from_the_folder_and_are_not_given_twice() {
    let home = Home::new();
    let first = Server::start(serve(&home, &home.work()));
    let refused = |command: &mut Command, code: i32| {
        let Output { status, stderr, stdout } = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!((status.code(), stdout.is_empty()), (Some(code), true));
        String::from_utf8(stderr).unwrap()
    };
    for command in [&mut serve(&home, &home.work()), serve(&home, home.path()).args(["--session", "work"])] {
        let text = refused(command, 1);
        let pid = format!("(pid {})", first.child.id());
        assert!(text.contains("session \"work\" is already running in") && text.contains(&pid), "{text}");
        assert!(text.contains("--session NAME") && text.lines().count() == 1, "{text}");
    }
    let text = refused(serve(&home, &home.work()).args(["--session", "../up"]), 2);
    assert!(text.contains("is not a valid session name"), "{text}");

    // Another folder of the same name is another session.
    let namesake = folder(&home, "elsewhere/work");
    let second = Server::start(serve(&home, &namesake));
    let mut client = Client::start(bridge(&home, &namesake), "tester", Era::Legacy);
    assert!(client.run("import os; os.getcwd()")["result"].as_str().unwrap().contains("elsewhere"));
    second.wait_for_line("tester connected");
    let sockets = home.path().join(".local/state/fourhands/sessions");
    for name in ["work.sock", "work-2.sock"] {
        assert_eq!(sockets.join(name).metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    drop((first, second, client));
    assert_eq!(fs::read_dir(&sockets).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn serve_logs_a_plain_line_for_each_thing_that_happens() {
    let home = Home::new();
    let mut command = serve(&home, &home.work());
    command.args(["--session", "logged"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap());
    let mut start = String::new();
    while !start.contains("listening on") {
        assert_ne!(log.read_line(&mut start).unwrap(), 0, "{start}");
    }
    assert!(start.contains("session logged with Python 3.") && start.contains("/logged.sock, process "), "{start}");

    let mut client = Client::start(bridge(&home, &home.work()), "cur\u{1b}[31msor", Era::Modern);
    client.run("x = 1\nprint('not in the log')");
    client.run("1/0");
    client.call("run_python_code", json!({"code": "while True: pass", "timeout_s": 0.1}));
    client.call("reset_python_environment", json!({}));
    assert!(client.close().success());
    let mut rest = String::new();
    while !rest.contains("left") {
        assert_ne!(log.read_line(&mut rest).unwrap(), 0, "{rest}");
    }
    signal(child.id(), Signal::SIGTERM);
    log.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().code().is_some());
    let lines: Vec<&str> = rest.lines().collect();
    let expected = [
        "cursor connected, process ",
        "1 cursor runs: x = 1 …",
        "1 cursor: ok in ",
        "2 cursor runs: 1/0",
        "2 cursor: ZeroDivisionError: division by zero after ",
        "3 cursor runs: while True: pass",
        "3 cursor: interrupted by its time limit of 0.1 s after ",
        "cursor reset the namespace: 1 name cleared",
        "cursor left",
        "the session has ended",
    ];
    assert_eq!(lines.len(), expected.len(), "{rest}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line:?} is not {expected:?}");
    }
}

#[test]
fn the_runtime_folder_need_not_be_known_to_both_sides() {
    let home = Home::new();
    let runtime = folder(&home, "run");
    fs::set_permissions(&runtime, Permissions::from_mode(0o700)).unwrap();
    let (one, two) = (folder(&home, "one"), folder(&home, "two"));
    let mut with = serve(&home, &one);
    let _one = Server::start({
        with.env("XDG_RUNTIME_DIR", &runtime);
        with
    });
    assert!(runtime.join("fourhands/one.sock").exists());
    let _two = Server::start(serve(&home, &two));
    for known in [false, true] {
        for name in ["one", "two"] {
            let mut command = bridge(&home, &home.path().join(name));
            if known {
                command.env("XDG_RUNTIME_DIR", &runtime);
            }
            assert_eq!(reached(command), name, "runtime folder known to the bridge: {known}");
        }
    }
}

#[test]
fn a_home_that_cannot_be_written_is_done_without() {
    let home = Home::new();
    let mut command = serve(&home, &home.work());
    command.args(["--session", "homeless"]).env("HOME", "/proc");
    let _server = Server::start(command);
    let mut command = bridge(&home, home.path());
    command.args(["--session", "homeless"]).env("HOME", "/proc");
    assert_eq!(reached(command), "work");
}

fn call(id: u64, code: &str) -> String {
    let arguments = json!({"name": "run_python_code", "arguments": {"code": code}});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": arguments}).to_string()
}

fn stdio(home: &Home) -> std::process::Child {
    let mut command = home.fourhands();
    command.args(["serve", "--stdio", "--structured", "--python"]).arg(python());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

const HELLO: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"pipe","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
"#;

#[test]
fn what_was_asked_before_the_end_of_stdin_is_answered() {
    let home = Home::new();
    let mut child = stdio(&home);
    // As a shell's printf does: all at once, closed, and no newline at the end.
    let slow = call(2, "import time; time.sleep(0.5); 'slow'");
    let input = format!("{HELLO}{slow}\n{}", call(3, "'quick'"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let Output { status, stdout, .. } = child.wait_with_output().unwrap();
    assert_eq!(status.code(), Some(0));
    let answers: Vec<Value> = stdout.split(|b| *b == b'\n').filter_map(|l| serde_json::from_slice(l).ok()).collect();
    let results: Vec<_> =
        answers.iter().map(|a| (a["id"].as_u64(), a["result"]["structuredContent"]["result"].as_str())).collect();
    assert_eq!(results, [(Some(1), None), (Some(2), Some("'slow'")), (Some(3), Some("'quick'"))], "{answers:?}");
}

#[test]
fn code_does_not_outlive_a_client_that_reads_no_more() {
    let home = Home::new();
    let mut child = stdio(&home);
    let started = home.work().join("started");
    let busy = call(2, "open('started', 'w').close()\nwhile True: pass");
    child.stdin.take().unwrap().write_all(format!("{HELLO}{busy}\n").as_bytes()).unwrap();
    wait_until("the code to run", || started.exists().then_some(()));
    assert!(child.try_wait().unwrap().is_none(), "the client still listens");
    drop(child.stdout.take());
    assert!(wait_until("the end", || child.try_wait().unwrap()).code().is_some());
}

/// A session that is as reachable as before: by bridges, by `sessions` and by `stop`, after a restart as well.
fn is_reachable(command: &dyn Fn(&str) -> Command) {
    let listed = wait_until("the session to be listed", || {
        let output = command("sessions").args(["--json", "--running"]).output().unwrap();
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        rows.into_iter().find(|row| row["state"] == "running")
    });
    assert_eq!(listed["name"], "work");
    let mut bridge = command("bridge");
    bridge.args(["--session", "work"]);
    let mut client = Client::start(bridge, "tester", Era::Legacy);
    assert_eq!(client.run("6 * 7")["result"], "42");
    assert!(client.close().success());
}

#[test]
fn what_is_removed_of_a_running_session_is_made_again() {
    let home = Home::new();
    let runtime = home.path().join("run");
    let private = |folder: &Path| {
        fs::create_dir(folder).unwrap();
        fs::set_permissions(folder, Permissions::from_mode(0o700)).unwrap();
    };
    private(&runtime);
    let command = |name: &str| {
        let mut command = home.fourhands();
        command.arg(name).env("XDG_RUNTIME_DIR", &runtime);
        command
    };
    let mut program = command("serve");
    program.args(["--session", "work", "--python"]).arg(python());
    let mut server = Server::start(program);
    let records = home.path().join(".local/state/fourhands/sessions");
    let socket = runtime.join("fourhands/work.sock");
    assert!(socket.exists());
    let restart = || {
        let mut bridge = command("bridge");
        bridge.args(["--session", "work"]);
        let mut client = Client::start(bridge, "restarter", Era::Legacy);
        client.call("reset_python_environment", json!({"mode": "restart"}));
        assert!(client.close().success());
    };

    fs::remove_file(&socket).unwrap();
    server.wait_for_line("the new socket is");
    is_reachable(&command);
    fs::remove_file(records.join("work.lock")).unwrap();
    wait_until("the lock", || records.join("work.lock").exists().then_some(()));
    fs::remove_file(records.join("work.json")).unwrap();
    wait_until("the record", || records.join("work.json").exists().then_some(()));
    is_reachable(&command);
    // It may be made again in the midst of that.
    let remove = |folder: &Path| {
        wait_until("the removal", || {
            let removed = fs::remove_dir_all(folder);
            (removed.is_ok() || !folder.exists()).then_some(())
        });
    };
    remove(&runtime.join("fourhands"));
    server.wait_for_line("the new socket is");
    is_reachable(&command);
    restart();
    server.wait_for_line("listening on");
    is_reachable(&command);

    // A logout: the folder is gone and cannot be made, so the next best serves.
    remove(&runtime);
    wait_until("the socket in the next place", || records.join("work.sock").exists().then_some(()));
    is_reachable(&command);
    restart();
    server.wait_for_line("listening on");
    is_reachable(&command);
    // By a signal, too.
    fs::remove_file(records.join("work.sock")).unwrap();
    signal(server.child.id(), Signal::SIGUSR1);
    is_reachable(&command);
    let stopped = command("stop").arg("work").output().unwrap();
    assert!(stopped.status.success(), "{stopped:?}");
    wait_until("the end", || server.child.try_wait().unwrap());
    assert_eq!(fs::read_dir(&records).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_client_on_stdin_stays_with_its_session_when_the_runtime_folder_is_lost() {
    let home = Home::new();
    let runtime = home.path().join("run");
    fs::create_dir(&runtime).unwrap();
    fs::set_permissions(&runtime, Permissions::from_mode(0o700)).unwrap();
    let mut program = home.fourhands();
    program.args(["serve", "--stdio", "--session", "own", "--python"]).arg(python());
    program.env("XDG_RUNTIME_DIR", &runtime);
    let mut client = Client::start(program, "tester", Era::Legacy);
    assert_eq!(client.run("6 * 7")["result"], "42");
    assert!(runtime.join("fourhands/own.sock").exists());
    fs::rename(&runtime, home.path().join("gone")).unwrap();
    let records = home.path().join(".local/state/fourhands/sessions");
    wait_until("the socket in the next place", || records.join("own.sock").exists().then_some(()));
    // The next Python is reached by the new socket alone.
    client.call("reset_python_environment", json!({"mode": "restart"}));
    assert_eq!(client.run("7 * 7")["result"], "49");
    assert!(client.close().success());
}
