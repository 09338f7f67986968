//! The client on stdin and stdout of a process that guards its session itself (`serve --stdio`): the bridge on a thread
//! beside the guardian. So the client outlives Python as every other client does.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::finder::Finder;
use crate::session::discovery::registry::Published;

/// How long the last answers may take when the session has ended; the client may read nothing.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// When it is dropped, the session has ended: what is still asked is answered so.
#[derive(Debug)]
pub struct Attached {
    over: CancellationToken,
    ended: Receiver<()>,
}

impl Attached {
    /// Serves the `session`, which need not be there yet. `on_left` is called when the client has left.
    pub fn start(session: Published, on_left: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let over = CancellationToken::new();
        let finder = Arc::new(Finder::guarding(session, over.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (done, ended) = channel();
        thread::Builder::new().name("client".to_owned()).spawn(move || {
            // Also when it panics.
            let _left = CallOnDrop(Some(on_left));
            // One that does not read any more has left, too.
            let _ = super::serve(&runtime, &finder);
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
        let _ = self.ended.recv_timeout(LAST_ANSWERS);
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
