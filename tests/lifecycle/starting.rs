//! Pythons that do not start: one sentence at the first start, and a session that waits for another try at a restart.

use crate::support;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{Home, Server, python, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

/// A virtual environment in which `code` runs when Python starts.
struct Environment {
    python: PathBuf,
    customize: PathBuf,
}

impl Environment {
    fn new(home: &Home) -> Self {
        let folder = home.path().join("venv");
        let made = Command::new(python()).args(["-m", "venv", "--without-pip"]).arg(&folder).status().unwrap();
        assert!(made.success());
        let library = fs::read_dir(folder.join("lib")).unwrap().next().unwrap().unwrap().path().join("site-packages");
        // Not sitecustomize.py, of which a distribution may have one that comes first.
        fs::write(library.join("at_start.pth"), "import at_start").unwrap();
        let environment = Self { python: folder.join("bin/python"), customize: library.join("at_start.py") };
        environment.set("");
        environment
    }

    fn set(&self, code: &str) {
        // Python remembers by the file's age in seconds, so not in its place.
        let _ = fs::remove_dir_all(self.customize.with_file_name("__pycache__"));
        fs::write(&self.customize, code).unwrap();
    }
}

fn serve(home: &Home, python: &Path) -> Command {
    let mut command = home.fourhands();
    command.args(["serve", "--session", "it", "--python"]).arg(python);
    command
}

/// What a start that fails says.
fn failed(mut command: Command, code: i32) -> String {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), String::from_utf8(stdout).unwrap().as_str()), (Some(code), ""), "{said}");
    said
}

/// Remembers the Python, as everyday use does: it is not asked again.
fn remember(home: &Home, python: &Path) {
    let mut server = Server::start(serve(home, python));
    assert!(server.terminate().success());
}

#[test]
fn a_python_that_ends_at_its_start_is_told_with_what_it_said() {
    let home = Home::new();
    let environment = Environment::new(&home);
    remember(&home, &environment.python);
    let path = environment.python.display().to_string();
    environment.set("import os, sys\nsys.stderr.write('the licence is missing\\n'); os._exit(4)");
    let said = failed(serve(&home, &environment.python), 2);
    assert!(said.contains(&path) && said.contains("exit code 4") && said.contains("the licence is missing"), "{said}");
    environment.set("import os; os._exit(4)");
    let said = failed(serve(&home, &environment.python), 2);
    assert!(
        said.contains("exit code 4") && said.contains("without any output") && said.contains("sitecustomize"),
        "{said}"
    );
    environment.set("");
    let mut command = serve(&home, &environment.python);
    command.env("PYTHONHOME", "/gone");
    let said = failed(command, 2);
    assert!(said.contains("encodings") && said.contains("PYTHONHOME=/gone") && said.lines().count() < 9, "{said}");
}

#[test]
fn a_file_that_takes_the_place_of_a_module_of_pythons_own_is_told() {
    let home = Home::new();
    let told = "takes the place of Python's own module";
    // Before the engine runs, while it prepares Python, and where the session can do without. The session ends at once,
    // since its input is empty.
    let late = "import time; time.sleep(0.3); raise RuntimeError('mine')";
    fs::write(home.work().join("traceback.py"), late).unwrap();
    let mut command = home.fourhands();
    command.args(["--plain", "--python"]).arg(python()).stdin(Stdio::null());
    let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(said.contains(&format!("work/traceback.py {told} traceback")) && said.contains("mine"), "{said}");
    assert!(!said.contains("internal error"), "{said}");
    fs::remove_file(home.work().join("traceback.py")).unwrap();
    fs::create_dir(home.path().join("path")).unwrap();
    fs::write(home.path().join("path/types.py"), "raise SystemExit('mine')").unwrap();
    fs::write(home.path().join("path/sitecustomize.py"), "import types").unwrap();
    let mut command = serve(&home, &python());
    command.env("PYTHONPATH", home.path().join("path"));
    let said = failed(command, 2);
    assert!(said.contains(&format!("path/types.py {told} types")) && said.contains("mine"), "{said}");
    fs::write(home.work().join("random.py"), "").unwrap();
    let server = Server::start(serve(&home, &python()));
    server.wait_for_line(&format!("work/random.py {told} random"));
}

#[test]
fn what_a_python_prints_at_its_start_stays_out_of_the_protocol() {
    let home = Home::new();
    let environment = Environment::new(&home);
    environment.set("print('welcome to this machine', flush=True)");
    let mut command = home.fourhands();
    command.args(["serve", "--stdio", "--python"]).arg(&environment.python);
    let mut client = Client::start(command, "tester", Era::Legacy);
    assert_eq!(client.run("6 * 7")["result"], "42");
    assert!(client.close().success());
}

#[test]
fn a_session_whose_python_does_not_start_again_waits_for_another_try() {
    let home = Home::new();
    let environment = Environment::new(&home);
    let mut server = Server::start(serve(&home, &environment.python));
    let guardian = server.child.id();
    let mut bridge = home.fourhands();
    bridge.args(["bridge", "--session", "it"]);
    let mut client = Client::start(bridge, "tester", Era::Legacy);
    assert_eq!(client.run("1 + 1")["result"], "2");
    environment.set("import os; os._exit(4)");
    client.call("reset_python_environment", json!({"mode": "restart"}));
    let row = wait_until("the session to wait", || {
        let output = home.fourhands().args(["sessions", "--json", "--running"]).output().unwrap();
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        rows.into_iter().find(|row| row["state"] == "waiting")
    });
    assert!(row["trouble"].as_str().unwrap().contains("exit code 4"), "{row}");
    // A call is told what is wrong, and is another try.
    let refused = Client::text(&client.call("run_python_code", json!({"code": "1"})));
    assert!(refused.contains("exit code 4") && refused.contains("Nothing was run"), "{refused}");
    fs::remove_file(&environment.python).unwrap();
    wait_until("the next trouble", || {
        // One that comes in the midst of a try is no other try.
        signal(guardian, Signal::SIGUSR1);
        let output = home.fourhands().args(["sessions", "--json", "--running"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains("cannot be started").then_some(())
    });
    environment.set("");
    std::os::unix::fs::symlink(python().canonicalize().unwrap(), &environment.python).unwrap();
    // Each call is another try.
    wait_until("the client to run code again", || {
        let result = client.call("run_python_code", json!({"code": "6 * 7"}));
        (result["structuredContent"]["result"] == "42").then_some(())
    });
    assert!(server.terminate().success());
}

#[test]
fn the_session_of_a_client_on_stdin_waits_as_well() {
    let home = Home::new();
    let environment = Environment::new(&home);
    let mut command = home.fourhands();
    command.args(["serve", "--stdio", "--python"]).arg(&environment.python);
    let mut client = Client::start(command, "tester", Era::Legacy);
    assert_eq!(client.run("1 + 1")["result"], "2");
    environment.set("import os; os._exit(4)");
    client.call("reset_python_environment", json!({"mode": "restart"}));
    wait_until("the client to be told", || {
        let refused = Client::text(&client.call("run_python_code", json!({"code": "1"})));
        (refused.contains("exit code 4") && refused.contains("Nothing was run")).then_some(())
    });
    environment.set("print('not for the client')");
    wait_until("the client to run code again", || {
        let result = client.call("run_python_code", json!({"code": "6 * 7"}));
        (result["structuredContent"]["result"] == "42").then_some(())
    });
    assert!(client.close().success());
}

#[test]
fn an_end_that_is_asked_for_during_a_start_is_no_fault() {
    let home = Home::new();
    let environment = Environment::new(&home);
    remember(&home, &environment.python);
    let begun = home.path().join("begun");
    environment.set(&format!("import time\nopen({begun:?}, 'w').close()\ntime.sleep(0.3)"));
    let mut child = serve(&home, &environment.python).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the start", || begun.exists().then_some(()));
    signal(child.id(), Signal::SIGTERM);
    let ended = wait_until("the end", || child.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn the_person_tries_again_by_a_key() {
    let home = Home::new();
    let environment = Environment::new(&home);
    let mut terminal = Terminal::start(&home, &["--python", environment.python.to_str().unwrap()], 30, 100);
    terminal.wait_for_text("variables");
    terminal.send("x = 41\r");
    terminal.wait_for_text("x = 41");
    environment.set("import sys; sys.exit('no licence')\n");
    environment.set("import os, sys; sys.stderr.write('no licence\\n'); os._exit(5)");
    terminal.send("\x1b[19~");
    terminal.wait_for_text("F8 again");
    terminal.send("\x1b[19~");
    terminal.wait_for("the offer", |screen| {
        screen.contains("exit code 5") && screen.contains("no licence") && screen.contains("Enter to try again")
    });
    assert!(!terminal.is_alternate() && !terminal.is_raw());
    environment.set("");
    terminal.send("\r");
    terminal.wait_for("the dashboard", |screen| screen.contains("x = 41") && screen.contains("restarted"));
    assert!(terminal.is_alternate());
    terminal.send("6 * 7\r");
    terminal.wait_for_row("42");
    assert!(terminal.quit().success());
}

#[test]
fn one_that_hangs_is_told_of_and_shows_where_when_it_is_given_up() {
    let home = Home::new();
    let environment = Environment::new(&home);
    remember(&home, &environment.python);
    environment.set("import time\ntime.sleep(1000)");
    let begun = Instant::now();
    let mut terminal = Terminal::start(&home, &["--python", environment.python.to_str().unwrap()], 30, 100);
    terminal.wait_for_text("starting Python");
    terminal.send("\x03");
    terminal.wait_for_text("at_start.py\", line 2");
    assert_eq!(terminal.wait().exit_code(), 2);
    assert!(begun.elapsed() < support::DEADLINE / 2);
}

#[test]
fn a_python_is_found_where_children_are_ignored() {
    let home = Home::new();
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' CHLD; exec \"$@\"", "bash"]);
    let program = serve(&home, &python());
    shell.arg(program.get_program()).args(program.get_args());
    shell.env_clear().envs(home.environment()).current_dir(home.work());
    let mut server = Server::start(shell);
    assert!(server.terminate().success());
}
