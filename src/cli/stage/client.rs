//! A small MCP client, which starts the bridge as AI clients do.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bridge;

/// The bridge has ended, and the client with it.
#[derive(Clone, Copy, Debug)]
pub struct Gone;

#[derive(Debug)]
pub struct DemoClient {
    stdin: ChildStdin,
    messages: Receiver<Value>,
    last_id: u64,
    /// Whether something happened in the session since this was last set to false.
    pub has_news: bool,
}

/// Starts the bridge. The client ends once the bridge is killed.
pub fn start() -> io::Result<(Child, DemoClient)> {
    let mut bridge = Command::new(bridge::program())
        // The script reads fields.
        .args(["bridge", "--session", "demo", "--structured"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // The terminal is the dashboard's.
        .stderr(Stdio::null())
        .spawn()?;
    let (Some(stdin), Some(stdout)) = (bridge.stdin.take(), bridge.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let (sender, messages) = channel();
    thread::Builder::new().name("demo lines".to_owned()).spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if serde_json::from_str(&line).is_ok_and(|message: Value| sender.send(message).is_err()) {
                return;
            }
        }
    })?;
    Ok((bridge, DemoClient { stdin, messages, last_id: 0, has_news: false }))
}

impl DemoClient {
    /// Shakes hands, waits until the session is there, and subscribes to what happens in it.
    pub fn connect(&mut self) -> Result<(), Gone> {
        let about = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "demo", "version": env!("CARGO_PKG_VERSION")},
        });
        self.request("initialize", &about)?;
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        while self.call("session_history", &json!({"limit": 1}))?["isError"] == true {
            self.wait(Duration::from_millis(200))?;
        }
        self.request("resources/subscribe", &json!({"uri": "fourhands://transcript"}))?;
        Ok(())
    }

    /// Calls a tool and returns its result.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Result<Value, Gone> {
        let answer = self.request("tools/call", &json!({"name": tool, "arguments": arguments}))?;
        Ok(answer["result"].clone())
    }

    fn request(&mut self, method: &str, params: &Value) -> Result<Value, Gone> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        loop {
            let message = self.messages.recv().map_err(|_| Gone)?;
            if message["id"] == id && message.get("method").is_none() {
                return Ok(message);
            }
            self.take(&message)?;
        }
    }

    /// Waits for news, and at most for so long.
    pub fn wait(&mut self, limit: Duration) -> Result<(), Gone> {
        let deadline = Instant::now() + limit;
        while !self.has_news {
            match self.messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(message) => self.take(&message)?,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Gone),
            }
        }
        Ok(())
    }

    /// Takes what comes beside answers.
    fn take(&mut self, message: &Value) -> Result<(), Gone> {
        self.has_news |= message["method"] == "notifications/resources/updated";
        match message.get("id") {
            Some(id) if message["method"] == "ping" => self.send(&json!({"jsonrpc": "2.0", "id": id, "result": {}})),
            _ => Ok(()),
        }
    }

    fn send(&mut self, message: &Value) -> Result<(), Gone> {
        self.stdin.write_all(format!("{message}\n").as_bytes()).map_err(|_| Gone)
    }
}
