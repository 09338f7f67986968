//! Interrupts: at every moment of a snippet, and of nothing but that snippet.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support;
use crate::support::session::in_every_python;

/// A handler of signals runs within the engine's own steps as well, where its exception must not get lost; and what the
/// engine does after the snippet before must not take back the request.
#[test]
fn an_interrupt_is_heard_at_every_moment() {
    const CODE: &[&str] = &[
        "import time; time.sleep(1000)",
        "def f():\n    import threading\n    threading.Event().wait()\nf()",
        "old = [object()]\nwhile True: pass",
    ];
    in_every_python(|session| {
        for moment in 0..150_u64 {
            let code = CODE[moment as usize % CODE.len()];
            let call =
                session.client.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code}}));
            let due = Instant::now() + Duration::from_micros(moment * 10);
            while Instant::now() < due {
                std::hint::spin_loop();
            }
            session.client.call("interrupt_snippet", json!({}));
            let result = session.client.answer(call)["result"].clone();
            let run = session.client.finished(result);
            let status = &run["structuredContent"]["status"];
            assert!(["interrupted", "cancelled"].iter().any(|ended| status == ended), "{moment}: {code}\n{run}");
        }
    });
}

#[test]
fn interrupts_hit_only_their_target() {
    in_every_python(|session| {
        let stuck = [
            "while True: pass",
            "import time; time.sleep(1000)",
            "import threading; threading.Event().wait()",
            "import asyncio; await asyncio.sleep(1000)",
            "import subprocess; subprocess.run(['sleep', '1000'])",
            // These need the second, forced request.
            "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
            "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(1000)",
            "class R:\n    def __repr__(self):\n        while True: pass\nR()",
        ];
        for code in stuck {
            let result = session.client.call("run_python_code", json!({"code": code, "timeout_s": 0.2}));
            let result = session.client.finished(result);
            let run = &result["structuredContent"];
            assert_eq!((&run["status"], &run["returncode"]), (&json!("interrupted"), &json!(130)), "{code}\n{run}");
            assert!(run["stopped_by"].as_str().unwrap().contains("time limit"), "{run}");
            assert_eq!(session.value("'un' + 'harmed'"), "'unharmed'", "after {code}");
        }
    });
}

#[test]
fn an_interrupted_await_shows_where_the_code_stood() {
    in_every_python(|session| {
        session.run("import asyncio\nawait asyncio.sleep(0)");
        let code = "async def rest():\n    open('begun', 'w').close(); await asyncio.sleep(1000)\n\nawait rest()";
        let result = session.client.call("run_python_code", json!({"code": code, "wait_s": 0}));
        let begun = session.home.work().join("begun");
        support::wait_until("the await", || begun.exists().then_some(()));
        session.client.call("interrupt_snippet", json!({}));
        let run = session.client.finished(result)["structuredContent"].clone();
        let traceback = run["error"]["traceback"].as_str().unwrap();
        for part in ["line 4, in <module>", "await rest()", "line 2, in rest", "KeyboardInterrupt"] {
            assert!(traceback.contains(part), "{part:?} is missing in\n{traceback}");
        }
        assert!(!traceback.contains("run_until_complete") && !traceback.contains("CancelledError"), "{traceback}");
    });
}
