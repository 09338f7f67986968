//! The offer of a terminal to a running session, over the session's socket: the session shows its dashboard there. The
//! first message has the descriptors of the terminal; after that both sides send lines of JSON, [`OwnerMessage`] and
//! [`DashboardMessage`]. Where the connection closes without [`DashboardMessage::Closed`], the session process has died
//! or restarts, and the owner offers the terminal to the next one.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::{MsgFlags, recv};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;

use super::socket;
use crate::session::descriptor_passing;

/// What an offer begins with, where MCP begins with a brace.
const GREETING: &[u8] = b"fourhands terminal ";
/// How long the rest of an offer may take.
const OFFER_TIMEOUT: Duration = Duration::from_secs(2);

/// The facts about an offered terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalFacts {
    /// The variables that tell what the terminal can do.
    pub environment: BTreeMap<String, String>,
    /// The process that owns the terminal.
    pub pid: u32,
    /// Whether the dashboard is that of plain lines. The owner reads the lines, and the terminal may be none.
    pub is_plain: bool,
}

/// What the owner of the terminal says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnerMessage {
    /// Restore the terminal for a stop of its job.
    Suspend,
    /// The job has continued.
    Continued,
    /// The terminal has another size.
    Resized,
    /// The person's editor has ended. Has a reason if the edited file must not be used.
    Edited(Option<String>),
    /// Interrupt the running snippet.
    Interrupt,
    /// The person has typed this line, for the plain dashboard.
    Line(String),
    /// Ctrl-D, or the end of what the lines are read from.
    EndOfLines,
    /// Close the dashboard.
    Close,
}

/// What the session says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DashboardMessage {
    /// The dashboard is open: the terminal is in raw mode and shows the alternate screen, unless lines are plain.
    Entered,
    /// The terminal is restored.
    Left,
    /// The terminal is restored, and its job is to stop.
    Suspended,
    /// Open this file in the person's editor.
    Edit(PathBuf),
    /// The dashboard is closed for good.
    Closed(Farewell),
}

/// Why a dashboard was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Farewell {
    /// The person has closed it. The session goes on, with what still waits for the person, in a sentence; or it ends
    /// soon, because no client uses it.
    Left { waiting: Option<String>, goes_on: bool },
    /// The session has ended.
    Ended,
    /// The session shows its dashboard in another terminal now, that of this process.
    TakenOver { by: u32 },
    /// Another reason, in a sentence.
    Refused(String),
}

/// An offer that a session has received.
#[derive(Debug)]
pub struct Offer {
    pub input: OwnedFd,
    pub output: OwnedFd,
    pub facts: TerminalFacts,
    pub connection: OwnedFd,
}

/// Offers a terminal to the session at `path`. Returns the connection, which is in blocking mode.
pub fn offer(
    path: &Path,
    (input, output): (BorrowedFd<'_>, BorrowedFd<'_>),
    facts: &TerminalFacts,
) -> io::Result<UnixStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let connection = runtime.block_on(socket::connect(path)).map_err(io::Error::other)?;
    let connection = runtime.block_on(async { connection.into_std() })?;
    let message = [GREETING, serde_json::to_string(facts)?.as_bytes()].concat();
    descriptor_passing::send(connection.as_fd(), &message, &[input, output])?;
    connection.set_nonblocking(false)?;
    Ok(connection)
}

/// Waits for the first bytes of a connection, which stay there. Returns whether they begin an offer.
pub async fn is_offer(connection: &tokio::net::UnixStream) -> bool {
    let look = || {
        let mut bytes = [0; GREETING.len()];
        let count = recv(connection.as_fd().as_raw_fd(), &mut bytes, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT)?;
        Ok(bytes[..count] == *GREETING)
    };
    connection.async_io(Interest::READABLE, look).await.unwrap_or(false)
}

/// Receives an offer.
pub async fn receive(connection: tokio::net::UnixStream) -> io::Result<Offer> {
    let receive = || descriptor_passing::receive(connection.as_fd(), false);
    let received = tokio::time::timeout(OFFER_TIMEOUT, connection.async_io(Interest::READABLE, receive)).await??;
    let (message, descriptors) = received.ok_or(io::ErrorKind::UnexpectedEof)?;
    let facts = message.strip_prefix(GREETING).ok_or(io::ErrorKind::InvalidData)?;
    let facts = serde_json::from_slice(facts)?;
    let [input, output] = <[OwnedFd; 2]>::try_from(descriptors).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Offer { input, output, facts, connection: connection.into_std()?.into() })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};

    use super::*;

    #[tokio::test]
    async fn an_offer_is_told_from_a_client_and_brings_the_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.sock");
        let listener = socket::listen(&path).unwrap();
        let mut facts = TerminalFacts { pid: 7, ..TerminalFacts::default() };
        facts.environment.insert("TERM".to_owned(), "xterm".to_owned());
        let (input, mut typed) = io::pipe().unwrap();
        let (mut shown, output) = io::pipe().unwrap();
        let (place, sent) = (path.clone(), facts.clone());
        let offering = std::thread::spawn(move || offer(&place, (input.as_fd(), output.as_fd()), &sent));
        let (connection, _) = listener.accept().await.unwrap();
        assert!(is_offer(&connection).await);
        let received = receive(connection).await.unwrap();
        drop(offering.join().unwrap().unwrap());
        assert_eq!(received.facts, facts);
        typed.write_all(b"x").unwrap();
        let mut key = [0];
        File::from(received.input).read_exact(&mut key).unwrap();
        assert_eq!(key, *b"x");
        drop(File::from(received.output).write_all(b"frame"));
        let mut frame = String::new();
        shown.read_to_string(&mut frame).unwrap();
        assert_eq!(frame, "frame");

        let mut client = UnixStream::connect(&path).unwrap();
        let (connection, _) = listener.accept().await.unwrap();
        client.write_all(b"{\"jsonrpc\": \"2.0\"}\n").unwrap();
        assert!(!is_offer(&connection).await);
        let mut bytes = [0; 4];
        connection.try_read(&mut bytes).unwrap();
        assert_eq!(&bytes, b"{\"js", "a client's bytes stay");
        let nobody = UnixStream::connect(&path).unwrap();
        let (connection, _) = listener.accept().await.unwrap();
        drop(nobody);
        assert!(!is_offer(&connection).await);
    }
}
