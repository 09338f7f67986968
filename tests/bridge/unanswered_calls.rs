//! Calls that are open when Python dies or is restarted: the answers that their callers get, and that clients keep
//! their names.

use crate::support;
use crate::support::client::{Client, Era};
use crate::support::{Home, children, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

fn client(home: &Home, name: &str, era: Era) -> Client {
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "test"]);
    Client::start(bridge, name, era)
}

fn send(client: &mut Client, tool: &str, arguments: Value) -> u64 {
    client.send("tools/call", json!({"name": tool, "arguments": arguments}))
}

/// Dies as soon as the file `die` is there.
const DIES: &str = "import ctypes, os, time\ndef f():\n    while not os.path.exists('die'): time.sleep(0.01)\n    \
                    ctypes.string_at(0)\nf()";

#[test]
fn each_pending_call_is_told_how_python_died() {
    for era in ERAS {
        let home = Home::new();
        let server = home.serve("test");
        let (mut one, mut two) = (client(&home, "one", era), client(&home, "two", era));
        let killer = send(&mut one, "run_python_code", json!({"code": DIES}));
        server.wait_for_line("1 one runs");
        let same = send(&mut one, "run_python_code", json!({"code": "x = 1"}));
        let twin = send(&mut one, "run_python_code", json!({"code": "x = 1"}));
        wait_until("the queue", || {
            let told = one.call("wait_for_snippet", json!({"snippet": 3, "wait_s": 0}));
            (told["structuredContent"]["status"] == "queued").then_some(())
        });
        let waits = send(&mut two, "wait_for_snippet", json!({"snippet": 1}));
        let waits_too = send(&mut two, "wait_for_snippet", json!({"snippet": 3}));
        let resets = send(&mut two, "reset_python_environment", json!({}));
        // An answer to what was said after them: Python's process has heard them all.
        two.call("wait_for_snippet", json!({"snippet": 1, "wait_s": 0}));
        std::fs::write(home.work().join("die"), "").unwrap();
        for answer in [one.answer(killer), two.answer(waits)] {
            let result = &answer["result"];
            assert_eq!(result["isError"], true, "{answer}");
            assert_eq!(result.get("resultType").is_some(), era == Era::Modern, "{answer}");
            let run = &result["structuredContent"];
            assert_eq!((&run["snippet"], &run["error"]["type"]), (&json!(1), &json!("PythonDied")), "{answer}");
            assert_eq!(run["returncode"], 139);
            for told in [run["error"]["traceback"].as_str().unwrap(), &Client::text(result)] {
                assert!(told.contains("SIGSEGV") && told.contains("<snippet 1>\", line 4 in f"), "{told}");
                assert_eq!(told.matches("SIGSEGV").count(), 1, "told once: {told}");
            }
        }
        for (answer, snippet) in [(one.answer(same), 2), (one.answer(twin), 3), (two.answer(waits_too), 3)] {
            let run = &answer["result"]["structuredContent"];
            assert_eq!((&run["snippet"], &run["status"]), (&json!(snippet), &json!("cancelled")), "{answer}");
            assert!(Client::text(&answer["result"]).contains("SIGSEGV"), "{answer}");
        }
        let reset = two.answer(resets)["result"].clone();
        assert_eq!(reset["structuredContent"]["done"], true, "{reset}");
        let next = one.run("1 + 1");
        assert!(next["snippet"] == 4 && !next.to_string().contains("SIGSEGV"), "{next}");
    }
}

#[test]
fn clients_are_who_they_were() {
    for era in ERAS {
        let home = Home::new();
        let server = home.serve("test");
        let mut clients: Vec<Client> = (0..3).map(|_| client(&home, "twin", era)).collect();
        for (at, client) in clients.iter_mut().enumerate() {
            client.run(&format!("x = {at}"));
        }
        for restarted in [false, true] {
            let process = children(server.child.id())[0];
            if restarted {
                clients[1].call("reset_python_environment", json!({"mode": "restart"}));
            } else {
                signal(process, Signal::SIGKILL);
            }
            server.wait_for_line("listening on");
            // The last ones first: whoever comes first must not take the name of another.
            for (at, name) in [(2, "twin 3"), (1, "twin 2"), (0, "twin")] {
                let id = send(&mut clients[at], "run_python_code", json!({"code": "import time; time.sleep(1000)"}));
                server.wait_for_line(&format!("{name} runs"));
                // Without a number, it is whichever is theirs.
                let stopped = clients[at].interrupt();
                assert_eq!(clients[at].answer(id)["result"]["structuredContent"]["snippet"], stopped);
            }
        }
    }
}

#[test]
fn what_never_reached_python_runs_in_the_next_one_once() {
    for era in ERAS {
        let home = Home::new();
        let server = home.serve("test");
        let mut one = client(&home, "one", era);
        one.run("1");
        let process = children(server.child.id())[0];
        // Suspended, it reads nothing more.
        signal(process, Signal::SIGSTOP);
        wait_until("all its threads to stop", || {
            let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
            let stat = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            tasks.map(stat).all(|stat| stat.contains(") T ")).then_some(())
        });
        let first = send(&mut one, "run_python_code", json!({"code": "n = 1; n"}));
        let second = send(&mut one, "run_python_code", json!({"code": "n += 1; n"}));
        let third = one.send("tools/list", json!({}));
        std::thread::sleep(std::time::Duration::from_millis(200));
        signal(process, Signal::SIGKILL);
        let answer = one.answer(first);
        assert_eq!(answer["result"]["structuredContent"]["result"], "1", "{answer}");
        assert_eq!(one.answer(second)["result"]["structuredContent"]["result"], "2");
        assert!(one.answer(third)["result"]["tools"].is_array());
    }
}

#[test]
fn a_call_right_after_a_restart_runs_in_the_new_python() {
    let home = Home::new();
    let _server = home.serve("test");
    let mut one = client(&home, "one", Era::Legacy);
    for round in 0..5 {
        one.run("x = 1");
        let ids: Vec<u64> = (0..4)
            .map(|at| match at {
                0 => send(&mut one, "reset_python_environment", json!({"mode": "restart"})),
                _ => send(&mut one, "run_python_code", json!({"code": format!("{at}, 'x' in globals()")})),
            })
            .collect();
        assert_eq!(one.answer(ids[0])["result"]["structuredContent"]["done"], true);
        for (at, id) in ids.iter().enumerate().skip(1) {
            let answer = one.answer(*id);
            assert_eq!(answer["result"]["structuredContent"]["result"], format!("({at}, False)"), "{round}: {answer}");
        }
    }
}

#[test]
fn a_restart_before_anything_was_run_loses_nothing() {
    let home = Home::new();
    let server = home.serve("test");
    let mut one = client(&home, "one", Era::Legacy);
    for _ in 0..3 {
        let restart = send(&mut one, "reset_python_environment", json!({"mode": "restart"}));
        let next = send(&mut one, "list_defined_variables", json!({}));
        assert_eq!(one.answer(restart)["result"]["structuredContent"]["done"], true);
        assert_eq!(one.answer(next)["result"]["isError"], false);
    }
    assert_eq!(one.call("reset_python_environment", json!({"mode": "restart"}))["structuredContent"]["done"], true);
    assert_eq!(one.run("2 + 2")["result"], "4");
    loop {
        let line = server.wait_for_line("");
        assert!(!line.contains("starts empty"), "{line}");
        if line.contains("one: ok") {
            break;
        }
    }
}

/// A call of C code that no interrupt reaches, after an effect that can be counted.
const STUCK: &str = "open('ran', 'a').write('x'); sum(range(10**11))";

/// However a session ends, what had begun is told to have begun, with what it left, and what had not is told so.
#[test]
fn no_end_of_a_session_tells_to_repeat_what_has_run() {
    type End = fn(&Home, u32, u32);
    let ends: [(&str, End); 5] = [
        ("stop", |home, _, _| assert!(home.fourhands().args(["stop", "test"]).output().unwrap().status.success())),
        ("SIGTERM to the session", |_, _, session| signal(session, Signal::SIGTERM)),
        ("SIGHUP to the session", |_, _, session| signal(session, Signal::SIGHUP)),
        ("SIGTERM to the guardian", |_, guardian, _| signal(guardian, Signal::SIGTERM)),
        ("SIGKILL to the guardian", |_, guardian, _| signal(guardian, Signal::SIGKILL)),
    ];
    std::thread::scope(|scope| {
        for (at, (what, end)) in ends.into_iter().enumerate() {
            scope.spawn(move || {
                let home = Home::new();
                let server = home.serve("test");
                let mut one = client(&home, "one", ERAS[at % 2]);
                let runs = send(&mut one, "run_python_code", json!({"code": STUCK}));
                let waits = send(&mut one, "run_python_code", json!({"code": "open('ran', 'a').write('y')"}));
                wait_until("the effect", || {
                    (std::fs::read_to_string(home.work().join("ran")).ok()? == "x").then_some(())
                });
                server.wait_for_line("2 one runs");
                end(&home, server.child.id(), children(server.child.id())[0]);
                let run = one.answer(runs)["result"].clone();
                let told = &run["structuredContent"];
                assert_eq!((&told["status"], &told["snippet"]), (&json!("interrupted"), &json!(1)), "{what}: {run}");
                assert!(told["stopped_by"].as_str().unwrap().starts_with("the end of the session"), "{what}: {run}");
                assert!(!run.to_string().contains("repeat"), "{what}: {run}");
                let wait = one.answer(waits)["result"].clone();
                assert_eq!(wait["structuredContent"]["status"], "cancelled", "{what}: {wait}");
                assert_eq!(std::fs::read_to_string(home.work().join("ran")).unwrap(), "x", "{what}");
            });
        }
    });
}

/// The Python that takes over is ended before it can say what became of the call that the one before died of.
#[test]
fn a_call_whose_end_nobody_can_tell_is_not_to_be_repeated() {
    let home = Home::new();
    for round in 0..4 {
        let server = home.serve("test");
        let guardian = server.child.id();
        let mut one = client(&home, "one", ERAS[round % 2]);
        one.run("1");
        let before = children(guardian)[0];
        let id = send(&mut one, "run_python_code", json!({"code": COUNTS}));
        let next = wait_until("the next Python", || children(guardian).into_iter().find(|child| *child != before));
        signal(next, Signal::SIGSTOP);
        signal(guardian, Signal::SIGTERM);
        signal(next, Signal::SIGCONT);
        let answer = one.answer(id)["result"].clone();
        let text = Client::text(&answer);
        let is_told = answer["structuredContent"]["error"]["type"] == "PythonDied";
        assert!(is_told || text.contains("is unknown"), "{answer}");
        assert!(!text.contains("may be repeated") && !text.contains("Nothing was run"), "{answer}");
        assert_eq!(std::fs::read_to_string(home.work().join("ran")).unwrap().len(), round + 1);
    }
}

#[test]
fn each_of_four_calls_that_look_the_same_gets_its_own_answer() {
    let code = "import os\nwith open('ran', 'a') as f: f.write('x')\nif os.path.getsize('ran') == 2: os._exit(3)";
    let home = Home::new();
    let server = home.serve("test");
    let mut one = client(&home, "one", Era::Legacy);
    for round in 0..5 {
        let first = one.run("import os\nif os.path.exists('ran'): os.remove('ran')")["snippet"].as_u64().unwrap() + 1;
        let lines: Vec<String> = (0..4)
            .map(|at| {
                one.line(
                    1_000 + round * 4 + at,
                    "tools/call",
                    json!({"name": "run_python_code", "arguments": {"code": code}}),
                )
            })
            .collect();
        one.send_line(&lines.join("\n"));
        let mut ran = 0;
        for at in 0..4 {
            let answer = one.answer(1_000 + round * 4 + at);
            let run = &answer["result"]["structuredContent"];
            assert_eq!(run["snippet"], first + at, "{round}: {answer}");
            let status = run["status"].as_str().unwrap();
            match at {
                0 => assert_eq!(status, "ok", "{round}: {answer}"),
                1 => assert_eq!(run["error"]["type"], "PythonDied", "{round}: {answer}"),
                // What had not reached the queue runs in the next Python.
                _ => assert!(["cancelled", "ok"].contains(&status), "{round}: {answer}"),
            }
            ran += usize::from(status != "cancelled");
        }
        assert_eq!(std::fs::read_to_string(home.work().join("ran")).unwrap().len(), ran, "{round}");
    }
    drop(server);
}

/// MCP forbids to use an id again; where a client does, after it has given up the first call, the second is run and
/// answered.
#[test]
fn an_id_that_is_used_again_gets_the_answer_to_the_second_call() {
    let home = Home::new();
    let _server = home.serve("test");
    let mut one = client(&home, "one", Era::Legacy);
    one.run("import time");
    let call = |code: &str| json!({"name": "run_python_code", "arguments": {"code": code}});
    for round in 0..60 {
        let first = one.line(7, "tools/call", call("time.sleep(100)"));
        let second = one.line(7, "tools/call", call(&format!("'second', {round}")));
        let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
        one.send_line(&format!("{first}\n{cancel}\n{second}"));
        let answer = one.answer(7);
        assert_eq!(answer["result"]["structuredContent"]["result"], format!("('second', {round})"), "{answer}");
    }
}

#[test]
fn where_nothing_is_recorded_the_answer_says_what_is_not_known() {
    let home = Home::new();
    let mut serve = home.fourhands();
    serve.args(["serve", "--session", "test", "--python"]).arg(support::python()).env("FOURHANDS_JOURNAL_MAX", "0");
    let server = support::Server::start(serve);
    let mut one = client(&home, "one", Era::Legacy);
    let id = send(&mut one, "run_python_code", json!({"code": "import os; os.abort()"}));
    let answer = one.answer(id);
    let text = Client::text(&answer["result"]);
    assert_eq!(answer["result"]["isError"], true);
    assert!(text.contains("SIGABRT") && text.contains("is unknown"), "{text}");
    server.wait_for_line("the transcript was not recorded, so it starts empty");
    assert_eq!(one.run("2 + 2")["result"], "4");
}

/// Counts its runs, and ends Python.
const COUNTS: &str = "import os\nwith open('ran', 'a') as f: f.write('x')\nos._exit(3)";

#[test]
fn what_a_locked_journal_could_not_take_is_known_and_runs_once() {
    let locks = |home: &Home, how| {
        let lock = rusqlite::Connection::open(home.path().join(".local/state/fourhands/journal/journal.db")).unwrap();
        lock.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
        lock.execute_batch(how).unwrap();
        lock
    };
    // While it is in use others can be kept from writing, and before that also from reading.
    for early in [false, true] {
        let home = Home::new();
        drop(home.serve("first"));
        let alone = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE mine (x); COMMIT";
        let mut lock = early.then(|| locks(&home, alone));
        let _server = home.serve("test");
        let mut one = client(&home, "one", Era::Legacy);
        one.run("a = 1");
        lock.get_or_insert_with(|| locks(&home, "BEGIN IMMEDIATE"));
        runs_once(&home, &mut one, || drop(lock));
    }
}

fn runs_once(home: &Home, one: &mut Client, unlock: impl FnOnce()) {
    one.run("b = 2");
    let id = send(one, "run_python_code", json!({"code": COUNTS}));
    let run = one.answer(id)["result"]["structuredContent"].clone();
    assert_eq!((&run["snippet"], &run["error"]["type"]), (&json!(3), &json!("PythonDied")), "{run}");
    assert_eq!(std::fs::read_to_string(home.work().join("ran")).unwrap(), "x");
    assert_eq!(one.run("'a' in globals()")["snippet"], 4);
    unlock();
    let told = wait_until("the journal", || {
        let mut export = home.fourhands();
        let told = export.args(["export", "test", "--to", "json"]).output().unwrap();
        let told: Value = serde_json::from_slice(&told.stdout).ok()?;
        (told["entries"].as_array()?.len() == 5).then_some(told)
    });
    let codes: Vec<_> = told["entries"].as_array().unwrap().iter().map(|entry| entry["code"].clone()).collect();
    assert_eq!(codes, [json!("a = 1"), json!("b = 2"), json!(COUNTS), json!(3), json!("'a' in globals()")]);
}

#[test]
fn what_a_full_disk_could_not_take_runs_once() {
    let home = Home::new();
    let _server = home.serve("test");
    let mut one = client(&home, "one", Era::Legacy);
    // A disk on which nothing fits, for this Python.
    one.run("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (8, resource.RLIM_INFINITY))");
    let id = send(&mut one, "run_python_code", json!({"code": COUNTS}));
    let answer = one.answer(id);
    let text = Client::text(&answer["result"]);
    assert!(answer["result"]["isError"] == true && text.contains("is unknown"), "{text}");
    assert_eq!(std::fs::read_to_string(home.work().join("ran")).unwrap(), "x");
    assert_eq!(one.run("2 + 2")["snippet"], 3, "no number is given twice");
}
