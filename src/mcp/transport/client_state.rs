//! Facts about a client that its transport knows and its calls need.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rmcp::model::RequestId;
use tokio_util::sync::CancellationToken;

use crate::mcp::bridge_protocol::ResultForm;

/// Cancellations that no call has taken; a client that sends more is out of order.
const MAX_TIMED_OUT: usize = 1_000;
/// Parts of reasons that clients give when their own limit of time is over: `timed out after 5s`, `Request timed out`,
/// `Maximum total timeout exceeded`.
const TIMEOUT_REASONS: [&str; 5] = ["timed out", "timeout", "time out", "time limit", "deadline"];

/// Shared by the transport of a connection and its calls.
#[derive(Clone, Debug, Default)]
pub struct ClientState {
    /// Cancelled when the client has closed its side.
    pub gone: CancellationToken,
    timed_out: Arc<Mutex<HashSet<RequestId>>>,
    /// The form of results that the client's bridge has asked for.
    pub form: Arc<OnceLock<ResultForm>>,
}

impl ClientState {
    /// Notes why the client cancels a request, before the request hears of that.
    pub fn note_cancellation(&self, id: &RequestId, reason: Option<&str>) {
        let reason = reason.unwrap_or_default().to_lowercase();
        let mut timed_out = self.timed_out.lock();
        if TIMEOUT_REASONS.iter().any(|part| reason.contains(part)) && timed_out.len() < MAX_TIMED_OUT {
            timed_out.insert(id.clone());
        }
    }

    /// Returns whether the client cancelled the request because its own limit of time was over.
    pub fn take_timed_out(&self, id: &RequestId) -> bool {
        self.timed_out.lock().remove(id)
    }
}
