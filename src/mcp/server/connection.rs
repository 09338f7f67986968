//! The connection of one client: what it is served, and when it ends.

use std::sync::Arc;

use rmcp::model::Implementation;
use tokio_util::sync::CancellationToken;

use super::membership::Membership;
use crate::mcp::transport::client_state::ClientState;
use crate::session::SessionHandle;

/// Makes the text for a model where there is no session.
pub type OfflineText = Arc<dyn Fn() -> String + Send + Sync>;

/// What a server serves to its clients.
#[derive(Clone)]
pub enum Backend {
    Session(SessionHandle),
    /// Every tool call is answered with this text, as an error.
    Offline(OfflineText),
}

/// What one client is served.
pub enum Service {
    Session(Box<Membership>),
    Offline(OfflineText),
}

pub struct ClientConnection {
    pub service: Service,
    pub client: ClientState,
    /// Cancelled when the server is about to end.
    pub stop: CancellationToken,
}

impl ClientConnection {
    pub fn new(backend: Backend, pid: Option<u32>, client: ClientState, stop: CancellationToken) -> Self {
        let service = match backend {
            Backend::Session(session) => Service::Session(Box::new(Membership::new(session, pid))),
            Backend::Offline(text) => Service::Offline(text),
        };
        Self { service, client, stop }
    }

    pub fn membership(&self) -> Option<&Membership> {
        match &self.service {
            Service::Session(membership) => Some(membership),
            Service::Offline(_) => None,
        }
    }

    pub fn session(&self) -> Option<&SessionHandle> {
        self.membership().map(|membership| &membership.session)
    }

    /// Makes the client known to the session. If the session has ended, nobody needs to know.
    pub async fn introduce(&self, client: Option<&Implementation>) {
        if let Some(membership) = self.membership() {
            let _ = membership.author(client).await;
        }
    }

    /// Resolves once the person has disconnected the client.
    pub async fn sent_away(&self, client: Option<&Implementation>) {
        match self.membership() {
            Some(membership) => match membership.author(client).await {
                Ok(author) => membership.session.sent_away(&author).await,
                Err(_) => std::future::pending().await,
            },
            None => std::future::pending().await,
        }
    }

    /// Resolves when the client has gone or the server is about to end.
    pub async fn closed(&self) {
        tokio::select! {
            () = self.client.gone.cancelled() => {}
            () = self.stop.cancelled() => {}
        }
    }
}
