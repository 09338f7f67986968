//! Work that may take its time, kept off the session's own thread.

use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;

/// Does `work` on a thread of its own, begun at once; `None` if it panicked.
///
/// Where the system grants no thread it is done here and now, since late is better than never; tokio's pool would panic.
pub fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Option<T>> + Send + 'static {
    let (done, result) = oneshot::channel();
    let work: Box<dyn FnOnce() + Send> = Box::new(move || {
        let _ = done.send(work());
    });
    // A thread that cannot be had would take the work with it, so it is handed over only then.
    let (hand_over, taken) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
    let spawned = thread::Builder::new().name("background".to_owned()).spawn(move || taken.recv().map(|work| work()));
    match spawned {
        Ok(_) => drop(hand_over.send(work)),
        Err(_) => work(),
    }
    async { result.await.ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_done_in_the_background_is_answered_even_if_it_panics() {
        assert_eq!(
            in_background(|| thread::current().name().map(str::to_owned)).await,
            Some(Some("background".to_owned()))
        );
        assert_eq!(in_background(|| -> u8 { panic!("on purpose") }).await, None);
    }
}
