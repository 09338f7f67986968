//! Clients that others have made, and that `tests/outside/install` installs: each a script that speaks simple lines
//! with the test. `tests/outside/README.md` says which lines.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use serde_json::{Value, json};

use super::{BINARY, DEADLINE, Home};

const OUTSIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/outside");

/// Where the clients are installed.
pub fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside");
    assert!(folder.join("node_packages.installed").exists(), "run tests/outside/install first");
    folder
}

/// The package with the version that the file of pins says, such as `mcp 1.30.0`.
pub fn pinned(pins: &str, package: &str) -> String {
    let pins = std::fs::read_to_string(Path::new(OUTSIDE).join(pins)).unwrap();
    let version = pins.lines().find_map(|line| {
        let line = line.trim().trim_end_matches(',');
        let version = line.strip_prefix(&format!("{package}==")).or(line.strip_prefix(&format!("\"{package}\": ")))?;
        Some(version.trim_matches('"').to_owned())
    });
    format!("{package} {}", version.expect("a package that is pinned"))
}

/// The command that runs a script of `tests/outside/clients`, with the packages that the file of pins names.
pub fn script(home: &Home, pins: &str, name: &str) -> Command {
    let folder = folder();
    let scripts = Path::new(OUTSIDE).join("clients");
    if pins == "package.json" {
        // Node looks for packages beside the script.
        for script in ["lines.mjs", name] {
            std::fs::copy(scripts.join(script), folder.join(script)).unwrap();
        }
        return node(home, &folder.join(name));
    }
    let mut command = Command::new(folder.join(Path::new(pins).file_stem().unwrap()).join("bin/python"));
    command.args(["-B", "-W", "ignore"]).arg(scripts.join(name));
    command.env_clear().envs(home.environment()).current_dir(home.work());
    command
}

/// The command that runs a program out of a package of npm.
pub fn packaged(home: &Home, path: &str) -> Command {
    node(home, &folder().join("node_modules").join(path))
}

fn node(home: &Home, script: &Path) -> Command {
    let mut command = Command::new(folder().join("node/bin/node"));
    command.arg(script).env_clear().envs(home.environment()).current_dir(home.work());
    command
}

/// What a tool call came to, or the client's error.
pub type Answer = Result<Value, String>;

pub struct Outsider {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    /// What was read before somebody asked for it.
    kept: Vec<Value>,
    next_id: u64,
    /// The version of the protocol that the client has agreed on with the server.
    pub protocol: String,
}

impl Outsider {
    /// Starts the client, which starts the bridge.
    pub fn start(mut command: Command) -> Self {
        command.args([BINARY, "bridge", "--structured"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let stdin = child.stdin.take();
        let mut client = Self { child, stdin, lines, kept: Vec::new(), next_id: 1, protocol: String::new() };
        let ready = client.wait_for("the client to connect", |line| line["event"] == "ready");
        ready["protocol"].as_str().unwrap_or_default().clone_into(&mut client.protocol);
        client
    }

    /// Asks for something, and answers its number.
    pub fn ask(&mut self, what: &str, mut arguments: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        arguments["id"] = json!(id);
        arguments["do"] = json!(what);
        let stdin = self.stdin.as_mut().expect("stdin is closed");
        writeln!(stdin, "{arguments}").unwrap();
        id
    }

    pub fn answer(&mut self, id: u64) -> Answer {
        let line = self.wait_for(&format!("the answer to {id}"), |line| line["id"] == id);
        match line["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(line["result"].clone()),
        }
    }

    pub fn request(&mut self, what: &str, arguments: Value) -> Value {
        let id = self.ask(what, arguments);
        self.answer(id).unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Starts to run code, and answers the number of the call.
    pub fn start_code(&mut self, code: &str) -> u64 {
        self.ask("call", json!({"tool": "run_python_code", "arguments": {"code": code}}))
    }

    pub fn run(&mut self, code: &str) -> Value {
        let id = self.start_code(code);
        self.answer(id).unwrap_or_else(|error| panic!("{code}: {error}"))
    }

    pub fn progress_of(&mut self, call: u64, text: &str) {
        self.wait_for(&format!("progress that says {text:?}"), |line| {
            line["event"] == "progress"
                && line["of"] == call
                && line["message"].as_str().is_some_and(|message| message.contains(text))
        });
    }

    /// Drops what was told of the resource so far.
    pub fn forget_updates(&mut self) {
        self.kept.extend(self.lines.try_iter().map(|line| parse(&line)));
        self.kept.retain(|line| line["event"] != "updated");
    }

    pub fn update_of(&mut self, uri: &str) {
        self.wait_for(&format!("an update of {uri}"), |line| line["event"] == "updated" && line["uri"] == uri);
    }

    fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.kept.iter().position(&fits) {
            return self.kept.remove(place);
        }
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("waited in vain for {what}; before it came {:?}", self.kept)
            };
            let line = parse(&line);
            if fits(&line) {
                return line;
            }
            self.kept.push(line);
        }
    }

    /// Closes the client, which closes the bridge.
    pub fn close(mut self) {
        self.stdin = None;
        let status = super::wait_until("the end of the client", || self.child.try_wait().unwrap());
        assert!(status.success(), "the client ended with {status}");
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line:?}"))
}

impl Drop for Outsider {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
