//! Thousands of hostile snippets in one session: it ends healthy, no bigger than before, with nothing left open.

use std::path::Path;

use crate::support::session::Session;
use crate::support::{children, python, pythons, wait_until};
use serde_json::{Value, json};

/// Snippets after which memory, threads and descriptors are counted for the first time.
const WARM_UP: usize = 2_000;
/// Bytes that the session may grow by from then on: what the transcript keeps of each snippet and its output (about 6
/// kB here, floods included), and the heap's moods.
const GROWTH: u64 = 80 << 20;
/// Blocks of Python's own allocator that may come to be in use from then on: some for each of the sources that
/// tracebacks still show, and modules that were loaded late.
const BLOCKS: i64 = 100_000;
/// Seconds that a snippet which does not end may run.
const LIMIT: f64 = 0.02;

/// A seeded generator (`xorshift64*`): the same seed makes the same snippets.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % end
    }
}

/// Ordinary code: it is chosen four times of five.
const ORDINARY: &[&str] = &[
    "print('line', N)",
    "vN = [N] * 100; len(vN)",
    "import sys; print('to err', N, file=sys.stderr)",
    "def fN(x):\n    return x + N\nfN(1)",
    "class CN:\n    def m(self): return N\nCN().m()",
    "1 / 0",
    "raise ValueError('é\\ud800' * N)",
    "x = = N",
    "(",
    "\tif True:\n  pass",
    "import asyncio\nawait asyncio.sleep(0, N)",
    "import asyncio\ntask = asyncio.ensure_future(asyncio.sleep(0.001))\nawait asyncio.sleep(0)",
    "import asyncio\nasync def later():\n    raise OSError(N)\n_t = asyncio.ensure_future(later())\nawait asyncio.sleep(0)",
    "import threading\nt = threading.Thread(target=print, args=('thread', N)); t.start(); t.join()",
    "import threading\nthreading.Thread(target=lambda: 1 / 0).start()",
    "import os; os.write(1, b'raw N\\n'); os.write(2, b'\\xff\\xfe')",
    "import sys; sys.exit(N)",
    "raise KeyboardInterrupt",
    "def f(): f()\nf()",
    "bytearray(10 ** 15)",
    "{'a': [N, {N}], 'b': 'x' * 1000}",
    "%time N",
    "%nosuch N",
    "globals()['g' + str(N)] = N",
    "None",
    "# N",
];

/// Code that takes something apart.
const HOSTILE: &[&str] = &[
    "import sys; sys.stdout = None",
    "import sys; sys.stdout.close(); sys.stderr.close()",
    "import builtins; del builtins.len; builtins.print = 1",
    "import sys; sys.modules.clear()",
    "import sys; sys.meta_path.clear(); sys.path_hooks.clear()",
    "import sys; del sys.modules['__main__']",
    "__builtins__ = {}",
    "globals().clear()",
    "import os; os.closerange(3, 256)",
    "import os; os.close(1); os.close(2)",
    "import os; null = os.open(os.devnull, os.O_RDWR); os.dup2(null, 1); os.dup2(null, 2); os.close(null)",
    "import sys; sys.setrecursionlimit(80)",
    "import sys; sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)",
    "import gc; gc.disable()",
    "import os; os.environ.clear(); os.chdir('/')",
    "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "import signal, os; os.kill(os.getpid(), signal.SIGUSR1)",
    "import signal, os; os.killpg(0, signal.SIGTERM)",
    "import signal; signal.pthread_sigmask(signal.SIG_SETMASK, [])\nsignal.setitimer(signal.ITIMER_REAL, 0.001)\nwhile True: pass",
    "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
    "import asyncio; asyncio.set_event_loop(None)",
    "import asyncio; asyncio.get_running_loop().stop(); await asyncio.sleep(1)",
    "import asyncio\nasync def e(): raise SystemExit(3)\nawait asyncio.gather(e())",
    "class R:\n    def __repr__(self): raise SystemExit\nR()",
    "class R:\n    def __repr__(self): return N\nR()",
    "class E(Exception):\n    def __str__(self): raise KeyError\nraise E",
    "import sys; sys.displayhook = lambda v: 1 / 0; N",
    "import linecache; linecache.cache.clear()",
    "import traceback; traceback.TracebackException = None; 1 / 0",
    "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (16, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))",
    "import os\nif os.fork() == 0: print('child N')\nelse: os.wait()",
    "import os\nif os.fork() == 0: os._exit(N % 200)\nos.wait()[1]",
    "import os; os.system('echo N')",
    "!echo N >&2",
    "import sys; sys.stdout.write('y' * 300_000)",
    "for n in range(2_000): print('flood', n)",
    "import os; os.write(1, b'z' * 200_000)",
];

/// Code that only an interrupt ends.
const ENDLESS: &[&str] = &[
    "while True: pass",
    "import time; time.sleep(100)",
    "import asyncio; await asyncio.sleep(100)",
    "import threading; threading.Event().wait()",
    "class R:\n    def __repr__(self):\n        while True: pass\nR()",
    "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
    "while True: print('N')",
];

/// What the process holds: resident bytes, threads, descriptors of all tables, and blocks in use by Python.
fn held(session: &mut Session, pid: u32) -> (u64, usize, usize, i64) {
    session.client.call("reset_python_environment", json!({}));
    let blocks = session.value("import gc, sys; gc.collect(); sys.getallocatedblocks()").parse().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    let tasks: Vec<_> = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten().collect();
    let open = |task: &std::fs::DirEntry| std::fs::read_dir(task.path().join("fd")).map_or(0, Iterator::count);
    (resident << 10, tasks.len(), tasks.iter().map(open).sum(), blocks)
}

fn one(session: &mut Session, dice: &mut Dice, number: usize) {
    let fill = |code: &str| code.replace('N', &(number % 1_000).to_string());
    match dice.below(400) {
        0 => {
            session.client.call("reset_python_environment", json!({}));
        }
        1 => {
            let run = session.run("input('name? ')");
            if run["status"] == "waiting_for_input" {
                session.client.call("answer_input", json!({"snippet": run["snippet"], "text": "x"}));
            }
        }
        2..5 => {
            let code = fill(ENDLESS[dice.below(ENDLESS.len())]);
            let run = session.client.call("run_python_code", json!({"code": code, "timeout_s": LIMIT}));
            let run = session.client.finished(run);
            assert!(run["structuredContent"]["status"].is_string(), "{code}\n{run}");
        }
        5..40 => {
            let code = fill(HOSTILE[dice.below(HOSTILE.len())]);
            let run = session.client.call("run_python_code", json!({"code": code, "timeout_s": 2}));
            assert!(run["structuredContent"]["status"].is_string(), "{code}\n{run}");
        }
        _ => {
            let code = fill(ORDINARY[dice.below(ORDINARY.len())]);
            let run = session.run(&code);
            assert!(run["status"] == "ok" || run["returncode"] != json!(0), "{code}\n{run}");
        }
    }
}

fn stress(python: &Path, count: usize, warm_up: usize) {
    // The same in every run, so that a failure is one of what was changed.
    let seed = std::env::var("FOURHANDS_STRESS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
    eprintln!("{} snippets in {} with FOURHANDS_STRESS_SEED={seed}", count, python.display());
    let mut dice = Dice(seed);
    let mut session = Session::start(python);
    let pid: u32 = session.value("import os; os.getpid()").parse().unwrap();
    let mut before = (0, 0, 0, 0);
    for number in 0..count {
        one(&mut session, &mut dice, number);
        if number + 1 == warm_up {
            before = held(&mut session, pid);
        }
    }
    // Threads that a snippet has left may be about to end.
    let after = wait_until("the end of threads and descriptors that snippets have left", || {
        let after = held(&mut session, pid);
        let children = children(pid);
        // Each of the host's threads counts the files of the last output that is kept whole.
        let most = before.2 + 3 * before.1;
        (after.1 <= before.1 && after.2 <= most && children.is_empty()).then_some(after)
    });
    eprintln!("resident bytes, threads, descriptors, blocks: {before:?}, then {after:?}");
    assert!(after.0 < before.0 + GROWTH && after.3 < before.3 + BLOCKS, "from {before:?} to {after:?}");
    let run =
        session.run("import sys, asyncio\nprint('out')\nprint('err', file=sys.stderr)\nawait asyncio.sleep(0, 42)");
    let told = (&run["stdout"], &run["stderr"], &run["result"]);
    assert_eq!(told, (&json!("out\n"), &json!("err\n"), &json!("42")), "{run}");
    assert_eq!(session.run("_ + 1")["result"], Value::from("43"));
}

#[test]
fn hundreds_of_hostile_snippets() {
    stress(&python(), 600, 200);
}

#[test]
#[ignore = "takes minutes: tests/long runs it"]
fn ten_thousand_hostile_snippets() {
    stress(&python(), 10_000, WARM_UP);
}

#[test]
#[ignore = "takes minutes: tests/long runs it"]
fn a_thousand_in_every_other_python() {
    for python in pythons().iter().skip(1) {
        stress(python, 1_000, 300);
    }
}
