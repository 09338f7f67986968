//! Reports of an unexpected end of Python, and of code that no interrupt reaches.

use crate::support;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use crate::support::client::{Client, Era};
use crate::support::{Home, Server, children, each_python, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::json;

struct Session {
    client: Client,
    server: Server,
    home: Home,
}

impl Session {
    fn start(python: &Path) -> Self {
        let home = Home::new();
        let mut serve = home.fourhands();
        serve.args(["serve", "--session", "test", "--python"]).arg(python).stderr(Stdio::piped());
        let server = Server::start(serve);
        let mut bridge = home.fourhands();
        bridge.args(["bridge", "--session", "test"]);
        let client = Client::start(bridge, "tester", Era::Legacy);
        Self { client, server, home }
    }

    /// Runs code that kills Python, and returns the report.
    fn dies(mut self, code: &str) -> String {
        self.client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code}}));
        self.last_words()
    }

    /// Waits until another Python has taken over, and returns the report on the previous one.
    fn last_words(mut self) -> String {
        self.server.wait_for_line("a new Python has taken over");
        assert_eq!(self.server.terminate().code(), Some(0));
        let mut said = String::new();
        self.server.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

fn says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} is missing in\n{said}");
    }
}

#[test]
fn a_fatal_fault_reports_the_snippet_and_its_stack() {
    each_python(|python| {
        let mut session = Session::start(python);
        // Closed descriptors, a disabled faulthandler, or a child that dies in the same way do not prevent the report.
        session.client.run("import os, ctypes\nos.closerange(3, 4096)");
        session.client.run("import faulthandler; faulthandler.disable()");
        session.client.run("pid = os.fork()\nif pid == 0: ctypes.string_at(0)\nos.waitpid(pid, 0)");
        let said = session.dies("def f():\n    ctypes.string_at(0)\nf()");
        says(
            &said,
            &[
                "killed by SIGSEGV (segmentation fault)",
                "while running snippet 4 by \"tester\"; its variables are lost.",
                "File \"<snippet 4>\", line 2 in f\n  File \"<snippet 4>\", line 3 in <module>",
            ],
        );
        assert!(!said.contains("<string>") && !said.contains("<snippet 3>"), "{said}");
    });
}

#[test]
fn each_kind_of_fault_has_its_stack() {
    let python = support::python();
    for (code, name) in [
        ("import os; os.abort()", "SIGABRT"),
        ("import faulthandler, os; faulthandler.enable(); os.abort()", "SIGABRT"),
        ("import faulthandler, os, sys; faulthandler.enable(file=os.dup(2)); os.abort()", "SIGABRT"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGFPE)", "SIGFPE"),
        ("import os, threading\nt = threading.Thread(target=os.abort); t.start(); t.join()", "SIGABRT"),
        (
            "import ctypes\ncall = ctypes.CFUNCTYPE(None)\n@call\ndef f(): f()\nimport sys; sys.setrecursionlimit(10**9); f()",
            "SIGSEGV",
        ),
    ] {
        let said = Session::start(&python).dies(code);
        says(&said, &[name, "snippet 1 by \"tester\"", "Python stack", "  File \""]);
        assert!(said.lines().count() < 40, "{said}");
    }
}

#[test]
fn os_exit_reports_the_author_of_the_snippet() {
    let said = Session::start(&support::python()).dies("import os; os._exit(0)");
    says(&said, &["unexpectedly with exit code 0 while running snippet 1 by \"tester\""]);
    let mut session = Session::start(&support::python());
    let code = "import threading, os, time\ndef leave():\n    while not os.path.exists('leave'): time.sleep(0.01)\n    \
                os._exit(3)\nthreading.Thread(target=leave).start()";
    session.client.run(code);
    std::fs::write(session.home.work().join("leave"), "").unwrap();
    says(&session.last_words(), &["unexpectedly with exit code 3 (os._exit"]);
}

#[test]
fn an_orderly_end_is_silent() {
    let mut session = Session::start(&support::python());
    session.client.run("1 + 1");
    assert_eq!(session.server.terminate().code(), Some(0));
    let mut said = String::new();
    session.server.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");
}

#[test]
fn the_users_own_faulthandler_keeps_writing_where_they_want() {
    let mut session = Session::start(&support::python());
    let file = session.home.work().join("own.log");
    session.client.run("import faulthandler; log = open('own.log', 'w'); faulthandler.enable(log)");
    session.client.run("1 + 1");
    let _home = std::mem::replace(&mut session.home, Home::new());
    session.dies("import ctypes; ctypes.string_at(0)");
    says(&std::fs::read_to_string(file).unwrap(), &["<snippet 3>"]);
}

#[test]
fn a_c_call_that_no_interrupt_reaches_is_reported_with_its_place() {
    each_python(|python| {
        let mut session = Session::start(python);
        let begun = session.home.work().join("begun");
        let code = "def f():\n    open('begun', 'w').close(); return sum(range(10 ** 12))\nf()";
        // On a busy machine the interrupt may come before the call, and is repeated then.
        let (number, notice) = (1..20)
            .find_map(|number| {
                session.client.call("run_python_code", json!({"code": code, "wait_s": 0}));
                wait_until("the call", || begun.exists().then_some(()));
                std::fs::remove_file(&begun).unwrap();
                session.client.call("interrupt_snippet", json!({}));
                wait_until("the reason", || {
                    let run = session.client.call("wait_for_snippet", json!({"snippet": number, "wait_s": 0.1}));
                    let run = &run["structuredContent"];
                    if run["status"] == "interrupted" {
                        return Some(None);
                    }
                    let notice = run["notice"].as_str().filter(|notice| notice.contains("inside a C call"));
                    notice.map(|notice| Some((number, notice.to_owned())))
                })
            })
            .expect("no interrupt came within the call");
        let place =
            format!("File \"<snippet {number}>\", line 2 in f\n  File \"<snippet {number}>\", line 3 in <module>");
        says(&notice, &["inside a C call for ", &place, "mode=\"restart\""]);
        let line =
            format!("{number} cannot be interrupted: it is inside a C call at \"<snippet {number}>\", line 2 in f");
        session.server.wait_for_line(&line);
        // An orderly end would take long.
        signal(children(session.server.child.id())[0], Signal::SIGKILL);
    });
}

#[test]
fn requesting_the_stack_does_not_kill_code_that_replaced_all_signal_handlers() {
    let mut session = Session::start(&support::python());
    let code = "import os, signal, time\nfor s in signal.valid_signals():\n    try: signal.signal(s, signal.SIG_DFL)\n    \
                except OSError: pass\nopen('begun', 'w').close()\nwhile not os.path.exists('asked'): pass\n\
                end = time.time() + 2\nwhile time.time() < end: pass\n'alive'";
    session.client.call("run_python_code", json!({"code": code, "wait_s": 0}));
    let begun = session.home.work().join("begun");
    wait_until("the loop", || begun.exists().then_some(()));
    session.client.call("interrupt_snippet", json!({}));
    std::fs::write(begun.with_file_name("asked"), "").unwrap();
    let run = session.client.call("wait_for_snippet", json!({"snippet": 1}));
    let run = session.client.finished(run);
    assert_eq!(run["structuredContent"]["result"], "'alive'", "{run}");
    let run = session.client.call("run_python_code", json!({"code": "while True: pass", "timeout_s": 0.1}));
    assert_eq!(run["structuredContent"]["status"], "interrupted", "{run}");
}

#[test]
fn code_that_swallows_interrupts_is_not_reported_as_a_c_call() {
    let mut session = Session::start(&support::python());
    let code = "import time\nwhile True:\n    try:\n        open('begun', 'w')\n        time.sleep(1000)\n    \
                except KeyboardInterrupt: pass";
    let run = session.client.call("run_python_code", json!({"code": code, "wait_s": 0}));
    assert_eq!(run["structuredContent"]["status"], "running");
    let begun = session.home.work().join("begun");
    wait_until("the loop", || begun.exists().then_some(()));
    let text = Client::text(&session.client.call("interrupt_snippet", json!({})));
    says(&text, &["caught the interrupt", "by force"]);
}
