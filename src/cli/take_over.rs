//! A dashboard takes over a session that bridges hold: what can be saved of its variables is, it ends in good order, and
//! goes on under the same name with the same transcript.

use std::io::{self, BufRead};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::resume::Resumed;
use crate::domain::{Restart, units};
use crate::launch::stop::{Stopped, stop};
use crate::session::SessionId;
use crate::session::discovery::paths::Paths;
use crate::session::discovery::registry;
use crate::session::discovery::registry::SessionEntry;
use crate::session::discovery::status;
use crate::session::discovery::status::{SessionStatus, StatusReply};

/// The checkpoint that takes the variables along.
const CHECKPOINT: &str = "handover";
/// What one may take: it has 1 GB at most.
const SAVING: Duration = Duration::from_secs(120);
/// What runs may take to stop.
const STOPPING: Duration = Duration::from_secs(10);
/// A session that is just starting says later that it is held.
const SETTLING: Duration = Duration::from_secs(1);

/// Clients that are named.
const NAMES: usize = 5;

/// A session that was held, and has ended.
#[derive(Debug)]
pub struct HandedOver {
    id: SessionId,
    name: String,
    /// The checkpoint with its variables, if there were any.
    pub checkpoint: Option<&'static str>,
}

impl HandedOver {
    pub fn resumed(self) -> Resumed {
        let rest = match self.checkpoint {
            Some(name) => format!("what could be saved of its variables comes back by %restore {name}"),
            None => "it had no variables that could be saved".to_owned(),
        };
        let how = format!("The person opened the dashboard, which took the session over. Python is new; {rest}.");
        let told = format!("session {} goes on here.", self.name);
        let restart = Restart { how, resumed: true, ..Restart::default() };
        Resumed { id: self.id, name: self.name, restart, told }
    }
}

/// Whether bridges hold the session that has this name.
pub fn is_held(name: &str) -> bool {
    let begun = Instant::now();
    loop {
        match record(name) {
            Some(SessionEntry { dashboard: None, .. }) if begun.elapsed() < SETTLING => {
                std::thread::sleep(Duration::from_millis(20));
            }
            found => return found.is_some_and(|record| record.held.is_some()),
        }
    }
}

fn record(name: &str) -> Option<SessionEntry> {
    registry::running().unwrap_or_default().into_iter().find(|record| record.name == name)
}

/// Ends the session `name`, which bridges hold. `before`: it was taken over already, and they held another meanwhile.
pub fn take_over(name: &str, before: Option<HandedOver>) -> anyhow::Result<HandedOver> {
    let Some(SessionEntry { held: Some(id), socket, .. }) = record(name) else {
        // It has just ended by itself.
        return before.ok_or_else(|| anyhow::anyhow!("session \"{name}\" has just ended; try again"));
    };
    let taken = match before {
        Some(before) => before,
        None => HandedOver { id, name: name.to_owned(), checkpoint: save(name, &socket)? },
    };
    match stop(&Paths::of_this_process(), name)? {
        Stopped::StillRuns(record, after) => anyhow::bail!(
            "session \"{name}\" (pid {}) was asked to end and still runs after {}. `fourhands stop {name}` kills it.",
            record.pid,
            units::duration(after)
        ),
        _ => Ok(taken),
    }
}

/// Saves the variables in a checkpoint, as far as they can be, and answers its name.
fn save(name: &str, socket: &Path) -> anyhow::Result<Option<&'static str>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let StatusReply::Live(live) = runtime.block_on(status::ask(socket)) else { return Ok(None) };
    super::tell(&format_args!("session {name} is held for {}; taking it over.", clients(&live)));
    if live.is_busy() {
        confirm(&live)?;
        if !runtime.block_on(interrupt(socket)) {
            super::tell(&"what runs does not stop, so the variables cannot be saved.");
            return Ok(None);
        }
    }
    if live.snippets == 0 {
        return Ok(None);
    }
    let arguments = json!({"code": format!("%checkpoint {CHECKPOINT}"), "title": "The person opens the dashboard",
        "timeout_s": SAVING.as_secs(), "wait_s": SAVING.as_secs()});
    let params = json!({"name": "run_python_code", "arguments": arguments});
    let result = runtime.block_on(status::request(socket, "tools/call", params, SAVING)).unwrap_or_default();
    let report = &result["structuredContent"];
    match (report["status"].as_str(), report["stdout"].as_str()) {
        (Some("ok"), Some(told)) => {
            super::tell(&told.trim_end());
            Ok(Some(CHECKPOINT))
        }
        _ if report["error"].to_string().contains("no variables") => Ok(None),
        _ => {
            let why = report["error"]["message"].as_str().unwrap_or("it did not answer in time");
            super::tell(&format_args!("its variables could not be saved: {why}"));
            Ok(None)
        }
    }
}

/// Ends all that runs and waits; `false` if it does not let itself be ended.
async fn interrupt(socket: &Path) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < STOPPING {
        match status::ask(socket).await {
            StatusReply::Live(live) if live.is_busy() => {
                if let Some(snippet) = live.running {
                    let params = json!({"name": "interrupt_snippet", "arguments": {"snippet": snippet}});
                    let _ = status::request(socket, "tools/call", params, STOPPING).await;
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
    if live.clients.is_empty() { "AI clients".to_owned() } else { super::listed(names, NAMES) }
}

/// What runs would be interrupted: the person says whether.
fn confirm(live: &SessionStatus) -> anyhow::Result<()> {
    let running = live.running.map_or_else(String::new, |snippet| format!("snippet {snippet} is running"));
    let queued = (live.queued > 0).then(|| format!("{} waiting", units::count(live.queued, "snippet")));
    let busy: Vec<String> = [Some(running).filter(|text| !text.is_empty()), queued].into_iter().flatten().collect();
    super::tell(&format_args!("{}. Enter interrupts that and goes on; Ctrl-C leaves it alone.", busy.join(", ")));
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        anyhow::bail!("the session was left alone");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_come_back_are_told_what_became_of_the_variables() {
        let taken = |checkpoint| HandedOver { id: SessionId::new(1), name: "work".to_owned(), checkpoint };
        let how = taken(Some(CHECKPOINT)).resumed().restart.how;
        assert!(how.ends_with("Python is new; what could be saved of its variables comes back by %restore handover."));
        assert!(taken(None).resumed().restart.how.ends_with("it had no variables that could be saved."));
    }
}
