//! Restoration of Python's state, by a reset and before each snippet.

use crate::support::session::{Session, in_every_python};
use serde_json::{Value, json};

fn reset(session: &mut Session) -> Value {
    session.client.call("reset_python_environment", json!({}))["structuredContent"].clone()
}

#[test]
fn sources_and_new_processes_are_found_after_a_reset() {
    in_every_python(|session| {
        reset(session);
        let code = "import inspect\nclass After:\n    x = 1\ninspect.getsource(After)";
        assert_eq!(session.value(code), "'class After:\\n    x = 1\\n'");
        // Code on the same line as an import is not run again by child processes.
        session.run("import os; count = open('ran', 'a').write('x'); os.getcwd()");
        let code = "import multiprocessing\ndef twice(n): return 2 * n\n\
                    with multiprocessing.get_context('spawn').Pool(1) as pool: found = pool.map(twice, [4])\nfound";
        assert_eq!(session.value(code), "[8]");
        assert_eq!(session.value("open('ran').read()"), "'x'");
    });
}

#[test]
fn edited_modules_are_imported_again() {
    in_every_python(|session| {
        let work = session.home.work();
        for folder in ["package/inner", "spaces/inner"] {
            std::fs::create_dir_all(work.join(folder)).unwrap();
        }
        let write = |value: u32| {
            for (file, text) in [
                ("package/__init__.py", "from .inner import value\n".to_owned()),
                ("package/inner/__init__.py", "from ..leaf import value\n".to_owned()),
                // The same size as before, and modified in the same second.
                ("package/leaf.py", format!("value = {value}\n")),
                ("spaces/inner/module.py", format!("value = {value}\n")),
                ("alone.py", format!("value = {value}\n")),
            ] {
                std::fs::write(work.join(file), text).unwrap();
            }
        };
        let code = "from package import value\nimport alone, json, spaces.inner.module as module\n\
                    json.kept = True\nvalue, alone.value, module.value";
        write(1);
        assert_eq!(session.value(code), "(1, 1, 1)");
        write(2);
        reset(session);
        assert_eq!(session.value("import json; json.kept"), "True");
        assert_eq!(session.value(code), "(2, 2, 2)");

        let outside = tempfile::tempdir().unwrap();
        let write = |value: u32| std::fs::write(outside.path().join("outer.py"), format!("value = {value}\n")).unwrap();
        let code = format!("import os; os.chdir({:?}); import outer; outer.value", outside.path());
        write(1);
        assert_eq!(session.value(&code), "1");
        write(2);
        reset(session);
        assert_eq!(session.value(&code), "2");
    });
}

#[test]
fn the_event_loop_survives_closed_descriptors_and_broken_policies() {
    in_every_python(|session| {
        session.run("import asyncio, os");
        for code in [
            "os.closerange(0, 256)",
            "null = os.open(os.devnull, os.O_RDWR)\nfor fd in range(1, 100): os.dup2(null, fd)",
            "asyncio.get_event_loop().close()",
            "asyncio.new_event_loop = asyncio.set_event_loop = asyncio.sleep = None",
            "import sys\nfor name in [name for name in sys.modules if name.startswith('asyncio')]: del sys.modules[name]",
        ] {
            session.run(code);
            let check = "import asyncio.tasks as tasks\nawait tasks.sleep(0.01, 'awake')";
            assert_eq!(session.value(check), "'awake'", "after {code}");
        }
        session.run(
            "import asyncio\nclass Policy(asyncio.DefaultEventLoopPolicy):\n    def new_event_loop(self): 1 / 0\n\
             asyncio.set_event_loop_policy(Policy())",
        );
        reset(session);
        assert_eq!(session.value("import asyncio; await asyncio.tasks.sleep(0.01, 'awake')"), "'awake'");
    });
}

#[test]
fn modules_are_not_loaded_twice_after_sys_modules_was_emptied() {
    in_every_python(|session| {
        session.run("import json, decimal; json.kept = decimal");
        for emptied in ["import sys; sys.modules.clear()", "import sys; sys.modules.clear(); import sys, traceback"] {
            session.run(emptied);
            assert_eq!(session.value("import json, decimal; json.kept is decimal"), "True", "after {emptied}");
        }
    });
}

#[test]
fn a_reset_removes_trace_functions_and_hooks() {
    in_every_python(|session| {
        for code in [
            "import sys\ntold = []\ndef hook(event, args): told.append(event)\nsys.addaudithook(hook)",
            "import sys\ndef trace(*args): raise ValueError\nsys.settrace(trace); sys.setprofile(trace)",
            "import sys\ndef fail(*args): raise ValueError\nm = getattr(sys, 'monitoring', None)\nif m:\n    \
             m.use_tool_id(3, 'test'); m.register_callback(3, m.events.LINE, fail); m.set_events(3, m.events.LINE)",
            "import sys, gc; gc.disable(); sys.setrecursionlimit(60); sys.setswitchinterval(100); sys.excepthook = None",
            "import os; os.environ = {}",
            "import os; del os.environ",
        ] {
            session.run(code);
            assert_eq!(reset(session)["remains"], json!([]), "after {code}");
            let check = "import gc, os, sys\nopen(os.devnull).close()\n\
                         sys.gettrace(), sys.getprofile(), gc.isenabled(), sys.getrecursionlimit() > 500, 'HOME' in os.environ";
            assert_eq!(session.value(check), "(None, None, True, True, True)", "after {code}");
        }
        assert_eq!(session.value("import sys; sys.addaudithook(lambda *args: None) is None"), "True");
    });
}

#[test]
fn a_reset_restores_limits_or_reports_those_that_it_cannot() {
    in_every_python(|session| {
        let look = "import os, resource\nlimits = resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC\n\
                    mask = os.umask(0); os.umask(mask)\nmask, [resource.getrlimit(limit) for limit in limits]";
        let then = session.value(look);
        session.run(
            "os.umask(0o777)\nfor limit, low in zip(limits, (1 << 30, 100, 100)):\n    \
             resource.setrlimit(limit, (low, resource.getrlimit(limit)[1]))",
        );
        assert_eq!(reset(session)["remains"], json!([]));
        assert_eq!(session.value(look), then);
        session.run("resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))");
        let told = "the limit RLIMIT_NOFILE, which was lowered to 200 for good";
        assert_eq!(reset(session)["remains"], json!([told]));
    });
}

#[test]
fn text_in_a_stream_of_user_code_belongs_to_the_snippet_that_wrote_it() {
    in_every_python(|session| {
        for stream in [
            "io.TextIOWrapper(sys.stdout.buffer)",
            "open(1, 'w', closefd=False)",
            "open('/dev/stdout', 'w')",
            "io.TextIOWrapper(sys.stdout.detach())",
        ] {
            assert_eq!(session.out(&format!("import io, sys\nsys.stdout = {stream}\nprint('held')")), "held\n");
            assert_eq!(session.out("print('next')"), "next\n");
        }
        session
            .run("class Closed:\n    def flush(self): raise ValueError('closed')\nimport sys; sys.stdout = Closed()");
        assert_eq!(session.out("sys.stdout = Closed()"), "");
    });
}

#[test]
fn a_reset_ends_whatever_user_code_does_in_it() {
    in_every_python(|session| {
        let swallows = "while True:\n            try: time.sleep(0.01)\n            except BaseException: pass";
        for code in [
            "class C:\n    def __del__(self):\n        while True: pass\nc = C()".to_owned(),
            format!(
                "import asyncio, time\nasync def stay():\n    try: await asyncio.sleep(100)\n    finally:\n        \
                 {swallows}\ntask = asyncio.create_task(stay())\nawait asyncio.sleep(0)"
            ),
        ] {
            assert_eq!(session.run(&code)["status"], "ok");
            assert_eq!(reset(session)["done"], true, "after {code}");
            assert_eq!(session.value("import asyncio; await asyncio.sleep(0, 'well')"), "'well'", "after {code}");
        }
    });
}
