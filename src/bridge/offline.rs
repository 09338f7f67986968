//! The offline server: it answers the client while there is no session.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::io::DuplexStream;
use tokio_util::sync::CancellationToken;

use crate::mcp::{self, Backend};

/// Returns why there is no session and what to do; looks for sessions at each call.
pub type Advice = Arc<dyn Fn() -> String + Send + Sync>;

/// Serves MCP on a stream until the stream ends.
pub type OfflineServer = Arc<dyn Fn(DuplexStream) -> BoxFuture<'static, ()> + Send + Sync>;

/// Returns the server of a session, with tools that only give the advice.
pub fn offline_server(advice: Advice) -> OfflineServer {
    Arc::new(move |stream| {
        let (reader, writer) = tokio::io::split(stream);
        let backend = Backend::Offline(advice.clone());
        Box::pin(mcp::serve_connection(reader, writer, backend, None, CancellationToken::new()))
    })
}
