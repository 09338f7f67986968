//! The person's own editor, on the terminal in the place of the dashboard. The guardian runs it, because only a process
//! with the terminal as its controlling one can stand in the foreground; the session goes on meanwhile.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use nix::unistd::Pid;

use super::child;

/// What is started where nothing was chosen; every system has it.
const DEFAULT: &str = "vi";

/// The person's choice, as a command line.
fn command() -> OsString {
    let chosen = |name| std::env::var_os(name).filter(|command| !command.is_empty());
    chosen("VISUAL").or_else(|| chosen("EDITOR")).unwrap_or_else(|| DEFAULT.into())
}

/// Opens `file`, in a group of its own that is the terminal's foreground job.
pub fn start(file: &Path) -> io::Result<Pid> {
    // The shell takes it apart: `code --wait`, `emacsclient -t`.
    let mut script = command();
    script.push(OsStr::new(" \"$@\""));
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(script).arg("fourhands").arg(file);
    child::spawn(shell, false, libc::STDIN_FILENO)
}

/// Why what it left is not to be taken over.
pub fn refusal(status: ExitStatus) -> Option<String> {
    let command = command();
    let command = command.to_string_lossy();
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(126 | 127), _) => Some(format!(
            "`{command}` cannot be started; set $VISUAL or $EDITOR to an editor, and start fourhands again"
        )),
        (Some(code), _) => Some(format!("`{command}` ended with exit code {code}, so the input is as it was")),
        (None, _) => Some(format!("`{command}` was killed, so the input is as it was")),
    }
}
