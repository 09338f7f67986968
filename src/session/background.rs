//! Slow work, on a thread of its own.

use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;

/// Starts `work` at once on a new thread. Returns `None` if the work panicked.
///
/// If the system grants no thread, the work runs here and now; tokio's pool would panic.
pub fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Option<T>> + Send + 'static {
    let (done, result) = oneshot::channel();
    let work: Box<dyn FnOnce() + Send> = Box::new(move || {
        let _ = done.send(work());
    });
    // A failed spawn would drop the work, so the thread gets the work only once it runs.
    let (hand_over, receiver) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
    let spawned =
        thread::Builder::new().name("background".to_owned()).spawn(move || receiver.recv().map(|work| work()));
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
    async fn background_work_resolves_even_if_it_panics() {
        assert_eq!(
            in_background(|| thread::current().name().map(str::to_owned)).await,
            Some(Some("background".to_owned()))
        );
        assert_eq!(in_background(|| -> u8 { panic!("on purpose") }).await, None);
    }
}
