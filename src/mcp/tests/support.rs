//! A session with a scripted engine, and a client that speaks raw lines in either protocol era.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_util::sync::CancellationToken;

use super::scripted::{Scripted, outcome};
use crate::domain::{
    INPUT_TIMEOUT, SessionInfo, Snippet, SnippetId, Status, Transcript, Variable, VariableKind, VariableTable,
};
use crate::mcp::bridge_protocol::RESULTS;
use crate::mcp::server::serve::serve;
use crate::mcp::transport::client_state::ClientState;
use crate::mcp::transport::lines::LineTransport;
use crate::mcp::{Backend, serve_connection};
use crate::session::{self, EngineEvent, SessionHandle, Startup};

/// A client that gets text alone.
pub const TEXT_CLIENT: &str = "claude-code";
/// A test that waits longer fails.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(120);

pub struct Rig {
    pub session: SessionHandle,
    pub table: Arc<Mutex<VariableTable>>,
    pub stop: CancellationToken,
    engine: UnboundedSender<EngineEvent>,
}

impl Rig {
    pub fn new() -> Self {
        Self::with_input_limit(INPUT_TIMEOUT)
    }

    pub fn with_input_limit(limit: Duration) -> Self {
        Self::starting(Startup { input_limit: limit, ..Startup::default() })
    }

    pub fn starting(startup: Startup) -> Self {
        let (engine, events) = mpsc::unbounded_channel();
        let table = Arc::new(Mutex::new(VariableTable::default()));
        let scripted = Scripted::new(engine.clone(), table.clone());
        let info = SessionInfo {
            name: "test".to_owned(),
            cwd: "/".into(),
            python: "/usr/bin/python3".into(),
            python_version: "3.12.1".to_owned(),
            venv: None,
            pid: 1,
            started_at: 0,
            program: "/bin/fourhands".into(),
            is_demo: false,
        };
        let (session, _) = session::spawn(info, Box::new(scripted), events, startup);
        // The session is old enough that no client counts as one that returns.
        Self { session: session.aged(), table, stop: CancellationToken::new(), engine }
    }

    pub fn backend(&self) -> Backend {
        Backend::Session(self.session.clone())
    }

    /// A client before its first request.
    pub fn connect(&self, era: Era) -> Client {
        connect(self.backend(), era, self.stop.clone())
    }

    /// A client that has introduced itself.
    pub async fn client(&self, era: Era, name: &str) -> Client {
        let mut client = self.connect(era);
        client.introduce(name).await;
        client
    }

    /// Sends a table of variables, as the engine does after a snippet.
    pub fn defines(&self, variables: Vec<Variable>) {
        let table = VariableTable { total: variables.len(), rows: variables.into(), ..VariableTable::default() };
        self.engine.send(EngineEvent::Variables { table, requested: None }).unwrap();
    }

    /// Ends a snippet that sleeps.
    pub fn release(&self, snippet: u32) {
        let finished = EngineEvent::Finished { snippet: SnippetId(snippet), outcome: outcome(Status::Ok, 0).into() };
        self.engine.send(finished).unwrap();
    }

    pub async fn transcript(&self) -> Transcript {
        self.session.subscribe().await.unwrap().transcript
    }

    /// Waits until `holds` for the transcript.
    pub async fn until(&self, what: &str, holds: impl Fn(&Transcript) -> bool) {
        let mut subscription = self.session.subscribe().await.unwrap();
        let reached = async {
            while !holds(&subscription.transcript) {
                let event = subscription.events.recv().await.unwrap();
                subscription.transcript.apply(&event);
            }
        };
        assert!(tokio::time::timeout(TEST_TIMEOUT, reached).await.is_ok(), "never happened: {what}");
    }

    pub async fn snippet(&self, id: u32) -> Snippet {
        self.session.snippet(SnippetId(id)).await.unwrap().unwrap()
    }

    pub async fn ended(&self, id: u32) -> Arc<Snippet> {
        tokio::time::timeout(TEST_TIMEOUT, self.session.wait(SnippetId(id)))
            .await
            .expect("snippet never ended")
            .unwrap()
    }

    pub async fn names(&self) -> Vec<String> {
        self.transcript().await.clients().iter().map(|client| client.name.to_string()).collect()
    }
}

pub fn variable(name: &str, kind: VariableKind, preview: &str) -> Variable {
    Variable {
        name: name.to_owned(),
        kind,
        type_name: "int".to_owned(),
        shape: String::new(),
        size: None,
        preview: preview.to_owned(),
        text: None,
        set_by: None,
    }
}

pub fn connect(backend: Backend, era: Era, stop: CancellationToken) -> Client {
    connect_from(backend, era, 42, stop)
}

/// A client whose bridge is the process `pid`.
pub fn connect_from(backend: Backend, era: Era, pid: u32, stop: CancellationToken) -> Client {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (reader, writer) = split(theirs);
    tokio::spawn(serve_connection(reader, writer, backend, Some(pid), stop));
    Client::new(ours, era)
}

/// A client whose lines have a small limit.
pub fn connect_limited(rig: &Rig, max_line: usize) -> Client {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let (reader, writer) = split(theirs);
    let client_state = ClientState::default();
    let transport = LineTransport::new(reader, writer, client_state.clone()).with_max_line(max_line);
    tokio::spawn(serve(transport, client_state, rig.backend(), None, rig.stop.clone()));
    Client::new(ours, Era::Legacy)
}

/// A client on a pipe with a very small buffer.
pub fn connect_narrow(rig: &Rig) -> Client {
    let (ours, theirs) = tokio::io::duplex(1 << 10);
    let (reader, writer) = split(theirs);
    tokio::spawn(serve_connection(reader, writer, rig.backend(), None, rig.stop.clone()));
    Client::new(ours, Era::Legacy)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// With `initialize`.
    Legacy,
    /// Stateless, 2026-07-28.
    Modern,
}

pub const ERAS: [Era; 2] = [Era::Legacy, Era::Modern];

pub struct Client {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
    era: Era,
    name: String,
    /// The capabilities that the client declares.
    pub capabilities: Value,
    next_id: i64,
    /// Messages that came while the client waited for another.
    held: VecDeque<Value>,
}

impl Client {
    fn new(stream: DuplexStream, era: Era) -> Self {
        let (reader, writer) = split(stream);
        let lines = BufReader::new(reader).lines();
        let (name, capabilities) = ("tester".to_owned(), json!({}));
        Self { lines, writer, era, name, capabilities, next_id: 1, held: VecDeque::new() }
    }

    pub async fn introduce(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        if name != TEXT_CLIENT {
            // Tests read fields, not texts.
            self.asks_for_structured_results().await;
        }
        match self.era {
            Era::Legacy => {
                let id = self.send(json!({"method": "initialize", "params": {
                    "protocolVersion": "2025-11-25", "capabilities": self.capabilities, "clientInfo": {"name": name, "version": "1"},
                }}));
                let id = id.await;
                let answer = self.answer(id).await;
                assert_eq!(answer["result"]["serverInfo"]["name"], "fourhands", "{answer}");
                self.line(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string()).await;
            }
            Era::Modern => {
                let id = self.request("server/discover", json!({})).await;
                let answer = self.answer(id).await;
                assert!(answer["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")));
            }
        }
    }

    /// As with `fourhands bridge --structured`.
    pub async fn asks_for_structured_results(&mut self) {
        let asks = json!({"jsonrpc": "2.0", "method": RESULTS, "params": {"form": "structured"}});
        self.line(&asks.to_string()).await;
    }

    /// Sends a line as it is.
    pub async fn line(&mut self, line: &str) {
        self.bytes(format!("{line}\n").as_bytes()).await;
    }

    pub async fn bytes(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.unwrap();
    }

    async fn send(&mut self, mut message: Value) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        message["jsonrpc"] = "2.0".into();
        message["id"] = id.into();
        self.line(&message.to_string()).await;
        id
    }

    /// Sends a request in the client's era. Returns its id.
    pub async fn request(&mut self, method: &str, mut params: Value) -> i64 {
        if self.era == Era::Modern {
            let meta = &mut params["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
            meta["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
            meta["io.modelcontextprotocol/clientInfo"] = json!({"name": self.name, "version": "1"});
        }
        self.send(json!({"method": method, "params": params})).await
    }

    pub async fn start(&mut self, tool: &str, arguments: Value) -> i64 {
        self.request("tools/call", json!({"name": tool, "arguments": arguments})).await
    }

    /// Calls a tool and waits for its result.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let id = self.start(tool, arguments).await;
        self.result(id).await
    }

    pub async fn run(&mut self, code: &str) -> Value {
        self.call("run_python_code", json!({"code": code})).await
    }

    pub async fn result(&mut self, id: i64) -> Value {
        let answer = self.answer(id).await;
        let result = answer["result"].clone();
        assert!(result.is_object(), "no result: {answer}");
        assert_eq!(result.get("resultType").is_some(), self.era == Era::Modern, "{answer}");
        result
    }

    /// The answer to `id`. Other messages are held for later.
    pub async fn answer(&mut self, id: i64) -> Value {
        let mut passed = VecDeque::new();
        loop {
            let message = self.message().await;
            if message["id"] == id {
                passed.append(&mut self.held);
                self.held = passed;
                return message;
            }
            passed.push_back(message);
        }
    }

    /// The next message of any kind.
    pub async fn message(&mut self) -> Value {
        if let Some(message) = self.held.pop_front() {
            return message;
        }
        let line = tokio::time::timeout(TEST_TIMEOUT, self.lines.next_line()).await.expect("no answer").unwrap();
        serde_json::from_str(&line.expect("the connection was closed")).unwrap()
    }

    pub async fn cancel(&mut self, id: i64) {
        let cancelled = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        self.line(&cancelled.to_string()).await;
    }

    pub async fn cancel_because(&mut self, id: i64, reason: &str) {
        let params = json!({"requestId": id, "reason": reason});
        self.line(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}).to_string()).await;
    }

    /// Closes only the sending side.
    pub async fn finish(&mut self) {
        self.writer.shutdown().await.unwrap();
    }
}

pub fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {result}"))
}

/// One listener, as an argument of [`crate::mcp::serve_socket`].
pub fn one(listener: tokio::net::UnixListener) -> tokio::sync::mpsc::UnboundedReceiver<tokio::net::UnixListener> {
    let (sender, listeners) = tokio::sync::mpsc::unbounded_channel();
    sender.send(listener).unwrap();
    listeners
}

/// Nobody who takes terminals, as an argument of [`crate::mcp::serve_socket`].
pub fn no_terminals() -> tokio::sync::mpsc::UnboundedSender<tokio::net::UnixStream> {
    tokio::sync::mpsc::unbounded_channel().0
}
