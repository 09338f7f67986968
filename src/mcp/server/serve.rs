//! The server's connections: those of the session's socket, or one over a pair of streams.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::{self, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connection::{Backend, ClientConnection};
use super::handler::Handler;
use crate::mcp::resources::subscriptions::SharedSubscription;
use crate::mcp::transport::client_state::ClientState;
use crate::mcp::transport::lines::LineTransport;
use crate::mcp::transport::malformed;
use crate::session::SessionHandle;
use crate::session::discovery::socket::Peer;
use crate::session::discovery::{socket, terminal_offer};

/// How long connections may take to end when the server ends.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections of a session, and connections of one process among them.
const MAX_CONNECTIONS: usize = 512;
const MAX_OF_ONE_PROCESS: usize = 256;
/// How long a client may take to its first request.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the server waits when it cannot accept a connection.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Accepts connections of the newest listener until `stop`, then waits briefly for calls that have not ended. Each
/// connection has a task of its own. Processes of other users are refused. On a current-thread runtime the calls of one
/// connection keep their order. A connection that offers a terminal for a dashboard goes to `terminals`.
pub async fn serve_socket(
    mut listeners: UnboundedReceiver<UnixListener>,
    session: SessionHandle,
    terminals: UnboundedSender<UnixStream>,
    stop: CancellationToken,
) {
    let mut listener = None;
    let mut connections = JoinSet::new();
    let mut peers = Peers::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            // A panic in one connection does not reach the others.
            Some(ended) = connections.join_next_with_id() => {
                peers.remove(ended.map_or_else(|panicked| panicked.id(), |(id, ())| id));
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
                if let Err(full) = peers.check_room(pid) {
                    refuse(&stream, &full);
                    continue;
                }
                let task = connections.spawn(receive(stream, session.clone(), pid, terminals.clone(), stop.clone()));
                peers.add(task.id(), pid);
            }
            // The process is out of descriptors, most likely. Other clients may close some.
            Err(_) => tokio::time::sleep(ACCEPT_RETRY_DELAY).await,
        }
    }
    // A client that connects now has to reach the process that takes over.
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, all_ended).await;
}

/// Serves a client, or hands on the terminal that is offered.
async fn receive(
    stream: UnixStream,
    session: SessionHandle,
    pid: Option<u32>,
    terminals: UnboundedSender<UnixStream>,
    stop: CancellationToken,
) {
    let first_by = Instant::now() + FIRST_REQUEST_TIMEOUT;
    let is_offer = tokio::select! {
        () = stop.cancelled() => return,
        is_offer = tokio::time::timeout_at(first_by, terminal_offer::is_offer(&stream)) => is_offer,
    };
    if let Ok(true) = is_offer {
        let _ = terminals.send(stream);
        return;
    }
    let (reader, writer) = stream.into_split();
    let client = ClientState::default();
    let transport = LineTransport::new(reader, writer, client.clone()).with_first_request_by(first_by);
    serve(transport, client, Backend::Session(session), pid, stop).await;
}

async fn accept(listener: Option<&UnixListener>) -> io::Result<(UnixStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}

/// The connections by their tasks, with the process of each.
#[derive(Default)]
struct Peers(HashMap<task::Id, Option<u32>>);

impl Peers {
    /// Fails with the reason if there is no room for another connection.
    fn check_room(&self, pid: Option<u32>) -> Result<(), String> {
        if self.0.len() >= MAX_CONNECTIONS {
            return Err(format!("The fourhands session already has {MAX_CONNECTIONS} connections, the maximum."));
        }
        let of_this = self.0.values().filter(|other| pid.is_some() && **other == pid).count();
        if of_this >= MAX_OF_ONE_PROCESS {
            return Err(format!(
                "This process already has {MAX_OF_ONE_PROCESS} connections to the fourhands session, the maximum for \
                 one process."
            ));
        }
        Ok(())
    }

    fn add(&mut self, task: task::Id, pid: Option<u32>) {
        self.0.insert(task, pid);
    }

    fn remove(&mut self, task: task::Id) {
        self.0.remove(&task);
    }
}

/// Sends the reason before the stream is closed. The line is short, so it is dropped if it does not fit at once.
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
    let client = ClientState::default();
    let transport = LineTransport::new(reader, writer, client.clone());
    serve(transport, client, backend, peer_pid, stop).await;
}

pub(in crate::mcp) async fn serve<R, W>(
    transport: LineTransport<R, W>,
    client: ClientState,
    backend: Backend,
    peer_pid: Option<u32>,
    stop: CancellationToken,
) where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let connection = Arc::new(ClientConnection::new(backend, peer_pid, client, stop.clone()));
    let handler = Handler { connection: connection.clone(), subscription: SharedSubscription::default() };
    // On an error the client has left before its first request, or has an answer that says what was wrong.
    let serving = async {
        if let Ok(running) = handler.serve_with_ct(transport, stop.child_token()).await {
            let _ = running.waiting().await;
        }
    };
    // Calls may go on for a while when the client is gone, and the client may be back before they end.
    let leaving = async {
        connection.client.gone.cancelled().await;
        if let Some(membership) = connection.membership() {
            membership.leave().await;
        }
    };
    let mut serving = pin!(serving);
    tokio::select! {
        () = &mut serving => {}
        () = leaving => serving.await,
    }
    if let Some(membership) = connection.membership() {
        membership.leave().await;
    }
}
