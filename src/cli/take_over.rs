//! Taking over a session that bridges hold: a dashboard saves its variables as far as possible, ends it, and continues
//! it with the same name and transcript.

use std::io::{self, BufRead};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::resume::Resumed;
use crate::cli::output::{listed, warn};
use crate::domain::{Restart, units};
use crate::launch::stop::{Stopped, stop};
use crate::session::SessionId;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry::{self, SessionEntry};
use crate::session::discovery::status::{self, SessionStatus, StatusReply};

/// The checkpoint that carries the variables over.
const CHECKPOINT: &str = "handover";
/// The longest wait for a checkpoint, which has at most 1 GB.
const SAVE_TIMEOUT: Duration = Duration::from_secs(120);
/// The longest wait for running code to stop.
const INTERRUPT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait for a starting session to say that bridges hold it.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(1);

/// Clients that are named.
const MAX_NAMES: usize = 5;

/// A held session that has ended.
#[derive(Debug)]
pub struct HandedOver {
    id: SessionId,
    name: String,
    /// The checkpoint with the variables, if there were any.
    pub checkpoint: Option<&'static str>,
}

impl HandedOver {
    pub fn resumed(self) -> Resumed {
        let rest = match self.checkpoint {
            Some(name) => format!("the variables that could be saved are restored with %restore {name}"),
            None => "there were no variables to save".to_owned(),
        };
        let how = format!("The person opened the dashboard, which took the session over. Python is new; {rest}.");
        let summary = format!("session {} continues here.", self.name);
        let restart = Restart { how, resumed: true, ..Restart::default() };
        Resumed { id: self.id, name: self.name, restart, summary }
    }
}

/// Returns whether bridges hold the session of this name.
pub fn is_held(name: &str) -> bool {
    let begun = Instant::now();
    loop {
        match entry(name) {
            Some(SessionEntry { dashboard: None, .. }) if begun.elapsed() < DESCRIBE_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(20));
            }
            found => return found.is_some_and(|entry| entry.held.is_some()),
        }
    }
}

fn entry(name: &str) -> Option<SessionEntry> {
    registry::running().unwrap_or_default().into_iter().find(|entry| entry.name == name)
}

/// Ends the session `name`, which bridges hold. `before` is the session taken over in an earlier attempt, if bridges
/// were quicker to start another.
pub fn take_over(name: &str, before: Option<HandedOver>) -> anyhow::Result<HandedOver> {
    let Some(SessionEntry { held: Some(id), socket, .. }) = entry(name) else {
        // The session has just ended by itself.
        return before.ok_or_else(|| anyhow::anyhow!("session \"{name}\" has just ended; try again"));
    };
    let taken = match before {
        Some(before) => before,
        None => HandedOver { id, name: name.to_owned(), checkpoint: save(name, &socket)? },
    };
    match stop(&Paths::of_this_process(), name)? {
        Stopped::StillRuns(entry, after) => anyhow::bail!(
            "session \"{name}\" (pid {}) is still running {} after the request to end. `fourhands stop {name}` kills \
             it.",
            entry.pid,
            units::duration(after)
        ),
        _ => Ok(taken),
    }
}

/// Saves as many variables as possible in a checkpoint, and returns its name.
fn save(name: &str, socket: &Path) -> anyhow::Result<Option<&'static str>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let StatusReply::Live(live) = runtime.block_on(status::ask(socket)) else { return Ok(None) };
    warn(&format_args!("session {name} is in use by {}; taking it over.", clients(&live)));
    if live.is_busy() {
        confirm(&live)?;
        if !runtime.block_on(interrupt(socket)) {
            warn(&"the running code does not stop, so the variables cannot be saved.");
            return Ok(None);
        }
    }
    if live.snippets == 0 {
        return Ok(None);
    }
    let arguments = json!({"code": format!("%checkpoint {CHECKPOINT}"), "title": "The person opens the dashboard",
        "timeout_s": SAVE_TIMEOUT.as_secs(), "wait_s": SAVE_TIMEOUT.as_secs()});
    let params = json!({"name": "run_python_code", "arguments": arguments});
    let result = runtime.block_on(status::request(socket, "tools/call", params, SAVE_TIMEOUT)).unwrap_or_default();
    let report = &result["structuredContent"];
    match (report["status"].as_str(), report["stdout"].as_str()) {
        (Some("ok"), Some(summary)) => {
            warn(&summary.trim_end());
            Ok(Some(CHECKPOINT))
        }
        _ if report["error"].to_string().contains("no variables") => Ok(None),
        _ => {
            let why = report["error"]["message"].as_str().unwrap_or("it did not answer in time");
            warn(&format_args!("its variables could not be saved: {why}"));
            Ok(None)
        }
    }
}

/// Interrupts all running and waiting snippets; `false` if one does not stop.
async fn interrupt(socket: &Path) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < INTERRUPT_TIMEOUT {
        match status::ask(socket).await {
            StatusReply::Live(live) if live.is_busy() => {
                if let Some(snippet) = live.running {
                    let params = json!({"name": "interrupt_snippet", "arguments": {"snippet": snippet}});
                    let _ = status::request(socket, "tools/call", params, INTERRUPT_TIMEOUT).await;
                }
            }
            StatusReply::Live(_) => return true,
            StatusReply::Closed | StatusReply::Silent => return false,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

fn clients(live: &SessionStatus) -> String {
    let names = live.clients.iter().map(|client| &*client.name);
    if live.clients.is_empty() { "AI clients".to_owned() } else { listed(names, MAX_NAMES) }
}

/// Asks the person whether running code may be interrupted.
fn confirm(live: &SessionStatus) -> anyhow::Result<()> {
    let running = live.running.map_or_else(String::new, |snippet| format!("snippet {snippet} is running"));
    let queued = (live.queued > 0).then(|| format!("{} waiting", units::count(live.queued, "snippet")));
    let busy: Vec<String> = [Some(running).filter(|text| !text.is_empty()), queued].into_iter().flatten().collect();
    warn(&format_args!("{}. Press Enter to interrupt that and continue, Ctrl-C to cancel.", busy.join(", ")));
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        anyhow::bail!("cancelled; the session is unchanged");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_takeover_describes_the_fate_of_the_variables() {
        let taken = |checkpoint| HandedOver { id: SessionId::new(1), name: "work".to_owned(), checkpoint };
        let how = taken(Some(CHECKPOINT)).resumed().restart.how;
        assert!(how.ends_with("Python is new; the variables that could be saved are restored with %restore handover."));
        assert!(taken(None).resumed().restart.how.ends_with("there were no variables to save."));
    }
}
