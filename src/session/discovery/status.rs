//! Asking a session that runs how it is, over its socket. A method beside those of MCP: whoever asks does not join.

use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::socket;

/// The method that asks.
pub const METHOD: &str = "fourhands/status";
/// How long a session may take to answer: one that is suspended accepts connections and says nothing.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest answer: thousands of clients may have long names.
const LIMIT: u64 = 64 << 20;

/// How a session is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Of the session process, which runs Python.
    pub pid: u32,
    /// In the order they connected.
    pub clients: Vec<LiveClient>,
    /// Snippets so far, those that wait included.
    pub snippets: u32,
    /// The number of the one that runs.
    pub running: Option<u32>,
    /// How many wait.
    pub queued: usize,
}

impl SessionStatus {
    /// Whether something runs or waits.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.running.is_some() || self.queued > 0
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveClient {
    pub name: String,
    /// Of its bridge.
    pub pid: Option<u32>,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusReply {
    Live(SessionStatus),
    /// Nobody accepts connections there (yet).
    Closed,
    /// It was reached, but did not answer in time.
    Silent,
}

pub async fn ask(socket: &Path) -> StatusReply {
    let Ok(connected) = tokio::time::timeout(PATIENCE, socket::connect(socket)).await else {
        return StatusReply::Silent;
    };
    let Ok(stream) = connected else { return StatusReply::Closed };
    match tokio::time::timeout(PATIENCE, converse(stream, METHOD, json!({}))).await {
        Ok(Some(live)) => StatusReply::Live(live),
        _ => StatusReply::Silent,
    }
}

/// Makes one request of MCP, as a client named fourhands; its result, unless it fails or takes longer than `patience`.
pub async fn request(socket: &Path, method: &str, params: Value, patience: Duration) -> Option<Value> {
    let exchange = async { converse(socket::connect(socket).await.ok()?, method, params).await };
    tokio::time::timeout(patience, exchange).await.ok()?
}

async fn converse<T: DeserializeOwned>(stream: UnixStream, method: &str, mut params: Value) -> Option<T> {
    #[derive(Deserialize)]
    struct Answer<T> {
        result: T,
    }
    let (reader, mut writer) = stream.into_split();
    // A request of the stateless era needs no handshake.
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "fourhands", "version": env!("CARGO_PKG_VERSION")},
    });
    let question = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    writer.write_all(format!("{question}\n").as_bytes()).await.ok()?;
    let mut line = Vec::new();
    BufReader::new(reader.take(LIMIT)).read_until(b'\n', &mut line).await.ok()?;
    serde_json::from_slice::<Answer<T>>(&line).ok().map(|answer| answer.result)
}
