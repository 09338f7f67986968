//! Fixtures for tests of the whole bridge: a client on in-memory streams, and scripted sessions.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, DuplexStream, Lines};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::super::*;
use crate::bridge::finder::Finder;
use crate::bridge::offline::Advice;
use crate::bridge::options::BridgeOptions;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry::{Claim, claim_at};

pub const DEADLINE: Duration = Duration::from_secs(120);

pub struct Root(tempfile::TempDir);

impl Root {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).unwrap();
        path.canonicalize().unwrap()
    }

    pub fn paths(&self) -> Paths {
        Paths {
            home: Some(self.folder("home")),
            state: None,
            runtime: None,
            shared: self.folder("shared"),
            creates: true,
        }
    }

    pub fn finder(&self, session: Option<&str>) -> Finder {
        let options = BridgeOptions { session: session.map(str::to_owned), ..BridgeOptions::default() };
        Finder::at(options, None, self.folder("work"), self.paths())
    }

    pub fn claim(&self, name: &str, folder: &str) -> Claim {
        claim_at(&self.paths(), name, &self.folder(folder)).unwrap()
    }
}

/// An AI client of a running bridge.
pub struct Client {
    pub input: Option<DuplexStream>,
    pub output: Lines<BufReader<DuplexStream>>,
    pub bridge: JoinHandle<io::Result<BridgeUse>>,
}

impl Client {
    pub fn start(finder: Finder) -> Self {
        let (input, stdin) = tokio::io::duplex(64 << 10);
        let (stdout, output) = tokio::io::duplex(64 << 10);
        let finder = Arc::new(finder);
        let adviser = finder.clone();
        let advice: Advice = Arc::new(move || adviser.advice());
        let bridge = tokio::spawn(async move { pump(stdin, stdout, &*finder, &offline(advice), None).await });
        Self { input: Some(input), output: BufReader::new(output).lines(), bridge }
    }

    pub async fn send(&mut self, message: Value) {
        self.send_line(&message.to_string()).await;
    }

    pub async fn send_line(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        timeout(DEADLINE, input.write_all(format!("{line}\n").as_bytes())).await.unwrap().unwrap();
    }

    pub async fn next(&mut self) -> Value {
        let line = timeout(DEADLINE, self.output.next_line()).await.expect("the bridge is silent").unwrap();
        serde_json::from_str(&line.expect("the bridge has exited")).unwrap()
    }

    pub async fn ask(&mut self, message: Value) -> Value {
        let id = message["id"].clone();
        self.send(message).await;
        loop {
            let answer = self.next().await;
            if answer["id"] == id {
                return answer;
            }
        }
    }

    pub async fn call(&mut self, id: impl Into<Value>, tool: &str) -> Value {
        let id = id.into();
        self.ask(json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}})).await
    }

    pub async fn shake_hands(&mut self) -> Value {
        let info = json!({"name": "test", "version": "1"});
        let params = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info});
        let answer = self.ask(json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})).await;
        self.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        answer
    }

    pub async fn close(mut self) -> Vec<String> {
        self.input = None;
        let mut rest = String::new();
        timeout(DEADLINE, self.output.into_inner().read_to_string(&mut rest)).await.unwrap().unwrap();
        timeout(DEADLINE, self.bridge).await.unwrap().unwrap().unwrap();
        rest.lines().map(str::to_owned).collect()
    }
}

/// A stand-in for the real offline server.
pub fn offline(advice: Advice) -> OfflineServer {
    Arc::new(move |stream| {
        let advice = advice.clone();
        Box::pin(async move { serve(stream, "offline", || advice(), None, None).await })
    })
}

/// A session that listens for one connection at a time.
pub struct Session {
    pub task: JoinHandle<()>,
    pub seen: mpsc::UnboundedReceiver<Value>,
    pub say: mpsc::UnboundedSender<String>,
}

impl Session {
    pub fn start(socket: &Path) -> Self {
        let _ = std::fs::remove_file(socket);
        let listener = UnixListener::bind(socket).unwrap();
        let (note, seen) = mpsc::unbounded_channel();
        let (say, mut sayings) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, "live", || "ran".to_owned(), Some(&note), Some(&mut sayings)).await;
            }
        });
        Self { task, seen, say }
    }

    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Returns the next message of this method.
    pub async fn sees(&mut self, method: &str) -> Value {
        loop {
            let message = timeout(DEADLINE, self.seen.recv()).await.expect("the session sees nothing").unwrap();
            if message["method"] == method {
                return message;
            }
        }
    }
}

/// Answers everything except calls of the tool `hang`.
pub async fn serve(
    stream: impl AsyncRead + AsyncWrite,
    name: &str,
    text: impl Fn() -> String,
    note: Option<&mpsc::UnboundedSender<Value>>,
    mut say: Option<&mut mpsc::UnboundedReceiver<String>>,
) {
    let (input, mut output) = tokio::io::split(stream);
    let mut lines = BufReader::new(input).lines();
    loop {
        let script = async {
            match &mut say {
                Some(say) => say.recv().await,
                None => pending().await,
            }
        };
        let answer = tokio::select! {
            line = lines.next_line() => {
                let Ok(Some(line)) = line else { return };
                let message: Value = serde_json::from_str(&line).unwrap_or_default();
                let (id, method) = (&message["id"], message["method"].as_str().unwrap_or_default());
                let result = match method {
                    "initialize" => json!({"protocolVersion": "2025-06-18", "serverInfo": {"name": name},
                        "capabilities": {"tools": {"listChanged": true}, "resources": {"listChanged": true}}}),
                    "tools/list" => json!({"tools": [{"name": name}]}),
                    "tools/call" => json!({"content": [{"type": "text", "text": text()}], "isError": name == "offline"}),
                    _ => json!({}),
                };
                let hangs = message["params"]["name"] == "hang" || id.is_null() || method.is_empty();
                let answer = (!hangs).then(|| json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string());
                if let Some(note) = note {
                    let _ = note.send(message);
                }
                answer
            }
            line = script => line,
        };
        if let Some(answer) = answer
            && output.write_all(format!("{answer}\n").as_bytes()).await.is_err()
        {
            return;
        }
    }
}

pub fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default()
}
