//! Progress notifications of a call that waits.

use std::time::Duration;

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::context::ToolCall;

const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// The notifications of one call; none if its client asked for none.
pub struct CallProgress(Option<Notifications>);

struct Notifications {
    token: ProgressToken,
    since: Instant,
    ticks: Interval,
}

impl CallProgress {
    pub fn of(call: &ToolCall<'_>) -> Self {
        Self(call.context.meta.get_progress_token().map(|token| {
            let since = Instant::now();
            let mut ticks = interval_at(since + PROGRESS_INTERVAL, PROGRESS_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Notifications { token, since, ticks }
        }))
    }

    /// Resolves when the next notification is due.
    pub async fn due(&mut self) {
        match &mut self.0 {
            Some(notifications) => {
                notifications.ticks.tick().await;
            }
            None => std::future::pending().await,
        }
    }

    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Resolves when the notification has been sent, so that none can follow the result.
    pub async fn send(&self, call: &ToolCall<'_>, message: String) {
        let Some(Notifications { token, since, .. }) = &self.0 else { return };
        let seconds = since.elapsed().as_secs_f64();
        let parameters = ProgressNotificationParam::new(token.clone(), seconds).with_message(message);
        tokio::select! {
            biased;
            () = call.gave_up() => {}
            // The loop that waits notices a client that does not read.
            _ = call.context.peer.notify_progress(parameters) => {}
        }
    }
}
