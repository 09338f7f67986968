//! The client's log of this server, which is stderr. Stdout belongs to the protocol.

use std::io;
use std::time::Duration;

use crate::domain::terminal_text::visible;
use crate::session::outlet::write_within;

/// How long a write may take.
const WRITE_TIMEOUT: Duration = Duration::from_millis(300);

pub fn log(text: &str) {
    let text = format!("fourhands bridge: {}\n", visible(text));
    // Perhaps nobody reads the log.
    let _ = write_within(io::stderr(), text.as_bytes(), WRITE_TIMEOUT);
}
