//! Outgoing lines: each is written whole, and the bytes that wait for a client are counted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

/// While more bytes wait to be written, the transport reads nothing. So a client that does not read gets no more
/// answers to wait for.
const MAX_WAITING: usize = 8 << 20;
/// Bytes of memory for a line beside its text.
const LINE_OVERHEAD: usize = 1 << 10;

pub struct Outgoing<W> {
    writer: Mutex<W>,
    waiting: AtomicUsize,
    written: Notify,
    /// Cancelled when a line could not be written, or only in part. The client could not understand later lines.
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

    /// Writes a line. The line counts as waiting from this call on, before the future is polled.
    pub fn line(self: &Arc<Self>, line: Vec<u8>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let line = WaitingLine { line, out: self.clone() };
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

    /// Resolves when the client has read enough.
    pub async fn has_room(&self) {
        loop {
            let written = self.written.notified();
            if self.waiting.load(Ordering::Relaxed) <= MAX_WAITING {
                return;
            }
            written.await;
        }
    }

    pub async fn close(&self) -> io::Result<()> {
        self.writer.lock().await.shutdown().await
    }
}

/// A line that has not been written.
struct WaitingLine<W> {
    line: Vec<u8>,
    out: Arc<Outgoing<W>>,
}

impl<W> WaitingLine<W> {
    fn cost(&self) -> usize {
        self.line.len() + LINE_OVERHEAD
    }
}

impl<W> Drop for WaitingLine<W> {
    fn drop(&mut self) {
        self.out.waiting.fetch_sub(self.cost(), Ordering::Relaxed);
        self.out.written.notify_waiters();
    }
}
