//! fourhands on another machine, which a client reaches by ssh.

use std::process::Command;
use std::time::Duration;

use crate::clients::{self, ServerEntry};

/// ssh must not ask, since nobody would answer, and must not wait for a host that is away: a lost connection ends
/// within 45 s.
const OPTIONS: [&str; 9] = [
    "-T",
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=15",
    "-o",
    "ServerAliveInterval=15",
    "-o",
    "ServerAliveCountMax=3",
];

/// For the connection, the shell of the host and its files. With `BatchMode` ssh asks nothing that takes time.
const LIMIT: Duration = Duration::from_secs(30);

/// Prints the path of the program. Commands of ssh often lack the folders that shells for people have on PATH.
const FIND: &str = "exec sh -c 'command -v fourhands || for at in \"$HOME/.local/bin\" \"$HOME/.cargo/bin\"; do \
                    if test -x \"$at/fourhands\"; then echo \"$at/fourhands\"; exit; fi; done'";

/// Returns the command by which a client starts the bridge on `host`.
///
/// # Errors
/// If the host cannot be reached or has no fourhands, as sentences for the person.
pub fn entry(host: &str, bridge: &[String]) -> Result<ServerEntry, String> {
    if host.is_empty() || host.starts_with('-') || host.contains(char::is_whitespace) {
        return Err(format!("{host:?} is no host; give it as ssh takes it, such as user@server"));
    }
    let program = find(host)?;
    let mut args: Vec<String> = OPTIONS.iter().map(|option| (*option).to_owned()).collect();
    args.extend([host.to_owned(), quoted(&program)]);
    args.extend(bridge.iter().map(|word| quoted(word)));
    Ok(ServerEntry { command: "ssh".to_owned(), args })
}

fn find(host: &str) -> Result<String, String> {
    let mut ssh = Command::new("ssh");
    let output = clients::output_within(ssh.args(OPTIONS).args([host, FIND]), LIMIT);
    let output = output.map_err(|error| format!("ssh cannot be started: {error}; install the OpenSSH client"))?;
    let Some(output) = output else {
        return Err(format!(
            "ssh did not answer from {host} within {} s and was stopped. `ssh {host} true` must end by itself: try it in a \
             terminal",
            LIMIT.as_secs()
        ));
    };
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    // The exit code of ssh itself.
    if output.status.code() == Some(255) {
        return Err(format!(
            "ssh cannot reach {host}: {said}. `ssh {host}` must log in without a question: use a key or an agent, and \
             accept the key of the host once"
        ));
    }
    // A shell that greets may have printed more.
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let program = text.lines().rev().map(str::trim).find(|line| line.starts_with('/') && line.ends_with("/fourhands"));
    program.map(str::to_owned).ok_or_else(|| {
        format!(
            "{host} has no fourhands, neither on the PATH of ssh nor in ~/.local/bin or ~/.cargo/bin. Install it there, \
             as on this machine"
        )
    })
}

/// Quotes a word for the shell of the host, to which ssh passes its arguments as one line.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_no_option_and_paths_are_one_word_for_its_shell() {
        for host in ["", "-oProxyCommand=x", "a b"] {
            assert!(entry(host, &[]).unwrap_err().contains("is no host"), "{host:?}");
        }
        assert_eq!(quoted("/home/ada/.local/bin/fourhands"), "/home/ada/.local/bin/fourhands");
        assert_eq!(quoted("/home/it's me/fourhands"), r"'/home/it'\''s me/fourhands'");
    }
}
