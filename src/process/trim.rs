//! What large snippets and much output took goes back to the system: by itself glibc would keep it for the next ones.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use crate::domain::Event;
use crate::session::{SessionHandle, in_background};

/// Bytes of code, or of values and errors, that are worth it.
const LARGE: usize = 1 << 20;
/// Bytes of output in many snippets that are.
const MUCH: usize = 16 << 20;
/// Until nobody needs them any more.
const SETTLED: Duration = Duration::from_millis(500);

/// Never ends before the session.
pub async fn give_back(session: SessionHandle) {
    let Ok(mut events) = session.events().await else { return };
    drop(session);
    let (mut is_due, mut written) = (false, 0);
    loop {
        match events.recv().await.as_deref() {
            Ok(Event::Submitted { code, .. }) => is_due |= code.len() > LARGE,
            Ok(Event::Output { chunk, .. }) => written += chunk.head.iter().map(|part| part.text.len()).sum::<usize>(),
            Ok(Event::Finished { outcome, .. }) => {
                if std::mem::take(&mut is_due) || outcome.size() > LARGE || written > MUCH {
                    written = 0;
                    tokio::time::sleep(SETTLED).await;
                    drop(in_background(trim));
                }
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code, reason = "glibc offers nothing else")]
fn trim() {
    // SAFETY: it may be called at any time and from any thread.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}
