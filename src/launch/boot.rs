//! What the guardian tells the session process at its start, and the link between the two while they live.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::ReplaySelection;
use crate::domain::{Author, Restart};
use crate::session::SessionId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// The dashboard on the terminal, MCP on the socket.
    Dashboard,
    /// A dashboard of plain lines on stdin and stdout, terminals or not, MCP on the socket.
    Plain,
    /// MCP on the socket, plain log lines on stdout.
    Serve,
}

impl Mode {
    /// Whether a person works in it.
    pub fn has_person(self) -> bool {
        matches!(self, Self::Dashboard | Self::Plain)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    pub mode: Mode,
    /// Names the session in the journal; the same for every process that takes it over.
    pub id: SessionId,
    /// Name of the session.
    pub name: String,
    /// Where to listen. What lies there may be removed: the guardian holds the name's lock.
    pub socket: PathBuf,
    /// Descriptor of the session process's end of the link, open at the start: a Unix stream socket that carries
    /// [`ToSession`] one way and [`ToGuardian`] the other, one JSON value on a line. EOF means the guardian is dead.
    pub link: i32,
    /// Descriptors of what 0, 1 and 2 must be, open at the start: until the engine runs, what Python says goes to the
    /// guardian (see [`super::first_words`]). `None` where they are that already.
    pub streams: Option<[i32; 3]>,
    /// Descriptor of the memory of [`super::recorder`], open at the start; `None` where there is none.
    pub recorder: Option<i32>,
    /// The process has no controlling terminal, so that nothing a snippet starts can reach the person's by /dev/tty. The
    /// dashboard then uses the terminal by descriptors that only its own table has.
    pub detached: bool,
    /// The session goes on after another process: [`ToSession::TakeOver`] is the first that comes over the link.
    pub takes_over: bool,
    /// What is to be run again first of all.
    pub replay: Option<ReplaySelection>,
    /// The checkpoint to be restored first of all.
    pub restore: Option<String>,
    /// The session ends when no client is left.
    pub until_unused: bool,
    /// What snippet code starts outlives this process, whatever the settings say.
    pub keep_processes: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToSession {
    /// Go on where the process before was ended.
    TakeOver(Restart),
    /// End in good order.
    Terminate,
    /// Interrupt what runs.
    Interrupt,
    /// Give the terminal back and stop (SIGSTOP) this process.
    Suspend,
    /// The person's editor has ended and the terminal is free again; with why nothing is to be taken over.
    Edited(Option<String>),
    /// The socket belongs here, and has to be made again unless it is there.
    Listen(PathBuf),
    /// The socket is lost and cannot be made again, for this reason.
    Unreachable(String),
    /// The terminal has another size. Only where the kernel does not tell the session process itself.
    Resized,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToGuardian {
    /// Python has come as far as the engine, which tells itself what is wrong from now on.
    Begun,
    /// The session has begun: clients can connect.
    Ready,
    /// Start another process on this session when this one has ended, as this author wants.
    Restart(Author),
    /// The session has ended in good order; its dashboard may still stand in front of a terminal that takes nothing.
    Ended,
    /// The terminal is in raw mode and shows the alternate screen.
    TerminalEntered,
    /// The terminal is as it was before.
    TerminalLeft,
    /// Open this file in the person's editor. The guardian reads it when it gets a SIGCHLD.
    Edit(PathBuf),
}
