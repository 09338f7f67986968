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
            "{problem}\nThis server connects by itself: once the session is up, the next call just works. Nothing has to be \
             restarted, unless the configuration is changed: the AI client must then start this server again."
        )
    }

    pub(super) fn advice_of_guarded(&self, record: &SessionEntry) -> String {
        if self.is_over() {
            return "The session of this server has ended, and the server ends with it. The AI client has to start it again."
                .to_owned();
        }
        let refusal = self.refusal.lock().clone();
        let text = refusal.or_else(|| self.trouble(record)).unwrap_or_else(|| {
            "The Python of this server's session does not answer: it is being started, or it was suspended. Once it \
             answers, the next call reaches it."
                .to_owned()
        });
        visible(&text).into_owned()
    }

    /// Returns why the session has no Python, if it has none, and asks its guardian for another start.
    fn trouble(&self, record: &SessionEntry) -> Option<String> {
        let trouble = record.trouble.as_deref()?;
        let _ = registry::request_another_start(&self.paths, record);
        Some(format!(
            "The fourhands session \"{}\" has no Python at the moment: {trouble}\nIt is asked to try another start \
             now, which takes some seconds. If that does not help, the person has to mend it.",
            record.name
        ))
    }

    /// Says why there is no connection, for each choice.
    pub(super) fn explain(&self, choice: &Choice, running: &[SessionEntry]) -> String {
        let refusal = self.refusal.lock().clone();
        match choice {
            Choice::Use(record) if refusal.is_some() => {
                format!("The fourhands session \"{}\" took no connection: {}", record.name, refusal.unwrap_or_default())
            }
            Choice::Use(record) => self.trouble(record).unwrap_or_else(|| {
                format!(
                    "The fourhands session \"{}\" in {} is starting, or it has stopped answering (pid {}). \
                     If that lasts, ask the person to look at its terminal.",
                    record.name,
                    record.cwd.display(),
                    record.pid
                )
            }),
            Choice::NotRunning(name) if registry::check_name(name).is_err() => {
                let rule = registry::check_name(name).err().map_or_else(String::new, |bad| bad.to_string());
                format!(
                    "No session can be reached: this server was told to use one by --session or FOURHANDS_SESSION, but \
                     {rule}. Ask the person to correct that in the AI client's configuration."
                )
            }
            Choice::NotRunning(name) => format!(
                "The fourhands session \"{name}\", which this server was told to use (--session or FOURHANDS_SESSION), \
                 is not running. Ask the person to start it: `fourhands --session {name}` in a terminal, in the \
                 folder to work in.{}",
                match running {
                    [] => String::new(),
                    _ => format!("\nRunning are:\n{}", list(running)),
                }
            ),
            Choice::Several => format!(
                "Several fourhands sessions are running, and none of them in this server's folder ({}) or above it:\n\
                 {}\nAsk the person which one to use. They choose it by adding `--session NAME` to the arguments of \
                 `fourhands bridge` in the AI client's configuration, or by setting FOURHANDS_SESSION=NAME in its \
                 environment there. Without that, they can start one for this server's folder (`fourhands` in a terminal \
                 there), or quit all but one.",
                self.cwd.display(),
                list(running)
            ),
            Choice::NoneRunning => {
                let place = match self.cwd.as_os_str().to_str() {
                    Some("/") | None => "in the folder to work in".to_owned(),
                    Some(folder) => format!("in the folder {folder}"),
                };
                format!(
                    "No fourhands session is running. Ask the person to start one: `fourhands` in a terminal, {place} \
                     (or `fourhands serve` there, to run without a dashboard)."
                )
            }
        }
    }
}

fn list(running: &[SessionEntry]) -> String {
    let lines: Vec<_> = running.iter().map(|record| format!("- {} ({})", record.name, record.cwd.display())).collect();
    lines.join("\n")
}
