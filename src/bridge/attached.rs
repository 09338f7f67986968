//! The bridge on a thread of the guardian, for the client on its stdin and stdout (`serve --stdio`). This way the
//! client outlives Python, as every other client does.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::finder::Finder;
use super::serve::serve;
use crate::mcp::bridge_protocol::ResultForm;
use crate::session::discovery::registry::PublishedEntry;

/// How long the last answers may take after the end of the session; perhaps the client reads no more.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// To be dropped when the session has ended; then pending requests get an answer that says so.
#[derive(Debug)]
pub struct Attached {
    over: CancellationToken,
    ended: Receiver<()>,
}

impl Attached {
    /// Serves the `session`, which need not be there yet. Calls `on_left` when the client has left.
    pub fn start(
        session: PublishedEntry,
        form: Option<ResultForm>,
        on_left: impl FnOnce() + Send + 'static,
    ) -> io::Result<Self> {
        let over = CancellationToken::new();
        let finder = Arc::new(Finder::guarding(session, over.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (done, ended) = channel();
        thread::Builder::new().name("client".to_owned()).spawn(move || {
            // Also called after a panic.
            let _on_left = CallOnDrop(Some(on_left));
            // A client that reads no more has left, too.
            let _ = serve(&runtime, &finder, form);
            // A thread may still be blocked in a read of stdin.
            runtime.shutdown_background();
            let _ = done.send(());
        })?;
        Ok(Self { over, ended })
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.over.cancel();
        let _ = self.ended.recv_timeout(DRAIN_TIMEOUT);
    }
}

struct CallOnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for CallOnDrop<F> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call();
        }
    }
}
