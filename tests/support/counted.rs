//! A client that counts: lines to a bridge, and every answer that came back, by its id.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{DEADLINE, Home, wait_until};

/// An AI client: lines to a bridge, and all that came back.
pub struct Bridge {
    pub child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<Value>,
    pub answers: HashMap<u64, Vec<Value>>,
    pub name: String,
    is_modern: bool,
    pub last_id: u64,
}

impl Bridge {
    pub fn start(home: &Home, session: &str, name: &str, is_modern: bool) -> Self {
        let mut command = home.fourhands();
        command.args(["bridge", "--session", session, "--structured"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}")));
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines, answers: HashMap::new(), name: name.to_owned(), is_modern, last_id: 0 }
    }

    pub fn hello(&mut self) {
        let info = json!({"name": self.name, "version": "1"});
        let id = if self.is_modern {
            self.request("server/discover", json!({}))
        } else {
            self.request("initialize", json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info}))
        };
        self.wait(id);
        if !self.is_modern {
            self.line(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        }
    }

    pub fn line(&mut self, message: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").expect("the bridge has ended");
    }

    pub fn request(&mut self, method: &str, mut params: Value) -> u64 {
        self.last_id += 1;
        if self.is_modern {
            params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": {"name": self.name, "version": "1"}});
        }
        self.line(&json!({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}));
        self.last_id
    }

    fn take(&mut self, message: Value) {
        if message.get("method").is_none() {
            let id = message["id"].as_u64().unwrap_or_else(|| panic!("an answer to nothing: {message}"));
            self.answers.entry(id).or_default().push(message);
        }
    }

    pub fn wait(&mut self, id: u64) {
        let deadline = Instant::now() + DEADLINE;
        while !self.answers.contains_key(&id) {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.lines.recv_timeout(left);
            self.take(message.unwrap_or_else(|_| panic!("{}: no answer to {id}", self.name)));
        }
    }

    /// One more answer comes after all others; what would come twice has come.
    pub fn settle(&mut self) {
        for _ in 0..2 {
            let id = self.request("tools/call", json!({"name": "list_defined_variables", "arguments": {}}));
            self.wait(id);
            std::thread::sleep(Duration::from_millis(300));
        }
        while let Ok(message) = self.lines.try_recv() {
            self.take(message);
        }
    }

    pub fn close(&mut self) {
        self.stdin = None;
        assert!(wait_until("the end of the bridge", || self.child.try_wait().unwrap()).success());
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Numbers that look thrown, the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}
