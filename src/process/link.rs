//! The session process's end of the link to the guardian.

use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use super::door::Door;
use super::orphaned::ANSWERING;
use crate::domain::Restart;
use crate::launch::boot::{ToGuardian, ToSession};
use crate::session::SessionHandle;
use crate::tui::Control;

/// It was sent before the process was started.
const TAKE_OVER: Duration = Duration::from_secs(2);

pub type LinkReader = Lines<BufReader<tokio::net::UnixStream>>;

/// Tells the guardian. It reads only now and then, so the link never blocks here: what does not fit waits for the next
/// message, and a message that comes when too much waits is left out.
#[derive(Clone)]
pub struct LinkWriter(Arc<Mutex<(UnixStream, Vec<u8>)>>);

impl LinkWriter {
    /// Bytes that may wait.
    const MOST: usize = 64 << 10;

    pub fn send(&self, message: &ToGuardian) {
        let Ok(line) = serde_json::to_vec(message) else { return };
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (stream, waiting) = &mut *guard;
        if waiting.len() < Self::MOST {
            waiting.extend_from_slice(&line);
            waiting.push(b'\n');
        }
        while !waiting.is_empty() {
            match stream.write(waiting) {
                Ok(count) => drop(waiting.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

/// Splits the link into what writes and what reads. Must be called within a tokio runtime.
pub fn open(link: OwnedFd) -> io::Result<(LinkWriter, LinkReader)> {
    let stream = UnixStream::from(link);
    stream.set_nonblocking(true)?;
    let writer = LinkWriter(Arc::new(Mutex::new((stream.try_clone()?, Vec::new()))));
    Ok((writer, BufReader::new(tokio::net::UnixStream::from_std(stream)?).lines()))
}

/// Tells the guardian that the engine runs, and speaks for itself.
pub fn begun(link: &OwnedFd) {
    if let Ok(mut line) = serde_json::to_vec(&ToGuardian::Begun) {
        line.push(b'\n');
        let _ = nix::unistd::write(link, &line);
    }
}

/// Where the session process before was ended, which the guardian says first of all.
pub async fn legacy(link: &mut LinkReader) -> Option<Restart> {
    let first = timeout(TAKE_OVER, link.next_line()).await.ok()?.ok()??;
    match serde_json::from_str(&first) {
        Ok(ToSession::TakeOver(restart)) => Some(restart),
        _ => None,
    }
}

/// Does what the guardian asks, until it dies; then the session ends in good order, as far as there is time for that. `by` is who interrupts by a signal.
pub async fn obey(
    mut lines: LinkReader,
    session: SessionHandle,
    by: &str,
    dashboard: Option<UnboundedSender<Control>>,
    mut door: Option<Door>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        match serde_json::from_str(&line) {
            Ok(ToSession::Terminate) => session.quit(),
            Ok(ToSession::Interrupt) => {
                let _ = session.interrupt(None, by).await;
                if let Some(dashboard) = &dashboard {
                    let _ = dashboard.send(Control::Interrupted);
                }
            }
            Ok(ToSession::Suspend) => {
                if let Some(dashboard) = &dashboard {
                    let _ = dashboard.send(Control::Suspend);
                }
            }
            Ok(ToSession::Edited(refusal)) => {
                if let Some(dashboard) = &dashboard {
                    let _ = dashboard.send(Control::Edited(refusal));
                }
            }
            Ok(ToSession::Listen(path)) => {
                if let Some(door) = &mut door {
                    door.must_be_at(&path);
                }
            }
            Ok(ToSession::Unreachable(why)) => {
                session.notice(format!("clients cannot connect any more, the session's socket is lost: {why}"));
            }
            Ok(ToSession::Resized) => {
                if let Some(dashboard) = &dashboard {
                    let _ = dashboard.send(Control::Resized);
                }
            }
            // Only ever the first. And a guardian of another version than ours cannot be: both come from one file.
            Ok(ToSession::TakeOver(_)) | Err(_) => {}
        }
    }
    session.quit();
    tokio::time::sleep(ANSWERING).await;
    session.abandon();
}
