//! A simulated AI client: the lines that it writes to its bridge, and the answers that come.

use serde_json::{Value, json};

use super::calls::{Ask, Call, Happened};
use super::process::SimulatedBridge;

pub struct Client {
    pub bridge: SimulatedBridge,
    /// Whether the client speaks the stateless era.
    is_modern: bool,
    /// Whether the handshake is done, or needless.
    pub greeted: bool,
    said_hello: bool,
    pub closed: bool,
    /// How many requests the client will still make.
    pub remaining: usize,
    next_id: u64,
    /// The beginning of the next answer.
    partial: Vec<u8>,
}

impl Client {
    pub fn new(bridge: SimulatedBridge, is_modern: bool, remaining: usize) -> Self {
        Self {
            bridge,
            is_modern,
            greeted: is_modern,
            said_hello: false,
            closed: false,
            remaining,
            next_id: 1,
            partial: Vec::new(),
        }
    }

    /// Makes the request of that number, perhaps with the id of an earlier one.
    pub fn ask(&mut self, client: usize, number: usize, ask: Ask, wait: bool, reuses: Option<(usize, Value)>) -> Call {
        let (reuses, id) = match reuses {
            Some((other, id)) => (Some(other), id),
            None => (None, self.fresh_id()),
        };
        let tool = |name: &str, arguments: Value| ("tools/call", json!({"name": name, "arguments": arguments}));
        let (method, mut params) = match ask {
            Ask::Run(code) => {
                let mut arguments = json!({"code": code.text(), "title": number.to_string()});
                if !wait {
                    arguments["wait_s"] = 0.into();
                }
                tool("run_python_code", arguments)
            }
            Ask::Answer(snippet) => tool("answer_input", json!({"snippet": snippet, "text": number.to_string()})),
            Ask::Restart => tool("reset_python_environment", json!({"mode": "restart"})),
            Ask::Reset => tool("reset_python_environment", json!({})),
            Ask::Interrupt => tool("interrupt_snippet", json!({})),
            Ask::Wait(snippet) => tool("wait_for_snippet", json!({"snippet": snippet})),
            Ask::List => tool("list_defined_variables", json!({})),
            Ask::Ping => (if self.is_modern { "tools/list" } else { "ping" }, json!({})),
            Ask::Initialize => {
                self.said_hello = true;
                ("initialize", json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info()}))
            }
        };
        if self.is_modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": info(),
            });
        }
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.bridge.stdin.push(&line.to_string());
        Call {
            client,
            id,
            ask,
            cancelled: false,
            reuses,
            answers: Vec::new(),
            snippets: Vec::new(),
            begun: 0,
            marks: 0,
            finished: None,
            was_cut: false,
            sent_at: Happened::default(),
            answered_at: None,
        }
    }

    /// Clients wait for the answer to their handshake.
    pub fn may_ask(&self) -> bool {
        self.greeted || !self.said_hello
    }

    fn fresh_id(&mut self) -> Value {
        self.next_id += 1;
        // Integers and strings.
        if self.next_id.is_multiple_of(2) { self.next_id.into() } else { format!("call {}", self.next_id).into() }
    }

    pub fn cancel(&mut self, id: &Value) {
        let line = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        self.bridge.stdin.push(&line.to_string());
    }

    pub fn initialized(&mut self) {
        self.greeted = true;
        self.bridge.stdin.push(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
    }

    /// Takes the messages since the last call.
    pub fn take_messages(&mut self) -> Vec<Value> {
        self.partial.extend(self.bridge.stdout.take());
        let Some(end) = self.partial.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let lines: Vec<u8> = self.partial.drain(..=end).collect();
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("a message")).collect()
    }
}

fn info() -> Value {
    json!({"name": "model", "version": "1"})
}
