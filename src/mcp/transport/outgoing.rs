//! Outgoing lines: each is written whole, and the bytes that wait for a client are counted. A client that takes nothing
//! for long loses the connection.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// While more bytes wait to be written, the transport reads nothing. So a client that does not read gets no more
/// answers to wait for.
const MAX_WAITING: usize = 8 << 20;
/// A client that takes no byte for this long loses the connection. A bridge connects again, and asks for its answers.
const MAX_PAUSE: Duration = Duration::from_secs(20);
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
            if line.out.broken.is_cancelled() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let mut written = write_all(&mut *writer, &line.line).await;
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

async fn write_all(writer: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match timeout(MAX_PAUSE, writer.write(bytes)).await {
            Ok(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written?..],
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_may_be_slow_and_may_not_stand_still() {
        let (mut client, session) = tokio::io::duplex(10);
        let out = Outgoing::new(session);
        let line = tokio::spawn(out.line(vec![b'x'; 100]));
        let mut part = [0; 10];
        for _ in 0..10 {
            sleep(MAX_PAUSE / 2).await;
            client.read_exact(&mut part).await.unwrap();
        }
        line.await.unwrap().unwrap();
        assert!(!out.broken.is_cancelled());
        let [line, next] = [100, 1].map(|length| tokio::spawn(out.line(vec![b'x'; length])));
        assert_eq!(line.await.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(out.broken.is_cancelled(), "the connection ends");
        assert_eq!(next.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe, "at once");
    }
}
