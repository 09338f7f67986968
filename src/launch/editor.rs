//! The person's editor, on the terminal in the place of the dashboard. The guardian runs the editor, because the
//! terminal must be its controlling terminal. The session goes on meanwhile.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

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

/// Returns the chosen editor, and why it cannot be started, if the shell finds no program of its name. A command that
/// only the shell can read is taken for right.
pub fn check() -> (String, Option<String>) {
    let command = command().to_string_lossy().into_owned();
    let word = command.split_ascii_whitespace().next().unwrap_or_default();
    if word.contains(['"', '\'', '\\', '$', '`', '=', '(', ';', '&', '|']) {
        return (command, None);
    }
    let mut shell = Command::new("/bin/sh");
    // Not as an argument: the shell replaces `~`.
    shell.args(["-c", &format!("command -v -- {word}")]).stdin(Stdio::null()).stdout(Stdio::null());
    let is_missing = shell.stderr(Stdio::null()).status().is_ok_and(|status| !status.success());
    let fault = is_missing.then(|| not_found(&command));
    (command, fault)
}

/// Returns whether the person has chosen an editor.
pub fn is_chosen() -> bool {
    command() != DEFAULT_EDITOR
}

fn not_found(command: &str) -> String {
    format!("`{command}` cannot be started; set $VISUAL or $EDITOR to an editor and restart fourhands")
}

/// Returns why the edited file must not be used, if so.
pub fn refusal(status: ExitStatus) -> Option<String> {
    let command = command();
    let command = command.to_string_lossy();
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(126 | 127), _) => Some(not_found(&command)),
        (Some(code), _) => Some(format!("`{command}` ended with exit code {code}; the input is unchanged")),
        (None, _) => Some(format!("`{command}` was killed; the input is unchanged")),
    }
}
