//! The servers that are compared, each as a process that speaks MCP in lines of JSON.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// How a server names its tools.
pub struct Tools {
    pub run: &'static str,
    /// Arguments of `run` with the code in the place of `CODE`.
    pub arguments: fn(&str) -> Value,
    /// The tool that lists variables, if there is one that needs no more than the default session.
    pub list: Option<&'static str>,
}

pub const COMMON: Tools =
    Tools { run: "run_python_code", arguments: |code| json!({"code": code}), list: Some("list_defined_variables") };
pub const INTERPRETER: Tools = Tools { list: None, ..COMMON };
pub const SESSIONS: Tools =
    Tools { run: "repl_run_code", arguments: |code| json!({"params": {"code": code}}), list: None };
pub const REPL: Tools = Tools { run: "repl", arguments: |code| json!({"input": format!("{code}\n")}), list: None };

/// A running server.
pub struct Server {
    pub name: &'static str,
    pub tools: &'static Tools,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    line: String,
    /// Other processes that belong to it.
    pub helpers: Vec<u32>,
    next_id: u64,
}

impl Server {
    /// Starts the server and greets it.
    pub fn start(name: &'static str, tools: &'static Tools, mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut server =
            Self { name, tools, child, input, output, line: String::new(), helpers: Vec::new(), next_id: 1 };
        let hello = json!({
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "compare", "version": "1"},
        });
        server.request("initialize", &hello);
        server.write(&format!("{}\n", json!({"jsonrpc": "2.0", "method": "notifications/initialized"})));
        server
    }

    /// The line of a request that runs code.
    pub fn call(&mut self, code: &str) -> String {
        let params = json!({"name": self.tools.run, "arguments": (self.tools.arguments)(code)});
        self.line_of("tools/call", &params)
    }

    fn line_of(&mut self, method: &str, params: &Value) -> String {
        let id = self.next_id;
        self.next_id += 1;
        format!("{}\n", json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
    }

    /// Runs code, and returns the text of the answer.
    pub fn run(&mut self, code: &str) -> String {
        let line = self.call(code);
        self.write(&line);
        self.answer().to_owned()
    }

    pub fn request(&mut self, method: &str, params: &Value) -> String {
        let line = self.line_of(method, params);
        self.write(&line);
        self.answer().to_owned()
    }

    pub fn write(&mut self, line: &str) {
        let input = self.input.as_mut().expect("an open server");
        input.write_all(line.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// The line of the next answer. Notifications are passed over.
    pub fn answer(&mut self) -> &str {
        loop {
            self.line.clear();
            let read = self.output.read_line(&mut self.line).unwrap();
            assert!(read > 0, "{} has ended", self.name);
            if self.line.contains("\"id\"") && !self.line.contains("\"method\"") {
                return &self.line;
            }
        }
    }

    /// Sends all lines while the answers are read, and returns once all are there.
    pub fn pipeline(&mut self, lines: &str, count: usize) {
        let mut input = self.input.take().expect("an open server");
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                input.write_all(lines.as_bytes()).unwrap();
                input
            });
            for _ in 0..count {
                self.answer();
            }
            self.input = Some(writer.join().unwrap());
        });
    }

    /// The memory of all its processes, in kB; what several share is divided among them.
    pub fn memory(&self) -> u64 {
        memory_of(std::slice::from_ref(self))
    }
}

/// The memory of all processes of these servers, in kB.
pub fn memory_of(servers: &[Server]) -> u64 {
    let mut pids: Vec<u32> = servers.iter().map(|server| server.child.id()).collect();
    pids.extend(servers.iter().flat_map(|server| &server.helpers));
    let mut all: BTreeSet<u32> = pids.iter().copied().collect();
    while let Some(pid) = pids.pop() {
        pids.extend(children(pid).into_iter().filter(|child| all.insert(*child)));
    }
    all.into_iter().map(proportional).sum()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.child.wait();
    }
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

fn proportional(pid: u32) -> u64 {
    let text = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("smaps_rollup"));
    let text = text.unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("Pss:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}
