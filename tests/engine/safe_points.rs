//! Safe points: Python dies, and its variables are there again.

use std::path::Path;
use std::time::Duration;

use crate::support::client::{Client, Era};
use crate::support::{Home, Server, children, each_python, python, wait_until};
use serde_json::json;

/// The process name of a dormant copy.
const DORMANT: &str = "fh-safe-point";

pub struct Session {
    pub client: Client,
    pub server: Server,
    _home: Home,
}

impl Session {
    pub fn start(python: &Path, setting: &str) -> Self {
        let home = Home::new();
        let folder = home.path().join(".config/fourhands");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(
            folder.join("config.toml"),
            format!("[session]\nsafe_points = {setting:?}\n[gate]\nunattended = \"allow\"\n"),
        )
        .unwrap();
        let server = home.serve_with("test", python);
        let mut bridge = home.fourhands();
        bridge.args(["bridge", "--session", "test"]);
        let client = Client::start(bridge, "tester", Era::Legacy);
        Self { client, server, _home: home }
    }

    pub fn value(&mut self, code: &str) -> String {
        let run = self.client.run(code);
        assert_eq!(run["status"], "ok", "{code}\n{run}");
        run["result"].as_str().unwrap_or_else(|| panic!("{code} has no value: {run}")).to_owned()
    }

    /// Runs code and waits until the state after it is safe.
    pub fn keep(&mut self, code: &str) {
        let before = self.copies();
        let run = self.client.run(code);
        assert_eq!(run["status"], "ok", "{code}\n{run}");
        wait_until("a new safe point", || {
            let now = self.copies();
            now.iter().any(|copy| !before.contains(copy)).then_some(())
        });
    }

    /// Runs code that ends Python. Returns the error that the client is told.
    pub fn dies(&mut self, code: &str) -> String {
        let run = self.client.run(code);
        assert_eq!(run["status"], "error", "{code}\n{run}");
        run["error"]["message"].as_str().unwrap().to_owned()
    }

    /// Returns the dormant copies.
    fn copies(&self) -> Vec<u32> {
        dormant(self.server.child.id())
    }
}

pub fn dormant(guardian: u32) -> Vec<u32> {
    let is_dormant =
        |pid: &u32| std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == DORMANT);
    children(guardian).into_iter().filter(is_dormant).collect()
}

/// Everything of which the state is compared before and after.
pub const STATE: &str = "\
from __future__ import annotations
import collections, itertools, random, sqlite3, weakref, functools, threading, io
class Point:
    def __init__(self, x): self.x = x
    def __repr__(self): return f'Point({self.x})'
def count():
    for i in range(100): yield i
counting = count(); next(counting); next(counting)
random.seed(7); random.random()
own_random = random.Random(3); own_random.random()
points = [Point(1)]; weak = weakref.ref(points[0]); points.append(points)
database = sqlite3.connect(':memory:'); _ = database.execute('create table t (x)'); _ = database.execute('insert into t values (5)')
database.commit()
text = io.StringIO('ab\\ncd'); _ = text.readline()
lock = threading.Lock(); _ = lock.acquire()
@functools.lru_cache
def twice(x): return 2 * x
_ = twice(4)
written = open('numbers', 'w+'); _ = written.write('0123456789'); _ = written.seek(3)
import os, sys
os.environ['MARK'] = 'set'; sys.setrecursionlimit(1234)
await __import__('asyncio').sleep(0)
items = {'list': [1, 2]}";

pub const LOOK: &str = "\
[next(counting), random.random(), own_random.random(), points, weak() is points[0], database.execute('select x from t').fetchall(), \
 text.readline(), lock.locked(), twice.cache_info().currsize, os.environ['MARK'], sys.getrecursionlimit(), items, written.read()]";

#[test]
fn after_every_kind_of_death_all_variables_are_there() {
    each_python(|python| {
        let mut session = Session::start(python, "auto");
        let deaths = [
            ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
            ("os.abort()", "SIGABRT"),
            ("os._exit(3)", "exit code 3"),
            ("import signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ];
        session.keep(STATE);
        let mut other = Session::start(python, "off");
        other.client.run(STATE);
        let expected = other.value(LOOK);
        for (death, how) in deaths {
            // The snippet that dies takes all that it did with it.
            let told = session
                .dies(&format!("items['list'].append(3); points.clear(); next(counting); written.seek(9)\n{death}"));
            assert!(told.contains(how) && told.contains("all variables are as they were after snippet"), "{told}");
            session.keep("'woken'");
            wait_until("the end of the oldest", || (session.copies().len() <= 3).then_some(()));
        }
        assert_eq!(session.value(LOOK), expected);
        // Python is whole: output, errors, interrupts, imports, magics, definitions in new processes.
        let run = session
            .client
            .run("import colorsys\nprint('out'); print('err', file=sys.stderr); os.system('echo child')\n1 / 0");
        assert_eq!(
            (&run["stdout"], &run["error"]["type"]),
            (&json!("out\nchild\n"), &json!("ZeroDivisionError")),
            "{run}"
        );
        assert_eq!(session.value("def late(x: Unknown): return x\nlate(5)"), "5", "the future feature holds on");
        assert_eq!(session.value("import inspect; inspect.getsource(Point).splitlines()[0]"), "'class Point:'");
        let run = session.client.run("await __import__('asyncio').sleep(0, 'awake')");
        assert_eq!(run["result"], "'awake'", "{run}");
        let guardian = session.server.child.id();
        assert_eq!(session.server.terminate().code(), Some(0));
        assert_eq!(dormant(guardian), Vec::<u32>::new());
    });
}

#[test]
fn a_reset_lets_no_variable_come_back() {
    let mut session = Session::start(&python(), "auto");
    session.keep("secret = 1");
    session.client.call("reset_python_environment", json!({}));
    wait_until("the end of the copies", || session.copies().is_empty().then_some(()));
    let told = session.dies("import os; os._exit(3)");
    assert!(told.ends_with("its variables are lost."), "{told}");
    assert_eq!(session.value("'secret' in globals()"), "False");
}

#[test]
fn without_the_setting_there_are_none() {
    let mut session = Session::start(&python(), "off");
    session.value("x = 1; x");
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(session.copies(), Vec::<u32>::new());
    assert!(session.dies("import os; os._exit(3)").ends_with("its variables are lost."));
}

/// Where a copy might hang or share something, there is none, and the session dies as ever.
#[test]
fn what_does_not_survive_a_fork_is_refused() {
    for (code, reason) in [
        (
            "import threading; done = threading.Event(); threading.Thread(target=done.wait, daemon=True).start()",
            "threads",
        ),
        ("import subprocess; child = subprocess.Popen(['sleep', '100'])", "process"),
        ("import socket; s = socket.socket()", "socket"),
        ("import os; ends = os.pipe()", "pipe"),
        ("import fcntl; f = open('locked', 'w'); fcntl.flock(f, fcntl.LOCK_EX)", "locked"),
        ("import signal; signal.setitimer(signal.ITIMER_REAL, 1000)", "timer"),
        ("import asyncio; task = asyncio.create_task(asyncio.sleep(100))", "asyncio"),
        ("import signal; signal.signal(signal.SIGCHLD, lambda *_: None)", "SIGCHLD"),
    ] {
        let mut session = Session::start(&python(), "auto");
        let ran = session.client.run(code);
        assert_eq!(ran["status"], "ok", "{code}: {ran}");
        let said = wait_until("the reason", || {
            let said = session.client.run("%safepoint")["stdout"].as_str().unwrap().to_owned();
            said.contains("No new one").then_some(said)
        });
        assert!(said.contains(reason), "{code}: {said}");
        assert_eq!(session.copies(), Vec::<u32>::new(), "{code}");
        let told = session.dies("import os; os._exit(3)");
        assert!(told.ends_with("its variables are lost."), "{code}: {told}");
    }
}
