//! The session process's end of the link to the guardian.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::getppid;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use super::orphaned::ANSWER_GRACE;
use super::socket::SessionSocket;
use crate::domain::Restart;
use crate::launch::boot::{ToGuardian, ToSession};
use crate::session::SessionHandle;
use crate::tui::Control;

/// How long to wait for the first message of a take-over, which was sent before this process was started.
const TAKE_OVER_TIMEOUT: Duration = Duration::from_secs(2);

pub type LinkReader = Lines<BufReader<tokio::net::UnixStream>>;

/// Bytes that may wait for the next message.
const MAX_PENDING: usize = 64 << 10;

/// The writing half of a link. The other end reads only now and then, so writing never blocks: bytes that do not fit
/// wait for the next message, and a message is dropped when too many bytes wait.
#[derive(Clone)]
pub struct LinkWriter(Arc<Mutex<LinkBuffer>>);

struct LinkBuffer {
    stream: UnixStream,
    pending: Vec<u8>,
}

impl LinkWriter {
    pub fn send(&self, message: &impl Serialize) {
        let Ok(line) = serde_json::to_vec(message) else { return };
        let mut guard = self.0.lock();
        let LinkBuffer { stream, pending } = &mut *guard;
        if pending.len() < MAX_PENDING {
            pending.extend_from_slice(&line);
            pending.push(b'\n');
        }
        while !pending.is_empty() {
            match stream.write(pending) {
                Ok(count) => drop(pending.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

/// Splits the link into a writer and a reader. Must be called within a tokio runtime.
pub fn open(link: OwnedFd) -> io::Result<(LinkWriter, LinkReader)> {
    let stream = UnixStream::from(link);
    stream.set_nonblocking(true)?;
    let writer = LinkWriter(Arc::new(Mutex::new(LinkBuffer { stream: stream.try_clone()?, pending: Vec::new() })));
    Ok((writer, BufReader::new(tokio::net::UnixStream::from_std(stream)?).lines()))
}

/// Tells the guardian that the engine runs, and reports errors itself from now on.
pub fn send_begun(link: &OwnedFd) {
    if let Ok(mut line) = serde_json::to_vec(&ToGuardian::Begun) {
        line.push(b'\n');
        let _ = nix::unistd::write(link, &line);
    }
}

/// Returns the end of the previous session process, which is the guardian's first message.
pub async fn read_restart(link: &mut LinkReader) -> Option<Restart> {
    let first = timeout(TAKE_OVER_TIMEOUT, link.next_line()).await.ok()?.ok()??;
    match serde_json::from_str(&first) {
        Ok(ToSession::TakeOver(restart)) => Some(restart),
        _ => None,
    }
}

/// Obeys the guardian until it dies; then ends the session in good order, as far as there is time for that. Interrupts
/// by a signal are recorded as made by `signalled_by`.
pub async fn obey(
    mut lines: LinkReader,
    writer: LinkWriter,
    session: SessionHandle,
    signalled_by: &str,
    dashboard: Option<UnboundedSender<Control>>,
    mut socket: SessionSocket,
) {
    let control = |control| {
        if let Some(dashboard) = &dashboard {
            let _ = dashboard.send(control);
        }
    };
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(ToSession::Terminate) => session.quit(),
            Ok(ToSession::Interrupt) => {
                let _ = session.interrupt(None, signalled_by).await;
                control(Control::Interrupted);
            }
            Ok(ToSession::Suspend) => control(Control::Suspend),
            Ok(ToSession::Resized) => control(Control::Resized),
            Ok(ToSession::Edited(refusal)) => control(Control::Edited(refusal)),
            Ok(ToSession::Listen(path)) => socket.ensure_at(&path),
            Ok(ToSession::SafePoints(points)) => {
                if session.set_safe_points(points.clone().into()).await.is_ok() {
                    writer.send(&ToGuardian::SafePointsKnown(points));
                    // The guardian reads the link only after a signal about a child.
                    let _ = kill(getppid(), Signal::SIGCHLD);
                }
            }
            Ok(ToSession::Unreachable(why)) => {
                session.notice(format!("clients can no longer connect, because the session's socket is lost: {why}"));
            }
            // A take-over is only ever the first message. An unknown message cannot come: guardian and session process
            // have one version, because they come from one file.
            Ok(ToSession::TakeOver(_)) | Err(_) => {}
        }
    }
    session.quit();
    tokio::time::sleep(ANSWER_GRACE).await;
    session.abandon();
}
