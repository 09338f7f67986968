//! The interface by which the loop of the bridge reaches sessions. Tests have a source of their own.

use std::time::Duration;

use super::stdio::{InputStream, OutputStream};
use crate::session::SentTo;

/// How often to look for a session that is starting.
pub const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long to wait for answers after the client has closed its end. Clients kill a bridge after 2 s.
pub const DRAIN_TIMEOUT: Duration = Duration::from_millis(1500);

/// The result of an attempt to reach a session.
pub enum Reach {
    Connected(Connection, SentTo),
    /// The session lives, but accepts no connections yet.
    Starting,
    Nothing,
}

/// A connection to a session.
pub struct Connection {
    pub input: InputStream,
    pub output: OutputStream,
}

pub trait SessionSource: Sync {
    /// How long the loop spins for the next line before it sleeps. Waking a core costs more than the work in between.
    const SPIN_TIME: Duration = Duration::from_micros(200);

    fn reach(&self) -> impl Future<Output = Reach> + Send;

    /// Returns why there is no session, and what to do.
    fn advice(&self) -> String;

    /// Sets or clears the reason why a session refused the connection.
    fn set_refusal(&self, why: Option<String>);

    /// Returns whether this process guards a session that has not ended.
    fn is_guarding(&self) -> bool {
        false
    }

    /// Returns whether there will never be a session again; see [`super::finder::Finder::guarding`].
    fn is_over(&self) -> bool {
        false
    }

    /// Resolves once there will never be a session again.
    fn over(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    fn poll_interval(&self) -> Duration {
        POLL_INTERVAL
    }

    fn drain_timeout(&self) -> Duration {
        DRAIN_TIMEOUT
    }
}
