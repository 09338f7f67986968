//! The audit events of CPython that report side effects.

/// An audit event that the session reads. Its name and arguments are those of CPython's "Audit events table".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditEvent {
    Open,
    Remove,
    RemoveTree,
    RemoveFolder,
    Rename,
    MakeFolder,
    Link,
    SymbolicLink,
    Truncate,
    ChangeMode,
    Popen,
    System,
    PosixSpawn,
    Spawn,
    PtySpawn,
    Exec,
    Fork,
    Connect,
    SendTo,
    Bind,
    Lookup,
    Kill,
    KillGroup,
    LoadLibrary,
    OpenSqlite,
    SetVariable,
    UnsetVariable,
    ChangeFolder,
}

impl AuditEvent {
    /// Returns the event of a name; `None` for the many that are no effects.
    pub fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"open" => Self::Open,
            b"os.remove" => Self::Remove,
            b"shutil.rmtree" => Self::RemoveTree,
            b"os.rmdir" => Self::RemoveFolder,
            b"os.rename" => Self::Rename,
            b"os.mkdir" => Self::MakeFolder,
            b"os.link" => Self::Link,
            b"os.symlink" => Self::SymbolicLink,
            b"os.truncate" => Self::Truncate,
            b"os.chmod" | b"os.chown" => Self::ChangeMode,
            b"subprocess.Popen" => Self::Popen,
            b"os.system" => Self::System,
            b"os.posix_spawn" => Self::PosixSpawn,
            b"os.spawn" => Self::Spawn,
            b"pty.spawn" => Self::PtySpawn,
            b"os.exec" => Self::Exec,
            b"os.fork" | b"os.forkpty" => Self::Fork,
            b"socket.connect" => Self::Connect,
            b"socket.sendto" | b"socket.sendmsg" => Self::SendTo,
            b"socket.bind" => Self::Bind,
            b"socket.getaddrinfo" => Self::Lookup,
            b"os.kill" => Self::Kill,
            b"os.killpg" => Self::KillGroup,
            b"ctypes.dlopen" => Self::LoadLibrary,
            b"sqlite3.connect" => Self::OpenSqlite,
            b"os.putenv" => Self::SetVariable,
            b"os.unsetenv" => Self::UnsetVariable,
            b"os.chdir" => Self::ChangeFolder,
            _ => return None,
        })
    }
}
