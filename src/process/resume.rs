//! The past of a session that this process takes over, as the journal has it.

use crate::domain::SnippetId;
use crate::journal;
use crate::session::discovery::paths::Paths;
use crate::session::{SessionId, Startup};

/// Loads the past of a session. `last_run` is the last snippet that ran: number 0 if none did, `None` if that is not
/// known. Also returns a notice for the person if a part is missing.
pub fn load(id: &SessionId, last_run: Option<SnippetId>) -> (Startup, Option<String>) {
    let places = Paths::of_this_process();
    let (recorded, notice) = match journal::resume(&places, id) {
        Ok(Some(recorded)) => (Some(recorded), None),
        Ok(None) if last_run == Some(SnippetId(0)) => return (Startup::default(), None),
        Ok(None) => (None, Some("the transcript was not recorded, so it starts empty".to_owned())),
        Err(fault) => match journal::resume_end(&places, id) {
            Some(end) => (Some(end), Some(format!("only the end of the transcript could be restored: {fault}"))),
            None => (None, Some(format!("the transcript could not be restored: {fault}"))),
        },
    };
    let ran = last_run.unwrap_or(SnippetId(0));
    let Some(recorded) = recorded else {
        return (Startup { ran, is_whole: false, ..Startup::default() }, notice);
    };
    let journal::RecordedSession { session: known, transcript, former, calls } = recorded;
    // User code can overwrite the number in the flight recorder, so it is checked before the loop over all numbers.
    let may_have_all = ran.0 as usize <= transcript.entries().len();
    let has_all = may_have_all && (1..=ran.0).all(|number| transcript.has_snippet(SnippetId(number)));
    let is_whole = notice.is_none() && known.missed == 0 && has_all;
    (Startup { transcript, ran, is_whole, calls, former, ..Startup::default() }, notice)
}
