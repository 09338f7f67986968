//! The parameters of a session process, and the messages of the link between guardian and session process.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::ReplaySelection;
use crate::domain::{Author, Gate, Restart, Rewind, SafePoint, Timestamp, Unattended};
use crate::session::SessionId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// The dashboard on the terminal, MCP on the socket.
    Dashboard,
    /// A dashboard of plain lines on stdin and stdout, MCP on the socket.
    Plain,
    /// MCP on the socket, plain log lines on stdout.
    Serve,
}

impl Mode {
    /// Returns whether the mode has an interface for a person.
    pub fn has_person(self) -> bool {
        matches!(self, Self::Dashboard | Self::Plain)
    }
}

/// The parameters of a session process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    pub mode: Mode,
    /// Id of the session in the journal, the same for all its processes.
    pub id: SessionId,
    /// Name of the session.
    pub name: String,
    /// The program, as clients start it.
    pub program: PathBuf,
    /// When the session began, which is before this process if that takes over.
    pub started_at: Timestamp,
    /// Where to listen. A file there may be removed, because the guardian holds the lock of the name.
    pub socket: PathBuf,
    /// Descriptor of the session process's end of the link, open at the start: a Unix stream socket with [`ToSession`]
    /// in one direction and [`ToGuardian`] in the other, one JSON value on a line. EOF means that the guardian is dead.
    pub link: i32,
    /// Descriptors that must become 0, 1 and 2, open at the start: until the engine runs, output goes to the guardian
    /// (see [`super::startup_output`]). `None` if 0, 1 and 2 are right already.
    pub streams: Option<[i32; 3]>,
    /// Descriptor of the memory of [`super::recorder`], open at the start, if there is one.
    pub recorder: Option<i32>,
    /// Descriptor of the socket for safe points (see [`crate::session::safe_point`]), open at the start, if the
    /// guardian can wake them.
    pub safe_points: Option<i32>,
    /// Whether the process has no controlling terminal, so that processes of snippets cannot reach the person's
    /// terminal by /dev/tty.
    pub detached: bool,
    /// Whether the process takes over from another: then [`ToSession::TakeOver`] is the first message on the link.
    pub takes_over: bool,
    /// What to replay first.
    pub replay: Option<ReplaySelection>,
    /// The gate, if the command line says it, or as it was in the process before.
    pub gate: Option<Gate>,
    /// What happens to code that would wait for the person while there is no dashboard; without it the settings say so.
    pub unattended: Option<Unattended>,
    /// Whether the session ends when no client is left.
    pub until_unused: bool,
    /// Whether processes of snippets outlive this process, whatever the settings say.
    pub keep_processes: bool,
    /// Whether this is a session of `fourhands demo`.
    pub is_demo: bool,
}

impl Boot {
    /// Replaces the number of each descriptor.
    pub fn map_descriptors(&mut self, number: impl Fn(i32) -> i32) {
        self.link = number(self.link);
        self.streams = self.streams.map(|streams| streams.map(&number));
        self.recorder = self.recorder.map(&number);
        self.safe_points = self.safe_points.map(&number);
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToSession {
    /// Take over from the process before.
    TakeOver(Restart),
    /// End in an orderly way.
    Terminate,
    /// Interrupt the running snippet.
    Interrupt,
    /// Release the terminal and stop this process (SIGSTOP).
    Suspend,
    /// The person's editor has ended and the terminal is free. Has a reason if the edited file must not be used.
    Edited(Option<String>),
    /// Listen here; create the socket if it is missing.
    Listen(PathBuf),
    /// The socket is lost and cannot be restored, for this reason.
    Unreachable(String),
    /// The safe points that can be woken now, the newest last.
    SafePoints(Vec<SafePoint>),
    /// The terminal has another size. Sent because the kernel does not signal a detached session process.
    Resized,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToGuardian {
    /// Python has reached the engine, which reports problems itself from now on.
    Begun,
    /// The session is ready: clients can connect.
    Ready,
    /// Start another process when this one has ended; this author requested it.
    Restart(Author),
    /// Wake a safe point when this process has ended; this author requested it.
    Rewind(Author, Rewind),
    /// Rewinds are chosen among these safe points from now on. The guardian reads it when it gets a SIGCHLD.
    SafePointsKnown(Vec<SafePoint>),
    /// The session has ended in an orderly way. The dashboard may still wait for a terminal that takes no output.
    Ended,
    /// The terminal is in raw mode and shows the alternate screen.
    TerminalEntered,
    /// The terminal is restored.
    TerminalLeft,
    /// The gate was changed to this, for the process that follows. It lacks the code that is always allowed.
    Gate(Gate),
    /// Open this file in the person's editor. The guardian reads it when it gets a SIGCHLD.
    Edit(PathBuf),
}
