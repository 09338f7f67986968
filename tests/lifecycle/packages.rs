//! Sessions with packages of their own: `--with` and `--script`. The packages are wheels that the tests make, and there is no
//! index.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::json;

use crate::support::client::{Client, Era};
use crate::support::{Home, python, wait_until};

/// Makes a wheel with a module of one line.
fn wheel(folder: &Path, name: &str, line: &str) -> PathBuf {
    const MAKE: &str = r#"
import sys, zipfile
folder, name, line = sys.argv[1:]
path = f"{folder}/{name}-1.0-py3-none-any.whl"
with zipfile.ZipFile(path, "w") as wheel:
    info = f"{name}-1.0.dist-info"
    wheel.writestr(f"{name}.py", line)
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
print(path)
"#;
    let output = Command::new(python()).args(["-c", MAKE]).arg(folder).args([name, line]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

/// Runs code in a plain session that ends with it.
fn session(home: &Home, arguments: &[&str], code: &str) -> (Option<i32>, String, String) {
    let mut command = home.fourhands();
    command.args(["--plain"]).args(arguments);
    // Neither pip nor uv may ask anybody.
    command.env("PIP_NO_INDEX", "1").env("UV_NO_INDEX", "1").env("UV_PYTHON_DOWNLOADS", "never");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A session that does not begin reads nothing.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), code.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn packages_come_on_top_of_those_of_the_project_and_are_kept() {
    let home = Home::new();
    let small = wheel(&home.work(), "small", "VALUE = 40");
    let project = home.work().join(".venv");
    assert!(Command::new(python()).args(["-m", "venv", "--without-pip"]).arg(&project).status().unwrap().success());
    let library = fs::read_dir(project.join("lib")).unwrap().next().unwrap().unwrap().path().join("site-packages");
    fs::write(library.join("mine.py"), "VALUE = 2").unwrap();
    let code = "import small, mine, sys\nprint(small.VALUE + mine.VALUE, sys.prefix)\n";

    let with = ["--with", "./small-1.0-py3-none-any.whl"];
    let (status, shown, said) = session(&home, &with, code);
    let environments = home.path().join(".cache/fourhands/environments");
    assert_eq!(status, Some(0), "{shown}{said}");
    assert!(shown.contains(&format!("42 {}", environments.display())), "{shown}{said}");
    assert!(said.contains("installing ") && said.contains("small-1.0"), "{said}");

    let (status, shown, said) = session(&home, &with, code);
    assert_eq!(status, Some(0), "{shown}{said}");
    assert!(shown.contains("42 ") && !said.contains("installing"), "{shown}{said}");

    // What was not completed is made again.
    let folder = fs::read_dir(&environments).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir());
    fs::remove_file(folder.unwrap().join("fourhands-packages")).unwrap();
    fs::remove_file(small).unwrap();
    wheel(&home.work(), "small", "VALUE = 50");
    let (status, shown, said) = session(&home, &with, code);
    assert_eq!(status, Some(0), "{shown}{said}");
    assert!(shown.contains("52 ") && said.contains("installing"), "{shown}{said}");

    let (status, shown, said) = session(&home, &["--with", "nosuch-package"], "1 + 1\n");
    assert_eq!((status, shown.as_str()), (Some(1), ""), "{said}");
    assert!(said.contains("nosuch-package cannot be installed: no package index has"), "{said}");
}

#[test]
fn a_script_names_the_packages_and_the_python_of_a_session() {
    let home = Home::new();
    let small = wheel(home.path(), "small", "VALUE = 42");
    let write = |text: String| fs::write(home.work().join("x.py"), text).unwrap();
    let python = python();
    let script = ["--script", "x.py", "--python", python.to_str().unwrap()];
    let block = |range: &str| {
        format!(
            "# /// script\n# requires-python = \"{range}\"\n# dependencies = [\"small @ file://{}\"]\n# ///\n",
            small.display()
        )
    };

    write(block(">=3.10"));
    let (status, shown, said) = session(&home, &script, "import small\nprint(small.VALUE)\n");
    assert_eq!(status, Some(0), "{shown}{said}");
    assert!(shown.contains("42") && said.contains("small"), "{shown}{said}");

    let other = if crate::support::version(&python) == "3.10" { ">=3.11" } else { "<3.11" };
    for (text, code, expected) in [
        (block(other), 1, format!("requires-python = \"{other}\"")),
        (block(">=3.10") + "\n" + &block(">=3.10"), 2, "line 6: a second block".to_owned()),
        ("# /// script\n# dependencies = 3\n# ///\n".to_owned(), 2, "x.py, line 2: invalid type".to_owned()),
        ("# /// script\n# dependencies = []\n".to_owned(), 2, "line 1: the block".to_owned()),
    ] {
        write(text);
        let (status, shown, said) = session(&home, &script, "1 + 1\n");
        assert_eq!((status, shown.as_str()), (Some(code), ""), "{said}");
        assert!(said.contains(&expected), "{said}");
    }

    write("import sys\n".to_owned());
    let (status, shown, said) = session(&home, &script, "6 * 7\n");
    assert_eq!(status, Some(0), "{said}");
    assert!(shown.contains("42") && (shown + &said).contains("adds no packages"), "{said}");
    let (status, _, said) = session(&home, &["--script", "gone.py"], "1\n");
    assert!(status == Some(2) && said.contains("gone.py cannot be read"), "{said}");
}

#[test]
fn a_bridge_passes_packages_and_scripts_on_to_the_session_that_it_starts() {
    let home = Home::new();
    wheel(&home.work(), "small", "VALUE = 42");
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--serve", "--with", "./small-1.0-py3-none-any.whl", "--python"]).arg(python());
    bridge.env("PIP_NO_INDEX", "1").env("UV_NO_INDEX", "1");
    let mut client = Client::start(bridge, "needy", Era::Legacy);
    let answer = wait_until("the installation", || {
        let answer = client.call("run_python_code", json!({"code": "import small; small.VALUE"}));
        let text = Client::text(&answer);
        assert!(answer["isError"] != true || text.contains("starting"), "{text}");
        (answer["isError"] != true).then_some(answer)
    });
    assert_eq!(answer["structuredContent"]["result"], "42");
    assert!(client.close().success());

    let refused = home.fourhands().args(["bridge", "--script", "x.py"]).stdin(Stdio::null()).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("need --serve or --tmux"));
}
