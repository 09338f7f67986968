//! The advice of the bridge: why there is no session, and what to do.

use super::finder::Finder;
use super::session_source::SessionSource;
use super::starter::Starter;
use crate::domain::terminal_text::visible;
use crate::session::discovery::registry::{self, SessionEntry};
use crate::session::discovery::select::Choice;

impl Finder {
    /// Adds to the problem what became of a start, and how the client goes on.
    pub(super) fn remedy(&self, problem: &str) -> String {
        let problem = match self.starter.as_ref().and_then(Starter::status) {
            Some(status) => format!("{problem}\n{status}"),
            None => problem.to_owned(),
        };
        // Folder names may contain anything, and people and models read this.
        let problem = visible(&problem);
        format!(
            "{problem}\nThis server reconnects by itself: once the session is up, the next call works. Restart the \
             server in the AI client only after a change of its configuration."
        )
    }

    pub(super) fn advice_of_guarded(&self, record: &SessionEntry) -> String {
        if self.is_over() {
            return "The session of this server has ended, and the server with it. Restart the server in the AI client."
                .to_owned();
        }
        let refusal = self.refusal.lock().clone();
        let text = refusal.or_else(|| self.trouble(record)).unwrap_or_else(|| {
            "The Python of this server's session does not answer: it is starting, or it is suspended. The next call \
             works once it answers."
                .to_owned()
        });
        visible(&text).into_owned()
    }

    /// Returns why the session has no Python, if it has none, and asks its guardian for another start.
    fn trouble(&self, record: &SessionEntry) -> Option<String> {
        let trouble = record.trouble.as_deref()?;
        let _ = registry::request_another_start(&self.paths, record);
        Some(format!(
            "The fourhands session \"{}\" has no Python: {trouble}\nA new start was requested just now and takes a few \
             seconds. If that fails too, the person has to fix the cause.",
            record.name
        ))
    }

    /// Says why there is no connection, for each choice.
    pub(super) fn explain(&self, choice: &Choice, running: &[SessionEntry]) -> String {
        let refusal = self.refusal.lock().clone();
        match choice {
            Choice::Use(record) if refusal.is_some() => {
                format!(
                    "The fourhands session \"{}\" refused the connection: {}",
                    record.name,
                    refusal.unwrap_or_default()
                )
            }
            Choice::Use(record) => self.trouble(record).unwrap_or_else(|| {
                format!(
                    "The fourhands session \"{}\" in {} is starting or does not respond (pid {}). If this continues, \
                     ask the person to check its terminal.",
                    record.name,
                    record.cwd.display(),
                    record.pid
                )
            }),
            Choice::NotRunning(name) if registry::check_name(name).is_err() => {
                let rule = registry::check_name(name).err().map_or_else(String::new, |bad| bad.to_string());
                format!(
                    "This server cannot find its session, because the name in --session or FOURHANDS_SESSION is wrong: \
                     {rule}. Ask the person to correct it in the AI client's configuration."
                )
            }
            Choice::NotRunning(name) => format!(
                "The fourhands session \"{name}\" (set by --session or FOURHANDS_SESSION) is not running. Ask the \
                 person to run `fourhands --session {name}` in a terminal, in their project folder.{}",
                match running {
                    [] => String::new(),
                    _ => format!("\nRunning sessions:\n{}", list(running)),
                }
            ),
            Choice::Several => format!(
                "Several fourhands sessions are running, but none in this server's folder ({}) or a parent \
                 folder:\n{}\nAsk the person which one to use. They can add `--session NAME` to the arguments of \
                 `fourhands bridge` in the AI client's configuration, set FOURHANDS_SESSION=NAME in its environment, \
                 run `fourhands` in this server's folder, or quit all sessions but one.",
                self.cwd.display(),
                list(running)
            ),
            Choice::NoneRunning => {
                let place = match self.cwd.as_os_str().to_str() {
                    Some("/") | None => "in their project folder".to_owned(),
                    Some(folder) => format!("in the folder {folder}"),
                };
                format!(
                    "No fourhands session is running. Ask the person to run `fourhands` in a terminal, {place} (or \
                     `fourhands serve` there, for a session without a dashboard)."
                )
            }
        }
    }
}

fn list(running: &[SessionEntry]) -> String {
    let lines: Vec<_> = running.iter().map(|record| format!("- {} ({})", record.name, record.cwd.display())).collect();
    lines.join("\n")
}
