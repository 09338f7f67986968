//! Snippets in a real session, in every CPython of this machine.

use crate::support;
use crate::support::client::{Client, Era};
use crate::support::session::{Session, in_every_python};
use crate::support::{Home, each_python};
use serde_json::{Value, json};

#[test]
fn values_names_and_output() {
    in_every_python(|session| {
        assert_eq!(session.value("1 + 1"), "2");
        assert_eq!(session.value("_ * 21"), "42");
        assert_eq!(session.value("x = 'é漢🎹'; x"), "'é漢🎹'");
        assert_eq!(session.value("__name__, type(lambda: 0).__module__"), "('__main__', 'builtins')");
        let run = session.run("None");
        assert_eq!((&run["result"], &run["stdout"]), (&Value::Null, &json!("")));
        let run = session.run("import sys\nprint('to out')\nprint('to err', file=sys.stderr)\ny = 3\ndel x");
        assert_eq!((&run["stdout"], &run["stderr"]), (&json!("to out\n"), &json!("to err\n")));
        assert_eq!(run["variables"], json!({"added": ["sys", "y"], "changed": [], "removed": ["x"]}));
        assert!(run["elapsed_s"].as_f64().unwrap() >= 0.0);
        assert_eq!(session.run("# only a comment")["status"], "ok");
        assert_eq!(session.out("if __name__ == '__main__':\r\n\tprint('guarded')\r\n"), "guarded\n");
        assert_eq!(session.value("\u{feff}5"), "5");
        assert_eq!(session.out("print(chr(0xd800), 'é')"), "\\ud800 é\n");
    });
}

#[test]
fn snippets_are_no_file() {
    in_every_python(|session| {
        let error = session.error("from pathlib import Path\nPath(__file__).parent");
        assert_eq!(
            (&error["type"], &error["message"]),
            (&json!("NameError"), &json!("name '__file__' is not defined"))
        );
        // multiprocessing and inspect ask the module.
        assert_eq!(session.value("import __main__, os; os.path.isfile(__main__.__file__)"), "True");
        assert_eq!(
            session.value("class Point: pass\n\nimport inspect; inspect.getsource(Point)"),
            "'class Point: pass\\n'"
        );
        assert_eq!(session.value("__file__ = 'mine.py'; __main__.__file__"), "'mine.py'");
        assert_eq!(session.value("del __main__.__file__; '__file__' in globals()"), "False");
        session.out("open('it.py', 'w').write('print(__file__)'); None");
        assert!(session.out("%run -i it.py").ends_with("it.py\n"));
        assert_eq!(session.value("'__file__' in globals()"), "False");
    });
}

#[test]
fn a_semicolon_hides_the_value() {
    in_every_python(|session| {
        assert_eq!(session.value("6 * 7"), "42");
        for code in ["1;", "x = 5; x;", "x;  # why\n\n", "%time 7;", "async def f(): return 3\nawait f();"] {
            let run = session.run(code);
            assert_eq!((&run["status"], &run["result"]), (&json!("ok"), &Value::Null), "{code}");
        }
        assert_eq!(session.value("_"), "42", "a value that is not shown is not the last one");
        assert_eq!(session.value("'a;'"), "'a;'");
        assert_eq!(session.value("9 # a;"), "9");
    });
}

#[test]
fn output_from_below_python_in_order() {
    in_every_python(|session| {
        let out = session.out(
            "import os, subprocess, sys, ctypes\n\
             for n in range(3):\n    print('py', n)\n    os.system(f'echo child {n}')\n    os.write(1, b'fd %d\\n' % n)\n\
             subprocess.run([sys.executable, '-c', 'print(\"another python\")'])\n\
             ctypes.CDLL(None).puts(b'C')\nctypes.CDLL(None).printf(b'C without its '); print('end')",
        );
        assert_eq!(
            out,
            "py 0\nchild 0\nfd 0\npy 1\nchild 1\nfd 1\npy 2\nchild 2\nfd 2\nanother python\nC\nC without its end\n"
        );
        let run = session.run("os.system('echo oops >&2'); os.write(2, b'raw\\n'); None");
        assert_eq!(run["stderr"], "oops\nraw\n");
        assert_eq!(
            session.out("import logging; logging.basicConfig(stream=sys.stdout); logging.warning('w')"),
            "WARNING:root:w\n"
        );
        assert_eq!(session.out("os.system('cat'); print('children read nothing')"), "children read nothing\n");
        assert_eq!(
            session.value("sys.stdout.buffer.write('ü'.encode()); sys.stdout.isatty(), sys.stdout.encoding"),
            "(False, 'utf-8')"
        );
    });
}

#[test]
fn tracebacks_show_the_users_code_and_nothing_else() {
    in_every_python(|session| {
        let error = session.error("def half(n):\n    return n / 0\n\nhalf(1)");
        assert_eq!((&error["type"], &error["message"]), (&json!("ZeroDivisionError"), &json!("division by zero")));
        let traceback = error["traceback"].as_str().unwrap();
        for part in [
            "Traceback (most recent call last):",
            "<snippet 1>\", line 4",
            "half(1)",
            "line 2, in half",
            "return n / 0",
        ] {
            assert!(traceback.contains(part), "{part:?} is missing in\n{traceback}");
        }
        assert!(!traceback.contains("asyncio") && !traceback.contains("<string>"), "{traceback}");
        let error = session.error("x = [1,\n2");
        assert_eq!(error["type"], "SyntaxError");
        assert!(error["traceback"].as_str().unwrap().contains("<snippet 2>"), "{error}");
        let error = session.error("try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e");
        assert!(error["traceback"].as_str().unwrap().contains("direct cause"), "{error}");
        let error = session.error("class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd");
        assert_eq!(error["type"], "Odd");
        let error = session.error("import asyncio\nasync def f():\n    raise OSError('deep')\nawait f()");
        assert!(!error["traceback"].as_str().unwrap().contains("run_until_complete"), "{error}");
        assert_eq!(session.error("class R:\n    def __repr__(self): return 1\nR()")["type"], "TypeError");
        assert_eq!(session.error("def f(): f()\nf()")["type"], "RecursionError");
        assert_eq!(session.error("bytearray(10**15)")["type"], "MemoryError");
        // A ValueError in older versions.
        assert!(session.error("a\0b")["message"].as_str().unwrap().contains("null bytes"));
    });
}

#[test]
fn exit_codes() {
    in_every_python(|session| {
        for (code, returncode) in [
            ("exit(0)", 0),
            ("import sys; sys.exit(7)", 7),
            ("raise SystemExit('why')", 1),
            ("exit()", 0),
            ("quit(3)", 3),
        ] {
            let run = session.run(code);
            assert_eq!(run["returncode"], returncode, "{code}: {run}");
            assert_eq!(run["status"], if returncode == 0 { "ok" } else { "error" }, "{code}: {run}");
        }
        let said = "exit() ends this snippet only.\nIn the dashboard, Ctrl-D ends the session.";
        assert_eq!(session.out("exit()"), format!("{said}\n"));
        assert_eq!(session.value("exit"), said);
        assert_eq!(session.out("quit(0)"), format!("{}\n", said.replace("exit", "quit")));
        let run = session.run("raise KeyboardInterrupt");
        assert_eq!((&run["status"], &run["returncode"]), (&json!("interrupted"), &json!(130)));
    });
}

#[test]
fn top_level_await_on_one_loop() {
    in_every_python(|session| {
        assert_eq!(session.value("import asyncio\nawait asyncio.sleep(0, 'slept')"), "'slept'");
        session.run("async def count():\n    for n in range(3):\n        yield n\nseen = []\nasync for n in count():\n    seen.append(n)");
        assert_eq!(session.value("seen, [n async for n in count()]"), "([0, 1, 2], [0, 1, 2])");
        assert_eq!(session.value("asyncio.run(asyncio.sleep(0, 'own loop'))"), "'own loop'");
        assert_eq!(session.value("futures = [asyncio.ensure_future(asyncio.sleep(0.01, n)) for n in range(2)]\nawait asyncio.gather(*futures)"), "[0, 1]");
        assert_eq!(session.value("loop = asyncio.get_running_loop()\nasync with asyncio.Lock(): same = loop is asyncio.get_running_loop()\nsame"), "True");
        let run = session.run("ran = True\n(yield)");
        assert_eq!((&run["error"]["type"], &run["variables"]["added"]), (&json!("SyntaxError"), &json!([])), "{run}");
        assert_eq!(session.value("task = asyncio.ensure_future(asyncio.sleep(0.01, 'later'))\nawait task"), "'later'");
    });
}

#[test]
fn processes_and_threads() {
    in_every_python(|session| {
        let out = session.out(
            "import os\npid = os.fork()\nif pid == 0:\n    print('in the child')\nelse:\n    os.waitpid(pid, 0)\n    print('in the parent')",
        );
        assert_eq!(out, "in the child\nin the parent\n");
        assert_eq!(
            session.value("import multiprocessing\ndef square(n): return n * n\nwith multiprocessing.get_context('fork').Pool(2) as pool: squares = pool.map(square, range(4))\nsquares"),
            "[0, 1, 4, 9]"
        );
        assert_eq!(
            session.value("from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as pool: lengths = list(pool.map(len, ['a', 'bb']))\nlengths"),
            "[1, 2]"
        );
        let out = session.out("import threading\nthread = threading.Thread(target=print, args=('from a thread',))\nthread.start(); thread.join()");
        assert_eq!(out, "from a thread\n");
    });
}

#[test]
fn definitions_reach_new_processes_and_inspect() {
    in_every_python(|session| {
        session.run(
            "import multiprocessing as mp, inspect\nFACTOR = 3\ndef triple(n):\n    return n * FACTOR\n\n\
             @__import__('dataclasses').dataclass\nclass Point:\n    x: int\n    def twice(self): return 2 * self.x",
        );
        session.run("failed = 1; raise ValueError; import missing_module");
        for method in ["fork", "spawn", "forkserver"] {
            let code = format!(
                "with mp.get_context('{method}').Pool(2) as pool:\n    found = pool.map(triple, [1, 2]), pool.map(Point.twice, [Point(4)])\nfound"
            );
            assert_eq!(session.value(&code), "([3, 6], [8])", "{method}");
        }
        // Defined by the snippet that uses them, and again after the fork server has started.
        for (number, method) in ["spawn", "forkserver", "fork", "spawn", "forkserver"].into_iter().enumerate() {
            let code = format!(
                "def plus(n):\n    return n + {number}\nclass Pair:\n    def __init__(self, a): self.a = a\n\
                 with mp.get_context('{method}').Pool(1) as pool:\n    found = pool.map(plus, [1, 2]), pool.map(Pair, [5])[0].a\nfound"
            );
            let expected = format!("([{}, {}], 5)", 1 + number, 2 + number);
            assert_eq!(session.value(&code), expected, "{method}");
        }
        assert!(session.value("inspect.getsource(Point)").contains("class Point:\\n    x: int"));
        assert!(session.value("inspect.getsource(triple)").starts_with("'def triple(n):"));
        session.run("class Point:\n    'another'");
        assert!(session.value("inspect.getsource(Point)").contains("another"));
        assert_eq!(session.value("import pickle; pickle.loads(pickle.dumps(triple)) is triple"), "True");
        // As after a reset.
        session.client.call("reset_python_environment", json!({}));
        session.run("import multiprocessing as mp\ndef again(n): return -n");
        let code = "with mp.get_context('spawn').Pool(1) as pool: found = pool.map(again, [1])\nfound";
        assert_eq!(session.value(code), "[-1]");
    });
}

#[test]
fn late_output_of_a_thread_belongs_to_the_snippet_that_started_it() {
    in_every_python(|session| {
        session.run("import threading\ngo = threading.Event()\ndef late():\n    go.wait()\n    print('late')\nthread = threading.Thread(target=late)\nthread.start()");
        assert_eq!(session.out("go.set(); thread.join(); print('mine')"), "mine\n");
        session.run("import asyncio\nasync def later():\n    await asyncio.sleep(0.02)\n    print('of the task')\ntask = asyncio.ensure_future(later())\nawait asyncio.sleep(0)");
        assert_eq!(session.out("await task; print('mine again')"), "mine again\n");
        // A pool's threads are older than their work.
        session.run("from concurrent.futures import ThreadPoolExecutor\nfrom multiprocessing.pool import ThreadPool\npools = ThreadPoolExecutor(1), ThreadPool(1)\npools[0].submit(int).result(); pools[1].apply(int)");
        assert_eq!(
            session.out("pools[0].submit(print, 'given now').result()\npools[1].apply(print, ('this too',))"),
            "given now\nthis too\n"
        );
        session.run("pools[0].shutdown(); pools[1].terminate()");
    });
}

#[test]
fn what_a_thread_does_for_a_snippet_is_written_there() {
    in_every_python(|session| {
        // A worker at a queue, and a listener of logging.
        let first = session.run(
            "import threading, queue, logging, logging.handlers, sys
jobs = queue.Queue()
def work():
    while True:
        print('did', jobs.get()); jobs.task_done()
threading.Thread(target=work, daemon=True).start()
records = queue.Queue(); log = logging.Logger('log'); log.addHandler(logging.handlers.QueueHandler(records))
listener = logging.handlers.QueueListener(records, logging.StreamHandler(sys.stdout)); listener.start()",
        );
        assert_eq!(session.out("jobs.put('this'); jobs.join()"), "did this\n");
        assert_eq!(session.out("log.warning('logged'); listener.stop()"), "logged\n");
        // A thread that was started to run in the background stays with its snippet, and so does what it starts.
        let ticking = session.run(
            "import time
def child(): print('child')
def tick():
    while not seen.is_set():
        time.sleep(0.01)
    print('tick'); started = threading.Thread(target=child); started.start(); started.join(); ended.set()
seen, ended = threading.Event(), threading.Event()
threading.Thread(target=tick).start()",
        );
        let call = json!({"code": "seen.set(); ended.wait(); print('mine')"});
        let running = session.client.call("run_python_code", call);
        assert_eq!(running["structuredContent"]["stdout"], "mine\n");
        let number = &ticking["snippet"];
        let told = format!("snippet {number} wrote 11 B after its end: read_output with snippet={number}");
        assert!(Client::text(&running).contains(&told), "{running}");
        let page = session.client.call("read_output", json!({ "snippet": number }));
        assert!(Client::text(&page).starts_with("tick\nchild\n"), "{page}");
        // Between snippets, a worker writes for the one that started it.
        session.run("threading.Timer(0.2, jobs.put, ['later']).start()");
        support::wait_until("the job", || {
            let page = session.client.call("read_output", json!({ "snippet": first["snippet"] }));
            Client::text(&page).contains("did later").then_some(())
        });
    });
}

#[test]
fn code_cannot_break_the_engine() {
    in_every_python(|session| {
        session.run("import sys, os, builtins, signal, time, gc");
        let hostile = [
            "sys.stdout = None",
            "sys.stdout.close(); sys.stderr.close(); sys.stdin.close()",
            "sys.stdout = sys.stderr = open(os.devnull, 'w')",
            "del builtins.len, builtins.repr, builtins.compile, builtins.eval",
            "builtins.print = builtins.BaseException = 1",
            "sys.modules.clear()",
            "os.closerange(0, 256)",
            "os.closerange(0, 4096)",
            "os.close(1)",
            "os.dup2(os.open(os.devnull, os.O_RDWR), 1); os.dup2(1, 2); os.dup2(1, 0)",
            "sys.setrecursionlimit(60)",
            "sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)",
            "gc.disable()",
            "os.chdir('/'); os.environ.clear()",
            "import locale; locale.setlocale(locale.LC_ALL, 'C')",
            "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_DFL)",
            "sys.displayhook = lambda value: 1 / 0",
            "import linecache; linecache.cache.clear(); linecache.getline = None",
            "import traceback; traceback.format_exception = None; traceback.TracebackException = None",
            "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (16, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))",
            "os.killpg(0, signal.SIGTERM)",
            "os.kill(os.getpid(), signal.SIGTERM)",
            "os.kill(os.getpid(), signal.SIGHUP)",
            "signal.alarm(1); time.sleep(5)",
            "os.kill(os.getpid(), signal.SIGUSR1); time.sleep(0.1)",
            "globals().clear()",
            "import __main__; del sys.modules['__main__']",
        ];
        for code in hostile {
            session.run(code);
            let run = session.run("print('alive', len([1, 2]))\nimport os, sys\nwritten = os.write(1, b'still\\n')");
            assert_eq!(
                (&run["status"], &run["stdout"]),
                (&json!("ok"), &json!("alive 2\nstill\n")),
                "after {code}\n{run}"
            );
            session.client.call("reset_python_environment", json!({}));
            session.run("import sys, os, builtins, signal, time, gc");
        }
    });
}

#[test]
fn a_flood_is_bounded_and_counted() {
    let mut session = Session::start(&support::python());
    for code in [
        "for n in range(60_000): print('line', n)",
        "import sys; sys.stdout.write('x' * 12_000_000); print('the end')",
        "import os; os.write(1, b'y' * 6_000_000); print('the end')",
        "import os; os.system('head -c 6000000 /dev/zero'); print('the end')",
    ] {
        let run = session.run(code);
        let stdout = run["stdout"].as_str().unwrap();
        assert!(stdout.len() < 200_000, "{} bytes came through", stdout.len());
        assert_eq!(run["truncated"], true, "{code}");
        assert!(stdout.ends_with("the end\n") || stdout.ends_with("line 59999\n"), "the tail is missing: {code}");
    }
}

#[test]
fn variables_are_described_without_running_their_code() {
    in_every_python(|session| {
        session.run(
            "import array, datetime, decimal, pathlib, functools, sqlite3, json as j\n\
             class Loud:\n    def __repr__(self): raise SystemExit('repr ran')\n    __str__ = __repr__\n    def __len__(self): return 1 // 0\n    def __getattr__(self, name): raise SystemExit('getattr ran')\n\
             loud = Loud()\nday = datetime.date(2026, 11, 22)\nprice = decimal.Decimal('1.50')\nplace = pathlib.Path('/a/b')\n\
             text = 'x' * 60\nnumbers = list(range(100))\npart = functools.partial(int)\nbase = sqlite3.connect(':memory:')\narray = array.array('d', range(9000))\ndef half(a, *rest): pass\nhuge = 1 << 100_000\nnested = {'k': [loud, (1, 2)]}",
        );
        let listed = Client::text(&session.client.call("list_defined_variables", json!({})));
        for line in [
            "=== Currently Defined Variables and Functions ===\n\n".to_owned(),
            "Class: Loud".to_owned(),
            "Function: half()".to_owned(),
            "Callable: part".to_owned(),
            "Variable: base (Connection) = ".to_owned(),
            "Variable: array (array) 9000 = ".to_owned(),
            "Variable: day (date) = 2026-11-22".to_owned(),
            "Variable: price (Decimal) = 1.50".to_owned(),
            "Variable: place (PosixPath) = /a/b".to_owned(),
            format!("Variable: text (str) = {}...", "x".repeat(47)),
            "Variable: loud (Loud) = ".to_owned(),
            "Variable: j (module) = ".to_owned(),
            "Variable: huge (int) 13.4 kB = <int of 100001 bits>".to_owned(),
            "Variable: nested (dict) = {'k': [<Loud>, (…)]}".to_owned(),
            "Variable: numbers (list) = [0, 1, 2, 3, 4, 5, ".to_owned(),
        ] {
            assert!(listed.contains(&line), "{line:?} is missing in\n{listed}");
        }
    });
}

#[test]
fn reset_gives_a_clean_namespace() {
    in_every_python(|session| {
        let there = session.value("import os; os.getcwd()");
        session.run("import json\nx = 1\n_hidden = 2\nos.chdir('/')\nos.environ['ADDED'] = 'yes'\nimport builtins; builtins.extra = 1");
        let text = Client::text(&session.client.call("reset_python_environment", json!({})));
        assert!(text.starts_with("Python environment has been reset. All variables and imports cleared."), "{text}");
        let text = Client::text(&session.client.call("list_defined_variables", json!({})));
        assert_eq!(text, "No variables or functions are currently defined.");
        assert_eq!(session.error("x")["type"], "NameError");
        assert_eq!(session.value("import os; os.getcwd()"), there);
        assert_eq!(
            session.value("'ADDED' in os.environ, hasattr(__builtins__, 'extra'), __name__"),
            "(False, False, '__main__')"
        );
    });
}

#[test]
fn edited_modules_of_the_project_are_read_again_after_a_reset() {
    in_every_python(|session| {
        let write = |session: &Session, value: u32| {
            let folder = session.home.work();
            std::fs::create_dir_all(folder.join("package")).unwrap();
            std::fs::write(folder.join("helper.py"), format!("VALUE = {value}\n")).unwrap();
            std::fs::write(folder.join("package/part.py"), format!("VALUE = {value}\n")).unwrap();
        };
        let code = "import sys; sys.dont_write_bytecode = True\nimport helper, package.part, json\nhelper.VALUE, package.part.VALUE";
        write(session, 1);
        assert_eq!(session.value(code), "(1, 1)");
        session.run("json.marked = True");
        write(session, 2);
        assert_eq!(session.value(code), "(1, 1)");
        session.client.call("reset_python_environment", json!({}));
        assert_eq!(session.value(code), "(2, 2)");
        assert_eq!(session.value("json.marked"), "True");
    });
}

#[test]
fn the_users_own_python() {
    each_python(|python| {
        let folder = tempfile::tempdir().unwrap();
        let venv = folder.path().join("venv");
        let made =
            std::process::Command::new(python).args(["-m", "venv", "--without-pip"]).arg(&venv).status().unwrap();
        assert!(made.success(), "no venv could be made with {}", python.display());
        let mut session = Session::start(&venv.join("bin/python"));
        let shown = |path: &std::path::Path| format!("'{}'", path.display());
        assert_eq!(session.value("import sys; sys.executable"), shown(&venv.join("bin/python")));
        assert_eq!(session.value("sys.prefix"), shown(&venv));
        assert_eq!(session.value("sys.argv, sys.path[0]"), "([''], '')");
        assert_eq!(session.value("sorted(name for name in globals() if not name.startswith('__'))"), "['sys']");
    });
}

#[test]
fn code_that_does_not_stop_cannot_keep_the_session_from_ending() {
    for code in ["sum(range(10 ** 12))", "class D:\n    def __del__(self):\n        while True: pass\nd = D()"] {
        let home = Home::new();
        let mut server = home.serve_with("test", &support::python());
        let mut bridge = home.fourhands();
        bridge.args(["bridge", "--session", "test"]);
        let mut client = Client::start(bridge, "tester", Era::Legacy);
        client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code}}));
        client.send("tools/call", json!({"name": "reset_python_environment", "arguments": {}}));
        server.wait_for_line("runs: ");
        let status = server.terminate();
        assert_eq!(status.code(), Some(0), "the guardian had to kill it: {code}");
    }
}
