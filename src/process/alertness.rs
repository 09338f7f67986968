//! Staying awake for a moment after something was done.
//!
//! A client that runs one snippet after the other sends the next within some hundred microseconds. To wake a core that
//! has gone to sleep in between takes tens of them, at every step from client to Python and back. So the host looks for
//! work a little longer before it sleeps, and lets every other thread of the core go first while it does.

use std::time::{Duration, Instant};

use tokio::sync::broadcast;

use crate::session::{SessionHandle, Subscription};

/// How long it looks on after the last snippet began or ended.
const MOMENT: Duration = Duration::from_micros(200);

/// Never ends. Costs nothing while nothing runs.
pub async fn stay_awake(session: SessionHandle) {
    let Ok(Subscription { mut events, .. }) = session.subscribe().await else { return };
    drop(session);
    loop {
        match events.recv().await {
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
        let mut until = Instant::now() + MOMENT;
        while Instant::now() < until {
            std::thread::yield_now();
            tokio::task::yield_now().await;
            if events.try_recv().is_ok() {
                until = Instant::now() + MOMENT;
            }
        }
    }
}
