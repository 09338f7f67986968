//! The way to the client: whole lines, and a count of what waits for a client that does not read.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

/// While more bytes than this wait to be written, nothing more is read: the client waits for itself, and we do not
/// keep its answers for ever.
const ROOM: usize = 8 << 20;
/// What a line costs beside its text.
const OVERHEAD: usize = 1 << 10;

pub struct Outgoing<W> {
    writer: Mutex<W>,
    waiting: AtomicUsize,
    written: Notify,
    /// Cancelled when a line could not be written, or only a part of it: nothing that follows can be understood.
    pub broken: CancellationToken,
}

impl<W: AsyncWrite + Send + Unpin + 'static> Outgoing<W> {
    pub fn new(writer: W) -> Arc<Self> {
        Arc::new(Self {
            writer: Mutex::new(writer),
            waiting: AtomicUsize::new(0),
            written: Notify::new(),
            broken: CancellationToken::new(),
        })
    }

    /// Writes a line. It counts as waiting from this call on.
    pub fn line(self: &Arc<Self>, line: Vec<u8>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let line = Waiting { line, out: self.clone() };
        self.waiting.fetch_add(line.cost(), Ordering::Relaxed);
        async move {
            let mut writer = line.out.writer.lock().await;
            let mut written = writer.write_all(&line.line).await;
            if written.is_ok() {
                written = writer.flush().await;
            }
            if written.is_err() {
                line.out.broken.cancel();
            }
            written
        }
    }

    /// Resolves when the client has read enough of what it was sent.
    pub async fn has_room(&self) {
        loop {
            let written = self.written.notified();
            if self.waiting.load(Ordering::Relaxed) <= ROOM {
                return;
            }
            written.await;
        }
    }

    pub async fn close(&self) -> io::Result<()> {
        self.writer.lock().await.shutdown().await
    }
}

/// A line that has not been written yet.
struct Waiting<W> {
    line: Vec<u8>,
    out: Arc<Outgoing<W>>,
}

impl<W> Waiting<W> {
    fn cost(&self) -> usize {
        self.line.len() + OVERHEAD
    }
}

impl<W> Drop for Waiting<W> {
    fn drop(&mut self) {
        self.out.waiting.fetch_sub(self.cost(), Ordering::Relaxed);
        self.out.written.notify_waiters();
    }
}
