//! Asking a session that runs how it is, over its socket. A method beside those of MCP: whoever asks does not join.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::socket;

/// The method that asks.
pub const METHOD: &str = "fourhands/status";
/// How long a session may take to answer: one that is suspended accepts connections and says nothing.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest answer.
const LIMIT: u64 = 1 << 20;

/// How a session is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveClient {
    pub name: String,
    /// Of its bridge.
    pub pid: Option<u32>,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Live(Live),
    /// Nobody accepts connections there (yet).
    Closed,
    /// It was reached, but did not answer in time.
    Silent,
}

pub async fn ask(socket: &Path) -> Told {
    let Ok(connected) = tokio::time::timeout(PATIENCE, socket::connect(socket)).await else { return Told::Silent };
    let Ok(stream) = connected else { return Told::Closed };
    match tokio::time::timeout(PATIENCE, converse(stream)).await {
        Ok(Some(live)) => Told::Live(live),
        _ => Told::Silent,
    }
}

async fn converse(stream: tokio::net::UnixStream) -> Option<Live> {
    #[derive(Deserialize)]
    struct Answer {
        result: Live,
    }
    let (reader, mut writer) = stream.into_split();
    // A request of the stateless era needs no handshake.
    let question = json!({"jsonrpc": "2.0", "id": 1, "method": METHOD, "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "fourhands", "version": env!("CARGO_PKG_VERSION")},
    }}});
    writer.write_all(format!("{question}\n").as_bytes()).await.ok()?;
    let mut line = Vec::new();
    BufReader::new(reader.take(LIMIT)).read_until(b'\n', &mut line).await.ok()?;
    serde_json::from_slice::<Answer>(&line).ok().map(|answer| answer.result)
}
