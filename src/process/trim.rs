//! The return of memory to the system after large snippets and much output, which glibc would keep for later ones.

use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use crate::domain::Event;
use crate::session::{SessionHandle, in_background};

/// Bytes of code, or of a value or error, above which memory is trimmed.
const LARGE_SNIPPET: usize = 1 << 20;
/// Bytes of output, of any number of snippets, above which memory is trimmed.
const MUCH_OUTPUT: usize = 16 << 20;
/// Delay after the end of a snippet, until nobody uses its memory any more.
const TRIM_DELAY: Duration = Duration::from_millis(500);

/// Trims memory until the session ends.
pub async fn trim_after_snippets(session: SessionHandle) {
    let Ok(mut events) = session.events().await else { return };
    drop(session);
    let (mut is_due, mut written) = (false, 0);
    loop {
        match events.recv().await.as_deref() {
            Ok(Event::Submitted { code, .. }) => is_due |= code.len() > LARGE_SNIPPET,
            Ok(Event::Output { chunk, .. }) => written += chunk.head.iter().map(|part| part.text.len()).sum::<usize>(),
            Ok(Event::Finished { outcome, .. }) => {
                if std::mem::take(&mut is_due) || outcome.size() > LARGE_SNIPPET || written > MUCH_OUTPUT {
                    written = 0;
                    tokio::time::sleep(TRIM_DELAY).await;
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
    // SAFETY: malloc_trim may be called at any time and from any thread.
    unsafe { libc::malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}
