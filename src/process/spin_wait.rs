//! A spin wait of the host after each event of the session.
//!
//! A client that runs one snippet after the other sends the next one within some hundred microseconds. Waking a core
//! that has gone to sleep in between takes tens of microseconds, at every step from client to Python and back. So the
//! host looks for work a little longer before it sleeps, and yields to every other thread of the core meanwhile.

use std::time::{Duration, Instant};

use tokio::sync::broadcast;

use crate::session::{SessionHandle, Subscription};

/// How long the host spins after the last event.
const SPIN_DURATION: Duration = Duration::from_micros(200);

/// Spins after each event, until the session ends. Costs nothing while nothing happens.
pub async fn spin_after_events(session: SessionHandle) {
    let Ok(Subscription { mut events, .. }) = session.subscribe().await else { return };
    drop(session);
    loop {
        match events.recv().await {
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
        let mut until = Instant::now() + SPIN_DURATION;
        while Instant::now() < until {
            std::thread::yield_now();
            tokio::task::yield_now().await;
            if events.try_recv().is_ok() {
                until = Instant::now() + SPIN_DURATION;
            }
        }
    }
}
