//! Connections: the session's socket, and any single pair of streams.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::Membership;
use super::handler::Handler;
use crate::mcp::resources::subscriptions::Watched;
use crate::mcp::transport::lines::LineTransport;
use crate::mcp::transport::malformed;
use crate::session::SessionHandle;
use crate::session::discovery::socket;
use crate::session::discovery::socket::Peer;

/// How long connections may take to end when the server does.
const CLOSING: Duration = Duration::from_secs(2);

/// What stands behind the tools.
#[derive(Clone)]
pub enum Backend {
    Session(SessionHandle),
    /// No session: every tool call is answered with this text, as an error that the model reads.
    Offline(Arc<dyn Fn() -> String + Send + Sync>),
}

/// Connections that a session serves at once, and of those the ones of a single process.
const MOST: usize = 512;
const MOST_OF_ONE: usize = 256;
/// How long a connection may take to its first request.
const HELLO: Duration = Duration::from_secs(60);

/// Accepts connections of the newest of `listeners` until `stop`, each served by a task of its own; then waits briefly for what is in flight.
/// Other users are turned away. Calls of one connection keep their order on a current-thread runtime.
pub async fn serve_socket(
    mut listeners: UnboundedReceiver<UnixListener>,
    session: SessionHandle,
    stop: CancellationToken,
) {
    let mut listener = None;
    let mut connections = JoinSet::new();
    let mut peers = Peers::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // Forgets those that have ended, and keeps a panic in one from the others.
            Some(ended) = connections.join_next_with_id() => {
                peers.left(ended.map_or_else(|panicked| panicked.id(), |(id, ())| id));
                continue;
            }
            Some(next) = listeners.recv() => {
                listener = Some(next);
                continue;
            }
            accepted = accept(listener.as_ref()) => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let Some(Peer { pid }) = socket::peer(&stream) else { continue };
                if let Err(full) = peers.admit(pid) {
                    refuse(&stream, &full);
                    continue;
                }
                let (reader, writer) = stream.into_split();
                let gone = CancellationToken::new();
                let transport = LineTransport::new(reader, writer, gone.clone()).expecting(Instant::now() + HELLO);
                let backend = Backend::Session(session.clone());
                let task = connections.spawn(serve(transport, gone, backend, pid, stop.clone()));
                peers.joined(task.id(), pid);
            }
            // Out of descriptors, most likely: others may close theirs.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    // Whoever comes now must find the process that takes over.
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(CLOSING, all_ended).await;
}

async fn accept(listener: Option<&UnixListener>) -> io::Result<(UnixStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}

/// Who is connected.
#[derive(Default)]
struct Peers(HashMap<task::Id, Option<u32>>);

impl Peers {
    /// Whether there is room for one more; if not, why.
    fn admit(&self, pid: Option<u32>) -> Result<(), String> {
        if self.0.len() >= MOST {
            return Err(format!(
                "The fourhands session serves {MOST} connections already, which is the most it takes."
            ));
        }
        let of_this = self.0.values().filter(|other| pid.is_some() && **other == pid).count();
        if of_this >= MOST_OF_ONE {
            return Err(format!(
                "This process has {MOST_OF_ONE} connections to the fourhands session already, which is the most that one may \
                 have."
            ));
        }
        Ok(())
    }

    fn joined(&mut self, task: task::Id, pid: Option<u32>) {
        self.0.insert(task, pid);
    }

    fn left(&mut self, task: task::Id) {
        self.0.remove(&task);
    }
}

/// Says why before it hangs up. What does not fit at once is not worth a wait.
fn refuse(stream: &UnixStream, why: &str) {
    let line = malformed::refusal(&format!("{why} Close some and connect again.")) + "\n";
    let _ = stream.try_write(line.as_bytes());
}

/// Serves one client until it closes its side, or until `stop`.
pub async fn serve_connection<R, W>(
    reader: R,
    writer: W,
    backend: Backend,
    peer_pid: Option<u32>,
    stop: CancellationToken,
) where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let gone = CancellationToken::new();
    let transport = LineTransport::new(reader, writer, gone.clone());
    serve(transport, gone, backend, peer_pid, stop).await;
}

pub(in crate::mcp) async fn serve<R, W>(
    transport: LineTransport<R, W>,
    gone: CancellationToken,
    backend: Backend,
    peer_pid: Option<u32>,
    stop: CancellationToken,
) where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let membership = match &backend {
        Backend::Session(session) => Some(Arc::new(Membership::new(session.clone(), peer_pid))),
        Backend::Offline(_) => None,
    };
    let handler =
        Handler { backend, membership: membership.clone(), watched: Watched::default(), gone, stop: stop.clone() };
    // An error here is a client that left before it said anything, or one that was told what was wrong.
    if let Ok(running) = handler.serve_with_ct(transport, stop.child_token()).await {
        let _ = running.waiting().await;
    }
    if let Some(membership) = membership {
        membership.leave().await;
    }
}
