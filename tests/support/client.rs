//! A client that speaks raw lines of JSON through the bridge, in either protocol era.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use serde_json::{Value, json};

use super::DEADLINE;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Era {
    /// `initialize`, 2025-11-25 and before.
    Legacy,
    /// Stateless, 2026-07-28.
    Modern,
}

pub struct Client {
    pub child: Child,
    stdin: Option<ChildStdin>,
    lines: mpsc::Receiver<String>,
    /// Everything but answers.
    pub notifications: Vec<Value>,
    answers: Vec<Value>,
    name: String,
    era: Era,
    /// What it says that it can do.
    pub capabilities: Value,
    next_id: u64,
}

impl Client {
    /// Starts the command (a bridge, or anything that speaks MCP on stdio) and says hello.
    pub fn start(command: Command, name: &str, era: Era) -> Self {
        let mut client = Self::silent(command, name, era);
        client.hello();
        client
    }

    /// The same without the hello.
    pub fn silent(mut command: Command, name: &str, era: Era) -> Self {
        // Tests read fields, not texts.
        let has = |wanted: &str| command.get_args().any(|argument| argument == wanted);
        if (has("bridge") || has("--stdio")) && !has("--structured") && !has("--text-only") && name != "claude-code" {
            command.arg("--structured");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            lines,
            notifications: Vec::new(),
            answers: Vec::new(),
            name: name.to_owned(),
            era,
            capabilities: json!({}),
            next_id: 1,
        }
    }

    pub fn hello(&mut self) -> Value {
        match self.era {
            Era::Legacy => {
                let answer = self.request(
                    "initialize",
                    json!({
                        "protocolVersion": "2025-11-25",
                        "capabilities": self.capabilities,
                        "clientInfo": {"name": self.name, "version": "1"},
                    }),
                );
                self.send_line(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
                answer
            }
            Era::Modern => self.request("server/discover", json!({})),
        }
    }

    pub fn send_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is closed");
        stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Sends a request and answers its id.
    pub fn send(&mut self, method: &str, params: Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let line = self.line(id, method, params);
        self.send_line(&line);
        id
    }

    pub fn line(&self, id: u64, method: &str, mut params: Value) -> String {
        if self.era == Era::Modern {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
            params["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({"name": self.name, "version": "1"});
        }
        json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send_line(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string());
    }

    pub fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        self.answer(id)
    }

    /// The whole answer to a request.
    pub fn answer(&mut self, id: u64) -> Value {
        if let Some(place) = self.answers.iter().position(|answer| answer["id"] == id) {
            return self.answers.remove(place);
        }
        loop {
            let message = self.next();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
            self.keep(message);
        }
    }

    /// The next message of whichever kind.
    pub fn next(&mut self) -> Value {
        let deadline = Instant::now() + DEADLINE;
        let left = deadline.saturating_duration_since(Instant::now());
        let line = self.lines.recv_timeout(left).expect("no line from the bridge");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line:?}"))
    }

    /// Waits for a notification that fits.
    pub fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.notifications.iter().position(&fits) {
            return self.notifications.remove(place);
        }
        loop {
            let message = self.next();
            if message.get("method").is_some() && fits(&message) {
                return message;
            }
            assert!(self.notifications.len() < 10_000, "waited in vain for {what}");
            self.keep(message);
        }
    }

    fn keep(&mut self, message: Value) {
        if message.get("method").is_some() {
            self.notifications.push(message);
        } else {
            self.answers.push(message);
        }
    }

    /// Calls a tool and answers its result.
    pub fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.request("tools/call", json!({"name": tool, "arguments": arguments}));
        assert!(answer.get("error").is_none(), "{tool}: {answer}");
        answer["result"].clone()
    }

    /// Runs code and answers the structured result.
    pub fn run(&mut self, code: &str) -> Value {
        let result = self.call("run_python_code", json!({"code": code}));
        let result = self.finished(result);
        assert!(result["structuredContent"].is_object(), "{result}");
        result["structuredContent"].clone()
    }

    /// The result of a run once it has ended or asks for input: on a slow machine that may take longer than one call
    /// waits.
    pub fn finished(&mut self, mut result: Value) -> Value {
        let deadline = Instant::now() + DEADLINE;
        while ["running", "queued"].iter().any(|status| result["structuredContent"]["status"] == *status) {
            assert!(Instant::now() < deadline, "it does not end: {result}");
            result = self.call("wait_for_snippet", json!({"snippet": result["structuredContent"]["snippet"]}));
        }
        result
    }

    /// Interrupts what this client runs, and answers its number. A slow machine may not see the end within one call.
    pub fn interrupt(&mut self) -> Value {
        let mut snippet = Value::Null;
        super::wait_until("the interrupt", || {
            let told = self.call("interrupt_snippet", json!({}))["structuredContent"].clone();
            if !told["snippet"].is_null() {
                snippet = told["snippet"].clone();
            }
            (!snippet.is_null() && (told["ended"] == true || told["snippet"].is_null())).then_some(())
        });
        snippet
    }

    /// All text of a tool's result.
    pub fn text(result: &Value) -> String {
        let blocks = result["content"].as_array().into_iter().flatten();
        blocks.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Closes stdin and answers how the bridge ended.
    pub fn close(&mut self) -> std::process::ExitStatus {
        self.stdin = None;
        super::wait_until("the end of the bridge", || self.child.try_wait().unwrap())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
