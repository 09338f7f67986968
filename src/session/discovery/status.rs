//! The status of a running session, asked over its socket. A private method beside MCP: the asker does not join.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::socket;

/// The method of the request.
pub const METHOD: &str = "fourhands/status";
/// How long a session may take to answer. A suspended one accepts connections and never answers.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Longest answer, in bytes: thousands of clients may have long names.
const MAX_ANSWER_SIZE: u64 = 64 << 20;

/// The status of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// PID of the session process, which runs Python.
    pub pid: u32,
    /// In the order in which they connected.
    pub clients: Vec<LiveClient>,
    /// Snippets so far, including those that wait.
    pub snippets: u32,
    /// The number of the running snippet.
    pub running: Option<u32>,
    /// How many snippets wait.
    pub queued: usize,
    /// Whether a dashboard is open; `None` if the session is of a version that does not tell.
    #[serde(default)]
    pub dashboard: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveClient {
    pub name: String,
    /// PID of the bridge.
    pub pid: Option<u32>,
}

/// The result of asking for a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusReply {
    Live(SessionStatus),
    /// Nobody accepts connections there, perhaps not yet.
    Closed,
    /// The session accepted the connection, but did not answer in time.
    Silent,
}

pub async fn ask(socket: &Path) -> StatusReply {
    let Ok(connected) = tokio::time::timeout(TIMEOUT, socket::connect(socket)).await else {
        return StatusReply::Silent;
    };
    let Ok(stream) = connected else { return StatusReply::Closed };
    match tokio::time::timeout(TIMEOUT, converse(stream)).await {
        Ok(Some(live)) => StatusReply::Live(live),
        _ => StatusReply::Silent,
    }
}

/// Makes the request, as a client named fourhands. Returns the result, or `None` if the request fails.
async fn converse(stream: UnixStream) -> Option<SessionStatus> {
    #[derive(Deserialize)]
    struct Answer {
        result: SessionStatus,
    }
    let (reader, mut writer) = stream.into_split();
    // A request of the stateless era needs no handshake.
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "fourhands", "version": env!("CARGO_PKG_VERSION")},
    });
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": METHOD, "params": {"_meta": meta}});
    writer.write_all(format!("{request}\n").as_bytes()).await.ok()?;
    let mut line = Vec::new();
    BufReader::new(reader.take(MAX_ANSWER_SIZE)).read_until(b'\n', &mut line).await.ok()?;
    serde_json::from_slice::<Answer>(&line).ok().map(|answer| answer.result)
}
