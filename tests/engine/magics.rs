//! `IPython`'s magics, and code of unusual bytes and shapes, in every CPython of this machine.

use crate::support;
use crate::support::session::{Session, in_every_python};
use crate::support::{Home, each_python};
use serde_json::json;

#[track_caller]
fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
}

#[test]
fn shell_commands() {
    in_every_python(|session| {
        assert_eq!(session.out("print('a')\n!echo b\nprint('c')"), "a\nb\nc\n");
        assert_eq!(
            session.out("for n in range(2):\n    !echo n={n} $n {{n}} it\\'s $$HOME_NOT\n"),
            "n=0 0 {n} it's\nn=1 1 {n} it's\n"
        );
        assert_eq!(session.out("def f(word):\n    !echo {word.upper()} $word\nf('x')"), "X x\n");
        assert_eq!(session.out("!printf 'x y\\n' | awk '{print $2}'"), "y\n");
        assert_eq!(session.value("a = !printf '1\\n2\\n'\na, a.n, a.s"), "(['1', '2'], '1\\n2', '1 2')");
        assert_eq!(session.value("!!echo one"), "['one']");
        assert_eq!(session.out("!echo one \\\n  two\nprint(3)"), "one two\n3\n");
        let run = session.run("!exit 3\n_exit_code");
        assert_eq!((&run["result"], &run["stderr"]), (&json!("3"), &json!("exit code 3\n")));
        assert_eq!(session.run("!kill -9 $$$$")["stderr"], "ended by SIGKILL\n");
        assert_eq!(session.out("!cat; echo end"), "end\n", "a child has nothing to read");
        assert_eq!(session.out("%%bash -e\nx=1\nif true; then\n  echo \"$x {y}\"\nfi\n"), "1 {y}\n");
        let result =
            session.client.call("run_python_code", json!({"code": "!sleep 1000; echo late", "timeout_s": 0.3}));
        assert_eq!(result["structuredContent"]["status"], "interrupted", "{result}");
        assert!(result["structuredContent"]["elapsed_s"].as_f64().unwrap() < 10.0);
        assert_eq!(session.value("del f, a, n\n[name for name in globals() if name[0] != '_']"), "[]");
    });
}

#[test]
fn time_and_help() {
    in_every_python(|session| {
        let run = session.run("%time 6 * 7");
        assert_eq!(run["result"], "42", "{run}");
        contains(run["stdout"].as_str().unwrap(), &["CPU times: user", "Wall time: "]);
        contains(&session.out("x = 1\n%time x = 2\nprint(x)"), &["Wall time", "\n2\n"]);
        let run = session.run("%%time\nimport asyncio\nawait asyncio.sleep(0, 'slept')");
        assert_eq!(run["result"], "'slept'");
        contains(&session.traceback("%%time\n\n1/0"), &["line 3", "1/0"]);
        contains(&session.traceback("%time 1/0"), &["line 1", "1/0"]);
        contains(
            &session.out("%timeit -n 10 -r 2 sum(range(10))"),
            &["per loop (mean ± std. dev. of 2 runs, 10 loops each)"],
        );
        contains(&session.out("%%timeit -n 2 -r 1 y = 3\nz = y\nz + 1"), &["1 run, 2 loops each"]);
        contains(
            &session.out("def half(n: int) -> float:\n    'Halves it.'\n    return n / 2\nhalf?"),
            &["half(n: int) -> float", "Halves it.", "function", "<snippet"],
        );
        contains(&session.out("half??"), &["return n / 2"]);
        contains(&session.out("class Plain: pass\nPlain?"), &["Signature: Plain()", "type"]);
        contains(&session.out("?len"), &["len(obj, /)", "number of items"]);
        contains(&session.out("nothing?"), &["`nothing` not found"]);
        contains(&session.out("word = 'abc'\nword?"), &["str", "'abc'", "3"]);
        contains(&session.out("str.is*low*?"), &["str.islower"]);
    });
}

#[test]
fn folders_environment_and_names() {
    in_every_python(|session| {
        let there = session.value("%pwd");
        assert_eq!(session.out("%cd /"), "/\n");
        assert_eq!(session.value("import os; os.getcwd()"), "'/'");
        assert_eq!(format!("'{}'", session.out("%cd -").trim_end()), there);
        assert_eq!(session.value("%env ADDED=some thing\nos.environ['ADDED']"), "'some thing'");
        assert_eq!(session.value("%env ADDED"), "'some thing'");
        assert_eq!(session.out("x = 1\n%who"), "x\n");
        assert_eq!(session.run("%matplotlib inline\n%config InlineBackend.figure_format = 'retina'\n5")["result"], "5");
        session.run("%%writefile script.py\nimport sys\nanswer = len(sys.argv)\n");
        assert_eq!(session.value("%run script.py a b\nanswer"), "3");
        assert_eq!(session.out("%%capture kept\nprint('hidden')\n"), "");
        assert_eq!(session.value("kept.stdout"), "'hidden\\n'");
    });
}

#[test]
fn unknown_magics_are_reported_and_plain_python_is_unchanged() {
    in_every_python(|session| {
        let error = session.traceback("x = 1\n%tiem x");
        contains(
            &error,
            &["UsageError: the magic %tiem does not exist", "Did you mean %time?", "%pip", "line 2", "%%bash"],
        );
        assert!(!error.contains("fourhands"), "{error}");
        contains(&session.traceback("x = 1\n%%bash\nls"), &["%%bash must be the very first line"]);
        contains(&session.traceback("%cd /not/there"), &["FileNotFoundError", "line 1", "%cd /not/there"]);
        assert_eq!(session.value("x = 5 % 3\nx"), "2");
        assert_eq!(session.value("x = '''\n%time\n!ls\nx?\n'''\nx"), "'\\n%time\\n!ls\\nx?\\n'");
        assert_eq!(session.out("x = '''\n%time\n!ls'''\n!echo magic\nprint(x)"), "magic\n\n%time\n!ls\n");
        assert_eq!(session.value("percent = 7\n(100\n%percent)"), "2");
        contains(&session.traceback("!ls\nx = (1,"), &["SyntaxError", "line 2"]);
        let error = session.traceback("x = 1\n   !ls");
        contains(&error, &["IndentationError", "line 2", "!ls"]);
        assert!(!error.contains("fourhands"), "{error}");
        contains(&session.traceback("what is this?"), &["SyntaxError"]);
        contains(&session.traceback("!true\n\n1/0"), &["line 3", "1/0"]);
    });
}

/// A package that needs nothing for its build, because its backend is in its own folder.
const PACKAGE: &str = r#"
import os, textwrap
os.makedirs("NAME/backend", exist_ok=True)
open("NAME/pyproject.toml", "w").write(
    '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["backend"]\n'
    '[project]\nname = "NAME"\nversion = "1.0"\n')
open("NAME/backend/backend.py", "w").write(textwrap.dedent('''
    import os, zipfile
    def build_wheel(folder, config_settings=None, metadata_directory=None, pth=None):
        name = "NAME-1.0-py3-none-any.whl"
        with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
            if pth:
                wheel.writestr("NAME.pth", pth)
            else:
                wheel.writestr("NAME.py", "answer = 42")
            wheel.writestr("NAME-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: NAME\\nVersion: 1.0\\n")
            wheel.writestr("NAME-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
            wheel.writestr("NAME-1.0.dist-info/RECORD", "")
        return name
    def build_editable(folder, config_settings=None, metadata_directory=None):
        return build_wheel(folder, pth=os.path.join(os.getcwd(), "src"))
'''))
os.makedirs("NAME/src", exist_ok=True)
open("NAME/src/NAME.py", "w").write("answer = 43")
"#;

#[test]
fn packages_can_be_imported_at_once() {
    each_python(|python| {
        let folder = tempfile::tempdir().unwrap();
        let venv = folder.path().join("venv");
        let run =
            |arguments: &[&str]| std::process::Command::new(python).args(arguments).output().unwrap().status.success();
        if !run(&["-m", "pip", "--version"]) {
            eprintln!("{} has no pip", python.display());
            return;
        }
        // With the pip of the base Python, because installing another one takes seconds.
        assert!(run(&["-m", "venv", "--without-pip", "--system-site-packages", &venv.display().to_string()]));
        let mut session = Session::start(&venv.join("bin/python"));
        assert_eq!(session.value("try:\n    import fh_one\nexcept ImportError:\n    missing = True\nmissing"), "True");
        // What is no command stays as it is.
        for text in ["!echo 'x; pip list'", "%%bash\ncat <<EOF\nx; pip list\nEOF"] {
            assert_eq!(session.out(text).trim(), "x; pip list", "{text}");
        }
        let offline = "--no-index --no-deps --no-build-isolation";
        session.out(&PACKAGE.replace("NAME", "fh_one"));
        assert_eq!(session.value(&format!("%pip install -q {offline} ./fh_one\nimport fh_one\nfh_one.answer")), "42");
        session.out(&PACKAGE.replace("NAME", "fh_two"));
        let plain = format!(
            "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'pip', 'install', '-q', *'{offline}'.split(), './fh_two'], check=True)\nimport fh_two\nfh_two.answer"
        );
        assert_eq!(session.value(&plain), "42");
        session.out(&PACKAGE.replace("NAME", "fh_three"));
        assert_eq!(
            session.value(&format!("%pip install -q {offline} -e ./fh_three\nimport fh_three\nfh_three.answer")),
            "43"
        );
        // As after `activate`, however a program is started.
        let prefix = "print(__import__('sys').prefix)";
        let started =
            format!("subprocess.run(['python', '-c', {prefix:?}], capture_output=True, text=True).stdout.strip()");
        assert_eq!(session.value(&format!("import os\n{started} == sys.prefix == os.environ['VIRTUAL_ENV']")), "True");
        let of_shell = session.out("!pip --version");
        assert!(of_shell.starts_with("pip ") && !of_shell.contains("exit code"), "{of_shell}");
        let failed = session.run("%pip install -q --no-index not_there_at_all");
        assert_eq!((&failed["status"], &failed["returncode"]), (&serde_json::json!("error"), &serde_json::json!(1)));
        assert_eq!(session.value("_exit_code"), "1");
    });
}

#[test]
fn python_and_pip_are_the_sessions_whatever_is_first_on_path() {
    let home = Home::new();
    let bin = home.work().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let program = |name: &str| {
        std::fs::write(bin.join(name), format!("#!/bin/sh\necho \"{name} $@\"\n")).unwrap();
        std::fs::set_permissions(bin.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    for name in ["python", "python3", "pip", "pip3"] {
        program(name);
    }
    let venv = home.work().join("venv");
    let made = std::process::Command::new(support::python()).args(["-m", "venv", "--without-pip"]).arg(&venv).status();
    assert!(made.unwrap().success());
    // Of another environment; what it stands for is not that of the session.
    let path = format!("{}:/usr/bin:/bin", bin.display());
    let start = |python: &std::path::Path| {
        let mut command = home.fourhands();
        command.env("PATH", &path).env("VIRTUAL_ENV", "/no/env");
        command.args(["serve", "--session", "test", "--python"]).arg(python);
        let server = support::Server::start(command);
        let mut bridge = home.fourhands();
        bridge.args(["bridge", "--session", "test"]);
        (server, support::client::Client::start(bridge, "tester", support::client::Era::Legacy))
    };
    let ran = "import os, subprocess, sys\ndef ran(*words):\n    \
               return subprocess.run(words, capture_output=True, text=True).stdout.strip()";
    let (mut server, mut client) = start(&support::python());
    client.run(ran);
    let same = "ran('python', '-c', 'import sys; print(sys.executable)') == sys.executable == \
                ran('python3', '-c', 'import sys; print(sys.executable)'), os.environ.get('VIRTUAL_ENV')";
    assert_eq!(client.run(same)["result"], "(True, None)");
    client.close();
    server.terminate();
    let (_server, mut client) = start(&venv.join("bin/python"));
    client.run(ran);
    let own = "ran('python', '-c', 'import sys; print(sys.prefix)') == sys.prefix == os.environ['VIRTUAL_ENV']";
    assert_eq!(client.run(own)["result"], "True");
    let without = "has no pip, and uv is not on PATH";
    contains(client.run("%pip install x")["error"]["message"].as_str().unwrap(), &[without, "ensurepip"]);
    for code in ["!pip install x", "!cd / && pip3 install x", "%%sh\npip install x", "subprocess.run(['pip', 'list'])"]
    {
        let ran = client.run(code);
        contains(ran["stderr"].as_str().unwrap(), &[without, "ensurepip"]);
    }
    program("uv");
    let expected = format!("uv pip install --python {} x>1\n", venv.join("bin/python").display());
    for code in ["%pip install 'x>1'", "!pip install 'x>1'", "print(ran('pip', 'install', 'x>1'))"] {
        assert_eq!(client.run(code)["stdout"], expected, "{code}");
    }
    assert_eq!(client.run("!echo pip; bin/pip list")["stdout"], "pip\npip list\n", "one that is named by its path");
}

#[test]
fn odd_code() {
    in_every_python(|session| {
        for (code, value) in [
            ("\u{feff}x = 1\r\nx", "1"),
            ("if 1:\r\tx = 2\rx", "2"),
            ("if 1:\n\tx = 3\n\tx += 1\nx", "4"),
            ("x = 5\n\n# the end\n", ""),
            ("    x = 5\n    if x:\n        y = 6\n    y", "6"),
            (">>> x = 5\n>>> for y in 'ab':\n...     pass\n...\n>>> x, y\n(5, 'b')", "(5, 'b')"),
            ("# nothing\n#else", ""),
            ("\n\n  # nothing\n", ""),
        ] {
            let run = session.run(code);
            assert_eq!(run["status"], "ok", "{code:?}\n{run}");
            assert_eq!(run["result"].as_str().unwrap_or_default(), value, "{code:?}");
        }
        contains(&session.traceback("a\0b"), &["null bytes"]);
        contains(&session.traceback("for x in y:"), &["IndentationError", "line 1"]);
        contains(&session.traceback("try:\n    x\n"), &["SyntaxError"]);
        contains(&session.traceback("if 1:\n\tx\n        y"), &["TabError"]);
        contains(&session.traceback("x = 7\nreturn x"), &["SyntaxError"]);
        assert_eq!(session.value("x"), "5", "code that cannot be compiled runs in no part");
        let big = format!("{}big = 1\nbig", "x = 'some text'\n".repeat(70_000));
        assert_eq!(session.value(&big), "1");
        let big = format!("len('{}')", "y".repeat(1_000_000));
        assert_eq!(session.value(&big), "1000000");
    });
}

#[test]
fn deep_nesting() {
    in_every_python(|session| {
        let deep = [
            "(".repeat(100_000),
            format!("{}1", "-".repeat(100_000)),
            format!("{}{}", "[".repeat(5000), "]".repeat(5000)),
            format!("1{}", "+1".repeat(50_000)),
            format!("a{}", ".b".repeat(50_000)),
            format!("if 1: pass\n{}", "elif 1: pass\n".repeat(20_000)),
            format!("{}1", "lambda:".repeat(50_000)),
            "f'{".repeat(1000),
            "!".repeat(100_000),
            format!("{}1", "x = ".repeat(50_000)),
        ];
        for code in deep {
            let run = session.run(&code);
            let start = &code[..20.min(code.len())];
            if run["status"] != "ok" {
                let error = &run["error"];
                assert!(
                    ["SyntaxError", "MemoryError", "RecursionError"].contains(&error["type"].as_str().unwrap()),
                    "{start} {error}"
                );
                assert!(!error["message"].as_str().unwrap().is_empty(), "{start}: {error}");
            }
            assert_eq!(session.value("1 + 1"), "2", "after {start}");
        }
        assert_eq!(session.value(&format!("1{}", "+1".repeat(1999))), "2000", "Python itself runs this");
    });
}
