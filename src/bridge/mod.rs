//! The stdio bridge that AI clients launch: it outlives the sessions it connects them to.
//!
//! A client such as Claude Desktop never restarts a server that has exited, so the bridge stays while its stdin is open.
//! It passes lines on and reads only their envelopes. While there is no session, a server in this process answers.

mod attached;
mod envelope;
pub mod environment;
mod executable;
mod finder;
#[cfg(test)]
mod fuzz;
mod handshake;
mod lines;
#[cfg(test)]
mod model;
mod pump;
mod relay;
mod requests;
mod starter;
mod stdio;
mod tmux;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::DuplexStream;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::domain::terminal_text::visible;
use crate::mcp::{self, Backend};
use crate::session::outlet::write_within;

pub use attached::Attached;
use finder::{Find, Finder};

/// What a word to the client's log may take.
const COMPLAINING: Duration = Duration::from_millis(300);

#[derive(Clone, Debug, Default)]
pub struct BridgeOptions {
    /// Name of the session to use; found by itself if there is none.
    pub session: Option<String>,
    /// Use this socket and look for no session.
    pub socket: Option<PathBuf>,
    /// Hold a session where there is none.
    pub serve: bool,
    /// Open the dashboard in a pane of tmux where there is none.
    pub tmux: bool,
    /// Of sessions that are started so.
    pub python: Option<PathBuf>,
    /// What a session that is held gets of the environment beside the usual; see [`environment::selected`].
    pub keep_env: Vec<String>,
}

/// Says why there is no session and what to do; looks again at each call.
pub type Advice = Arc<dyn Fn() -> String + Send + Sync>;

/// Serves MCP on a stream while there is no session. It ends when the stream does.
pub type OfflineServer = Arc<dyn Fn(DuplexStream) -> BoxFuture<'static, ()> + Send + Sync>;

/// Runs the bridge on stdin and stdout until stdin is closed.
pub fn run(options: BridgeOptions) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let finder = Arc::new(Finder::new(options));
    let ended = serve(&runtime, &finder);
    finder.leave();
    // A thread may still be blocked in a read of stdin.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("the client no longer reads: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Serves the client on stdin and stdout until it closes its end.
fn serve(runtime: &Runtime, finder: &Arc<Finder>) -> io::Result<()> {
    let looker = finder.clone();
    let offline = offline_server(Arc::new(move || format!("Nothing was run. {}", looker.advice())));
    runtime.block_on(async { pump::pump(stdio::input(), stdio::output(), &**finder, &offline).await })
}

/// The same server that a session has, with nothing behind its tools but the advice.
fn offline_server(advice: Advice) -> OfflineServer {
    Arc::new(move |stream| {
        let (reader, writer) = tokio::io::split(stream);
        let backend = Backend::Offline(advice.clone());
        Box::pin(mcp::serve_connection(reader, writer, backend, None, CancellationToken::new()))
    })
}

/// For the client's log. Never stdout: that is the protocol's.
fn complain(text: &str) {
    let text = format!("fourhands bridge: {}\n", visible(text));
    // Nobody may read it.
    let _ = write_within(io::stderr(), text.as_bytes(), COMPLAINING);
}
