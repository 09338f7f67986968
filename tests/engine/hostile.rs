//! Hostile and odd code, which must not harm the session.

use crate::support;
use crate::support::session::{Session, in_every_python};
use serde_json::{Value, json};

/// Runs code that ends only by its time limit.
fn stopped(session: &mut Session, code: &str) -> Value {
    let run = session.client.call("run_python_code", json!({"code": code, "timeout_s": 0.2}));
    let run = session.client.finished(run)["structuredContent"].clone();
    assert_ne!(run["returncode"], json!(0), "{code}\n{run}");
    run
}

fn reset(session: &mut Session) {
    session.client.call("reset_python_environment", json!({}));
}

#[test]
fn the_text_of_an_exception_can_be_interrupted() {
    in_every_python(|session| {
        for code in [
            "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
            "class C:\n    def __str__(self):\n        while True: pass\nraise SystemExit(C())",
            "class E(Exception):\n    def __getattribute__(self, name):\n        while True: pass\nraise E",
        ] {
            stopped(session, code);
        }
        assert_eq!(session.error("raise ValueError('a\\ud800b')")["message"], "a\\ud800b");
        let traceback = session.traceback("x = 1\nreturn 5");
        assert!(traceback.contains("line 2\n    return 5"), "{traceback}");
    });
}

#[test]
fn code_that_catches_every_exception_is_ended_by_force() {
    in_every_python(|session| {
        session.run("import time, asyncio");
        for wait in ["time.sleep(100)", "input('? ')", "time.time()", "await asyncio.sleep(1)"] {
            let code = format!("while True:\n    try: {wait}\n    except BaseException: pass");
            let run = session.client.call("run_python_code", json!({"code": code, "timeout_s": 0.2}));
            let snippet = run["structuredContent"]["snippet"].clone();
            support::wait_until("the end by force", || {
                let run = session.client.call("wait_for_snippet", json!({"snippet": snippet, "wait_s": 1}));
                (run["structuredContent"]["status"] == "interrupted").then_some(())
            });
        }
        // The loop was torn down in the middle.
        assert_eq!(session.value("await asyncio.sleep(0, 'sound')"), "'sound'");
        assert_eq!(session.value("asyncio.run(asyncio.sleep(0, 'sound'))"), "'sound'");
    });
}

#[test]
fn nothing_of_an_await_is_left_for_the_next_snippet() {
    in_every_python(|session| {
        session.run("import asyncio\nasync def leave(): raise SystemExit(3)");
        assert_eq!(session.run("await asyncio.gather(leave())")["returncode"], 3);
        session.run("asyncio.get_running_loop().stop(); await asyncio.sleep(0.01); print('late')");
        session.run("asyncio.get_running_loop().set_task_factory(lambda *a, **k: 1 / 0); await asyncio.sleep(0)");
        let run = session.run("import gc; gc.collect()\nawait asyncio.sleep(0.02, 'alone')");
        let said = [&run["result"], &run["stdout"], &run["stderr"]];
        assert_eq!(said, [&json!("'alone'"), &json!(""), &json!("")], "{run}");
    });
}

#[test]
fn signal_handlers_stay_until_a_reset() {
    in_every_python(|session| {
        let signals = "(signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGURG)";
        session.run(&format!(
            "import signal, os\ndef handler(number, frame): print(number)\nfor s in {signals}: signal.signal(s, handler)"
        ));
        let raised = format!("for s in {signals}: os.kill(os.getpid(), s)");
        assert_eq!(session.out(&raised), "10\n15\n2\n23\n");
        session.run("signal.setitimer(signal.ITIMER_REAL, 1000)");
        reset(session);
        session.run("import signal, os");
        assert_eq!(session.value("signal.getsignal(signal.SIGURG), signal.alarm(0)"), "(<Handlers.SIG_DFL: 0>, 0)");
        assert_eq!(session.error("os.kill(os.getpid(), signal.SIGTERM)")["type"], "RuntimeError");
        let blocked =
            "import signal\nold = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\nwhile True: pass";
        assert_eq!(stopped(session, blocked)["status"], "interrupted");
        session.run("signal.pthread_sigmask(signal.SIG_SETMASK, old)");
    });
}

#[test]
fn classes_have_their_source_and_new_processes_their_definitions() {
    in_every_python(|session| {
        let source = |session: &mut Session, name: &str| session.value(&format!("inspect.getsource({name})"));
        let code = "import inspect\nif True:\n    class Within: 'conditional'\nclass Outer:\n    class Inner:\n        x = 1\n\
                    print(inspect.getsource(Outer), inspect.getsource(Within))";
        assert_eq!(
            session.out(code),
            "class Outer:\n    class Inner:\n        x = 1\n     class Within: 'conditional'\n\n"
        );
        session.run("class Outer: 'broken");
        session.run("class Other: pass");
        assert_eq!(source(session, "Outer.Inner"), "'    class Inner:\\n        x = 1\\n'");
        assert_eq!(source(session, "Within"), "\"    class Within: 'conditional'\\n\"");
        session.run("class Outer: 'second'");
        assert_eq!(source(session, "Outer"), "\"class Outer: 'second'\\n\"");

        // Defined in the snippet that starts the process, and by names that have other values by now.
        session.run("def mark(f): return f\n@mark\nclass Marked: pass\nTABLE = [1, -2, {'a': (3,)}]");
        session.run("def mark(f): raise RuntimeError");
        let code = "import multiprocessing\ndef size(n): return n + len(TABLE)\n\
                    with multiprocessing.get_context('spawn').Pool(1) as pool: found = pool.map(size, [1]), pool.apply(Marked)\n\
                    found[0], type(found[1]).__name__";
        assert_eq!(session.value(code), "([4], 'Marked')");
    });
}

#[test]
fn globals_builtins_and_import_machinery_are_restored_before_each_snippet() {
    in_every_python(|session| {
        for code in [
            "__builtins__ = {}",
            "__builtins__ = None",
            "globals().clear()",
            "import __main__; __main__.__dict__.clear()",
            "import sys; del sys.modules['__main__']; sys.modules['builtins'] = None",
            "import sys; sys.meta_path.clear(); sys.path_hooks.clear(); sys.path.clear(); sys.path_importer_cache.clear()",
            "import sys; sys.path = None",
            "import sys; sys.modules = {}",
            "import sys; del sys.modules",
            "import sys; sys.displayhook = None",
            "import sys; del sys.displayhook",
            "import builtins; builtins.__import__ = builtins.__build_class__ = None",
        ] {
            session.run(code);
            let check = "import pickle, sys\nsys.modules.pop('wave', None)\nimport wave\nclass P: pass\n\
                         type(pickle.loads(pickle.dumps(P()))).__name__, __name__, len('ab')";
            assert_eq!(session.value(check), "('P', '__main__', 2)", "after {code}");
        }
    });
}

#[test]
fn tracebacks_are_complete_after_linecache_was_broken() {
    in_every_python(|session| {
        for code in ["import linecache; linecache.cache = 5", "linecache.cache = {}", "del linecache.cache"] {
            session.run(code);
            let traceback = session.traceback("x = 1\n1 / 0");
            assert!(traceback.contains("line 2, in <module>\n    1 / 0"), "after {code}\n{traceback}");
        }
        session.run("linecache.getline = linecache.getlines = linecache.checkcache = None");
        session.run("import traceback; traceback.StackSummary = None");
        let traceback = session.traceback("x = 1\n1 / 0");
        assert!(traceback.contains("line 2, in <module>") && traceback.contains("ZeroDivisionError"), "{traceback}");
    });
}

#[test]
fn snippets_run_after_limits_were_lowered_and_folders_removed() {
    in_every_python(|session| {
        session.run("import os, resource, sys, threading");
        for code in [
            "os.umask(0o777)",
            "os.makedirs('gone'); os.chdir('gone'); os.rmdir(os.getcwd())",
            "resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))",
            "resource.setrlimit(resource.RLIMIT_NPROC, (1, resource.getrlimit(resource.RLIMIT_NPROC)[1]))",
            "limit = resource.getrlimit(resource.RLIMIT_AS)\nresource.setrlimit(resource.RLIMIT_AS, (3 << 30, limit[1]))\n\
             try: bytearray(4 << 30)\nexcept MemoryError: print('no memory')\nresource.setrlimit(resource.RLIMIT_AS, limit)",
            "sys.setswitchinterval(1000)",
            "threading.settrace(lambda *a: 1 / 0); threading.setprofile(lambda *a: 1 / 0)",
            "sys.addaudithook(lambda *a: None)",
            "eval('(' * 5_000 + ')' * 5_000)",
            "deep = []\nfor _ in range(100_000): deep = [deep]\nrepr(deep)",
            "del deep",
            "import json; json.loads('[' * 100_000)",
            "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
        ] {
            session.run(code);
            let run = session.run("class Q: pass\nprint('alive')\n6 * 7");
            assert_eq!((&run["stdout"], &run["result"]), (&json!("alive\n"), &json!("42")), "after {code}\n{run}");
        }
    });
}

const CALLS_ITSELF: [&str; 7] = [
    "def f():\n    try: f()\n    finally: f()\nf()",
    "async def f():\n    try: await f()\n    finally: await f()\nawait f()",
    "def f():\n    try: f()\n    except: f()\nf()",
    "def g():\n    try: yield from g()\n    finally: list(g())\nlist(g())",
    "def k(x):\n    try: sorted([1, 2], key=k)\n    finally: sorted([1], key=k)\nk(1)",
    "class A:\n    def __getattr__(self, name):\n        try: return getattr(self, name + 'x')\n        \
     finally: getattr(self, name)\nA().q",
    "code = 'try: exec(code)\\nfinally: exec(code)'\nexec(code)",
];

fn ends_by_its_time_limit(session: &mut Session, code: &str) {
    let begun = std::time::Instant::now();
    let run = stopped(session, code);
    assert_eq!(run["status"], "interrupted", "{code}: {run}");
    // About ten seconds on an idle machine; without forced interrupts this would take minutes or never end.
    assert!(begun.elapsed() < support::DEADLINE / 2, "{code}: {:?}", begun.elapsed());
}

#[test]
fn endless_recursion_ends_by_the_time_limit() {
    in_every_python(|session| {
        for code in &CALLS_ITSELF[..2] {
            ends_by_its_time_limit(session, code);
        }
    });
}

#[test]
#[ignore = "takes a minute: tests/long runs it"]
fn endless_recursion_in_any_form_ends_by_the_time_limit() {
    in_every_python(|session| {
        for code in CALLS_ITSELF {
            ends_by_its_time_limit(session, code);
        }
    });
}
