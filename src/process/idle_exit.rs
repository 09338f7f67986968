//! The end of a held session soon after its last client and its dashboard have left.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

use crate::domain::Event;
use crate::session::{SessionHandle, Subscription};

/// How long the session waits for its first client.
const FIRST_CLIENT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the session waits for another client after the last one has left: clients restart now and then.
const NEXT_CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

/// Ends the session once it has had neither a client nor a dashboard for a while.
pub async fn quit_when_idle(session: SessionHandle) {
    let Ok(Subscription { transcript, mut events }) = session.subscribe().await else { return };
    let mut dashboards = session.dashboards();
    let mut until = transcript.clients().is_empty().then(|| Instant::now() + FIRST_CLIENT_TIMEOUT);
    drop(transcript);
    loop {
        let event = tokio::select! {
            event = events.recv() => event.map(Some),
            Ok(()) = dashboards.changed() => Ok(None),
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                session.quit();
                return;
            }
        };
        let changed = match event {
            Ok(Some(event)) => matches!(&*event, Event::ClientJoined { .. } | Event::ClientLeft { .. }),
            Ok(None) | Err(RecvError::Lagged(_)) => true,
            Err(RecvError::Closed) => return,
        };
        if changed {
            let Ok(overview) = session.overview().await else { return };
            let is_unused = overview.clients.is_empty() && !*dashboards.borrow_and_update();
            until = is_unused.then(|| Instant::now() + NEXT_CLIENT_TIMEOUT);
        }
    }
}
