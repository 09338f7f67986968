//! Sessions that bridges start by themselves: held for their clients (`--serve`), shown by a dashboard, or opened
//! in a pane of tmux (`--tmux`). And a bridge on what might be another machine.

use std::process::{Command, Stdio};

use crate::support::client::{Client, Era};
use crate::support::terminal::Terminal;
use crate::support::{BINARY, Home, python, signal, wait_until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

fn bridge(home: &Home, name: &str, era: Era) -> Client {
    let mut command = home.fourhands();
    command.args(["bridge", "--serve", "--python"]).arg(python());
    Client::start(command, name, era)
}

fn sessions(home: &Home) -> Vec<Value> {
    let output = home.fourhands().args(["sessions", "--json", "--running"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn value(client: &mut Client, code: &str) -> String {
    client.run(code)["result"].as_str().unwrap_or_default().to_owned()
}

/// Nothing is left of the session but its records.
fn is_over(home: &Home) {
    wait_until("the end of the held session", || sessions(home).is_empty().then_some(()));
    let left = std::fs::read_dir(home.path().join(".local/state/fourhands/sessions")).unwrap();
    assert_eq!(left.map(|file| file.unwrap().path()).collect::<Vec<_>>(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn bridges_of_one_folder_hold_one_session_which_ends_with_the_last_of_them() {
    let home = Home::new();
    let start = |name: &'static str, era| {
        let home = &home;
        move || bridge(home, name, era)
    };
    // At the same moment.
    let (mut one, mut other) = std::thread::scope(|scope| {
        let one = scope.spawn(start("one", Era::Legacy));
        let other = scope.spawn(start("other", Era::Modern));
        (one.join().unwrap(), other.join().unwrap())
    });
    one.run("shared = 41");
    assert_eq!(value(&mut other, "shared + 1"), "42");
    let running = sessions(&home);
    assert_eq!((running.len(), running[0]["name"].as_str()), (1, Some("work")), "{running:?}");
    assert_eq!(running[0]["cwd"], home.work().canonicalize().unwrap().to_str().unwrap());
    // Only a dashboard comes to it.
    let refused = home.fourhands().args(["serve", "--python"]).arg(python()).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("already running in") && said.contains("`fourhands --session work`"), "{said}");
    assert!(one.close().success());
    // Longer than a session waits for a client.
    assert_eq!(value(&mut other, "import time; time.sleep(6); shared"), "41");
    // However the last one ends.
    signal(other.child.id(), Signal::SIGKILL);
    is_over(&home);
}

#[test]
fn a_dashboard_comes_to_a_held_session_and_keeps_it_as_long_as_it_is_open() {
    let home = Home::new();
    let mut legacy = bridge(&home, "legacy", Era::Legacy);
    let mut modern = bridge(&home, "modern", Era::Modern);
    legacy.run("kept = 41\nletters = (i for i in 'abc')");
    let before = wait_until("the session", || sessions(&home).pop().filter(|session| session["id"].is_string()));
    // What runs is not disturbed.
    let code = "import time, os\nopen('runs', 'w').close()\nwhile not os.path.exists('go'): time.sleep(0.01)\n'done'";
    let running = modern.send("tools/call", json!({"name": "run_python_code", "arguments": {"code": code}}));
    wait_until("it runs", || home.work().join("runs").exists().then_some(()));
    let mut dashboard = Terminal::start(&home, &[], 40, 120);
    dashboard.wait_for_all(&["kept = 41", "legacy", "2 running"]);
    std::fs::write(home.work().join("go"), "").unwrap();
    assert_eq!(modern.answer(running)["result"]["structuredContent"]["result"], "'done'");
    // All variables are there, those that no file could hold as well.
    dashboard.send("next(letters) + str(kept)\r");
    dashboard.wait_for_row("'a41'");
    assert_eq!(value(&mut legacy, "next(letters)"), "'b'");
    let after = wait_until("the session", || sessions(&home).pop().filter(|session| session["id"].is_string()));
    for fact in ["name", "id", "pid"] {
        assert_eq!(after[fact], before[fact], "the same session");
    }
    // With clients, the person leaves without a question, and comes back.
    dashboard.wait_until_idle();
    dashboard.send("\u{4}");
    assert!(dashboard.wait().success());
    assert!(dashboard.text().contains("goes on without a dashboard"), "{}", dashboard.text());
    assert_eq!(value(&mut modern, "kept"), "41");
    let mut dashboard = Terminal::start(&home, &[], 40, 120);
    dashboard.wait_for_all(&["modern", "legacy"]);
    // The clients leave, and the session stays as long as the dashboard: longer than it waits for a client.
    legacy.close();
    modern.close();
    let clients = || sessions(&home)[0]["clients"].as_array().map(Vec::len);
    wait_until("no clients", || (clients() == Some(0)).then_some(()));
    dashboard.send("time.sleep(6); 'still ' + 'here'\r");
    dashboard.wait_for_row("'still here'");
    dashboard.wait_until_idle();
    dashboard.leave();
    assert!(dashboard.wait().success());
    let text = String::from_utf8_lossy(&dashboard.received()).into_owned();
    assert!(text.contains("would be lost") && text.contains("has ended"), "{text}");
    is_over(&home);
}

#[test]
fn a_held_session_has_none_of_its_first_clients_secrets() {
    let code = "import os; [os.environ.get(n) for n in ('OPENAI_API_KEY', 'AWS_PROFILE', 'PYTHON_API_KEY', 'OMP_NUM_THREADS')]";
    let start = |home: &Home, name: &str, options: &[&str]| {
        let mut command = home.fourhands();
        command.args(["bridge", "--serve", "--python"]).arg(python()).args(options);
        command.envs([
            ("OPENAI_API_KEY", "a"),
            ("AWS_PROFILE", "b"),
            ("PYTHON_API_KEY", "c"),
            ("OMP_NUM_THREADS", "2"),
        ]);
        Client::start(command, name, Era::Legacy)
    };
    let home = Home::new();
    let mut first = start(&home, "first", &[]);
    assert_eq!(value(&mut first, code), "[None, None, None, '2']");
    let mut next = bridge(&home, "next", Era::Legacy);
    assert_eq!(value(&mut next, code), "[None, None, None, '2']");

    let home = Home::new();
    let mut chosen = start(&home, "chosen", &["--keep-env", "OPENAI_API_KEY,AWS_*"]);
    assert_eq!(value(&mut chosen, code), "['a', 'b', None, '2']");

    let home = Home::new();
    std::fs::create_dir_all(home.path().join(".config/fourhands")).unwrap();
    std::fs::write(home.path().join(".config/fourhands/config.toml"), "[bridge]\nkeep_env = \"all\"\n").unwrap();
    let mut all = start(&home, "all", &[]);
    assert_eq!(value(&mut all, code), "['a', 'b', 'c', '2']");
}

#[test]
fn why_no_session_could_be_started_is_told() {
    let home = Home::new();
    let mut command = home.fourhands();
    command.args(["bridge", "--serve", "--python", "/nowhere/python"]);
    let mut client = Client::start(command, "hopeful", Era::Legacy);
    let result = client.call("run_python_code", json!({"code": "1"}));
    let text = Client::text(&result);
    assert!(result["isError"] == true && text.contains("could not start a session: ") && text.contains("/nowhere"));
    assert!(client.close().success());
}

#[test]
fn a_bridge_that_nobody_talks_to_says_what_it_lacks() {
    let home = Home::new();
    let run = |name: &str| {
        let output = home.fourhands().args(["bridge", "--session", name]).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run("nosuch");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("nothing came on standard input") && said.contains("\"nosuch\""), "{said}");
    assert!(said.contains("is not running"), "{said}");
    let _server = home.serve("there");
    assert_eq!(run("there"), (Some(0), String::new()));
}

#[test]
fn a_bridge_without_any_environment_works_as_over_ssh() {
    let home = Home::new();
    let _server = home.serve("remote");
    // What sshd gives: a login, no terminal, no XDG variables; and the home folder as the directory.
    let mut ssh = Command::new("sh");
    let there = format!("cd {0}; exec env -i HOME={0} {BINARY} bridge --structured", home.path().display());
    ssh.args(["-c", &there]).env_clear();
    let mut client = Client::start(ssh, "far away", Era::Legacy);
    assert_eq!(value(&mut client, "6 * 7"), "42");
    assert!(client.close().success());
}

/// A tmux server of this test alone, with one pane of a shell.
struct Tmux<'a> {
    home: &'a Home,
}

impl Tmux<'_> {
    fn run(&self, arguments: &[&str]) -> String {
        let socket = self.home.path().join("tmux.sock");
        let mut command = Command::new("tmux");
        command.arg("-S").arg(socket).arg("-f/dev/null").args(arguments).env_clear().current_dir(self.home.work());
        for (name, value) in self.home.environment() {
            command.env(name, value);
        }
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn panes(&self) -> Vec<String> {
        self.run(&["list-panes", "-s", "-F", "#{pane_id}"]).lines().map(str::to_owned).collect()
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

#[test]
fn inside_tmux_the_dashboard_opens_in_a_pane_once() {
    if Command::new("tmux").arg("-V").output().is_err() {
        eprintln!("no tmux on this machine");
        return;
    }
    let home = Home::new();
    let tmux = Tmux { home: &home };
    tmux.run(&["new-session", "-d", "-x", "120", "-y", "60", "sh"]);
    let first = tmux.panes().remove(0);
    let told = tmux.run(&["display-message", "-p", "#{socket_path},#{pid},#{session_id}"]);
    let inside = |name, era| {
        let mut command = home.fourhands();
        command.args(["bridge", "--tmux", "--python"]).arg(python()).env("TMUX", &told).env("TMUX_PANE", &first);
        Client::start(command, name, era)
    };
    let (mut one, mut other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| inside("one", Era::Legacy));
        let other = scope.spawn(|| inside("other", Era::Modern));
        (one.join().unwrap(), other.join().unwrap())
    });
    one.run("shared = 41");
    assert_eq!(value(&mut other, "shared + 1"), "42");
    let panes = tmux.panes();
    assert_eq!(panes.len(), 2, "one dashboard");
    assert_eq!(tmux.run(&["display-message", "-p", "#{pane_id}"]), first, "the focus has stayed");
    assert_eq!(sessions(&home)[0]["name"], "work");
    let pane = panes.into_iter().find(|pane| *pane != first).unwrap();
    wait_until("the dashboard with all that has ended", || {
        let screen = tmux.run(&["capture-pane", "-p", "-t", &pane]);
        let is_idle = screen.lines().last().is_some_and(|row| row.contains("ready"));
        (is_idle && ["shared = 41", "shared + 1"].iter().all(|code| screen.contains(code))).then_some(())
    });

    // Whoever closes it does not want it back.
    tmux.run(&["send-keys", "-t", &pane, "C-d"]);
    wait_until("the question", || tmux.run(&["capture-pane", "-p", "-t", &pane]).contains("again quits").then_some(()));
    tmux.run(&["send-keys", "-t", &pane, "C-d"]);
    wait_until("the end of the pane", || (tmux.panes().len() == 1).then_some(()));
    let result = other.call("run_python_code", json!({"code": "1"}));
    assert!(Client::text(&result).contains("No fourhands session is running"), "{result}");
    assert_eq!(tmux.panes().len(), 1);
    one.close();
    other.close();
}

#[test]
fn outside_tmux_it_is_said_what_to_do() {
    let home = Home::new();
    let mut command = home.fourhands();
    command.args(["bridge", "--tmux"]);
    let mut client = Client::start(command, "outside", Era::Modern);
    let text = Client::text(&client.call("run_python_code", json!({"code": "1"})));
    for part in ["does not run inside it", "`fourhands` in a terminal", home.work().to_str().unwrap()] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
