//! Exports of a session with figures, errors, magic, `await` and hostile output, in each format.

use crate::support;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::session::Session;
use crate::support::terminal::Terminal;
use crate::support::{Home, venv};
use serde_json::Value;

/// The snippets, in order. Except for the failing ones, a script must have the same effect.
const SNIPPETS: &[&str] = &[
    "import os, sys\nx = 40\r\ny = 'é漢\u{1f40d}'",
    "from __future__ import annotations\nx + 2",
    "z = _ * 2",
    "1/0",
    "print('a\\r\\x1b[31mb\\x1b[0m\\x1b]0;owned\\x07')\nprint('</pre><script>alert(1)</script>', file=sys.stderr)",
    "!echo from the shell > written.txt\nlines = !cat written.txt\nname = 'written.txt'\nsame = !cat {name}\nwords = !echo {not there} {x}",
    "%cd .\n%env EXPORTED=yes\nhere = %pwd\nfor n in range(2):\n    %time n\n%timeit -n1 -r1 pass",
    "import asyncio\nasync def twice(n):\n    await asyncio.sleep(0)\n    return 2 * n\n\nv = await twice(21)\ntext = '''\n  kept\n'''\nasync with asyncio.Lock() as lock, asyncio.Lock() as (other):\n    w = 1",
    "annotated: int = await twice(4)\nfrom math import *\nroot = sqrt(annotated * 2)",
    "%%writefile helper.py\nvalue = '''it's \\n'''",
    "import helper\nhelped = helper.value",
    "%%capture caught\nprint('quiet')\ninside = 7",
    "%%bash -e\necho $((1 + 1)) > sum.txt",
    "total = open('sum.txt').read().strip()",
    "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\nplt.title('plot')",
    "class Rich:\n    def _repr_html_(self):\n        return '<b onclick=\"alert(1)\">rich</b><script>alert(1)</script>'\n\n    def __repr__(self):\n        return 'plain'\n\nRich()",
    "display({'a': 1})\nfrom IPython.display import HTML, display as show\nshow(HTML('<i>x</i>'))",
    "def broken(:\n    pass",
    "    indented = 1\n    indented",
    "sys.exit()",
    "f'''{x\n}''' # ends in a comment",
    "print('flood ' * 60_000)\nwhile True: pass",
    "import types\nx?",
    "last = len(y)",
];

/// Variables that the script must leave with the session's values.
const NAMES: &str = "x y z n lines same words v text w annotated root helped caught.stdout inside total indented last";

fn python() -> PathBuf {
    venv::environment("export", &venv::scientific_base(), &["nbformat", "nbclient", "ipykernel", "matplotlib"])
}

fn values(names: &str) -> String {
    let names = names.split_whitespace().map(|name| format!("'{name}': {name}")).collect::<Vec<_>>().join(", ");
    format!("import json; print('VALUES', json.dumps({{{names}, 'env': os.environ['EXPORTED']}}, sort_keys=True))")
}

fn of_values(output: &str) -> Value {
    let line = output.lines().rev().find_map(|line| line.strip_prefix("VALUES ")).expect(output);
    serde_json::from_str(line).unwrap()
}

fn export(home: &Home, arguments: &[&str]) -> Output {
    home.fourhands().arg("export").args(arguments).output().unwrap()
}

/// Returns the output and the exit code.
fn said(output: &Output) -> (String, Option<i32>) {
    (
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)),
        output.status.code(),
    )
}

fn read(home: &Home, file: &str) -> String {
    fs::read_to_string(home.work().join(file)).unwrap()
}

fn run(home: &Home, python: &Path, arguments: &[&str]) -> String {
    let output = Command::new(python).args(arguments).current_dir(home.work()).output().unwrap();
    let said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

/// Runs all snippets, and returns the values of the variables.
fn tell(session: &mut Session) -> Value {
    for code in SNIPPETS {
        if code.contains("while True") {
            session.client.call("run_python_code", serde_json::json!({ "code": code, "timeout_s": 1 }));
        } else {
            session.run(code);
        }
    }
    of_values(&session.out(&values(NAMES)))
}

#[test]
fn a_real_session_exports_in_every_format() {
    let python = python();
    let mut session = Session::start(&python);
    let expected = tell(&mut session);
    let home = &session.home;
    for format in ["py", "ipynb", "md", "html", "json"] {
        let file = format!("out.{format}");
        let (told, code) = said(&export(home, &["-o", &file]));
        assert!(code == Some(0) && told.contains("Exported 25 snippets of session \"test\" to out."), "{told}");
        assert_eq!(fs::metadata(home.work().join(&file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
        let (told, code) = said(&export(home, &["-o", &file]));
        assert!(code == Some(1) && told.contains("already exists; use --force to replace it"), "{told}");
    }
    assert_eq!(
        fs::read_dir(home.work())
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().extension().is_some_and(|x| x == "draft"))
            .count(),
        0
    );

    script(home, &python, &expected);
    notebook(home, &python, &expected);
    pages(home);
    data(home);
    let end = session.value("6 * 7");
    assert_eq!(end, "42");
}

fn script(home: &Home, python: &Path, expected: &Value) {
    let text = read(home, "out.py");
    assert!(text.contains("\n# [1] tester, 20") && text.contains(", ok, "), "{text}");
    assert!(text.contains(": ZeroDivisionError, ") && text.contains("\n# 1/0\n"), "{text}");
    assert!(text.contains("\n# while True:") && text.contains("interrupted by "), "{text}");
    // In another folder, so that nothing of the session is there.
    let other = tempfile::tempdir().unwrap();
    let copy = other.path().join("exported.py");
    fs::copy(home.work().join("out.py"), &copy).unwrap();
    let output = Command::new(python).arg(&copy).current_dir(other.path()).output().unwrap();
    let told = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{text}");
    assert_eq!(&of_values(&told), expected, "{text}");
}

fn notebook(home: &Home, python: &Path, expected: &Value) {
    let notebook: Value = serde_json::from_str(&read(home, "out.ipynb")).unwrap();
    let cells = notebook["cells"].as_array().unwrap();
    let own = &cells[0]["metadata"]["fourhands"];
    assert_eq!((&own["author"], &own["snippet"], &own["status"]), (&"tester".into(), &1.into(), &"ok".into()));
    assert!(own["started"].as_str().unwrap().ends_with('Z') && own["elapsed_s"].is_number(), "{own}");
    let kinds = |cell: &Value| -> Vec<String> {
        cell["outputs"].as_array().unwrap().iter().map(|o| o["output_type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&cells[3]), ["error"]);
    assert_eq!(cells[3]["outputs"][0]["ename"], "ZeroDivisionError");
    assert_eq!(cells[4]["outputs"][0]["text"][0], "\u{1b}[0;38;5;1mb\u{1b}[0m\n", "colours alone are left");
    assert_eq!(kinds(&cells[4]), ["stream", "stream"]);
    let figure = cells[14]["outputs"].as_array().unwrap().iter().find(|o| o["data"]["image/png"].is_string());
    assert!(figure.is_some(), "{}", cells[14]);
    let rich = &cells[15]["outputs"][0];
    assert_eq!((&rich["output_type"], &rich["data"]["text/plain"][0]), (&"execute_result".into(), &"plain".into()));
    assert!(rich["data"]["text/html"][0].as_str().unwrap().starts_with("<b"), "{rich}");
    let program = "
import json, sys, nbformat, nbclient
nb = nbformat.read('out.ipynb', as_version=4)
nbformat.validate(nb)
assert not any('id' not in cell for cell in nb.cells)
nbclient.NotebookClient(nb, timeout=120, kernel_name='python3').execute()
print(''.join(out.get('text', '') for out in nb.cells[-1].outputs))
";
    assert_eq!(&of_values(&run(home, python, &["-c", program])), expected);
}

fn pages(home: &Home) {
    let page = read(home, "out.html");
    assert!(!page.contains("<script") && !page.contains("</script"), "hostile output is text");
    assert!(page.contains("<iframe sandbox ") && page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("src=\"data:image/png;base64,iVBOR") && page.contains("<details><summary>ZeroDivisionError"));
    assert!(page.contains("default-src 'none'") && page.contains("prefers-color-scheme: dark"));
    assert!(!page.contains("onclick=\"") && !page.contains('\u{1b}'));
    let document = read(home, "out.md");
    assert!(
        document.contains("## \\[1\\] tester\n") && document.contains("](data:image/png;base64,iVBOR"),
        "{document}"
    );
    assert!(document.contains("```python\n1/0\n```") && !document.contains('\u{1b}'), "{document}");
    let (told, code) = said(&export(home, &["-o", "beside.md", "--figures", "my figures"]));
    assert_eq!(code, Some(0), "{told}");
    assert!(read(home, "beside.md").contains("](my%20figures/snippet-15-1.png)"));
    assert!(fs::read(home.work().join("my figures/snippet-15-1.png")).unwrap().starts_with(b"\x89PNG"));
}

fn data(home: &Home) {
    let all: Value = serde_json::from_str(&read(home, "out.json")).unwrap();
    assert_eq!((&all["format"], &all["version"]), (&"fourhands".into(), &1.into()));
    let entries = all["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 25);
    for (entry, code) in entries.iter().zip(SNIPPETS) {
        assert_eq!((&entry["type"], entry["code"].as_str()), (&"snippet".into(), Some(*code)));
    }
    let flood = &entries[21];
    assert_eq!(flood["status"], "interrupted");
    let whole = flood["output_whole"].as_str().expect("the file with all of it");
    assert_eq!(fs::metadata(whole).unwrap().len(), flood["output_bytes"].as_u64().unwrap());
}

/// The JSON of a session stays the same while it runs, after its end, and after a resume.
#[test]
fn an_export_stays_the_same_across_end_and_resume() {
    let mut session = Session::start(&support::python());
    let run = |session: &mut Session, code: &str, title: &str| {
        session.client.call("run_python_code", serde_json::json!({ "code": code, "title": title }));
    };
    run(&mut session, "for n in range(15_000): print('early', n)", "long ago");
    run(&mut session, "for n in range(30_000): print('flood', n)", "a flood");
    run(&mut session, "'r' * 30_000", "a value");
    // Makes the earlier entries old.
    for _ in 0..36 {
        session.run("print('x' * 240_000)");
    }
    let home = &session.home;
    let data = || {
        let output = export(home, &["--to", "json"]);
        let (told, code) = (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code());
        assert_eq!(code, Some(0), "{told}");
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["entries"].as_array().unwrap().clone()
    };
    let text = |entry: &Value| -> String {
        entry["output"].as_array().unwrap().iter().filter_map(|part| part["text"].as_str()).collect()
    };
    let running = data();
    let lines = |word: &str, count: u32| (0..count).fold(String::new(), |text, n| text + &format!("{word} {n}\n"));
    assert_eq!((text(&running[0]), &running[0]["title"]), (lines("early", 15_000), &"long ago".into()));
    assert_eq!((text(&running[1]), &running[1]["title"]), (lines("flood", 30_000), &"a flood".into()));
    assert_eq!(running[2]["result"].as_str().unwrap().len(), 30_002);
    assert!(running[3..].iter().all(|entry| text(entry).len() == 240_001));
    for format in ["md", "html", "ipynb"] {
        let output = export(home, &["--to", format, "--snippets", "1-3"]);
        let told = String::from_utf8_lossy(&output.stdout);
        for line in ["early 7500", "early 14999", "flood 15000", "flood 29999", "long ago"] {
            assert!(told.contains(line), "{format}: {line}");
        }
        assert!(!told.contains("left out"), "{format}");
    }
    assert!(home.fourhands().args(["stop", "test"]).output().unwrap().status.success());
    let ended = data();
    assert!(ended == running, "what has ended is told as it was");
    let python = support::python();
    let mut command = home.fourhands();
    command.args(["serve", "--session", "test", "--resume", "test", "--python"]).arg(&python);
    let server = support::Server::start(command);
    let resumed = data();
    assert!(resumed[..ended.len()] == ended[..], "and when it goes on");
    assert_eq!(resumed.last().unwrap()["type"], "restart");
    drop(server);
}

#[test]
fn export_options_and_their_errors() {
    let home = Home::new();
    let (told, code) = said(&export(&home, &["--to", "py"]));
    assert!(code == Some(3) && told.contains("no sessions are recorded"), "{told}");
    let mut session = Session::start(&support::python());
    session.run("a = 1");
    session.run("1/0");
    session.run("b = 2");
    let home = &session.home;
    let numbers = |arguments: &[&str]| {
        let output = export(home, &[&["--to", "json"], arguments].concat());
        let (told, code) = said(&output);
        assert_eq!(code, Some(0), "{told}");
        let all: Value = serde_json::from_slice(&output.stdout).unwrap();
        let number = |entry: &Value| entry["snippet"].as_u64();
        all["entries"].as_array().unwrap().iter().filter_map(number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&[]), [1, 2, 3]);
    assert_eq!(numbers(&["test", "--only-ok"]), [1, 3]);
    assert_eq!(numbers(&["--failed", "omit"]), [1, 3]);
    assert_eq!(numbers(&["--snippets", "2-"]), [2, 3]);
    assert_eq!(numbers(&["--author", "tester", "--snippets", "1,9"]), [1]);
    for (arguments, code, words) in [
        (&["--to", "py", "--author", "nobody"][..], 1, "has snippets 1 to 3, by tester"),
        (&["--to", "py", "--snippets", "7"], 1, "has snippets 1 to 3"),
        (&["--to", "py", "tets"], 3, "Did you mean test?"),
        (&["--to", "doc"], 2, "use py, ipynb, md, html or json"),
        (&["-o", "file.txt"], 2, "the extension of file.txt is not a known format"),
        (&[], 2, "no format given"),
        (&["nope"], 3, "nope"),
        (&["ipynb"], 2, "no format given; did you mean --to ipynb?"),
        (&["--to", "py", "--snippets", "x"], 2, "does not select snippets"),
        (&["--to", "html", "--figures", "d", "-o", "x.html"], 2, "--figures works only for Markdown"),
        (&["-o", "no/such/folder.py"], 1, "its folder does not exist"),
    ] {
        let (told, ended) = said(&export(home, arguments));
        assert!(ended == Some(code) && told.contains(words), "{arguments:?}: {ended:?} {told}");
    }
    // A past session exports by its name and by its id.
    let stopped = home.fourhands().args(["stop", "test"]).output().unwrap();
    assert!(stopped.status.success());
    let listed = home.fourhands().args(["sessions", "--json", "--past"]).output().unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(
        (&listed[0]["state"], &listed[0]["snippets"], &listed[0]["failed"]),
        (&"closed".into(), &3.into(), &1.into()),
        "{listed}"
    );
    assert_eq!(numbers(&[listed[0]["id"].as_str().unwrap()]), [1, 2, 3]);
    let listed = home.fourhands().arg("sessions").output().unwrap();
    let told = String::from_utf8_lossy(&listed.stdout);
    assert!(
        told.contains("No session is running.") && told.contains("\nPast sessions:\n") && told.contains("tester"),
        "{told}"
    );
}

#[test]
fn the_dashboard_exports() {
    let home = Home::new();
    let python = support::python();
    let mut terminal = Terminal::start(&home, &["--python", python.to_str().unwrap()], 40, 120);
    terminal.wait_for("an empty editor", |screen| screen.contains("ready") && screen.contains("▎"));
    terminal.send("kept = 6 * 7\r");
    terminal.wait_for_text("kept = 6 * 7");
    terminal.send("import os; os.chdir('/'); kept\r");
    terminal.wait_for("the value", |screen| screen.lines().any(|line| line.trim_start().starts_with("42")));
    terminal.send("\x1b[20~");
    terminal.wait_for_text("write the session to");
    terminal.send("\x15mine.py\r");
    terminal.wait_for_text("2 snippets written to");
    assert!(read(&home, "mine.py").contains("# [1] you, "));
    run(&home, &python, &["mine.py"]);
    terminal.send("\x1b[20~");
    terminal.wait_for_text("write the session to");
    terminal.send("\x15mine.py\r");
    terminal.wait_for_text("already exists; Enter replaces it");
    terminal.send("\r");
    terminal.wait_for_text("2 snippets written to");
    terminal.leave();
    assert_eq!(terminal.wait().exit_code(), 0);
}
