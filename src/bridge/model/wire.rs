//! A simulated connection. Bytes and the end of the connection stay on the wire until the scheduler delivers them, by
//! lines or parts of lines.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::life::{Life, Point};

#[derive(Default)]
struct WireState {
    /// Bytes that were written and not delivered.
    sent: Vec<u8>,
    /// Bytes that were delivered and not read.
    arrived: Vec<u8>,
    closed: bool,
    /// Whether the end was delivered.
    ended: bool,
    /// Whether the reader is gone, so that writes fail.
    broken: bool,
    reader: Option<Waker>,
}

/// One direction of a connection, controlled by the scheduler.
#[derive(Clone, Default)]
pub struct Wire(Arc<Mutex<WireState>>);

/// How much to deliver.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
pub enum Share {
    HalfALine,
    Line,
    All,
}

pub struct Reader(Wire);

/// A writer that writes nothing once its process is dead.
pub struct Writer {
    wire: Wire,
    life: Life,
}

impl Wire {
    /// Returns the writer of a process.
    pub fn writer(&self, life: Life) -> Writer {
        Writer { wire: self.clone(), life }
    }

    pub fn reader(&self) -> Reader {
        Reader(self.clone())
    }

    fn with<T>(&self, change: impl FnOnce(&mut WireState) -> T) -> T {
        change(&mut self.0.lock())
    }

    /// Returns whether there is something to deliver, bytes or the end.
    pub fn is_due(&self) -> bool {
        self.with(|state| !state.broken && (!state.sent.is_empty() || state.closed && !state.ended))
    }

    /// Delivers a share of the bytes on the wire, or the end if there are none.
    pub fn deliver(&self, share: Share) {
        let waker = self.with(|state| {
            let line = state.sent.iter().position(|byte| *byte == b'\n').map_or(state.sent.len(), |at| at + 1);
            let length = match share {
                Share::HalfALine => line.div_ceil(2),
                Share::Line => line,
                Share::All => state.sent.len(),
            };
            if state.sent.is_empty() {
                state.ended = state.closed;
            }
            let due: Vec<u8> = state.sent.drain(..length).collect();
            state.arrived.extend(due);
            state.reader.take()
        });
        waker.into_iter().for_each(Waker::wake);
    }

    /// Takes the written bytes, for a test that reads.
    pub fn take(&self) -> Vec<u8> {
        self.with(|state| std::mem::take(&mut state.sent))
    }

    /// Writes and delivers a line, for a test that writes.
    pub fn push(&self, line: &str) {
        self.with(|state| state.sent.extend_from_slice(format!("{line}\n").as_bytes()));
        self.deliver(Share::All);
    }

    pub fn close(&self) {
        self.with(|state| state.closed = true);
        self.deliver(Share::All);
    }
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.0.with(|state| {
            if state.arrived.is_empty() && !state.ended {
                state.reader = Some(context.waker().clone());
                return Poll::Pending;
            }
            let length = state.arrived.len().min(into.remaining());
            into.put_slice(&state.arrived[..length]);
            state.arrived.drain(..length);
            Poll::Ready(Ok(()))
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.with(|state| state.broken = true);
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.life.survives(Point::BeforeAnswer) {
            if self.wire.with(|state| state.broken) {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            self.wire.with(|state| state.sent.extend_from_slice(bytes));
            // The process may die here, after the answer was sent.
            self.life.survives(Point::AfterAnswer);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.with(|state| state.closed = true);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.wire.with(|state| state.closed = true);
    }
}
