//! Faults of the session process itself: panics of any thread, and other failures that must not happen. They are
//! reported when the terminal is free again.

use std::os::fd::AsFd;
use std::time::Duration;

use parking_lot::Mutex;

use crate::domain::terminal_text::visible;
use crate::session::outlet::write_within;

/// How long a report may take.
const REPORT_TIMEOUT: Duration = Duration::from_secs(1);

static FAULTS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static CAUSE: Mutex<Option<String>> = Mutex::new(None);

pub fn record(fault: String) {
    FAULTS.lock().push(fault);
}

/// Records a fault of the surroundings, which the person can mend.
pub fn record_cause(cause: String) {
    *CAUSE.lock() = Some(cause);
}

/// Records panics of all threads from now on.
pub fn record_panics() {
    std::panic::set_hook(Box::new(|panic| record(panic.to_string())));
}

/// Returns a line for each recorded fault, and forgets them. A fault of the surroundings is the cause of all others.
pub fn take_report() -> String {
    let faults = std::mem::take(&mut *FAULTS.lock());
    if let Some(cause) = CAUSE.lock().take() {
        return format!("fourhands: the session cannot start: {}\n", visible(&cause));
    }
    let line = |fault: &String| {
        format!("fourhands: an internal error ended the session; please report it: {}\n", visible(fault))
    };
    faults.iter().map(line).collect()
}

/// Writes a report to stderr, which nobody may be reading.
pub fn write_report(stderr: impl AsFd, report: &str) {
    let _ = write_within(stderr, report.as_bytes(), REPORT_TIMEOUT);
}
