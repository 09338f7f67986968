//! The person's editor, on the terminal in the place of the dashboard. The guardian runs the editor, because the
//! terminal must be its controlling terminal. The session goes on meanwhile.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::terminal::Terminal;
use super::{child, signals};

/// The editor if the person has chosen none. Every system has it.
const DEFAULT_EDITOR: &str = "vi";

/// Returns the command line of the editor.
fn command() -> OsString {
    let chosen = |name| std::env::var_os(name).filter(|command| !command.is_empty());
    chosen("VISUAL").or_else(|| chosen("EDITOR")).unwrap_or_else(|| DEFAULT_EDITOR.into())
}

/// Opens `file`, in a process group that becomes the foreground job of the terminal.
pub fn start(file: &Path) -> io::Result<Pid> {
    // The shell splits command lines such as `code --wait` and `emacsclient -t`.
    let mut script = command();
    script.push(OsStr::new(" \"$@\""));
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(script).arg("fourhands").arg(file);
    child::spawn(shell, false, libc::STDIN_FILENO)
}

/// Stops the whole job after the person has stopped the editor. When the job continues, the editor has the terminal.
pub fn stop_with_job(editor: Pid, terminal: &mut Terminal) {
    terminal.take_back_from(editor);
    terminal.restore(false);
    signals::stop_job(Signal::SIGTSTP);
    while !terminal.is_ours() && !signals::is_urgent_signal_pending() && signals::stop_job(Signal::SIGTTIN) {}
    terminal.read_modes();
    terminal.lend_to(editor);
    let _ = killpg(editor, Signal::SIGCONT);
}

/// Returns why the edited file must not be used, if so.
pub fn refusal(status: ExitStatus) -> Option<String> {
    let command = command();
    let command = command.to_string_lossy();
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(126 | 127), _) => {
            Some(format!("`{command}` cannot be started; set $VISUAL or $EDITOR to an editor and restart fourhands"))
        }
        (Some(code), _) => Some(format!("`{command}` ended with exit code {code}; the input is unchanged")),
        (None, _) => Some(format!("`{command}` was killed; the input is unchanged")),
    }
}
